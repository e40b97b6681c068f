//! Losses: the value, and the output error delta(L), computed together from z in stable forms.
//!
//! The loss of a batch is the weighted mean over its samples,
//!
//! ```text
//! Loss = sum_i v_i l_i / sum_i v_i
//! ```
//!
//! with v_i = s_i, the sample weight (1 if none are given). For cross-entropy with class indices
//! v_i = s_i w(y_i) with the class weights w, as in PyTorch. A loss that says "mean over outputs" divides
//! by n_L inside l_i, one that says "sum" does not.
//!
//! a is the network's output, y the target. Where a loss is for probabilities, a is read as one if the
//! output activation yields probabilities (sigmoid, hard sigmoid, softmax); every other output is read
//! as a logit. Logarithms of a hard sigmoid are cut off at -100, as PyTorch does.

use serde::{Deserialize, Serialize};

use crate::activation::{Activation, log_sum_exp, sigmoid, softmax_jacobian, softmax_rows, softplus};
use crate::error::{Error, Result, require};
use crate::kernel::Scalar;
use crate::matrix::MatrixView;

/// What the network should have answered, one row or one class index for each sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Targets<'a, T> {
    /// [B, n_L]: numbers, labels in 0..=1, or a distribution over the classes.
    Values(MatrixView<'a, T>),
    /// One class index for each sample, from 0. A network with a single output reads 0 and 1 as numbers;
    /// losses other than cross-entropy read an index as a one-hot row.
    Classes(&'a [u32]),
}

impl<'a, T: Scalar> Targets<'a, T> {
    /// How many samples there are.
    pub fn len(&self) -> usize {
        match self {
            Targets::Values(values) => values.rows(),
            Targets::Classes(classes) => classes.len(),
        }
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sample `i`.
    pub(crate) fn row(&self, i: usize) -> RowTarget<'a, T> {
        match self {
            Targets::Values(values) => RowTarget::Values(values.row(i)),
            Targets::Classes(classes) => RowTarget::Class(classes[i] as usize),
        }
    }

    /// The samples of `range`.
    pub fn slice(&self, range: std::ops::Range<usize>) -> Targets<'a, T> {
        match self {
            Targets::Values(values) => Targets::Values(values.slice(range)),
            Targets::Classes(classes) => Targets::Classes(&classes[range]),
        }
    }
}

impl<'a, T: Scalar> From<&'a crate::Matrix<T>> for Targets<'a, T> {
    fn from(values: &'a crate::Matrix<T>) -> Self {
        Targets::Values(values.view())
    }
}

/// The target of one sample.
#[derive(Clone, Copy)]
pub(crate) enum RowTarget<'a, T> {
    Values(&'a [T]),
    Class(usize),
}

impl<T: Scalar> RowTarget<'_, T> {
    /// y_k; a class is a one-hot row, or the number itself where there is one output.
    pub(crate) fn at(&self, k: usize, outputs: usize) -> T {
        match *self {
            RowTarget::Values(values) => values[k],
            RowTarget::Class(class) if outputs == 1 => T::from_f64(class as f64),
            RowTarget::Class(class) => T::from_f64(f64::from(u8::from(class == k))),
        }
    }
}

