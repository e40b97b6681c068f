//! One step as a list of events with every value in it, for people who want to look.
//!
//! A network of L dense layers gives 6L events: z and a of each layer (2L), the loss, delta(L), the error
//! carried back and delta of each hidden layer (2(L-1)), the gradients (L) and the updates (L). All
//! deltas come first and then all gradients; updates are computed from the parameters before the update.
//! Where delta(l) is dLoss/da(l) times sigma'(z(l)), the slopes sigma'(z(l)) are an output of the same event;
//! at the output, where no other event computes dLoss/da(L), it is one too.
//! Layers are numbered l = 1..L among the dense ones. Dropout adds an event forward and one
//! backward, if the trace is of a training pass; otherwise it does nothing and is left out.

use std::path::Path;

use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

use crate::activation::{Activation, Elementwise};
use crate::backward::{Deltas, carry_back, gradients, output_error, through_activation};
use crate::error::Result;
use crate::forward::{Mode, forward};
use crate::kernel::Scalar;
use crate::layer::Layer;
use crate::loss::{Loss, Targets};
use crate::matrix::Matrix;
use crate::network::Network;
use crate::optimizer::{Optimizer, Rule, update};
use crate::parameters::Parameters;
use crate::step::Samples;
use crate::tensor_file::{NamedTensor, write};

/// Which of the five steps an event belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Step 1.
    Forward,
    /// Step 2.
    OutputError,
    /// Step 3.
    Backward,
    /// Step 4.
    Gradients,
    /// Step 5.
    Update,
}

/// What an event computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// z(l) = a(l-1) W(l)^T + b(l)
    Affine,
    /// a(l) = sigma(z(l))
    Activation,
    /// The mask of a dropout layer, forward or backward.
    Dropout,
    /// The batch's loss.
    Loss,
    /// delta(L)
    OutputDelta,
    /// W(l+1)^T delta(l+1), as a row: delta(l+1) W(l+1)
    CarryBack,
    /// delta(l) = (W(l+1)^T delta(l+1)) * sigma'(z(l))
    Delta,
    /// dW(l) = delta(l)^T a(l-1), db(l) = the column sums of delta(l)
    Gradients,
    /// W(l) and b(l) after the optimizer's step
    Update,
}

/// A named matrix, vector or number.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(bound = "")]
pub struct Value<T: Scalar> {
    /// Such as `z.1`, `weight_gradient.2` or `loss`.
    pub name: String,
    /// `[rows, columns]`, `[length]`, or `[]` for one number.
    pub shape: Vec<usize>,
    /// The numbers, row by row. In JSON, NaN and infinities are strings.
    #[serde(serialize_with = "numbers")]
    pub values: Vec<T>,
}

/// One operation of the step.
#[derive(Clone, Debug, Serialize)]
#[serde(bound = "")]
pub struct Event<T: Scalar> {
    /// The event's place in the trace, from 0.
    pub id: usize,
    /// Which of the five steps.
    pub phase: Phase,
    /// The dense layer, from 1.
    pub layer: usize,
    /// What is computed.
    pub operation: Operation,
    /// The names of the values it reads.
    pub operands: Vec<String>,
    /// The shape of the first output.
    pub shape: Vec<usize>,
    /// What is computed. With a delta come the slopes that it took, and with delta(L) what they were
    /// multiplied by; with what is computed for a weight comes the same for the layer's bias, if it has one.
    pub outputs: Vec<Value<T>>,
    /// Bytes of all values that exist after the event, when nothing is dropped: parameters, inputs,
    /// and what the events so far have computed.
    pub live_bytes: usize,
    /// The event in words.
    pub sentence: String,
}

/// One step: what it starts from, and its events.
#[derive(Clone, Debug, Serialize)]
#[serde(bound = "")]
pub struct Trace<T: Scalar> {
    /// `a.0`, `target`, and `weight.l` and `bias.l` for each layer.
    pub given: Vec<Value<T>>,
    /// The events, in order.
    pub events: Vec<Event<T>>,
}

impl<T: Scalar> Trace<T> {
    /// The value of that name.
    pub fn value(&self, name: &str) -> Option<&Value<T>> {
        self.values().find(|value| value.name == name)
    }

    /// Every value: those given, then those computed.
    pub fn values(&self) -> impl Iterator<Item = &Value<T>> {
        self.given.iter().chain(self.events.iter().flat_map(|event| &event.outputs))
    }

    /// Writes every value as a tensor of its name into a safetensors file.
    ///
    /// # Errors
    /// When the system refuses.
    #[inline(never)]
    pub fn save_tensors(&self, path: &Path) -> Result<()> {
        let tensors = self.values().map(|value| NamedTensor {
            name: value.name.clone(),
            shape: value.shape.clone(),
            values: &value.values,
        });
        write(path, tensors, None)
    }

