//! Records a step: five functions, one for each of its five steps, which take down the values of the public functions.

use super::quantity::Quantity;
use super::value::{Value, ValueId};
use super::{Computation, Stage, Trace, TraceEvent};
use crate::activation::Elementwise;
use crate::backward::{Deltas, carry_back, gradients, output_error, through_activation};
use crate::error::Result;
use crate::forward::{Cache, forward};
use crate::kernel::Scalar;
use crate::kernel::Threads;
use crate::loss::{Loss, Targets};
use crate::matrix::Matrix;
use crate::mode::Mode;
use crate::network::Network;
use crate::optimizer::{Optimizer, Rule};
use crate::parameters::{Gradients, Parameters};
use crate::samples::Samples;

/// Traces one step on `samples`: the values are those of the five public functions.
///
/// ```
/// use chainrule::*;
/// let network = Network::builder(2).dense(3, Activation::Tanh).dense(1, Activation::Identity).build()?;
/// let parameters = network.initialize::<f64>(1);
/// let (inputs, wanted) = (Matrix::from_rows(&[[0.5, -1.0]]), Matrix::from_rows(&[[0.3]]));
/// let samples = Samples { inputs: inputs.view().into(), targets: Targets::from(&wanted), sample_weights: None };
/// let rule = Rule::from_name("sgd")?;
/// let trace = trace(&network, &parameters, &Loss::HalfSquaredError, samples, &rule, Mode::Inference)?;
/// // Two dense layers, six events each.
/// assert_eq!(trace.events.len(), 12);
/// assert_eq!(trace.events[0].operation.name(), "affine");
/// assert_eq!(trace.value("delta.1".parse()?).unwrap().shape, [1, 3]);
/// # Ok::<(), chainrule::Error>(())
/// ```
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
    let cache = forward(network, parameters, samples.inputs.to_matrix().view(), mode)?;
    let mut optimizer = Optimizer::new(rule.clone(), parameters)?;
    let given = given(network, parameters, samples.targets, &cache);
    let live_bytes = given.iter().map(|value| size_of_val(&value.values[..])).sum();
    let mut recorder = Recorder { network, parameters, mode, events: Vec::new(), live_bytes };
    recorder.forward(&cache);
    let output_delta = recorder.output_error(&cache, loss, samples)?;
    let deltas = recorder.backward(&cache, output_delta);
    let gradients = recorder.gradients(&cache, &deltas)?;
    recorder.update(&mut optimizer, &gradients)?;
    Ok(Trace { given, events: recorder.events })
}

/// What is there before the step.
fn given<T: Scalar>(
    network: &Network,
    parameters: &Parameters<T>,
    targets: Targets<'_, T>,
    cache: &Cache<T>,
) -> Vec<Value<T>> {
    let mut given = vec![matrix(Quantity::Activation.of(0), cache.activation(0))];
    given.push(match targets {
        Targets::Values(values) => matrix(ValueId::TARGET, &values.to_matrix()),
        Targets::Classes(classes) => {
            let values = classes.iter().map(|&class| T::from_f64(f64::from(class))).collect();
            Value { id: ValueId::TARGET, shape: vec![classes.len()], values }
        }
    });
    for l in 1..=network.depth() {
        given.extend(tensors(parameters, l, Quantity::Parameter));
    }
    given
}

struct Recorder<'a, T: Scalar> {
    network: &'a Network,
    parameters: &'a Parameters<T>,
    mode: Mode,
    events: Vec<TraceEvent<T>>,
    live_bytes: usize,
}