/// How far the output is from the target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Loss {
    /// l = 1/2 sum (a - y)^2.
    HalfSquaredError,
    /// l = mean over outputs of (a - y)^2; PyTorch's `MSELoss`.
    MeanSquaredError,
    /// l = mean over outputs of |a - y|; PyTorch's `L1Loss`. The derivative at a = y is 0.
    MeanAbsoluteError,
    /// l = mean over outputs of d^2/2 where |d| <= delta, else delta (|d| - delta/2), d = a - y; PyTorch's `HuberLoss`.
    Huber {
        /// Where the square turns into a line; greater than 0, default 1.
        #[serde(default = "one")]
        delta: f64,
    },
    /// l = -sum (y log p + (1 - y) log(1 - p)), y in 0..=1; one output or many labels.
    BinaryCrossEntropy,
    /// l = -sum_k w_k t_k log p_k, where t = (1 - label_smoothing) y + label_smoothing / n_L.
    CrossEntropy {
        /// In 0..1, default 0.
        #[serde(default)]
        label_smoothing: f64,
        /// w, one for each class; default all 1.
        #[serde(default)]
        class_weights: Option<Vec<f64>>,
    },
    /// l = mean over outputs of exp(a) - y a: a is the logarithm of the rate of a count y; PyTorch's `PoissonNLLLoss`.
    Poisson,
    /// l = mean over outputs of max(q (y - a), (q - 1)(y - a)) (Koenker and Bassett 1978). The derivative at a = y is 0.
    Quantile {
        /// q in 0..1, default 1/2.
        #[serde(default = "half")]
        quantile: f64,
    },
}

fn one() -> f64 {
    1.0
}

fn half() -> f64 {
    0.5
}

/// Which side of sigma the derivative of a loss was computed on.
enum Side {
    /// dLoss/dz: delta itself.
    PreActivation,
    /// dLoss/da: delta is this times sigma'(z).
    Activation,
}

/// A sum of losses and the sum of the weights in it; their ratio is the loss.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WeightedSum {
    /// sum_i v_i l_i
    pub loss: f64,
    /// sum_i v_i
    pub weight: f64,
}

impl WeightedSum {
    /// The weighted mean.
    pub fn mean(&self) -> f64 {
        self.loss / self.weight
    }

    /// Adds the samples of another batch.
    pub fn add(&mut self, other: WeightedSum) {
        self.loss += other.loss;
        self.weight += other.weight;
    }
}

/// The last layer's values: z and a, [B, n_L], and its activation.
#[derive(Clone, Copy)]
pub(crate) struct Output<'a, T> {
    pub(crate) activation: Activation,
    pub(crate) width: usize,
    pub(crate) z: &'a [T],
    pub(crate) a: &'a [T],
}

impl Loss {
    /// Every loss, with default parameters.
    pub fn all() -> Vec<Loss> {
        vec![
            Loss::HalfSquaredError,
            Loss::MeanSquaredError,
            Loss::MeanAbsoluteError,
            Loss::Huber { delta: one() },
            Loss::BinaryCrossEntropy,
            Loss::cross_entropy(),
            Loss::Poisson,
            Loss::Quantile { quantile: half() },
        ]
    }

    /// Cross-entropy without label smoothing or class weights.
    pub fn cross_entropy() -> Loss {
        Loss::CrossEntropy { label_smoothing: 0.0, class_weights: None }
    }

