//! The events of a step in words: one sentence each.

use crate::words::{counted, readable, shown};
use chainrule::trace::{Computation, Quantity, TraceEvent, ValueId};
use chainrule::{Layer, Loss, Network, Rule, Samples, Scalar, Targets};

/// What the sentences of a step are about.
pub struct Sentences<'a, T> {
    /// The network of the step.
    pub network: &'a Network,
    /// Its loss.
    pub loss: &'a Loss,
    /// Its batch.
    pub samples: Samples<'a, T>,
    /// What moves its parameters.
    pub rule: &'a Rule,
}

impl<T: Scalar> Sentences<'_, T> {
    /// The sentence of one of the step's events.
    pub fn of(&self, event: &TraceEvent<T>) -> String {
        let l = event.layer;
        match event.operation {
            Computation::AFFINE => self.affine(event),
            Computation::Forward("dropout") => {
                let before = event.operands.first().map_or_else(String::new, ValueId::to_string);
                format!("Dropout zeroes some of {before} at random and scales up the others.")
            }
            Computation::Forward(_) => self.formula(l, |layer| layer.formulas().forward.to_owned()),
            Computation::Activation => {
                let sigma = self.activation(l);
                format!("Layer {l}: {sigma} turns each z into an activation: a({l}) = {sigma}(z({l})).")
            }
            Computation::Loss => format!(
                "The loss ({}) compares the output a({}) with the target y{}.",
                readable(self.loss.name()),
                self.network.depth(),
                match self.samples.inputs.rows() {
                    1 => String::new(),
                    count => format!(", as a mean over {count} samples"),
                }
            ),
            Computation::OutputDelta => self.output_delta(l),
            Computation::CARRY_BACK => {
                let above = event.operands.first().map_or(0, |delta| delta.layer);
                format!(
                    "The error signal of layer {above} goes back through the transposed weights: e({}) = \
                     W({above})^T delta({above}).",
                    above - 1
                )
            }
            Computation::Backward("dropout") => {
                "Dropout lets the error pass where it let the signal pass.".to_owned()
            }
            Computation::Backward(_) => {
                let above = event.operands.first().map_or(0, |error| error.layer);
                self.formula(above, |layer| layer.formulas().backward.to_owned())
            }
            Computation::Delta => format!(
                "Layer {l}: multiplied by the slope of {} at z({l}), it is the layer's own error signal: delta({l}) = \
                 e({l}) .* sigma'(z({l})).",
                self.activation(l)
            ),
            Computation::Gradients => self.gradients(l),
            Computation::Update => {
                let mover = if self.rule.name() == "sgd" { "gradient descent" } else { self.rule.name() };
                let how = match (mover, self.layer(l)) {
                    ("gradient descent", Some(Layer::Dense(_))) => format!(": W({l}) - eta dW({l})"),
                    _ => String::new(),
                };
                let rate = shown(self.rule.learning_rate());
                format!("Layer {l}: {mover} moves the parameters against their gradients{how}, eta = {rate}.")
            }
        }
    }

    fn layer(&self, l: usize) -> Option<&Layer> {
        self.network.layers().get(l.wrapping_sub(1))
    }

    fn activation(&self, l: usize) -> String {
        self.layer(l)
            .and_then(Layer::activation)
            .map_or("identity".to_owned(), |sigma| readable(sigma.name()))
    }

    /// A formula of a kind of layer that has no sentence of its own.
    fn formula(&self, l: usize, formula: impl Fn(&Layer) -> String) -> String {
        let Some(layer) = self.layer(l) else { return format!("Layer {l}.") };
        let formula =
            formula(layer).replace("(l-1)", &format!("({})", l - 1)).replace("(l)", &format!("({l})"));
        format!("Layer {l} ({}): {formula}.", layer.name().replace('_', " "))
    }

    fn affine(&self, event: &TraceEvent<T>) -> String {
        let l = event.layer;
        let has_bias = event.operands.iter().any(|operand| operand.quantity == Quantity::BIAS);
        let before = event.operands.first().map_or(0, |input| input.layer);
        format!(
            "Layer {l}: each of {} adds up its {}{}: z({l}) = W({l}) a({before}){}.",
            counted(self.network.width(l), "neuron", "neurons"),
            counted(self.network.width(l - 1), "weighted input", "weighted inputs"),
            if has_bias { " and its bias" } else { "" },
            if has_bias { format!(" + b({l})") } else { String::new() },
        )
    }

    fn output_delta(&self, l: usize) -> String {
        let output = self.network.output_activation();
        if let Some(form) = ShortForm::of(self.loss, output, self.samples) {
            return format!("Output error: for this loss and output, delta({l}) is {}.", form.words());
        }
        let through = match output {
            chainrule::Activation::Softmax => "softmax's matrix of derivatives",
            _ => "sigma'",
        };
        format!(
            "Output error: delta({l}) = dLoss/dz({l}) is the derivative of the loss by a({l}), carried through {through}."
        )
    }

    fn gradients(&self, l: usize) -> String {
        let summed = match self.samples.inputs.rows() {
            1 => String::new(),
            count => format!(", summed over {count} samples"),
        };
        match self.layer(l) {
            Some(Layer::Dense(_)) => format!(
                "Layer {l}: each weight's gradient is delta at its end times a at its start{summed}: \
                 dW({l}) = delta({l}) a({})^T.",
                l - 1
            ),
            _ => self.formula(l, |layer| layer.formulas().gradients.join("; ")),
        }
    }
}

