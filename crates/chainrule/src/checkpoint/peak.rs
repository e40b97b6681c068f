//! What is live at the moment when most is held, under a schedule.

use std::collections::BTreeMap;

use super::{Chain, Operation, Schedule};

/// The first operation during which most is held, and what is there before it.
pub(crate) struct Peak {
    pub(crate) operation: Operation,
    /// The layers whose states are live, in the order in which they were computed.
    pub(crate) states: Vec<usize>,
    /// The layer whose delta is live, if one is.
    pub(crate) delta: Option<usize>,
}

impl Chain {
    /// The peak of a schedule that this chain can execute; none if it has no operations.
    pub(crate) fn peak(&self, schedule: &Schedule) -> Option<Peak> {
        let index = self.index_of_peak(schedule)?;
        // The live states, each by the index of its forward.
        let (mut live, mut computed, mut delta) = (BTreeMap::new(), vec![0; self.depth()], None);
        for (index, operation) in schedule.operations[..index].iter().enumerate() {
            match *operation {
                Operation::Forward(l) if l == self.depth() => delta = Some(l),
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
        Some(Peak { operation: schedule.operations[index], states: live.into_values().collect(), delta })
    }

    fn index_of_peak(&self, schedule: &Schedule) -> Option<usize> {
        let (mut states, mut delta) = (0, 0);
        let (mut most, mut peak) = (0, None);
        for (index, operation) in schedule.operations.iter().enumerate() {
            let (beside, states_after, delta_after) = match *operation {
                Operation::Forward(l) if l == self.depth() => (self.state(l), states, self.state(l)),
                Operation::Forward(l) => (self.state(l), states + self.state(l), delta),
                Operation::Drop(l) => (0, states - self.state(l), delta),
                Operation::Backward(l) => {
                    (self.backward_extra(l), states - self.state(l - 1), self.state(l - 1))
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