    /// The name in model files.
    pub fn name(&self) -> &'static str {
        match self {
            Loss::HalfSquaredError => "half_squared_error",
            Loss::MeanSquaredError => "mean_squared_error",
            Loss::MeanAbsoluteError => "mean_absolute_error",
            Loss::Huber { .. } => "huber",
            Loss::BinaryCrossEntropy => "binary_cross_entropy",
            Loss::CrossEntropy { .. } => "cross_entropy",
            Loss::Poisson => "poisson",
            Loss::Quantile { .. } => "quantile",
        }
    }

    /// The loss of that name with default parameters; `-` and `_` are the same.
    ///
    /// # Errors
    /// For an unknown name, with the list of all.
    pub fn from_name(name: &str) -> Result<Self> {
        let wanted = name.replace('-', "_").to_lowercase();
        Loss::all().into_iter().find(|loss| loss.name() == wanted).ok_or_else(|| {
            let known: Vec<_> = Loss::all().iter().map(|l| l.name().replace('_', "-")).collect();
            Error::UnknownName { kind: "loss", name: name.to_owned(), known: known.join(", ") }
        })
    }

    /// The output activation that the loss is made for.
    pub fn natural_output(&self) -> Activation {
        match self {
            Loss::BinaryCrossEntropy => Activation::Sigmoid,
            Loss::CrossEntropy { .. } => Activation::Softmax,
            _ => Activation::Identity,
        }
    }

    /// Checks the loss's parameters against the number of outputs.
    ///
    /// # Errors
    /// Names the parameter, its value and its range.
    pub fn check(&self, outputs: usize) -> Result<()> {
        match self {
            Loss::Huber { delta } => {
                let holds = *delta > 0.0 && delta.is_finite();
                require(holds, "delta", *delta, "must be greater than 0 and finite")
            }
            Loss::Quantile { quantile } => {
                let holds = *quantile > 0.0 && *quantile < 1.0;
                require(holds, "quantile", *quantile, "must be between 0 and 1")
            }
            Loss::CrossEntropy { label_smoothing, class_weights } => {
                if outputs < 2 {
                    let reason = "cross-entropy needs at least 2 outputs, one for each class; \
                                  for a single output use binary cross-entropy";
                    return Err(Error::Data(reason.to_owned()));
                }
                let holds = (0.0..1.0).contains(label_smoothing);
                let allowed = "must be at least 0 and less than 1";
                require(holds, "label_smoothing", *label_smoothing, allowed)?;
                let Some(weights) = class_weights else { return Ok(()) };
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
            _ => Ok(()),
        }
    }

    /// Checks that targets and weights fit the loss: their number, class indices below `outputs`, finite
    /// numbers, labels and distributions in 0..=1, counts of at least 0, weights of at least 0.
    ///
    /// # Errors
    /// Names the row and column of the first that does not.
    pub fn check_targets<T: Scalar>(
        &self,
        samples: usize,
        outputs: usize,
        targets: Targets<'_, T>,
        sample_weights: Option<&[T]>,
    ) -> Result<()> {
        if samples == 0 {
            return Err(Error::Data("there are no samples; at least 1 is needed".to_owned()));
        }
        if targets.len() != samples {
            return Err(Error::shape(
                "targets",
                format!("{samples} rows"),
                format!("{} rows", targets.len()),
            ));
        }
        match targets {
            Targets::Classes(classes) => {
                let limit = outputs.max(2);
                if let Some(row) = classes.iter().position(|&class| class as usize >= limit) {
                    let reason = format!("class {} is not below {limit}", classes[row]);
                    return Err(Error::Value { what: "targets", row, column: 0, reason });
                }
            }
            Targets::Values(values) => {
                if values.columns() != outputs {
                    let found = format!("{} columns", values.columns());
                    return Err(Error::shape("targets", format!("{outputs} columns"), found));
                }
                let (low, high, allowed) = match self {
                    Loss::BinaryCrossEntropy | Loss::CrossEntropy { .. } => (0.0, 1.0, "must be in 0..=1"),
                    Loss::Poisson => (0.0, f64::MAX, "a count must be at least 0 and finite"),
                    _ => (-f64::MAX, f64::MAX, "must be finite"),
                };
                let bad = values.as_slice().iter().position(|y| !(low..=high).contains(&y.as_f64()));
                if let Some(index) = bad {
                    let (row, column) = (index / outputs, index % outputs);
                    let reason = format!("{} {allowed}", values[(row, column)]);
                    return Err(Error::Value { what: "targets", row, column, reason });
                }
            }
        }
        let Some(weights) = sample_weights else { return Ok(()) };
        if weights.len() != samples {
            return Err(Error::shape("sample weights", samples, weights.len()));
        }
        let bad = weights.iter().position(|w| !(0.0..f64::INFINITY).contains(&w.as_f64()));
        if let Some(row) = bad {
            let reason = format!("{} must be at least 0 and finite", weights[row]);
            return Err(Error::Value { what: "sample weights", row, column: 0, reason });
        }
        Ok(())
    }

    /// The batch's loss; writes delta(L) into `delta`, [B, n_L]. Targets have been checked.
    ///
    /// # Errors
    /// When the weights of all samples are zero, so that there is no mean.
    pub(crate) fn output_error<T: Scalar>(
        &self,
        output: Output<'_, T>,
        targets: Targets<'_, T>,
        sample_weights: Option<&[T]>,
        delta: &mut [T],
    ) -> Result<WeightedSum> {
        let weight = self.total_weight(targets, sample_weights)?;
        let mut row_losses = vec![0.0; targets.len()];
        self.output_error_rows(output, targets, sample_weights, weight, delta, &mut row_losses);
        Ok(WeightedSum { loss: row_losses.iter().sum(), weight })
    }

    /// sum_i v_i.
    ///
    /// # Errors
    /// When it is zero.
    pub(crate) fn total_weight<T: Scalar>(
        &self,
        targets: Targets<'_, T>,
        sample_weights: Option<&[T]>,
    ) -> Result<f64> {
        let sample_weight = |i: usize| sample_weights.map_or(T::one(), |weights| weights[i]);
        let weight: f64 =
            (0..targets.len()).map(|i| sample_weight(i).as_f64() * self.row_weight(targets.row(i))).sum();
        if weight <= 0.0 {
            let reason = "the weights of all samples of a batch are 0: there is no mean to take";
            return Err(Error::Data(reason.to_owned()));
        }
        Ok(weight)
    }

    /// s_i l_i into `row_losses` and delta(L) into `delta` for some rows of a batch whose weights sum to `total_weight`.
    pub(crate) fn output_error_rows<T: Scalar>(
        &self,
        output: Output<'_, T>,
        targets: Targets<'_, T>,
        sample_weights: Option<&[T]>,
        total_weight: f64,
        delta: &mut [T],
        row_losses: &mut [f64],
    ) {
        let n = output.width;
        for (i, delta) in delta.chunks_exact_mut(n).enumerate() {
            let s = sample_weights.map_or(T::one(), |weights| weights[i]);
            row_losses[i] = 0.0;
            if s == T::zero() {
                // Not 0 times a loss, which may be infinite.
                delta.fill(T::zero());
                continue;
            }
            let row = i * n..(i + 1) * n;
            let (z, a) = (&output.z[row.clone()], &output.a[row]);
            let loss = self.row_output_error(output.activation, z, a, targets.row(i), delta);
            let scale = s / T::from_f64(total_weight);
            delta.iter_mut().for_each(|d| *d *= scale);
            row_losses[i] = s.as_f64() * loss.as_f64();
        }
    }

    /// v_i without the sample weight.
    pub(crate) fn row_weight<T: Scalar>(&self, target: RowTarget<'_, T>) -> f64 {
        match (self, target) {
            (Loss::CrossEntropy { class_weights: Some(weights), .. }, RowTarget::Class(class)) => {
                weights[class]
            }
            _ => 1.0,
        }
    }

    /// l_i, with class weights; writes dl_i/dz into `delta`.
    fn row_output_error<T: Scalar>(
        &self,
        activation: Activation,
        z: &[T],
        a: &[T],
        target: RowTarget<'_, T>,
        delta: &mut [T],
    ) -> T {
        let (loss, side) = self.row_derivative(activation, z, a, target, delta);
        if let Side::Activation = side {
            if activation == Activation::Softmax {
                softmax_jacobian(a, delta);
            }
            activation.multiply_by_derivative(z, a, delta);
        }
        loss
    }

    fn row_derivative<T: Scalar>(
        &self,
        activation: Activation,
        z: &[T],
        a: &[T],
        target: RowTarget<'_, T>,
        derivative: &mut [T],
    ) -> (T, Side) {
        let n = a.len();
        let y = |k: usize| target.at(k, n);
        let mean = T::one() / T::from_f64(n as f64);
        // Sums the losses of single outputs, each given as (loss, derivative).
        let mut each = |scale: T, one: &dyn Fn(usize) -> (T, T)| {
            let mut sum = T::zero();
            for (k, slot) in derivative.iter_mut().enumerate() {
                let (loss, slope) = one(k);
                sum += scale * loss;
                *slot = scale * slope;
            }
            sum
        };
        let number = T::from_f64;
        match self {
            Loss::HalfSquaredError => {
                let one = |k| (number(0.5) * (a[k] - y(k)) * (a[k] - y(k)), a[k] - y(k));
                (each(T::one(), &one), Side::Activation)
            }
            Loss::MeanSquaredError => {
                let one = |k| ((a[k] - y(k)) * (a[k] - y(k)), number(2.0) * (a[k] - y(k)));
                (each(mean, &one), Side::Activation)
            }
            Loss::MeanAbsoluteError => {
                let one = |k| ((a[k] - y(k)).abs(), sign(a[k] - y(k)));
                (each(mean, &one), Side::Activation)
            }
            Loss::Huber { delta } => {
                let delta = number(*delta);
                let one = |k| {
                    let d = a[k] - y(k);
                    if d.abs() <= delta {
                        (number(0.5) * d * d, d)
                    } else {
                        (delta * (d.abs() - number(0.5) * delta), delta * sign(d))
                    }
                };
                (each(mean, &one), Side::Activation)
            }
            Loss::Quantile { quantile } => {
                let q = number(*quantile);
                let one = |k| {
                    let d = a[k] - y(k);
                    let slope = if d > T::zero() {
                        T::one() - q
                    } else if d < T::zero() {
                        -q
                    } else {
                        d * T::zero()
                    };
                    (d * slope, slope)
                };
                (each(mean, &one), Side::Activation)
            }
            Loss::Poisson => {
                let one = |k: usize| (a[k].exp() - y(k) * a[k], a[k].exp() - y(k));
                (each(mean, &one), Side::Activation)
            }
            Loss::BinaryCrossEntropy => match activation {
                Activation::Sigmoid => {
                    let one = |k| (softplus(z[k]) - y(k) * z[k], a[k] - y(k));
                    (each(T::one(), &one), Side::PreActivation)
                }
                Activation::Softmax => {
                    (binary_cross_entropy_of_softmax(z, a, &y, derivative), Side::PreActivation)
                }
                Activation::HardSigmoid => {
                    let one = |k: usize| {
                        let (p, q) = (a[k], T::one() - a[k]);
                        let loss = -(y(k) * cut_logarithm(p) + (T::one() - y(k)) * cut_logarithm(q));
                        (loss, (p - y(k)) / (p * q).max(number(1e-12)))
                    };
                    (each(T::one(), &one), Side::Activation)
                }
                _ => {
                    let one = |k| (softplus(a[k]) - y(k) * a[k], sigmoid(a[k]) - y(k));
                    (each(T::one(), &one), Side::Activation)
                }
            },
            Loss::CrossEntropy { label_smoothing, class_weights } => {
                let smoothing = number(*label_smoothing);
                // q_k = w_k t_k, so that l = -sum_k q_k log p_k.
                let q = |k: usize| {
                    let weight = class_weights.as_ref().map_or(T::one(), |weights| number(weights[k]));
                    weight * ((T::one() - smoothing) * y(k) + smoothing * mean)
                };
                match activation {
                    Activation::Softmax => {
                        (cross_entropy_of_logits(z, Some(a), &q, derivative), Side::PreActivation)
                    }
                    Activation::Sigmoid => {
                        let one = |k| (q(k) * softplus(-z[k]), -q(k) * (T::one() - a[k]));
                        (each(T::one(), &one), Side::PreActivation)
                    }
                    Activation::HardSigmoid => {
                        let one = |k: usize| (-q(k) * cut_logarithm(a[k]), -q(k) / a[k].max(number(1e-12)));
                        (each(T::one(), &one), Side::Activation)
                    }
                    _ => (cross_entropy_of_logits(a, None, &q, derivative), Side::Activation),
                }
            }
        }
    }

    /// Turns a row of network output into the prediction that the loss stands for: probabilities where
    /// the output is logits, the rate for Poisson, else the output itself.
    pub fn output_to_prediction<T: Scalar>(&self, activation: Activation, row: &mut [T]) {
        let logits = !activation.yields_probabilities();
        match self {
            Loss::CrossEntropy { .. } if logits => softmax_rows(row, row.len().max(1)),
            Loss::BinaryCrossEntropy if logits => row.iter_mut().for_each(|a| *a = sigmoid(*a)),
            Loss::Poisson => row.iter_mut().for_each(|a| *a = a.exp()),
            _ => {}
        }
    }

    /// Whether a corner of the loss, as a function of one output, lies between `low` and `high` for the
    /// target `y`: a jump of its first derivative, or (Huber) of its second.
    pub(crate) fn has_corner_between(&self, low: f64, high: f64, y: f64) -> bool {
        let between = |corner: f64| low != high && (low - corner) * (high - corner) <= 0.0;
        match self {
            Loss::MeanAbsoluteError | Loss::Quantile { .. } => between(y),
            Loss::Huber { delta } => between(y - delta) || between(y + delta),
            _ => false,
        }
    }
}