impl<T: Scalar> Recorder<'_, T> {
    /// Step 1: z(l) and a(l) of each layer.
    fn forward(&mut self, cache: &Cache<T>) {
        for l in 1..=self.network.depth() {
            if self.passes_on(l) {
                continue;
            }
            let layer = &self.network.layers()[l - 1];
            let mut operands = vec![self.activation_of(l - 1)];
            operands.extend(self.tensor_ids(l, Quantity::Parameter));
            let (z, a) = (Quantity::PreActivation.of(l), Quantity::Activation.of(l));
            let operation = Computation::Forward(layer.kind().operations().0);
            if layer.activation().is_none() {
                let output = matrix(a, cache.activation(l));
                self.add(Stage::Forward, l, operation, operands, vec![output]);
                continue;
            }
            let output = matrix(z, cache.pre_activation(l));
            self.add(Stage::Forward, l, operation, operands, vec![output]);
            let output = matrix(a, cache.activation(l));
            self.add(Stage::Forward, l, Computation::Activation, vec![z], vec![output]);
        }
    }

    /// Step 2: the loss and delta(L). Gives delta(L).
    fn output_error(&mut self, cache: &Cache<T>, loss: &Loss, samples: Samples<'_, T>) -> Result<Matrix<T>> {
        let Samples { targets, sample_weights, .. } = samples;
        let error = output_error(self.network, cache, loss, targets, sample_weights)?;
        let last = self.network.depth();
        let operands = vec![Quantity::PreActivation.of(last), Quantity::Activation.of(last), ValueId::TARGET];
        let value = Value { id: ValueId::LOSS, shape: vec![], values: vec![T::from_f64(error.loss)] };
        self.add(Stage::OutputError, last, Computation::Loss, operands.clone(), vec![value]);
        let (z, a) = (cache.pre_activation(last), cache.output());
        let sigma = self.network.output_activation();
        let by_output = match sigma.elementwise() {
            Some(function) if !loss.has_short_form(sigma) => loss
                .derivative_by_output(sigma, z.view(), a.view(), targets, sample_weights)?
                .map(|by_output| (by_output, slopes(function, z, a))),
            _ => None,
        };
        let mut outputs = vec![matrix(Quantity::Delta.of(last), &error.delta)];
        if let Some((by_output, slopes)) = by_output {
            outputs.push(matrix(Quantity::Error.of(last), &by_output));
            outputs.push(matrix(Quantity::Slope.of(last), &slopes));
        }
        self.add(Stage::OutputError, last, Computation::OutputDelta, operands, outputs);
        Ok(error.delta)
    }

    /// Step 3: the error carried back to each hidden layer, and its delta.
    fn backward(&mut self, cache: &Cache<T>, output_delta: Matrix<T>) -> Deltas<T> {
        let (network, parameters) = (self.network, self.parameters);
        let mut deltas = vec![output_delta];
        for l in (1..network.depth()).rev() {
            let mut delta = carry_back(network, parameters, cache, l, &deltas[deltas.len() - 1]);
            // Nobody reads what comes to layers that have no parameters below them.
            let is_read = l >= network.first_with_parameters();
            if is_read && !self.passes_on(l + 1) {
                self.carried_back(l, &delta);
            }
            through_activation(network, cache, l, &mut delta);
            let sigma = network.layers()[l - 1].activation().and_then(|sigma| sigma.elementwise());
            if let (true, Some(sigma)) = (is_read, sigma) {
                let operands = vec![Quantity::Error.of(l), Quantity::PreActivation.of(l)];
                let slopes = slopes(sigma, cache.pre_activation(l), cache.activation(l));
                let outputs =
                    vec![matrix(Quantity::Delta.of(l), &delta), matrix(Quantity::Slope.of(l), &slopes)];
                self.add(Stage::Backward, l, Computation::Delta, operands, outputs);
            }
            deltas.push(delta);
        }
        deltas.reverse();
        Deltas::from(deltas)
    }

    /// What layer l + 1 carries back to layer l: dLoss/da(l).
    fn carried_back(&mut self, l: usize, error: &Matrix<T>) {
        let kind = self.network.layers()[l].kind();
        let mut operands = vec![self.delta_of(l + 1)];
        operands.extend(self.tensor_ids(l + 1, Quantity::Parameter).take(kind.backward_tensors()));
        if kind.backward_reads_input() {
            operands.push(self.activation_of(l));
        }
        let output = matrix(self.error_of(l), error);
        let layer = self.error_of(l).layer;
        self.add(Stage::Backward, layer, Computation::Backward(kind.operations().1), operands, vec![output]);
    }

    /// Step 4: the gradients of each layer.
    fn gradients(&mut self, cache: &Cache<T>, deltas: &Deltas<T>) -> Result<Gradients<T>> {
        let gradients = gradients(self.network, self.parameters, cache, deltas)?;
        for l in self.layers_with_parameters() {
            let operands = vec![self.delta_of(l), self.activation_of(l - 1)];
            let outputs = tensors(&gradients, l, Quantity::Gradient);
            self.add(Stage::Gradients, l, Computation::Gradients, operands, outputs);
        }
        Ok(gradients)
    }

    /// Step 5: the parameters of each layer after the update.
    fn update(&mut self, optimizer: &mut Optimizer<T>, gradients: &Gradients<T>) -> Result<()> {
        let mut updated = self.parameters.clone();
        optimizer.update(&Threads::single(), &mut updated, gradients)?;
        for l in self.layers_with_parameters() {
            let old = self.tensor_ids(l, Quantity::Parameter);
            let used = self.tensor_ids(l, Quantity::Gradient);
            let operands = old.chain(used).collect();
            let outputs = tensors(&updated, l, Quantity::Updated);
            self.add(Stage::Update, l, Computation::Update, operands, outputs);
        }
        Ok(())
    }

    /// Whether the layer does nothing in this pass.
    fn passes_on(&self, l: usize) -> bool {
        self.mode == Mode::Inference && self.network.layers()[l - 1].is_for_training_only()
    }

    /// The layer at or below l, from which on nothing is done up to l.
    fn source_of(&self, l: usize) -> usize {
        (1..=l).rev().find(|&l| !self.passes_on(l)).unwrap_or(0)
    }

    /// a(l), by the name of the layer that made it.
    fn activation_of(&self, l: usize) -> ValueId {
        Quantity::Activation.of(self.source_of(l))
    }

    /// dLoss/da(l), by the name of the layer that made a(l).
    fn error_of(&self, l: usize) -> ValueId {
        Quantity::Error.of(self.source_of(l))
    }

    /// delta(l), which is dLoss/da(l) where there is no sigma.
    fn delta_of(&self, l: usize) -> ValueId {
        let is_error = l < self.network.depth() && self.network.layers()[l - 1].activation().is_none();
        if is_error { self.error_of(l) } else { Quantity::Delta.of(l) }
    }

    fn layers_with_parameters(&self) -> impl Iterator<Item = usize> + use<T> {
        let network = self.network;
        let layers: Vec<_> =
            (1..=network.depth()).filter(|&l| !network.layer_tensors(l).is_empty()).collect();
        layers.into_iter()
    }

    /// The values of that quantity that belong to a layer's tensors, one for each.
    fn tensor_ids(
        &self,
        l: usize,
        quantity: fn(usize) -> Quantity,
    ) -> impl Iterator<Item = ValueId> + use<T> {
        (0..self.network.layer_tensors(l).len()).map(move |number| quantity(number).of(l))
    }

    fn add(
        &mut self,
        stage: Stage,
        layer: usize,
        operation: Computation,
        operands: Vec<ValueId>,
        outputs: Vec<Value<T>>,
    ) {
        self.live_bytes += outputs.iter().map(|value| size_of_val(&value.values[..])).sum::<usize>();
        let (id, shape, live_bytes) = (self.events.len(), outputs[0].shape.clone(), self.live_bytes);
        self.events.push(TraceEvent { id, stage, layer, operation, operands, shape, outputs, live_bytes });
    }
}

