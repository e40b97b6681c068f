//! The byte ledger: what a training step holds, tensor by tensor, known before anything is allocated.

use std::fmt;

use serde::Serialize;

use crate::step::ArenaTensor;

/// What a tensor is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Purpose {
    /// W(l) and b(l).
    Parameters,
    /// What the update rule keeps from step to step.
    OptimizerState,
    /// dW(l) and db(l) of all layers, where they are kept to the end of a step.
    Gradients,
    /// What the forward pass leaves for the backward pass, at the moment when most is held.
    States,
    /// Error signals, and what is computed beside them, at that moment.
    Deltas,
    /// Memory of each thread's own, for a block of rows or a part of a gradient.
    Scratch,
    /// The losses of the samples.
    Losses,
    /// A copy of the parameters that a run keeps.
    KeptParameters,
    /// Which samples a batch has, and their targets.
    Batch,
    /// Predictions, where a run measures itself.
    Evaluation,
}

impl fmt::Display for Purpose {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Purpose::Parameters => "parameters",
            Purpose::OptimizerState => "optimizer state",
            Purpose::Gradients => "gradients",
            Purpose::States => "states",
            Purpose::Deltas => "deltas",
            Purpose::Scratch => "scratch",
            Purpose::Losses => "losses",
            Purpose::KeptParameters => "best parameters",
            Purpose::Batch => "batch",
            Purpose::Evaluation => "predictions",
        })
    }
}

/// One tensor.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LedgerEntry {
    /// What it is for.
    pub purpose: Purpose,
    /// Its name, such as `layers.0.weight` or `state of layer 3`.
    pub name: String,
    /// Bytes, the padding to the next cache line included.
    pub bytes: u64,
}

/// Everything that is held at the moment when most is.
///
/// ```
/// use chainrule::plan::*;
/// use chainrule::*;
/// let network = Network::builder(64).dense(64, Activation::Relu).dense(64, Activation::Relu).dense(1, Activation::Identity).build()?;
/// let rule = Rule::from_name("adam")?;
/// let shape = StepShape { network: &network, rule: &rule, keeps_gradients: false, batch_size: 1000, threads: 1 };
/// let plan = MemoryPlan::unlimited::<f32>(&shape)?;
/// let ledger = plan.ledger();
/// assert_eq!(ledger.total(), plan.bytes());
/// assert_eq!(ledger.of(Purpose::OptimizerState), 2 * ledger.of(Purpose::Parameters));
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Ledger {
    /// Tensor by tensor.
    pub entries: Vec<LedgerEntry>,
}

impl Ledger {
    pub(crate) fn add(&mut self, purpose: Purpose, name: impl Into<String>, bytes: u64) {
        if bytes > 0 {
            self.entries.push(LedgerEntry { purpose, name: name.into(), bytes });
        }
    }

    /// Adds a tensor of a step's arena.
    pub(super) fn add_tensor(&mut self, tensor: ArenaTensor, bytes: u64) {
        match tensor {
            ArenaTensor::State(0) => self.add(Purpose::States, "a copy of the inputs", bytes),
            ArenaTensor::State(l) => self.add(Purpose::States, format!("state of layer {l}"), bytes),
            ArenaTensor::Delta(l) => self.add(Purpose::Deltas, format!("delta of layer {l}"), bytes),
            ArenaTensor::Gradient => self.add(Purpose::Deltas, "gradients of a layer", bytes),
        }
    }

    /// The sum of all entries: the peak.
    pub fn total(&self) -> u64 {
        self.entries.iter().map(|entry| entry.bytes).sum()
    }

    /// The sum of the entries of one purpose.
    pub fn of(&self, purpose: Purpose) -> u64 {
        self.entries.iter().filter(|entry| entry.purpose == purpose).map(|entry| entry.bytes).sum()
    }

    /// The sums by purpose, without those that are 0.
    pub fn by_purpose(&self) -> Vec<(Purpose, u64)> {
        let mut sums: Vec<(Purpose, u64)> = Vec::new();
        for entry in &self.entries {
            match sums.iter_mut().find(|(purpose, _)| *purpose == entry.purpose) {
                Some((_, sum)) => *sum += entry.bytes,
                None => sums.push((entry.purpose, entry.bytes)),
            }
        }
        sums.sort();
        sums
    }
}