/// -1, 0 or 1; NaN for NaN.
fn sign<T: Scalar>(x: T) -> T {
    if x == T::zero() { x } else { x.signum() }
}

/// log p, at least -100.
fn cut_logarithm<T: Scalar>(p: T) -> T {
    if p.is_nan() { p } else { p.ln().max(T::from_f64(-100.0)) }
}

/// l = sum_k q_k (log sum exp(z) - z_k), dl/dz_k = p_k sum_j q_j - q_k, p = softmax(z).
fn cross_entropy_of_logits<T: Scalar>(
    z: &[T],
    p: Option<&[T]>,
    q: &dyn Fn(usize) -> T,
    derivative: &mut [T],
) -> T {
    let normalizer = log_sum_exp(z);
    let (mut loss, mut total) = (T::zero(), T::zero());
    for (k, &z) in z.iter().enumerate() {
        total += q(k);
        if q(k) != T::zero() {
            loss += q(k) * (normalizer - z);
        }
    }
    for (k, slot) in derivative.iter_mut().enumerate() {
        let p = p.map_or_else(|| (z[k] - normalizer).exp(), |p| p[k]);
        *slot = p * total - q(k);
    }
    loss
}

/// l = -sum_k (y_k log p_k + (1 - y_k) log(1 - p_k)) with p = softmax(z).
///
/// With r_k = p_k / (1 - p_k) and c_k = y_k - (1 - y_k) r_k: dl/dz_k = p_k sum_j c_j - c_k.
fn binary_cross_entropy_of_softmax<T: Scalar>(
    z: &[T],
    p: &[T],
    y: &dyn Fn(usize) -> T,
    derivative: &mut [T],
) -> T {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn value(loss: &Loss, activation: Activation, z: &[f64], y: &[f64]) -> (f64, Vec<f64>) {
        let mut a = z.to_vec();
        activation.apply_in_place(&mut a);
        if activation == Activation::Softmax {
            softmax_rows(&mut a, z.len());
        }
        let mut delta = vec![0.0; z.len()];
        let output = Output { activation, width: z.len(), z, a: &a };
        let y = MatrixView::new(1, y.len(), y).unwrap();
        let sum = loss.output_error(output, Targets::Values(y), None, &mut delta).unwrap();
        (sum.mean(), delta)
    }

    #[test]
    fn standard_pairs_give_prediction_minus_target() {
        let (z, y) = ([0.3, -1.2, 2.0], [0.0, 1.0, 0.0]);
        for (loss, activation) in [
            (Loss::HalfSquaredError, Activation::Identity),
            (Loss::BinaryCrossEntropy, Activation::Sigmoid),
            (Loss::cross_entropy(), Activation::Softmax),
        ] {
            let mut a = z;
            activation.apply_in_place(&mut a);
            if activation == Activation::Softmax {
                softmax_rows(&mut a, 3);
            }
            let (_, delta) = value(&loss, activation, &z, &y);
            for k in 0..3 {
                assert!((delta[k] - (a[k] - y[k])).abs() < 1e-15);
            }
        }
    }

    #[test]
    fn enormous_logits_give_finite_losses() {
        for z in [[800.0, -800.0, 5.0], [-900.0, 900.0, 899.0]] {
            for y in [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]] {
                for activation in
                    [Activation::Softmax, Activation::Sigmoid, Activation::Identity, Activation::HardSigmoid]
                {
                    for loss in [Loss::BinaryCrossEntropy, Loss::cross_entropy()] {
                        let (loss_value, delta) = value(&loss, activation, &z, &y);
                        assert!(
                            loss_value.is_finite() && loss_value >= 0.0,
                            "{loss:?} {activation:?} {loss_value}"
                        );
                        assert!(delta.iter().all(|d| d.is_finite()) || activation == Activation::Softmax);
                    }
                }
            }
        }
        let (wrong, _) = value(&Loss::cross_entropy(), Activation::Softmax, &[800.0, -800.0], &[0.0, 1.0]);
        assert_eq!(wrong, 1600.0);
    }

    #[test]
    fn targets_out_of_range_are_named() {
        let message = |loss: &Loss, values: &[f64]| {
            let values = MatrixView::new(1, values.len(), values).unwrap();
            loss.check_targets(1, 2, Targets::Values(values), None).unwrap_err().to_string()
        };
        assert!(message(&Loss::Poisson, &[1.0, -1.0]).contains("row 0, column 1"));
        assert!(message(&Loss::BinaryCrossEntropy, &[1.5, 0.0]).contains("1.5 must be in 0..=1"));
        assert!(message(&Loss::MeanSquaredError, &[f64::NAN, 0.0]).contains("must be finite"));
        assert!(message(&Loss::MeanSquaredError, &[0.0]).contains("expected 2 columns, found 1"));
        let classes: Targets<'_, f64> = Targets::Classes(&[0, 5]);
        let error = Loss::cross_entropy().check_targets(2, 3, classes, None).unwrap_err();
        assert!(error.to_string().contains("row 1") && error.to_string().contains("class 5"));
        let ok: Targets<'_, f64> = Targets::Classes(&[0, 1]);
        for weights in [[1.0, -1.0], [1.0, f64::NAN]] {
            assert!(Loss::cross_entropy().check_targets(2, 3, ok, Some(&weights)).is_err());
        }
        let zero = Loss::HalfSquaredError.output_error(
            Output { activation: Activation::Identity, width: 1, z: &[1.0], a: &[1.0] },
            Targets::Classes(&[1]),
            Some(&[0.0]),
            &mut [0.0],
        );
        assert!(zero.unwrap_err().to_string().contains("weights of all samples"));
    }

    #[test]
    fn parameters_out_of_range_are_refused() {
        let weights = |weights: &[f64]| Loss::CrossEntropy {
            label_smoothing: 0.0,
            class_weights: Some(weights.to_vec()),
        };
        for loss in [
            Loss::Huber { delta: 0.0 },
            Loss::Quantile { quantile: 1.0 },
            Loss::Quantile { quantile: f64::NAN },
            Loss::CrossEntropy { label_smoothing: 1.0, class_weights: None },
            weights(&[1.0]),
            weights(&[1.0, -1.0]),
            weights(&[0.0, 0.0]),
        ] {
            assert!(loss.check(2).is_err(), "{loss:?}");
        }
        assert!(Loss::cross_entropy().check(1).is_err());
        assert!(Loss::all().iter().all(|loss| loss.check(2).is_ok()));
    }
}
