//! A training step as the planner sees it: its chain of layers, in bytes and FLOPs, and what it holds beside that.

use super::ledger::{Ledger, Purpose};
use crate::checkpoint::{Chain, Operation, Peak, Planner, Schedule};
use crate::error::{Error, Result};
use crate::kernel::Scalar;
use crate::kernel::buffer::aligned_length;
use crate::network::Network;
use crate::optimizer::Rule;
use crate::step::{BackwardRoom, check_size, scratch_numbers};

/// What the memory of a step depends on, beside the number type.
#[derive(Clone, Copy, Debug)]
pub struct StepShape<'a> {
    /// The network.
    pub network: &'a Network,
    /// The update rule, for its state.
    pub rule: &'a Rule,
    /// Whether the gradients are kept to the end of a step, as clipping needs. Rules that take whole tensors keep them
    /// anyway.
    pub keeps_gradients: bool,
    /// B, at least 1.
    pub batch_size: usize,
    /// At least 1.
    pub threads: usize,
}

/// A step in micro-batches of `rows` samples: a chain of layers, and what is held all the time.
///
/// Layer 1 of the chain is the first layer with parameters. The state of a layer is a where sigma' is a function of a, else
/// z. FLOPs are those of the whole batch.
///
/// ```
/// use chainrule::plan::*;
/// use chainrule::*;
/// let network = (0..8).fold(Network::builder(64), |network, _| network.dense(64, Activation::Relu)).build()?;
/// let rule = Rule::from_name("adam")?;
/// let shape = StepShape { network: &network, rule: &rule, keeps_gradients: false, batch_size: 1000, threads: 1 };
/// let model = StepModel::new::<f32>(&shape, 1, None)?;
/// // The chain's states, in bytes: 1000 rows of 64 numbers each.
/// assert_eq!(model.chain().state_bytes(), [256_000; 8]);
/// assert!(model.least_bytes() < model.plain_bytes());
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct StepModel {
    pub(crate) network: Network,
    pub(crate) batch_size: usize,
    /// Of one number.
    pub(crate) number_bytes: usize,
    /// Samples of a micro-batch; the last may have fewer.
    pub(crate) rows: usize,
    pub(crate) keeps_gradients: bool,
    pub(crate) threads: usize,
    microbatches: usize,
    /// The network's layer before the chain's first.
    pub(crate) shift: usize,
    chain: Chain,
    fixed: Ledger,
}

impl StepModel {
    /// The model of a step in `microbatches` parts. Where there are several, their gradients are summed in a buffer.
    /// `forward_costs`, one for each layer of the chain, take the place of the FLOPs if given.
    ///
    /// # Errors
    /// When the batch is empty or has fewer samples than parts, and when a size overflows.
    #[inline(never)]
    pub fn new<T: Scalar>(
        shape: &StepShape<'_>,
        microbatches: usize,
        forward_costs: Option<&[u64]>,
    ) -> Result<Self> {
        let StepShape { network, rule, keeps_gradients, batch_size, threads } = *shape;
        check_size(network, batch_size)?;
        if microbatches == 0 || microbatches > batch_size {
            let what = format!("micro-batches for {batch_size} samples");
            return Err(Error::shape(what, format!("1 to {batch_size}"), microbatches));
        }
        let rows = batch_size.div_ceil(microbatches);
        let microbatches = batch_size.div_ceil(rows);
        let keeps_gradients = keeps_gradients || rule.takes_whole_tensors() || microbatches > 1;
        let shift = network.first_with_parameters() - 1;
        let layers = shift + 1..=network.depth();
        let bytes_of = |numbers: usize| (aligned_length::<T>(numbers) * size_of::<T>()) as u64;
        let width_bytes = |l: usize| bytes_of(rows * network.width(l));
        let state_bytes = layers.clone().map(width_bytes).collect();
        // A layer without products, such as dropout, costs about one operation for each number.
        let flops = |l: usize| {
            let of_a_row = network.layers()[l - 1].forward_flops(network.width(l - 1));
            of_a_row.max(network.width(l) as u64).saturating_mul(batch_size as u64)
        };
        let costs = match forward_costs {
            Some(costs) => costs.to_vec(),
            None => layers.clone().map(flops).collect(),
        };
        let extra = |l: usize| {
            let room = BackwardRoom::of::<T>(network, l, rows, keeps_gradients);
            (room.least() * size_of::<T>()) as u64
        };
        let extras = layers.map(extra).collect();
        let chain = Chain::new(state_bytes, costs, extras).map_err(|error| {
            Error::TooLarge(format!(
                "a batch of {batch_size} samples cannot be planned for this network: {error}"
            ))
        })?;

        let mut fixed = Ledger::default();
        for tensor in network.tensors() {
            let bytes = (tensor.padded_count() * size_of::<T>()) as u64;
            fixed.add(Purpose::Parameters, &tensor.name, bytes);
        }
        let parameters = fixed.of(Purpose::Parameters);
        for number in 1..=rule.state_buffers() {
            fixed.add(Purpose::OptimizerState, format!("{} state {number}", rule.name()), parameters);
        }
        if keeps_gradients {
            fixed.add(Purpose::Gradients, "gradients", parameters);
        }
        fixed.add(Purpose::Losses, "losses", (aligned_length::<f64>(batch_size) * size_of::<f64>()) as u64);
        let scratch = bytes_of(scratch_numbers::<T>(network, rows, threads));
        for thread in 1..=threads {
            fixed.add(Purpose::Scratch, format!("thread {thread}"), scratch);
        }
        let total = fixed.entries.iter().map(|entry| u128::from(entry.bytes)).sum::<u128>();
        if total > isize::MAX as u128 / 2 {
            return Err(Error::TooLarge(format!("a step on {threads} threads is too large for any machine")));
        }
        Ok(StepModel {
            network: network.clone(),
            batch_size,
            number_bytes: size_of::<T>(),
            rows,
            keeps_gradients,
            threads,
            microbatches,
            shift,
            chain,
            fixed,
        })
    }

