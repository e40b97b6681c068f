//! Cross-entropy: all outputs together answer one question, which class.

use super::binary_cross_entropy::cut_logarithm;
use super::describe::{Compute, Describe};
use super::rows::{Formula, Rows, Side};
use super::targets::{RowTarget, TargetRange, Targets};
use crate::activation::{Activation, largest, softmax_rows, sum};
use crate::error::{Error, Result, require};
use crate::kernel::Scalar;
use crate::kernel::functions::{exp_of_nonpositive, ln_of_at_least_one, softplus};
use crate::kernel::vectorized::vectorized_loop;

/// l = -sum_k q_k log p_k with q_k = w_k t_k, t = (1 - label_smoothing) y + label_smoothing / n_L.
#[derive(Clone, Copy)]
pub(super) struct CrossEntropy<'a> {
    pub(super) label_smoothing: f64,
    /// w, one for each class; all 1 if there are none.
    pub(super) class_weights: Option<&'a [f64]>,
}

impl Describe for CrossEntropy<'_> {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn formula(&self, reads_probabilities: bool) -> String {
        let CrossEntropy { label_smoothing, class_weights } = self;
        let p = if reads_probabilities { "a" } else { "p" };
        let weight = if class_weights.is_some() { "w " } else { "" };
        let t = if *label_smoothing > 0.0 { "t" } else { "y" };
        let mut formula = format!("minus the sum over the classes of {weight}{t} log {p}");
        if !reads_probabilities {
            formula += ", with p = softmax(a)";
        }
        if *label_smoothing > 0.0 {
            let kept = 1.0 - label_smoothing;
            formula += &format!(", with t = {kept} y + {label_smoothing} / the number of classes");
        }
        if class_weights.is_some() {
            formula += ", with w the weight of each class";
        }
        formula
    }

    fn derivative_formula(&self, reads_probabilities: bool) -> String {
        if reads_probabilities { "-y / a" } else { "softmax(a) - y" }.to_owned()
    }

    fn check(&self, outputs: usize) -> Result<()> {
        if outputs < 2 {
            let expected =
                "at least 2 outputs, one for each class (for a single output use binary cross-entropy)";
            return Err(Error::shape("cross-entropy", expected, outputs));
        }
        let holds = (0.0..1.0).contains(&self.label_smoothing);
        let allowed = "must be at least 0 and less than 1";
        require(holds, "label_smoothing", self.label_smoothing, allowed)?;
        let Some(weights) = self.class_weights else { return Ok(()) };
        if weights.len() != outputs {
            let expected = format!("{outputs}, one for each class");
            return Err(Error::shape("class weights", expected, weights.len()));
        }
        for &weight in weights {
            let holds = (0.0..f64::INFINITY).contains(&weight);
            require(holds, "class_weights", weight, "must be at least 0 and finite")?;
        }
        let sum = weights.iter().sum();
        require(sum > 0.0, "class_weights", sum, "at least one must be greater than 0")
    }

    fn natural_output(&self) -> Activation {
        Activation::Softmax
    }

    fn natural_output_cancels(&self) -> bool {
        true
    }

    fn target_range(&self) -> TargetRange {
        TargetRange::UnitInterval
    }

    fn class_weights(&self) -> Option<&[f64]> {
        self.class_weights
    }
}

impl<T: Scalar> Compute<T> for CrossEntropy<'_> {
    fn losses_and_derivatives(&self, rows: Rows<'_, T>) -> Side {
        match rows.output.activation {
            Activation::Softmax => {
                self.of_logits(rows.output.z, rows);
                Side::PreActivation
            }
            Activation::Sigmoid => {
                rows.sum_over_outputs(OfSigmoid(*self));
                Side::PreActivation
            }
            Activation::HardSigmoid => {
                rows.sum_over_outputs(OfHardSigmoid(*self));
                Side::Activation
            }
            _ => {
                self.of_logits(rows.output.a, rows);
                Side::Activation
            }
        }
    }

    /// q_k: smoothed, and times its class's weight.
    fn counted_target(&self, y: T, k: usize, outputs: usize) -> T {
        self.q(y, k, outputs)
    }

    /// The probabilities.
    fn outputs_to_predictions(&self, reads_probabilities: bool, width: usize, outputs: &mut [T]) {
        if !reads_probabilities {
            softmax_rows(outputs, width);
        }
    }
}

