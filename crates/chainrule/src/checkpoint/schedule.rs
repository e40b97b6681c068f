//! Schedules of forwards, drops and backwards, and the simulator that checks and prices them.

use std::fmt;

use super::Chain;

/// One step of a schedule. Layers count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// F_l: state l-1 -> state l; F_L: state L-1 -> delta(L), once.
    Forward(usize),
    /// Frees state l.
    Drop(usize),
    /// B_l: (delta(l), state l-1) -> delta(l-1); state l-1 is consumed.
    Backward(usize),
}

impl fmt::Display for Operation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Operation::Forward(layer) => write!(out, "F{layer}"),
            Operation::Drop(layer) => write!(out, "drop {layer}"),
            Operation::Backward(layer) => write!(out, "B{layer}"),
        }
    }
}

/// The operations of one training step, in order.
///
/// ```
/// use chainrule::checkpoint::{Operation::*, Schedule};
/// assert_eq!(Schedule::plain(2).operations, [Forward(1), Forward(2), Backward(2), Backward(1)]);
/// assert_eq!(Drop(1).to_string(), "drop 1");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// First operation first.
    pub operations: Vec<Operation>,
}

/// What a schedule takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// The largest number of bytes live during any operation.
    pub peak_bytes: u64,
    /// The sum of f_l over all forwards.
    pub forward_cost: u64,
    /// The number of forwards.
    pub forward_count: usize,
}

/// The operation that a chain cannot execute, and why.
///
/// ```
/// use chainrule::checkpoint::{Chain, Fault, Operation::*, Schedule};
/// let chain = Chain::new(vec![8; 3], vec![1; 3], vec![8; 3])?;
/// let error = chain.run(&Schedule { operations: vec![Forward(1), Forward(3)] }).unwrap_err();
/// assert_eq!((error.index, error.fault), (1, Fault::InputNotLive));
/// # Ok::<(), chainrule::checkpoint::ChainError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScheduleError {
    /// Index of the operation; the length of the schedule if it ends too early.
    pub index: usize,
    /// The operation, or none if the schedule ends too early.
    pub operation: Option<Operation>,
    /// What is wrong with it.
    pub fault: Fault,
}

/// Why an operation cannot be executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The layer is not in 1..=L, or a drop of state L, which never exists.
    NoSuchState,
    /// A forward or backward whose state l-1 is not live.
    InputNotLive,
    /// A forward of a state that is live already.
    AlreadyLive,
    /// A second forward of layer L.
    LossRepeated,
    /// A backward before the forward of layer L.
    LossNotReached,
    /// A drop of a state that is not live.
    NotLive,
    /// A backward of another layer than the next one; 0 means that all are done.
    BackwardOutOfOrder {
        /// The layer whose backward is next.
        next: usize,
    },
    /// The sum of the forward costs passes u64.
    CostOverflow,
    /// The schedule ends before B_1.
    Unfinished {
        /// The layer whose backward is next.
        next: usize,
    },
}

impl fmt::Display for ScheduleError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.operation {
            Some(operation) => write!(out, "operation {} ({operation}): ", self.index)?,
            None => write!(out, "after {} operations: ", self.index)?,
        }
        match self.fault {
            Fault::NoSuchState => write!(out, "the chain has no such state"),
            Fault::InputNotLive => write!(out, "the state it reads is not live"),
            Fault::AlreadyLive => write!(out, "the state it writes is live already"),
            Fault::LossRepeated => write!(out, "the last layer runs forward once only"),
            Fault::LossNotReached => write!(out, "the last layer has not run forward"),
            Fault::NotLive => write!(out, "the state is not live"),
            Fault::BackwardOutOfOrder { next: 0 } => write!(out, "all backwards are done"),
            Fault::BackwardOutOfOrder { next } => write!(out, "the next backward is that of layer {next}"),
            Fault::CostOverflow => write!(out, "the sum of the forward costs exceeds 2^64"),
            Fault::Unfinished { next } => write!(out, "the backward of layer {next} is missing"),
        }
    }
}

impl std::error::Error for ScheduleError {}

impl Schedule {
    /// The schedule that drops nothing: F_1 .. F_L, B_L .. B_1.
    pub fn plain(depth: usize) -> Self {
        let forwards = (1..=depth).map(Operation::Forward);
        let backwards = (1..=depth).rev().map(Operation::Backward);
        Schedule { operations: forwards.chain(backwards).collect() }
    }