    /// The loss before the update.
    pub fn loss(&self) -> f64 {
        self.value("loss").map_or(f64::NAN, |value| value.values[0].as_f64())
    }
}

fn numbers<T: Scalar, S: Serializer>(values: &[T], serializer: S) -> Result<S::Ok, S::Error> {
    let mut sequence = serializer.serialize_seq(Some(values.len()))?;
    for value in values {
        match value.as_f64() {
            finite if finite.is_finite() && T::NAME == "F64" => sequence.serialize_element(&finite)?,
            finite if finite.is_finite() => sequence.serialize_element(&(finite as f32))?,
            nan if nan.is_nan() => sequence.serialize_element("NaN")?,
            infinite if infinite > 0.0 => sequence.serialize_element("Infinity")?,
            _ => sequence.serialize_element("-Infinity")?,
        }
    }
    sequence.end()
}

/// Traces one step on `samples`: the values are those of the five public functions.
///
/// # Errors
/// When shapes do not fit or a hyperparameter is out of range.
#[inline(never)]
pub fn trace<T: Scalar>(
    network: &Network,
    parameters: &Parameters<T>,
    loss: &Loss,
    samples: Samples<'_, T>,
    rule: &Rule,
    mode: Mode,
) -> Result<Trace<T>> {
    let Samples { inputs, targets, sample_weights } = samples;
    let cache = forward(network, parameters, inputs.to_matrix().view(), mode)?;
    let mut optimizer = Optimizer::new(rule.clone(), parameters)?;
    let training = matches!(mode, Mode::Training { .. });
    let names = Names::new(network, training);
    let depth = network.depth();
    let batch = inputs.rows();
    let mut recorder = Recorder { events: Vec::new(), live_bytes: 0 };

    let mut given = vec![matrix("a.0".to_owned(), cache.activation(0))];
    given.push(match targets {
        Targets::Values(values) => matrix("target".to_owned(), &values.to_matrix()),
        Targets::Classes(classes) => {
            let values = classes.iter().map(|&class| T::from_f64(f64::from(class))).collect();
            Value { name: "target".to_owned(), shape: vec![classes.len()], values }
        }
    });
    for l in names.dense_layers() {
        given.extend(parameter_values(parameters, l, "weight", "bias", names.dense[l]));
    }
    recorder.live_bytes = given.iter().map(|value| size_of_val(&value.values[..])).sum();

    let shown = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    for l in 1..=depth {
        let (number, n_in, n_out) = (names.dense[l], network.width(l - 1), network.width(l));
        let before = names.activation[l - 1].clone();
        let Layer::Dense(dense) = &network.layers()[l - 1] else {
            if training {
                let sentence = format!("Dropout zeroes some of {before} at random and scales up the others.");
                let output = matrix(names.activation[l].clone(), cache.activation(l));
                recorder.add(
                    Phase::Forward,
                    number,
                    Operation::Dropout,
                    vec![before],
                    vec![output],
                    sentence,
                );
            }
            continue;
        };
        let mut operands = vec![before.clone(), format!("weight.{number}")];
        let with_bias = if dense.bias { " and its bias" } else { "" };
        operands.extend(dense.bias.then(|| format!("bias.{number}")));
        let sentence = format!(
            "Layer {number}: each of {} adds up its {}{with_bias}: z({number}) = W({number}) a({}){}.",
            shown(n_out, "neuron", "neurons"),
            shown(n_in, "weighted input", "weighted inputs"),
            number - 1,
            if dense.bias { format!(" + b({number})") } else { String::new() },
        );
        let z = matrix(format!("z.{number}"), cache.pre_activation(l));
        recorder.add(Phase::Forward, number, Operation::Affine, operands, vec![z], sentence);
        let sentence =
            format!("Layer {number}: {} turns each z into an activation a.", dense.activation.name());
        let a = matrix(format!("a.{number}"), cache.activation(l));
        let operands = vec![format!("z.{number}")];
        recorder.add(Phase::Forward, number, Operation::Activation, operands, vec![a], sentence);
    }

    let error = output_error(network, &cache, loss, targets, sample_weights)?;
    let last = names.dense[depth];
    let operands = vec![format!("z.{last}"), format!("a.{last}"), "target".to_owned()];
    let value = Value { name: "loss".to_owned(), shape: vec![], values: vec![T::from_f64(error.loss)] };
    let sentence = format!(
        "The loss ({}) compares the output with the target, as a mean over {}.",
        loss.name().replace('_', " "),
        shown(batch, "sample", "samples")
    );
    recorder.add(Phase::OutputError, last, Operation::Loss, operands.clone(), vec![value], sentence);
    let (z, a) = (cache.pre_activation(depth), cache.output());
    let output = network.output_activation();
    let direct = loss.has_short_form(output);
    let by_output = match output.elementwise() {
        Some(sigma) if !direct => loss
            .derivative_by_output(output, z.view(), a.view(), targets, sample_weights)?
            .map(|by_output| (by_output, slopes(sigma, z, a))),
        _ => None,
    };
    let sentence = match (direct, output) {
        (true, _) => direct_sentence(loss, targets, sample_weights.is_some(), last),
        (false, Activation::Softmax) => format!(
            "Output error: delta({last}) is the derivative of the loss by a({last}), carried through \
             softmax's matrix of derivatives."
        ),
        (false, _) => format!(
            "Output error: delta({last}) is the derivative of the loss by a({last}), carried through sigma'."
        ),
    };
    let mut outputs = vec![matrix(format!("delta.{last}"), &error.delta)];
    if let Some((by_output, slopes)) = by_output {
        outputs.push(matrix(format!("error.{last}"), &by_output));
        outputs.push(matrix(format!("slope.{last}"), &slopes));
    }
    recorder.add(Phase::OutputError, last, Operation::OutputDelta, operands, outputs, sentence);

    let mut deltas = vec![error.delta];
    for l in (1..depth).rev() {
        let mut delta = carry_back(network, parameters, &cache, l, &deltas[deltas.len() - 1]);
        let (number, above) = (names.dense[l], names.dense[l + 1]);
        let error_name = names.error[l].clone();
        match &network.layers()[l] {
            // Nobody reads the error of the inputs.
            _ if number == 0 => {}
            Layer::Dense(_) => {
                let operands = vec![format!("delta.{above}"), format!("weight.{above}")];
                let sentence = format!(
                    "The error signal of layer {above} goes back through the transposed weights: W({above})^T delta({above})."
                );
                let value = matrix(error_name.clone(), &delta);
                recorder.add(Phase::Backward, number, Operation::CarryBack, operands, vec![value], sentence);
            }
            Layer::Dropout(_) if training => {
                let operands = vec![names.error[l + 1].clone()];
                let sentence = "Dropout lets the error pass where it let the signal pass.".to_owned();
                let value = matrix(error_name.clone(), &delta);
                recorder.add(Phase::Backward, number, Operation::Dropout, operands, vec![value], sentence);
            }
            Layer::Dropout(_) => {}
        }
        through_activation(network, &cache, l, &mut delta);
        if let Layer::Dense(dense) = &network.layers()[l - 1] {
            let operands = vec![error_name, format!("z.{number}")];
            let sentence = format!(
                "Layer {number}: multiplied by the slope of {} at z({number}), it is the layer's own error signal delta({number}).",
                dense.activation.name()
            );
            let sigma = dense.activation.elementwise().expect("no hidden layer has softmax");
            let slopes = slopes(sigma, cache.pre_activation(l), cache.activation(l));
            let outputs =
                vec![matrix(format!("delta.{number}"), &delta), matrix(format!("slope.{number}"), &slopes)];
            recorder.add(Phase::Backward, number, Operation::Delta, operands, outputs, sentence);
        }
        deltas.push(delta);
    }
    deltas.reverse();

    let gradients = gradients(network, &cache, &Deltas::from(deltas))?;
    for l in names.dense_layers() {
        let number = names.dense[l];
        let operands = vec![format!("delta.{number}"), names.activation[l - 1].clone()];
        let sentence = format!(
            "Layer {number}: each weight's gradient is the error signal at its end times the activation at its start, \
             summed over {}.",
            shown(batch, "sample", "samples")
        );
        let outputs = parameter_values(&gradients, l, "weight_gradient", "bias_gradient", number);
        recorder.add(Phase::Gradients, number, Operation::Gradients, operands, outputs, sentence);
    }

    let mut updated = parameters.clone();
    update(&mut optimizer, &mut updated, &gradients)?;
    for l in names.dense_layers() {
        let number = names.dense[l];
        let old = parameter_values(parameters, l, "weight", "bias", number);
        let used = parameter_values(&gradients, l, "weight_gradient", "bias_gradient", number);
        let operands = old.into_iter().chain(used).map(|value| value.name).collect();
        let mover = if rule.name() == "sgd" { "gradient descent" } else { rule.name() };
        let sentence = format!(
            "Layer {number}: {mover} moves the parameters against their gradients, learning rate {}.",
            rule.learning_rate()
        );
        let outputs = parameter_values(&updated, l, "updated_weight", "updated_bias", number);
        recorder.add(Phase::Update, number, Operation::Update, operands, outputs, sentence);
    }
    Ok(Trace { given, events: recorder.events })
}

