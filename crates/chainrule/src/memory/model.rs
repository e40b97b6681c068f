//! A training step as the planner sees it: its chain of layers, in bytes and FLOPs, and what it holds beside that.

use std::collections::BTreeMap;

use super::ledger::{Ledger, Purpose};
use super::{Chain, Operation, Planner, Schedule};
use crate::error::{Error, Result};
use crate::kernel::Scalar;
use crate::kernel::buffer::aligned_length;
use crate::layer::state_is_pre_activation;
use crate::network::Network;
use crate::optimizer::Rule;
use crate::step::program::{Program, first_with_parameters};

/// What the memory of a step depends on, beside the number type.
#[derive(Clone, Copy, Debug)]
pub struct StepShape<'a> {
    /// The network.
    pub network: &'a Network,
    /// The update rule, for its state.
    pub rule: &'a Rule,
    /// Whether the gradients are kept to the end of a step, as clipping needs.
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
            let reason = format!(
                "a batch of {batch_size} samples cannot be cut into {microbatches} micro-batches; give 1 to {batch_size}"
            );
            return Err(Error::Data(reason));
        }
        let rows = batch_size.div_ceil(microbatches);
        let microbatches = batch_size.div_ceil(rows);
        let keeps_gradients = keeps_gradients || microbatches > 1;
        let shift = first_with_parameters(network) - 1;
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
            if l == shift + 1 {
                // a(l-1), taken from the batch again.
                return width_bytes(l - 1);
            }
            let parameters = network.parameter_range(l).len();
            // delta(l-1) goes beside the state of layer l-1; or over it, with the gradients of layer l kept until
            // W(l) has carried the error back.
            let (beside, over) = (width_bytes(l - 1), bytes_of(parameters));
            match () {
                () if parameters == 0 => 0,
                () if state_is_pre_activation(&network.layers()[l - 2]) => beside,
                () if keeps_gradients => 0,
                () => beside.min(over),
            }
        };
        let extras = layers.map(extra).collect();
        let chain = Chain::new(state_bytes, costs, extras).map_err(|error| {
            Error::Data(format!(
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
        let scratch = bytes_of(Program::scratch(network, rows, threads));
        for thread in 1..=threads {
            fixed.add(Purpose::Scratch, format!("thread {thread}"), scratch);
        }
        let total = fixed.entries.iter().map(|entry| u128::from(entry.bytes)).sum::<u128>();
        if total > isize::MAX as u128 / 2 {
            return Err(Error::Data(format!("a step on {threads} threads is too large for any machine")));
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
        let Some(peak) = self.peak(schedule) else { return ledger };
        // The states that are live there, in the order in which they were computed, each by its forward's index.
        let (mut live, mut computed, mut delta) = (BTreeMap::new(), vec![0; chain.depth()], None);
        for (index, operation) in schedule.operations[..peak].iter().enumerate() {
            match *operation {
                Operation::Forward(l) if l == chain.depth() => delta = Some(l),
                Operation::Forward(l) => {
                    live.insert(index, l);
                    computed[l] = index;
                }
                Operation::Drop(l) => _ = live.remove(&computed[l]),
                Operation::Backward(l) => {
                    if l > 1 {
                        live.remove(&computed[l - 1]);
                    }
                    delta = (l > 1).then_some(l - 1);
                }
            }
        }
        let mut add = |purpose, name: String, bytes| ledger.add(purpose, name, bytes);
        let state = |l: usize| format!("state of layer {}", self.layer(l));
        let delta_of = |l: usize| format!("delta of layer {}", self.layer(l));
        live.into_values().for_each(|l| add(Purpose::States, state(l), chain.state(l)));
        delta.into_iter().for_each(|l| add(Purpose::Deltas, delta_of(l), chain.state(l)));
        match schedule.operations[peak] {
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

    /// The first operation during which most is held. None if there is none.
    fn peak(&self, schedule: &Schedule) -> Option<usize> {
        let chain = &self.chain;
        let (mut states, mut delta) = (0, 0);
        let (mut most, mut peak) = (0, None);
        for (index, operation) in schedule.operations.iter().enumerate() {
            let (beside, states_after, delta_after) = match *operation {
                Operation::Forward(l) if l == chain.depth() => (chain.state(l), states, chain.state(l)),
                Operation::Forward(l) => (chain.state(l), states + chain.state(l), delta),
                Operation::Drop(l) => (0, states - chain.state(l), delta),
                Operation::Backward(l) => {
                    (chain.backward_extra(l), states - chain.state(l - 1), chain.state(l - 1))
                }
            };
            if states + delta + beside > most {
                (most, peak) = (states + delta + beside, Some(index));
            }
            (states, delta) = (states_after, delta_after);
        }
        peak
    }
}

/// Fails unless all sizes of a step can be computed with.
pub(crate) fn check_size(network: &Network, batch_size: usize) -> Result<()> {
    if batch_size == 0 {
        return Err(Error::Data("a batch has at least 1 sample".to_owned()));
    }
    let widths: u128 = (0..=network.depth()).map(|l| network.width(l) as u128).sum();
    if widths * batch_size as u128 > isize::MAX as u128 / 64 {
        let reason = format!("a batch of {batch_size} samples is too large for this network");
        return Err(Error::Data(reason));
    }
    // With gradients and up to three numbers of an optimizer for each.
    if network.parameter_count() as u128 > isize::MAX as u128 / 64 {
        let reason = format!("{} parameters are too many to be trained", network.parameter_count());
        return Err(Error::Data(reason));
    }
    Ok(())
}