    /// Parts of the batch that go through the network one after the other.
    pub fn microbatches(&self) -> usize {
        self.microbatches
    }

    /// The chain: bytes of a micro-batch's states, and costs of the whole batch.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// What is held all the time.
    pub fn fixed(&self) -> &Ledger {
        &self.fixed
    }

    /// The bytes that are held all the time.
    pub fn fixed_bytes(&self) -> u64 {
        self.fixed.total()
    }

    /// The network's layer that layer `l` of the chain is.
    pub fn layer(&self, l: usize) -> usize {
        l + self.shift
    }

    /// Everything that a step holds which drops nothing.
    pub fn plain_bytes(&self) -> u64 {
        let plain = self.chain.run(&self.chain.plain()).expect("the plain schedule runs on every chain");
        self.fixed_bytes() + plain.peak_bytes
    }

    /// The cost of one forward pass.
    pub fn once(&self) -> u64 {
        self.chain.forward_costs().iter().sum()
    }

    /// The smallest number of bytes in which a step can be done, without the whole curve.
    pub fn least_bytes(&self) -> u64 {
        self.fixed_bytes() + Planner::least_bytes(&self.chain)
    }

    /// The same, from the curve of this model's planner.
    pub fn minimum_bytes(&self, planner: &Planner) -> u64 {
        self.fixed_bytes() + planner.curve()[0].bytes
    }

    /// What is held when most is, under a schedule of the chain.
    pub(crate) fn ledger(&self, schedule: &Schedule) -> Ledger {
        let (mut ledger, chain) = (self.fixed.clone(), &self.chain);
        let Some(Peak { operation, states, delta }) = chain.peak(schedule) else { return ledger };
        let mut add = |purpose, name: String, bytes| ledger.add(purpose, name, bytes);
        let state = |l: usize| format!("state of layer {}", self.layer(l));
        let delta_of = |l: usize| format!("delta of layer {}", self.layer(l));
        states.into_iter().for_each(|l| add(Purpose::States, state(l), chain.state(l)));
        delta.into_iter().for_each(|l| add(Purpose::Deltas, delta_of(l), chain.state(l)));
        match operation {
            Operation::Forward(l) if l == chain.depth() => add(Purpose::Deltas, delta_of(l), chain.state(l)),
            Operation::Forward(l) => add(Purpose::States, state(l), chain.state(l)),
            Operation::Drop(_) => {}
            Operation::Backward(l) => {
                let name = match l {
                    1 if self.shift == 0 => "a copy of the inputs".to_owned(),
                    1 => format!("the output of layer {}", self.shift),
                    _ if chain.backward_extra(l) == chain.state(l - 1) => delta_of(l - 1),
                    _ => format!("gradients of layer {}", self.layer(l)),
                };
                add(Purpose::Deltas, name, chain.backward_extra(l));
            }
        }
        ledger
    }
}
