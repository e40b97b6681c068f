//! What is looked at: one training step, its trace with everything it started from.

use std::sync::Arc;

use chainrule::optimizer::Sgd;
use chainrule::trace::{Quantity, Trace, TraceEvent};
use chainrule::{Loss, Matrix, Mode, Network, Parameters, Rule, Samples, Targets, trace};

use crate::ledger::{Part, part};
use crate::refusal::Refusal;
use crate::sentences::Sentences;

/// One step of plain gradient descent, traced in f64.
#[derive(Clone, Debug)]
pub struct Step {
    /// The network.
    pub network: Network,
    /// W and b before the update.
    pub parameters: Arc<Parameters<f64>>,
    /// The loss.
    pub loss: Loss,
    /// a(0), [B, n_0].
    pub inputs: Arc<Matrix<f64>>,
    /// [B, n_L]; classes as one-hot rows.
    pub targets: Arc<Matrix<f64>>,
    /// eta in W - eta dW.
    pub learning_rate: f64,
    /// Every value of the step.
    pub trace: Trace<f64>,
}

impl Step {
    /// Traces the step.
    ///
    /// # Errors
    /// When shapes do not fit or a number is out of range.
    pub fn new(
        network: Network,
        parameters: Arc<Parameters<f64>>,
        loss: Loss,
        inputs: Arc<Matrix<f64>>,
        targets: Arc<Matrix<f64>>,
        learning_rate: f64,
    ) -> chainrule::Result<Step> {
        let samples = samples(&inputs, &targets);
        let trace = trace(&network, &parameters, &loss, samples, &descent(learning_rate), Mode::Inference)?;
        Ok(Step { network, parameters, loss, inputs, targets, learning_rate, trace })
    }

    /// The parameters after its update.
    ///
    /// # Errors
    /// When its trace is that of another network.
    pub(crate) fn updated_parameters(&self) -> Result<Parameters<f64>, Refusal> {
        let mut parameters = (*self.parameters).clone();
        for l in 1..=self.network.depth() {
            for (number, tensor) in self.network.layer_tensors(l).iter().enumerate() {
                let name = Quantity::Updated(number).of(l);
                let value = self.trace.value(name);
                let value = value.ok_or_else(|| Refusal::Invalid(format!("the step has no {name}")))?;
                parameters.set_tensor(tensor, &value.values)?;
            }
        }
        Ok(parameters)
    }

    /// The batch.
    pub(crate) fn samples(&self) -> Samples<'_, f64> {
        samples(&self.inputs, &self.targets)
    }

    /// An event of its trace in words.
    pub fn sentence(&self, event: &TraceEvent<f64>) -> String {
        let (rule, samples) = (descent(self.learning_rate), self.samples());
        Sentences { network: &self.network, loss: &self.loss, samples, rule: &rule }.of(event)
    }

    /// What it holds, part by part; its parameters and its batch are the document's.
    pub(crate) fn parts(self: &Arc<Self>) -> impl Iterator<Item = Part> + use<> {
        let numbers = |matrix: &Arc<Matrix<f64>>| part(matrix, size_of_val(matrix.as_slice()));
        let of_values: usize = self.trace.values().map(|value| 200 + size_of_val(&value.values[..])).sum();
        let of_words = 500 * self.trace.events.len();
        [
            part(self, of_values + of_words),
            part(&self.parameters, self.parameters.bytes()),
            numbers(&self.inputs),
            numbers(&self.targets),
        ]
        .into_iter()
    }
}

fn descent(learning_rate: f64) -> Rule {
    Rule::Sgd(Sgd { learning_rate, ..Sgd::default() })
}

fn samples<'a>(inputs: &'a Matrix<f64>, targets: &'a Matrix<f64>) -> Samples<'a, f64> {
    let targets = Targets::Values(targets.view());
    Samples { inputs: inputs.view().into(), targets, sample_weights: None }
}