/// The short form of delta(L), with what cross-entropy's options, weights, and targets not summing to 1 add.
fn direct_sentence<T: Scalar>(
    loss: &Loss,
    targets: Targets<'_, T>,
    has_sample_weights: bool,
    last: usize,
) -> String {
    let (smoothed, class_weighted) = match loss {
        Loss::CrossEntropy { label_smoothing, class_weights } => {
            (*label_smoothing > 0.0, class_weights.is_some())
        }
        _ => (false, false),
    };
    let sums_to_one = match (loss, targets) {
        (Loss::CrossEntropy { .. }, Targets::Values(values)) => (0..values.rows()).all(|i| {
            let sum: f64 = values.row(i).iter().map(|y| y.as_f64()).sum();
            (sum - 1.0).abs() < 1e-5
        }),
        _ => true,
    };
    let target = match (smoothed, class_weighted) {
        (false, false) => "target",
        (true, false) => "smoothed target",
        (false, true) => "target times its class's weight",
        (true, true) => "smoothed target times its class's weight",
    };
    let prediction = match (class_weighted, sums_to_one) {
        (false, true) => "the prediction".to_owned(),
        _ => format!("the prediction, times the sum over all classes of the {target},"),
    };
    let by_class = class_weighted && matches!(targets, Targets::Classes(_));
    let mean = match (has_sample_weights, by_class) {
        (false, false) => "over the batch size",
        (true, _) => "times the sample's weight, over the sum of all weights",
        (false, true) => "over the sum of the samples' class weights",
    };
    format!(
        "Output error: for this loss and output, delta({last}) is {prediction} minus the {target}, {mean}."
    )
}