/// A formula of layer l with its number.
pub(crate) fn in_layer(l: usize, formula: &str) -> String {
    formula.replace("(l-1)", &format!("({})", l.saturating_sub(1))).replace("(l)", &format!("({l})"))
}

/// Targets of a sample whose sum is as near to 1 count as a distribution: rounding may take them so far, also in f32.
const SUM: f64 = 1e-5;

/// delta(L) where loss and output activation cancel: prediction minus target, with what cross-entropy's options, weights, and
/// targets that do not sum to 1 add to it.
pub(crate) struct ShortForm {
    /// What the loss counts as the target.
    pub(crate) target: &'static str,
    /// Whether the counted targets of each sample sum to 1; otherwise the prediction is times their sum.
    pub(crate) sums_to_one: bool,
    has_sample_weights: bool,
    has_weights_by_class: bool,
}

impl ShortForm {
    /// The short form, if there is one for this loss and output.
    pub(crate) fn of<T: Scalar>(
        loss: &Loss,
        output: chainrule::Activation,
        samples: Samples<'_, T>,
    ) -> Option<ShortForm> {
        if !loss.has_short_form(output) {
            return None;
        }
        let (smoothed, weighted) = match loss {
            Loss::CrossEntropy { label_smoothing, class_weights } => {
                (*label_smoothing > 0.0, class_weights.is_some())
            }
            _ => (false, false),
        };
        let sums_to_one = match (loss, samples.targets) {
            (Loss::CrossEntropy { .. }, Targets::Values(values)) => (0..values.rows()).all(|i| {
                let row = values.row(i).iter().enumerate();
                let counted = row.map(|(k, &y)| loss.counted_target(y, k, values.columns()).as_f64());
                (counted.sum::<f64>() - 1.0).abs() < SUM
            }),
            _ => !weighted,
        };
        let target = match (smoothed, weighted) {
            (false, false) => "target",
            (true, false) => "smoothed target",
            (false, true) => "target times its class's weight",
            (true, true) => "smoothed target times its class's weight",
        };
        let has_weights_by_class = weighted && matches!(samples.targets, Targets::Classes(_));
        let has_sample_weights = samples.sample_weights.is_some();
        Some(ShortForm { target, sums_to_one, has_sample_weights, has_weights_by_class })
    }

    /// What delta(L) is.
    fn words(&self) -> String {
        let ShortForm { target, .. } = self;
        let prediction = match self.sums_to_one {
            true => "the prediction".to_owned(),
            false => format!("the prediction, times the sum over all classes of the {target},"),
        };
        let mean = match (self.has_sample_weights, self.has_weights_by_class) {
            (false, false) => "over the batch size",
            (true, _) => "times the sample's weight, over the sum of all weights",
            (false, true) => "over the sum of the samples' class weights",
        };
        format!("{prediction} minus the {target}, {mean}")
    }
}
