//! Whether what a checkpoint says can have come from a run: a file may have been changed, by accident or by hand.

use super::TrainingOptions;
use super::schedule::Plateau;
use crate::kernel::Scalar;
use crate::loss::Loss;
use crate::parameters::{Parameters, TensorLayout};

/// What a checkpoint says of its run.
pub(super) struct Claims<'a> {
    pub(super) loss: &'a Loss,
    pub(super) options: &'a TrainingOptions,
    pub(super) epochs: usize,
    pub(super) steps: u64,
    pub(super) plateau: Plateau,
    pub(super) kept_epoch: usize,
    pub(super) kept_loss: Option<f64>,
    pub(super) kept_since: Option<usize>,
}

/// The first thing that no run comes to, in the words of the file.
pub(super) fn implausible(claims: &Claims<'_>) -> Option<String> {
    let Claims { loss, options, epochs, steps, plateau, kept_epoch, kept_loss, kept_since } = *claims;
    if epochs > options.epochs {
        let wanted = options.epochs;
        return Some(format!("\"epochs\" is {epochs}, of {wanted} that were asked for"));
    }
    if steps < epochs as u64 || (epochs == 0 && steps > 0) {
        return Some(format!("\"steps\" is {steps}, after {epochs} epochs"));
    }
    if kept_epoch > epochs {
        return Some(format!("\"kept_epoch\" is {kept_epoch}, after {epochs} epochs"));
    }
    if let Some(since) = kept_since
        && (since >= kept_epoch || since == 0 || kept_loss.is_none())
    {
        return Some(format!("\"kept_since\" is {since}, of an epoch that is {kept_epoch}"));
    }
    match kept_loss {
        Some(_) if kept_epoch == 0 => {
            return Some("\"kept_loss\" is there, but \"kept_epoch\" is 0".to_owned());
        }
        // Only the logarithm of a rate, and so the loss for Poisson, has no lower bound.
        Some(kept) if kept < 0.0 && loss.is_never_negative() => {
            return Some(format!("\"kept_loss\" is {kept:e}, and the loss {} is never below 0", loss.name()));
        }
        None if kept_epoch != epochs => {
            return Some(format!(
                "\"kept_epoch\" is {kept_epoch} after {epochs} epochs, but there is no \"kept_loss\" to choose by"
            ));
        }
        _ => {}
    }
    // A loss for Poisson may be below 0, and a plateau's best one then rise.
    let least = loss.is_never_negative().then_some(kept_loss.unwrap_or(0.0));
    plateau.implausible(&options.schedule, epochs, least)
}

/// The first tensor with a number below 0.
pub(super) fn first_negative<T: Scalar>(sums: &Parameters<T>) -> Option<&TensorLayout> {
    sums.tensors().iter().find(|tensor| sums.tensor(tensor).iter().any(|value| value < T::zero()))
}
