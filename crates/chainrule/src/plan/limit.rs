//! A limit of bytes, what may be done to keep it, and how much is known about what was found.

/// Into how many parts a batch may be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MicroBatches {
    /// Whatever takes the least time: as few parts as recompute nothing, or fewer parts that recompute something. Products of r
    /// rows for each thread are taken to be 1 + 8 / r times as slow for it.
    Automatic,
    /// So many, of equally many rows but for the last; fewer where the rows do not go round.
    Exactly(usize),
}

/// A limit, and what may be done to keep it.
///
/// ```
/// use chainrule::plan::*;
/// use chainrule::*;
/// let network = Network::builder(64).dense(64, Activation::Relu).dense(64, Activation::Relu).dense(1, Activation::Identity).build()?;
/// let rule = Rule::from_name("adam")?;
/// let shape = StepShape { network: &network, rule: &rule, keeps_gradients: false, batch_size: 1000, threads: 1 };
/// let plain = MemoryPlan::unlimited::<f32>(&shape)?.bytes();
/// let limit = MemoryLimit { microbatches: MicroBatches::Exactly(1), ..MemoryLimit::of(plain * 9 / 10) };
/// assert!(MemoryPlan::within::<f32>(&shape, &limit)?.bytes() <= limit.bytes);
/// // A limit that nothing can keep is refused with the least that can be.
/// let refused = MemoryPlan::within::<f32>(&shape, &MemoryLimit::of(1000)).unwrap_err();
/// assert!(matches!(refused, Error::Memory { limit: 1000, minimum, .. } if minimum < plain));
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct MemoryLimit {
    /// For everything that a step holds.
    pub bytes: u64,
    /// Into how many parts the batch may be cut.
    pub microbatches: MicroBatches,
    /// What a forward pass of each layer costs, from the first that has parameters on; FLOPs if none.
    pub forward_costs: Option<Vec<u64>>,
}

impl MemoryLimit {
    /// A limit with the batch cut as needed, and FLOPs for costs.
    pub fn of(bytes: u64) -> Self {
        MemoryLimit { bytes, microbatches: MicroBatches::Automatic, forward_costs: None }
    }
}

/// How much is known about a schedule's cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Certificate {
    /// No schedule within the limit costs less: nothing is recomputed, or an exhaustive search has found the same.
    Optimal,
    /// The general recurrence found none that costs less.
    BestFound,
    /// The best of those that keep a state until its last use.
    BestPersistent,
    /// The best of those that keep states of a grid of layers; for very deep networks.
    BestOnGrid,
    /// It was not planned but given.
    None,
}

impl std::fmt::Display for Certificate {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Certificate::Optimal => "optimal, certified",
            Certificate::BestFound => "best found",
            Certificate::BestPersistent => "best persistent",
            Certificate::BestOnGrid => "best persistent on a grid",
            Certificate::None => "not planned",
        })
    }
}