    /// Periodic checkpointing (Chen et al. 2016): the states of layers `every`, 2 `every`, ... stay, and each segment
    /// between them is recomputed once, when the backward pass gets there; the last is never dropped.
    pub fn periodic(depth: usize, every: usize) -> Self {
        if depth == 0 {
            return Schedule::default();
        }
        let every = every.clamp(1, depth);
        let last_start = (depth - 1) / every * every;
        let mut operations = Vec::new();
        for layer in 1..=depth {
            operations.push(Operation::Forward(layer));
            if layer > 1 && layer <= last_start && !(layer - 1).is_multiple_of(every) {
                operations.push(Operation::Drop(layer - 1));
            }
        }
        for start in (0..=last_start).rev().step_by(every) {
            let end = depth.min(start + every);
            if end < depth {
                operations.extend((start + 1..end).map(Operation::Forward));
            }
            operations.extend((start + 1..=end).rev().map(Operation::Backward));
        }
        Schedule { operations }
    }
}

impl Chain {
    /// The schedule that drops nothing.
    pub fn plain(&self) -> Schedule {
        Schedule::plain(self.depth())
    }

    /// Simulates a schedule. With S the bytes of the live states before the operation and delta those of the
    /// live delta:
    /// ```text
    /// F_l    S + delta + w_l       then S += w_l           (l < L)
    /// F_L    S + w_L               then delta = w_L
    /// B_l    S + delta + e_l       then S -= w_(l-1), delta = w_(l-1)
    /// ```
    ///
    /// # Errors
    /// The first operation that cannot be executed, or the end of a schedule that stops before B_1.
    pub fn run(&self, schedule: &Schedule) -> Result<Cost, ScheduleError> {
        let mut simulator = Simulator {
            chain: self,
            live: vec![false; self.depth()],
            state_bytes: 0,
            delta_bytes: 0,
            next_backward: self.depth(),
            loss_done: false,
            cost: Cost::default(),
        };
        simulator.live[0] = true;
        for (index, &operation) in schedule.operations.iter().enumerate() {
            simulator.step(operation).map_err(|fault| ScheduleError {
                index,
                operation: Some(operation),
                fault,
            })?;
        }
        match simulator.next_backward {
            0 => Ok(simulator.cost),
            next => Err(ScheduleError {
                index: schedule.operations.len(),
                operation: None,
                fault: Fault::Unfinished { next },
            }),
        }
    }
}

struct Simulator<'a> {
    chain: &'a Chain,
    /// Of states 0..L-1; the input, state 0, is the caller's and stays live.
    live: Vec<bool>,
    state_bytes: u64,
    delta_bytes: u64,
    next_backward: usize,
    loss_done: bool,
    cost: Cost,
}

impl Simulator<'_> {
    fn step(&mut self, operation: Operation) -> Result<(), Fault> {
        let depth = self.chain.depth();
        match operation {
            Operation::Forward(layer) => {
                if layer == 0 || layer > depth {
                    return Err(Fault::NoSuchState);
                }
                if !self.live[layer - 1] {
                    return Err(Fault::InputNotLive);
                }
                if layer == depth && self.loss_done {
                    return Err(Fault::LossRepeated);
                }
                if layer < depth && self.live[layer] {
                    return Err(Fault::AlreadyLive);
                }
                let cost = self.cost.forward_cost.checked_add(self.chain.forward(layer));
                self.cost.forward_cost = cost.ok_or(Fault::CostOverflow)?;
                self.cost.forward_count += 1;
                self.hold(self.chain.state(layer));
                if layer == depth {
                    self.loss_done = true;
                    self.delta_bytes = self.chain.state(layer);
                } else {
                    self.live[layer] = true;
                    self.state_bytes += self.chain.state(layer);
                }
            }
            Operation::Drop(layer) => {
                if layer == 0 || layer >= depth {
                    return Err(Fault::NoSuchState);
                }
                if !self.live[layer] {
                    return Err(Fault::NotLive);
                }
                self.free(layer);
            }
            Operation::Backward(layer) => {
                if layer == 0 || layer > depth {
                    return Err(Fault::NoSuchState);
                }
                if layer != self.next_backward {
                    return Err(Fault::BackwardOutOfOrder { next: self.next_backward });
                }
                if !self.loss_done {
                    return Err(Fault::LossNotReached);
                }
                if !self.live[layer - 1] {
                    return Err(Fault::InputNotLive);
                }
                self.hold(self.chain.backward_extra(layer));
                if layer > 1 {
                    self.free(layer - 1);
                }
                self.delta_bytes = self.chain.state(layer - 1);
                self.next_backward = layer - 1;
            }
        }
        Ok(())
    }

    fn hold(&mut self, bytes: u64) {
        self.cost.peak_bytes = self.cost.peak_bytes.max(self.state_bytes + self.delta_bytes + bytes);
    }

    fn free(&mut self, layer: usize) {
        self.live[layer] = false;
        self.state_bytes -= self.chain.state(layer);
    }
}