/// sigma'(z) of every element.
fn slopes<T: Scalar>(sigma: Elementwise, z: &Matrix<T>, a: &Matrix<T>) -> Matrix<T> {
    let mut slopes = z.clone();
    for (slope, &a) in slopes.as_mut_slice().iter_mut().zip(a.as_slice()) {
        *slope = sigma.derivative(*slope, a);
    }
    slopes
}

fn matrix<T: Scalar>(id: ValueId, matrix: &Matrix<T>) -> Value<T> {
    Value { id, shape: vec![matrix.rows(), matrix.columns()], values: matrix.as_slice().to_vec() }
}

/// The tensors of a layer, each by its number.
fn tensors<T: Scalar>(
    parameters: &Parameters<T>,
    l: usize,
    quantity: fn(usize) -> Quantity,
) -> Vec<Value<T>> {
    let tensors = parameters.layer_tensors(l).iter().enumerate();
    tensors
        .map(|(number, tensor)| Value {
            id: quantity(number).of(l),
            shape: tensor.shape(),
            values: parameters.tensor(tensor).to_vec(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::initialization::Start;
    use crate::parameters::{ParameterLayout, TensorRequest};

    /// None of today's kinds has more than two.
    #[test]
    fn all_tensors_of_a_layer_are_recorded() {
        let vector = |name, length| TensorRequest::vector(name, length, Start::Constant(0.0));
        let requests = vec![vector("scale", 2), vector("frequency", 3), vector("phase", 4)];
        let parameters = Parameters::<f64>::zeros(ParameterLayout::new([requests].into_iter()).into());
        let values = tensors(&parameters, 1, Quantity::Updated);
        let names: Vec<_> = values.iter().map(|value| value.id.to_string()).collect();
        assert_eq!(names, ["updated_weight.1", "updated_bias.1", "updated_parameter_2.1"]);
        let lengths: Vec<_> = values.iter().map(|value| (value.shape.clone(), value.values.len())).collect();
        assert_eq!(lengths, [(vec![2], 2), (vec![3], 3), (vec![4], 4)]);
    }
}
