//! What is looked at: one training step, its trace with everything it started from.

use std::sync::Arc;

use chainrule::optimizer::Sgd;
use chainrule::trace::Trace;
use chainrule::{Loss, Matrix, Mode, Network, Parameters, Rule, Samples, Targets, trace};

use crate::ledger::{Part, part};

/// One step of plain gradient descent, traced in f64.
#[derive(Clone, Debug)]
pub struct Step {
    /// The network; dropout layers let everything pass.
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
        let rule = Rule::Sgd(Sgd { learning_rate, ..Sgd::default() });
        let samples = Samples {
            inputs: inputs.view().into(),
            targets: Targets::Values(targets.view()),
            sample_weights: None,
        };
        let trace = trace(&network, &parameters, &loss, samples, &rule, Mode::Inference)?;
        Ok(Step { network, parameters, loss, inputs, targets, learning_rate, trace })
    }

    /// What it holds, part by part; its parameters and its batch are the document's.
    pub(crate) fn parts(self: &Arc<Self>) -> impl Iterator<Item = Part> + use<> {
        let numbers = |matrix: &Arc<Matrix<f64>>| part(matrix, size_of_val(matrix.as_slice()));
        let of_values: usize = self.trace.values().map(|value| 200 + size_of_val(&value.values[..])).sum();
        let of_words: usize = self.trace.events.iter().map(|event| 500 + event.sentence.len()).sum();
        [
            part(self, of_values + of_words),
            part(&self.parameters, self.parameters.bytes()),
            numbers(&self.inputs),
            numbers(&self.targets),
        ]
        .into_iter()
    }
}
