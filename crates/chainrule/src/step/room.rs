//! What taking the error back through a layer holds beside what is there already: the one rule, by which plans are made and
//! schedules compiled.

use crate::kernel::Scalar;
use crate::kernel::buffer::aligned_length;
use crate::network::Network;

/// Numbers that B_l holds beside the live states and delta(l), for a micro-batch; each way to do it has its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct BackwardRoom {
    /// With delta(l-1) beside the state of layer l-1. For the first layer that has parameters, which carries nothing back:
    /// a(l-1), taken from the batch again, and its gradients where they wait for each other.
    pub(crate) beside: usize,
    /// With delta(l-1) over that state, for which the gradients of layer l come first and wait here until W(l) has carried
    /// the error back. 0 where none wait; none where it cannot be, since the gradients read a(l-1) and the state is z.
    pub(crate) over: Option<usize>,
}

impl BackwardRoom {
    /// Of layer `l`, for `rows` samples. Gradients that are kept to the end of the step do not wait here.
    pub(crate) fn of<T: Scalar>(network: &Network, l: usize, rows: usize, keeps_gradients: bool) -> Self {
        let beside = aligned_length::<T>(rows * network.width(l - 1));
        if l == network.first_with_parameters() {
            let waiting = BackwardRoom::waiting::<T>(network, l, keeps_gradients);
            return BackwardRoom { beside: beside + waiting, over: None };
        }
        let parameters = network.parameter_range(l).len();
        let over = match () {
            () if parameters == 0 => Some(0),
            () if network.layers()[l - 2].keeps_pre_activation() => None,
            () if keeps_gradients => Some(0),
            () => Some(aligned_length::<T>(parameters)),
        };
        BackwardRoom { beside, over }
    }

    /// Numbers of the gradients of the first layer, where they depend on its parameters: these change when all are there.
    pub(super) fn waiting<T: Scalar>(network: &Network, l: usize, keeps_gradients: bool) -> usize {
        match network.layers()[l - 1].kind().gradients_read_parameters() && !keeps_gradients {
            true => aligned_length::<T>(network.parameter_range(l).len()),
            false => 0,
        }
    }

    /// The fewest numbers in which it can be done.
    pub(crate) fn least(self) -> usize {
        self.over.map_or(self.beside, |over| over.min(self.beside))
    }
}