impl CrossEntropy<'_> {
    /// q_k of y_k.
    #[inline(always)]
    fn q<T: Scalar>(&self, y: T, k: usize, outputs: usize) -> T {
        let weight = self.class_weights.map_or(T::one(), |weights| T::from_f64(weights[k]));
        let smoothing = T::from_f64(self.label_smoothing);
        weight * ((T::one() - smoothing) * y + smoothing / T::from_f64(outputs as f64))
    }

    /// For each row x of `logits`, with p = softmax(x): l = sum_k q_k (log sum exp(x) - x_k) and
    /// dl/dx_k = p_k sum_j q_j - q_k.
    fn of_logits<T: Scalar>(&self, logits: &[T], rows: Rows<'_, T>) {
        let Rows { output, targets, derivatives, losses } = rows;
        let width = output.width;
        let mut sums = SoftmaxSums::new();
        let blocks = logits.chunks(ROWS * width).zip(derivatives.chunks_mut(ROWS * width));
        for (block, ((logits, derivatives), losses)) in blocks.zip(losses.chunks_mut(ROWS)).enumerate() {
            sums.softmax(logits, derivatives, width);
            for (i, loss) in losses.iter_mut().enumerate() {
                let row = i * width..(i + 1) * width;
                let (x, p) = (&logits[row.clone()], &mut derivatives[row]);
                let minus_log_p = |k: usize| sums.logarithms[i] - (x[k] - sums.maxima[i]);
                *loss = self.of_row(targets, block * ROWS + i, minus_log_p, p).as_f64();
            }
        }
    }

    /// l of one row; turns its p into the derivative.
    #[inline(always)]
    fn of_row<T: Scalar>(
        &self,
        targets: Targets<'_, T>,
        row: usize,
        minus_log_p: impl Fn(usize) -> T,
        p: &mut [T],
    ) -> T {
        let (smoothing, width) = (T::from_f64(self.label_smoothing), p.len());
        match targets.row(row) {
            RowTarget::Class(class) if smoothing == T::zero() => {
                let q = T::from_f64(self.class_weights.map_or(1.0, |weights| weights[class]));
                if q != T::one() {
                    p.iter_mut().for_each(|p| *p *= q);
                }
                p[class] -= q;
                if q == T::zero() { T::zero() } else { q * minus_log_p(class) }
            }
            RowTarget::Values(y) if self.class_weights.is_none() => {
                let keep = T::one() - smoothing;
                let spread = smoothing / T::from_f64(width as f64);
                of_distribution(minus_log_p, p, |k| keep * y[k] + spread)
            }
            target => of_distribution(minus_log_p, p, |k| self.q(target.at(k, width), k, width)),
        }
    }
}

/// How many rows softmax is taken of at a time.
const ROWS: usize = 32;

/// What softmax was computed with, of each of some rows.
struct SoftmaxSums<T> {
    maxima: [T; ROWS],
    /// sum_k exp(x_k - maximum)
    sums: [T; ROWS],
    /// Its logarithm.
    logarithms: [T; ROWS],
}

impl<T: Scalar> SoftmaxSums<T> {
    fn new() -> Self {
        SoftmaxSums { maxima: [T::zero(); ROWS], sums: [T::one(); ROWS], logarithms: [T::zero(); ROWS] }
    }

    /// p = softmax(x) of each row of `logits`, at most [`ROWS`] of them.
    #[inline(always)]
    fn softmax(&mut self, logits: &[T], p: &mut [T], width: usize) {
        let SoftmaxSums { maxima, sums, logarithms } = self;
        vectorized_loop! {
            for T: logits: &'a [T] = logits, p: &'a mut [T] = p, width: usize = width,
                maxima: &'a mut [T; ROWS] = maxima, sums: &'a mut [T; ROWS] = sums,
                logarithms: &'a mut [T; ROWS] = logarithms;
            {
                // Shifted by the largest, so that nothing overflows and every sum is at least 1.
                let rows = logits.chunks_exact(width).zip(p.chunks_exact_mut(width));
                for ((x, p), maximum) in rows.zip(maxima) {
                    *maximum = largest(x);
                    for (p, &x) in p.iter_mut().zip(x) {
                        *p = x - *maximum;
                    }
                }
                for p in p.iter_mut() {
                    *p = exp_of_nonpositive(*p);
                }
                for (p, total) in p.chunks_exact_mut(width).zip(sums.iter_mut()) {
                    *total = sum(p);
                    for p in p {
                        *p /= *total;
                    }
                }
                for i in 0..ROWS {
                    logarithms[i] = ln_of_at_least_one(sums[i]);
                }
            }
        }
    }
}

/// sum_k q_k (-log p_k), where a q_k of 0 counts nothing; turns p into p_k sum_j q_j - q_k.
#[inline(always)]
fn of_distribution<T: Scalar>(minus_log_p: impl Fn(usize) -> T, p: &mut [T], q: impl Fn(usize) -> T) -> T {
    let (mut loss, mut total) = (T::zero(), T::zero());
    for k in 0..p.len() {
        total += q(k);
        loss += if q(k) == T::zero() { T::zero() } else { q(k) * minus_log_p(k) };
    }
    for (k, slot) in p.iter_mut().enumerate() {
        *slot = *slot * total - q(k);
    }
    loss
}

/// -q log p with p = sigmoid(z), and the derivative by z.
#[derive(Clone, Copy)]
struct OfSigmoid<'a>(CrossEntropy<'a>);

impl Formula for OfSigmoid<'_> {
    const COUNTS_TARGETS_AS_GIVEN: bool = false;

    #[inline(always)]
    fn counted_target<T: Scalar>(self, target: T, k: usize, outputs: usize) -> T {
        self.0.q(target, k, outputs)
    }

    #[inline(always)]
    fn loss_and_derivative<T: Scalar>(self, z: T, a: T, q: T) -> (T, T) {
        (q * softplus(-z), -q * (T::one() - a))
    }
}

/// -q log p, with what logarithm and division need to stay finite.
#[derive(Clone, Copy)]
struct OfHardSigmoid<'a>(CrossEntropy<'a>);

impl Formula for OfHardSigmoid<'_> {
    const COUNTS_TARGETS_AS_GIVEN: bool = false;

    #[inline(always)]
    fn counted_target<T: Scalar>(self, target: T, k: usize, outputs: usize) -> T {
        self.0.q(target, k, outputs)
    }

    #[inline(always)]
    fn loss_and_derivative<T: Scalar>(self, _z: T, p: T, q: T) -> (T, T) {
        (-q * cut_logarithm(p), -q / p.max(T::from_f64(1e-12)))
    }
}
