//! Binary cross-entropy: each output is a question of its own, answered by a probability.

use super::describe::{Compute, Describe};
use super::rows::{Formula, Rows, Side};
use super::targets::TargetRange;
use crate::activation::{Activation, log_sum_exp};
use crate::kernel::Scalar;
use crate::kernel::functions::{sigmoid, softplus};

/// l = -sum (y log p + (1 - y) log(1 - p)).
#[derive(Clone, Copy)]
pub(super) struct BinaryCrossEntropy;

impl Describe for BinaryCrossEntropy {
    fn name(&self) -> &'static str {
        "binary_cross_entropy"
    }

    fn formula(&self, reads_probabilities: bool) -> String {
        match reads_probabilities {
            true => "minus the sum over the outputs of y log a + (1 - y) log(1 - a)",
            false => "minus the sum over the outputs of y log p + (1 - y) log(1 - p), with p = sigmoid(a)",
        }
        .to_owned()
    }

    fn derivative_formula(&self, reads_probabilities: bool) -> String {
        if reads_probabilities { "(a - y) / (a (1 - a))" } else { "sigmoid(a) - y" }.to_owned()
    }

    fn natural_output(&self) -> Activation {
        Activation::Sigmoid
    }

    fn natural_output_cancels(&self) -> bool {
        true
    }

    fn target_range(&self) -> TargetRange {
        TargetRange::UnitInterval
    }
}

impl<T: Scalar> Compute<T> for BinaryCrossEntropy {
    fn losses_and_derivatives(&self, rows: Rows<'_, T>) -> Side {
        match rows.output.activation {
            Activation::Sigmoid => {
                rows.sum_over_outputs(OfSigmoid);
                Side::PreActivation
            }
            Activation::Softmax => {
                of_softmax_rows(rows);
                Side::PreActivation
            }
            Activation::HardSigmoid => {
                rows.sum_over_outputs(OfHardSigmoid);
                Side::Activation
            }
            _ => {
                rows.sum_over_outputs(OfLogit);
                Side::Activation
            }
        }
    }

    /// The probability.
    fn outputs_to_predictions(&self, reads_probabilities: bool, _width: usize, outputs: &mut [T]) {
        if !reads_probabilities {
            outputs.iter_mut().for_each(|a| *a = sigmoid(*a));
        }
    }
}

/// log(1 + exp(z)) - y z, and the derivative by z.
#[derive(Clone, Copy)]
struct OfSigmoid;

impl Formula for OfSigmoid {
    #[inline(always)]
    fn loss_and_derivative<T: Scalar>(self, z: T, a: T, y: T) -> (T, T) {
        (softplus(z) - y * z, a - y)
    }
}

/// log(1 + exp(a)) - y a, and the derivative by a.
#[derive(Clone, Copy)]
struct OfLogit;

impl Formula for OfLogit {
    #[inline(always)]
    fn loss_and_derivative<T: Scalar>(self, _z: T, a: T, y: T) -> (T, T) {
        (softplus(a) - y * a, sigmoid(a) - y)
    }
}

/// From the probability, with what logarithm and division need to stay finite.
#[derive(Clone, Copy)]
struct OfHardSigmoid;

impl Formula for OfHardSigmoid {
    #[inline(always)]
    fn loss_and_derivative<T: Scalar>(self, _z: T, p: T, y: T) -> (T, T) {
        let rest = T::one() - p;
        let loss = -(y * cut_logarithm(p) + (T::one() - y) * cut_logarithm(rest));
        (loss, (p - y) / (p * rest).max(T::from_f64(1e-12)))
    }
}

/// log p, at least -100.
#[inline(always)]
pub(super) fn cut_logarithm<T: Scalar>(p: T) -> T {
    if p.is_nan() { p } else { p.ln().max(T::from_f64(-100.0)) }
}

fn of_softmax_rows<T: Scalar>(rows: Rows<'_, T>) {
    let Rows { output, targets, derivatives, losses } = rows;
    let width = output.width;
    for (i, (derivative, loss)) in derivatives.chunks_exact_mut(width).zip(losses).enumerate() {
        let (row, target) = (i * width..(i + 1) * width, targets.row(i));
        let y = |k: usize| target.at(k, width);
        let (z, p) = (&output.z[row.clone()], &output.a[row]);
        *loss = of_softmax(z, p, &y, derivative).as_f64();
    }
}

/// l = -sum_k (y_k log p_k + (1 - y_k) log(1 - p_k)) with p = softmax(z).
///
/// With r_k = p_k / (1 - p_k) and c_k = y_k - (1 - y_k) r_k: dl/dz_k = p_k sum_j c_j - c_k.
fn of_softmax<T: Scalar>(z: &[T], p: &[T], y: &dyn Fn(usize) -> T, derivative: &mut [T]) -> T {
    let normalizer = log_sum_exp(z);
    let mut loss = T::zero();
    for k in 0..z.len() {
        let log_p = z[k] - normalizer;
        // log(1 - p) from the other classes where p is near 1; at most one class is above one half.
        let log_rest = if p[k] < T::from_f64(0.5) {
            (-p[k]).ln_1p()
        } else {
            let largest = z
                .iter()
                .enumerate()
                .filter(|(j, _)| *j != k)
                .map(|(_, z)| *z)
                .fold(T::neg_infinity(), T::max);
            let others: T =
                z.iter().enumerate().filter(|(j, _)| *j != k).map(|(_, z)| (*z - largest).exp()).sum();
            largest + others.ln() - normalizer
        };
        let rest = T::one() - y(k);
        if y(k) != T::zero() {
            loss -= y(k) * log_p;
        }
        let mut c = y(k);
        if rest != T::zero() {
            loss -= rest * log_rest;
            c -= rest * (log_p - log_rest).exp();
        }
        derivative[k] = c;
    }
    let total: T = derivative.iter().copied().sum();
    for (slot, &p) in derivative.iter_mut().zip(p) {
        *slot = p * total - *slot;
    }
    loss
}
