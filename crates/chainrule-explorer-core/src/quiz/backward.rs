//! The backward pass of dense layers by its formulas, with a classic mistake in it or none:
//!
//!   error(l) = W(l+1)^T delta(l+1), delta(l) = error(l) * sigma'(z(l)), dW(l) = delta(l) a(l-1)^T, db(l) = sum of delta(l)
//!
//! Forward values and delta(L) are the trace's. A cell of the quiz takes the deltas from the trace too; sabotage
//! computes all of them.

use chainrule::Gradients;
use chainrule::trace::{Quantity, ValueId};

use super::mistakes::Mistake;
use crate::Refusal;
use crate::analysis::reader::Reader;
use crate::deadline::Deadline;

/// Where the error signals come from that an operation reads.
pub(super) trait Deltas {
    /// delta(l) of neuron j, sample i.
    fn delta(&self, l: usize, i: usize, j: usize) -> f64;
    /// W(l)[j, k] as it carries the error back.
    fn carrying_weight(&self, l: usize, j: usize, k: usize) -> f64;
}

impl Deltas for Reader<'_> {
    fn delta(&self, l: usize, i: usize, j: usize) -> f64 {
        self.number(Quantity::Delta.of(l), i, j)
    }

    fn carrying_weight(&self, l: usize, j: usize, k: usize) -> f64 {
        self.number(Quantity::WEIGHT.of(l), j, k)
    }
}

/// delta(L) of output j, sample i.
pub(super) fn output_delta(reader: &Reader<'_>, mistake: Option<Mistake>, i: usize, j: usize) -> f64 {
    let (l, batch) = (reader.depth(), reader.batch() as f64);
    let delta = reader.number(Quantity::Delta.of(l), i, j);
    match mistake {
        Some(Mistake::SumForMean) => delta * batch,
        Some(Mistake::WrongSign) => -delta,
        Some(Mistake::Shortcut) => {
            let (a, y) =
                (reader.number(Quantity::Activation.of(l), i, j), reader.number(ValueId::TARGET, i, j));
            (a - y) / batch
        }
        _ => delta,
    }
}

/// dLoss/da(l) of neuron k, sample i, from delta(l+1).
pub(super) fn carried_back(
    reader: &Reader<'_>,
    deltas: &impl Deltas,
    mistake: Option<Mistake>,
    l: usize,
    i: usize,
    k: usize,
) -> f64 {
    let weight = |j| match mistake {
        Some(Mistake::NotTransposed) => deltas.carrying_weight(l + 1, k, j),
        _ => deltas.carrying_weight(l + 1, j, k),
    };
    (0..reader.step.network.width(l + 1)).map(|j| weight(j) * deltas.delta(l + 1, i, j)).sum()
}

/// delta(l) of neuron k, sample i, from what arrives there.
pub(super) fn delta(
    reader: &Reader<'_>,
    mistake: Option<Mistake>,
    l: usize,
    i: usize,
    k: usize,
    error: f64,
) -> f64 {
    match mistake {
        Some(Mistake::NoSlope) => error,
        _ => error * reader.number(Quantity::Slope.of(l), i, k),
    }
}

/// dW(l)[j, k].
pub(super) fn weight_gradient(
    reader: &Reader<'_>,
    deltas: &impl Deltas,
    mistake: Option<Mistake>,
    l: usize,
    j: usize,
    k: usize,
) -> f64 {
    let input = |i, k| reader.number(Quantity::Activation.of(l - 1), i, k);
    let product = |i| match mistake {
        Some(Mistake::OwnActivation) => {
            deltas.delta(l, i, j) * reader.number(Quantity::Activation.of(l), i, k)
        }
        Some(Mistake::OtherDelta) => deltas.delta((l + 1).min(reader.depth()), i, j) * input(i, k),
        Some(Mistake::TurnedOver) => deltas.delta(l, i, k) * input(i, j),
        _ => deltas.delta(l, i, j) * input(i, k),
    };
    (0..reader.batch()).map(product).sum()
}

/// db(l)[j].
pub(super) fn bias_gradient(
    reader: &Reader<'_>,
    deltas: &impl Deltas,
    mistake: Option<Mistake>,
    l: usize,
    j: usize,
) -> f64 {
    let l = if mistake == Some(Mistake::OtherDelta) { (l + 1).min(reader.depth()) } else { l };
    (0..reader.batch()).map(|i| deltas.delta(l, i, j)).sum()
}

/// The error signals of a whole pass with a mistake, from the output back.
struct Pass<'a> {
    reader: &'a Reader<'a>,
    /// delta(l), [B, n_l], as element l - 1; those not computed yet are empty.
    deltas: Vec<Vec<f64>>,
    /// W(l), [n_l, n_(l-1)], after its update, where the mistake is to carry back through it.
    updated: Vec<Vec<f64>>,
}

impl Deltas for Pass<'_> {
    fn delta(&self, l: usize, i: usize, j: usize) -> f64 {
        self.deltas[l - 1][i * self.reader.step.network.width(l) + j]
    }

    fn carrying_weight(&self, l: usize, j: usize, k: usize) -> f64 {
        let updated = self.updated[l - 1].get(j * self.reader.step.network.width(l - 1) + k);
        updated.copied().unwrap_or_else(|| self.reader.number(Quantity::WEIGHT.of(l), j, k))
    }
}

/// dW and db of all layers with this mistake; all layers are dense, and the mistake's shapes fit. None where time
/// ends before.
pub(super) fn gradients(
    reader: &Reader<'_>,
    mistake: Mistake,
    deadline: &Deadline<'_>,
) -> Result<Option<Gradients<f64>>, Refusal> {
    let (network, depth, batch) = (&reader.step.network, reader.depth(), reader.batch());
    let mut gradients = network.zeros::<f64>();
    let mut pass = Pass { reader, deltas: vec![Vec::new(); depth], updated: vec![Vec::new(); depth] };
    for l in (1..=depth).rev() {
        let (rows, columns) = (network.width(l), network.width(l - 1));
        let mut deltas = Vec::with_capacity(batch * rows);
        for i in 0..batch {
            deadline.check_cancelled()?;
            if deadline.has_passed() {
                return Ok(None);
            }
            deltas.extend((0..rows).map(|k| match l == depth {
                true => output_delta(reader, Some(mistake), i, k),
                false => {
                    let error = carried_back(reader, &pass, Some(mistake), l, i, k);
                    delta(reader, Some(mistake), l, i, k, error)
                }
            }));
        }
        pass.deltas[l - 1] = deltas;
        let mut weights = Vec::with_capacity(rows * columns);
        for j in 0..rows {
            deadline.check_cancelled()?;
            if deadline.has_passed() {
                return Ok(None);
            }
            weights.extend((0..columns).map(|k| weight_gradient(reader, &pass, Some(mistake), l, j, k)));
        }
        if mistake == Mistake::UpdatedFirst {
            let before = &reader.value(Quantity::WEIGHT.of(l))?.values;
            let rate = reader.step.learning_rate;
            pass.updated[l - 1] = before.iter().zip(&weights).map(|(w, dw)| w - rate * dw).collect();
        }
        let tensors = network.layer_tensors(l);
        gradients.set_tensor(&tensors[0], &weights)?;
        if let Some(bias) = tensors.get(1) {
            let biases: Vec<f64> =
                (0..rows).map(|j| bias_gradient(reader, &pass, Some(mistake), l, j)).collect();
            gradients.set_tensor(bias, &biases)?;
        }
    }
    Ok(Some(gradients))
}