/// sigma'(z) of every element.
fn slopes<T: Scalar>(sigma: Elementwise, z: &Matrix<T>, a: &Matrix<T>) -> Matrix<T> {
    let mut slopes = z.clone();
    for (slope, &a) in slopes.as_mut_slice().iter_mut().zip(a.as_slice()) {
        *slope = sigma.derivative(*slope, a);
    }
    slopes
}

/// How layers and values are called.
struct Names {
    /// The number of the dense layer at, or else next below, each layer of the network.
    dense: Vec<usize>,
    is_dense: Vec<bool>,
    /// The name of each layer's output.
    activation: Vec<String>,
    /// The name of dLoss/d(output) of each layer.
    error: Vec<String>,
}

impl Names {
    fn new(network: &Network, training: bool) -> Self {
        let mut names = Names {
            dense: vec![0],
            is_dense: vec![false],
            activation: vec!["a.0".to_owned()],
            error: vec!["error.0".to_owned()],
        };
        for (index, layer) in network.layers().iter().enumerate() {
            let is_dense = matches!(layer, Layer::Dense(_));
            let number = names.dense[index] + usize::from(is_dense);
            names.dense.push(number);
            names.is_dense.push(is_dense);
            let (activation, error) = match layer {
                Layer::Dense(_) => (format!("a.{number}"), format!("error.{number}")),
                Layer::Dropout(_) if training => {
                    (format!("dropout.{}", index + 1), format!("dropout_error.{}", index + 1))
                }
                Layer::Dropout(_) => (names.activation[index].clone(), names.error[index].clone()),
            };
            names.activation.push(activation);
            names.error.push(error);
        }
        names
    }

    fn dense_layers(&self) -> impl Iterator<Item = usize> {
        (1..self.is_dense.len()).filter(|&l| self.is_dense[l])
    }
}

struct Recorder<T: Scalar> {
    events: Vec<Event<T>>,
    live_bytes: usize,
}

impl<T: Scalar> Recorder<T> {
    fn add(
        &mut self,
        phase: Phase,
        layer: usize,
        operation: Operation,
        operands: Vec<String>,
        outputs: Vec<Value<T>>,
        sentence: String,
    ) {
        self.live_bytes += outputs.iter().map(|value| size_of_val(&value.values[..])).sum::<usize>();
        let (id, shape, live_bytes) = (self.events.len(), outputs[0].shape.clone(), self.live_bytes);
        self.events.push(Event {
            id,
            phase,
            layer,
            operation,
            operands,
            shape,
            outputs,
            live_bytes,
            sentence,
        });
    }
}

fn matrix<T: Scalar>(name: String, matrix: &Matrix<T>) -> Value<T> {
    let shape = vec![matrix.rows(), matrix.columns()];
    Value { name, shape, values: matrix.as_slice().to_vec() }
}

/// The weight and, if there is one, the bias of network layer l, named after dense layer `number`.
fn parameter_values<T: Scalar>(
    parameters: &Parameters<T>,
    l: usize,
    weight: &str,
    bias: &str,
    number: usize,
) -> Vec<Value<T>> {
    let mut values = vec![matrix(format!("{weight}.{number}"), &parameters.weight(l).to_matrix())];
    if let Some(numbers) = parameters.bias(l) {
        let (name, shape) = (format!("{bias}.{number}"), vec![numbers.len()]);
        values.push(Value { name, shape, values: numbers.to_vec() });
    }
    values
}
