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

use crate::activation::{Activation, largest, log_sum_exp, softmax_jacobian, softmax_rows, sum};
use crate::error::{Error, Result, require};
use crate::kernel::Scalar;
use crate::kernel::functions::{exp, exp_of_nonpositive, ln_of_at_least_one, sigmoid, softplus};
use crate::kernel::vectorized::vectorized_loop;
use crate::matrix::{Matrix, MatrixView};

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

impl<'a, T: Scalar> From<&'a Matrix<T>> for Targets<'a, T> {
    fn from(values: &'a Matrix<T>) -> Self {
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
    #[inline(always)]
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

/// How many outputs the losses of single outputs are computed for at a time.
const CHUNK: usize = 256;

/// Some outputs, the targets and what is to be filled in.
struct Chunk<'a, T> {
    z: &'a [T],
    a: &'a [T],
    y: &'a [T],
    losses: &'a mut [T],
    derivatives: &'a mut [T],
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

    /// Whether delta(L) is (prediction - target) / B with this output activation: identity with half squared
    /// error, sigmoid with binary cross-entropy, softmax with cross-entropy. Cross-entropy's target is then
    /// smoothed and weighted, and its prediction is times the sum of that.
    pub fn has_short_form(&self, output: Activation) -> bool {
        let losses =
            matches!(self, Loss::HalfSquaredError | Loss::BinaryCrossEntropy | Loss::CrossEntropy { .. });
        losses && self.natural_output() == output
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
    #[inline(never)]
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

    /// sum_i v_i of a batch.
    ///
    /// # Errors
    /// When the weights of all samples are zero, so that there is no mean.
    pub(crate) fn total_weight<T: Scalar>(
        &self,
        targets: Targets<'_, T>,
        sample_weights: Option<&[T]>,
    ) -> Result<f64> {
        let has_class_weights = matches!(self, Loss::CrossEntropy { class_weights: Some(_), .. });
        let weight = if sample_weights.is_none() && !has_class_weights {
            targets.len() as f64
        } else {
            let sample_weight = |i: usize| sample_weights.map_or(1.0, |weights| weights[i].as_f64());
            (0..targets.len()).map(|i| sample_weight(i) * self.row_weight(targets.row(i))).sum()
        };
        if weight <= 0.0 {
            let reason = "the weights of all samples of a batch are 0: there is no mean to take";
            return Err(Error::Data(reason.to_owned()));
        }
        Ok(weight)
    }

    /// Some rows of a batch: writes their delta(L) into `delta`, [rows, n_L], and each s_i l_i into `row_losses`.
    /// `output`, `targets` and `sample_weights` are these rows', `total_weight` is the whole batch's.
    ///
    /// Allocates nothing. A row's results have the same bits whichever other rows are there.
    pub(crate) fn output_error_rows<T: Scalar>(
        &self,
        output: Output<'_, T>,
        targets: Targets<'_, T>,
        sample_weights: Option<&[T]>,
        total_weight: f64,
        delta: &mut [T],
        row_losses: &mut [f64],
    ) {
        let Output { activation, width, z, a } = output;
        let side = self.row_derivatives(output, targets, delta, row_losses);
        if let Side::Activation = side {
            if activation == Activation::Softmax {
                for (a, delta) in a.chunks_exact(width).zip(delta.chunks_exact_mut(width)) {
                    softmax_jacobian(a, delta);
                }
            }
            activation.multiply_by_derivative(z, a, delta);
        }
        scale_rows(delta, row_losses, width, sample_weights, total_weight);
    }

    /// dLoss/da(L), [B, n_L], the division by the sum of weights included. None where the derivative is
    /// taken by z at once, in one stable formula: both cross-entropies with softmax and with sigmoid.
    ///
    /// `z` and `a` are z(L) and a(L), where `activation` made a from z.
    ///
    /// # Errors
    /// When shapes, targets or weights do not fit.
    #[inline(never)]
    pub fn derivative_by_output<T: Scalar>(
        &self,
        activation: Activation,
        z: MatrixView<'_, T>,
        a: MatrixView<'_, T>,
        targets: Targets<'_, T>,
        sample_weights: Option<&[T]>,
    ) -> Result<Option<Matrix<T>>> {
        let (batch, width) = (a.rows(), a.columns());
        if (z.rows(), z.columns()) != (batch, width) {
            let shape = |rows, columns| format!("{rows} x {columns}");
            return Err(Error::shape("z(L)", shape(batch, width), shape(z.rows(), z.columns())));
        }
        self.check(width)?;
        self.check_targets(batch, width, targets, sample_weights)?;
        let output = Output { activation, width, z: z.as_slice(), a: a.as_slice() };
        let total_weight = self.total_weight(targets, sample_weights)?;
        let (mut error, mut row_losses) = (Matrix::zeros(batch, width), vec![0.0; batch]);
        let side = self.row_derivatives(output, targets, error.as_mut_slice(), &mut row_losses);
        if let Side::PreActivation = side {
            return Ok(None);
        }
        scale_rows(error.as_mut_slice(), &mut row_losses, width, sample_weights, total_weight);
        Ok(Some(error))
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

    /// Writes l_i, with class weights, into `row_losses`, and its derivative into `derivatives`.
    fn row_derivatives<T: Scalar>(
        &self,
        output: Output<'_, T>,
        targets: Targets<'_, T>,
        derivatives: &mut [T],
        row_losses: &mut [f64],
    ) -> Side {
        let Output { activation, width, z, a } = output;
        let number = T::from_f64;
        let (one, mean) = (T::one(), T::one() / number(width as f64));
        // Calls the formula with z, a and y (for cross-entropy: q) of each output.
        macro_rules! each_output {
            ($scale:expr $(, $constant:ident = $value:expr)*; |$z:ident, $a:ident, $y:ident| $formula:expr) => {
                self.each_chunk(output, targets, derivatives, row_losses, $scale, |chunk, scale| {
                    let Chunk { z, a, y, losses, derivatives } = chunk;
                    vectorized_loop! {
                        for T: z: &'a [T] = z, a: &'a [T] = a, y: &'a [T] = y, losses: &'a mut [T] = losses,
                            derivatives: &'a mut [T] = derivatives, scale: T = scale $(, $constant: T = $value)*;
                        for ((((&$z, &$a), &$y), loss), derivative) in
                            z.iter().zip(a).zip(y).zip(losses).zip(derivatives)
                        {
                            let (value, slope): (T, T) = $formula;
                            *loss = scale * value;
                            *derivative = scale * slope;
                        }
                    }
                })
            };
        }
        match self {
            Loss::HalfSquaredError => {
                each_output!(one; |_z, a, y| (T::HALF * (a - y) * (a - y), a - y));
                Side::Activation
            }
            Loss::MeanSquaredError => {
                each_output!(mean; |_z, a, y| ((a - y) * (a - y), T::TWO * (a - y)));
                Side::Activation
            }
            Loss::MeanAbsoluteError => {
                each_output!(mean; |_z, a, y| ((a - y).abs(), sign(a - y)));
                Side::Activation
            }
            Loss::Huber { delta } => {
                each_output!(mean, delta = number(*delta); |_z, a, y| {
                    let d = a - y;
                    let line = delta * (d.abs() - T::HALF * delta);
                    if d.abs() <= delta { (T::HALF * d * d, d) } else { (line, delta * sign(d)) }
                });
                Side::Activation
            }
            Loss::Quantile { quantile } => {
                each_output!(mean, q = number(*quantile); |_z, a, y| {
                    let d = a - y;
                    let not_above = if d < T::zero() { -q } else { d * T::zero() };
                    let slope = if d > T::zero() { T::one() - q } else { not_above };
                    (d * slope, slope)
                });
                Side::Activation
            }
            Loss::Poisson => {
                each_output!(mean; |_z, a, y| {
                    let rate = exp(a);
                    (rate - y * a, rate - y)
                });
                Side::Activation
            }
            Loss::BinaryCrossEntropy => match activation {
                Activation::Sigmoid => {
                    each_output!(one; |z, a, y| (softplus(z) - y * z, a - y));
                    Side::PreActivation
                }
                Activation::Softmax => {
                    for (i, (derivative, loss)) in
                        derivatives.chunks_exact_mut(width).zip(row_losses).enumerate()
                    {
                        let (row, target) = (i * width..(i + 1) * width, targets.row(i));
                        let y = |k: usize| target.at(k, width);
                        let (z, p) = (&z[row.clone()], &a[row]);
                        *loss = binary_cross_entropy_of_softmax(z, p, &y, derivative).as_f64();
                    }
                    Side::PreActivation
                }
                Activation::HardSigmoid => {
                    each_output!(one, least = number(1e-12); |_z, p, y| {
                        let rest = T::one() - p;
                        let loss = -(y * cut_logarithm(p) + (T::one() - y) * cut_logarithm(rest));
                        (loss, (p - y) / (p * rest).max(least))
                    });
                    Side::Activation
                }
                _ => {
                    each_output!(one; |_z, a, y| (softplus(a) - y * a, sigmoid(a) - y));
                    Side::Activation
                }
            },
            Loss::CrossEntropy { .. } => match activation {
                Activation::Softmax => {
                    self.cross_entropy_of_logits(z, targets, width, derivatives, row_losses);
                    Side::PreActivation
                }
                Activation::Sigmoid => {
                    each_output!(one; |z, a, q| (q * softplus(-z), -q * (T::one() - a)));
                    Side::PreActivation
                }
                Activation::HardSigmoid => {
                    each_output!(one, least = number(1e-12); |_z, p, q| {
                        (-q * cut_logarithm(p), -q / p.max(least))
                    });
                    Side::Activation
                }
                _ => {
                    self.cross_entropy_of_logits(a, targets, width, derivatives, row_losses);
                    Side::Activation
                }
            },
        }
    }

    /// For losses that are sums over single outputs: calls `body` for chunks of whole rows, or of parts of a long
    /// row, to fill in the loss and the derivative of every output; then adds up each row's losses.
    #[inline]
    fn each_chunk<T: Scalar>(
        &self,
        output: Output<'_, T>,
        targets: Targets<'_, T>,
        derivatives: &mut [T],
        row_losses: &mut [f64],
        scale: T,
        body: impl Fn(Chunk<'_, T>, T),
    ) {
        let width = output.width;
        let columns = width.min(CHUNK);
        let rows = CHUNK / columns;
        let (mut losses, mut labels) = ([T::zero(); CHUNK], [T::zero(); CHUNK]);
        row_losses.fill(0.0);
        for (block, row_losses) in row_losses.chunks_mut(rows).enumerate() {
            let first = block * rows;
            for column in (0..width).step_by(columns) {
                let start = first * width + column;
                let part = columns.min(width - column);
                let range = start..start + row_losses.len() * part;
                let losses = &mut losses[..range.len()];
                let y = match (targets, self) {
                    (Targets::Values(values), loss) if !matches!(loss, Loss::CrossEntropy { .. }) => {
                        &values.as_slice()[range.clone()]
                    }
                    _ => {
                        for (i, row) in labels[..range.len()].chunks_exact_mut(part).enumerate() {
                            let target = targets.row(first + i);
                            for (k, label) in row.iter_mut().enumerate() {
                                *label = self.label(target, column + k, width);
                            }
                        }
                        &labels[..range.len()]
                    }
                };
                let (z, a) = (&output.z[range.clone()], &output.a[range.clone()]);
                body(Chunk { z, a, y, losses, derivatives: &mut derivatives[range] }, scale);
                for (row_loss, losses) in row_losses.iter_mut().zip(losses.chunks_exact(part)) {
                    *row_loss += sum(losses).as_f64();
                }
            }
        }
    }

    /// y_k; for cross-entropy q_k = w_k t_k, so that l = -sum_k q_k log p_k.
    #[inline(always)]
    fn label<T: Scalar>(&self, target: RowTarget<'_, T>, k: usize, outputs: usize) -> T {
        self.counted_target(target.at(k, outputs), k, outputs)
    }

    /// What delta(L) is computed with for a target y_k: for cross-entropy q_k, smoothed and times its class's
    /// weight; for the other losses y_k itself.
    ///
    /// # Panics
    /// When there are fewer class weights than k + 1.
    #[inline(always)]
    pub fn counted_target<T: Scalar>(&self, y: T, k: usize, outputs: usize) -> T {
        let Loss::CrossEntropy { label_smoothing, class_weights } = self else { return y };
        let weight = class_weights.as_ref().map_or(T::one(), |weights| T::from_f64(weights[k]));
        let smoothing = T::from_f64(*label_smoothing);
        weight * ((T::one() - smoothing) * y + smoothing / T::from_f64(outputs as f64))
    }

    /// For each row x of `logits`, with p = softmax(x): l = sum_k q_k (log sum exp(x) - x_k) and
    /// dl/dx_k = p_k sum_j q_j - q_k.
    fn cross_entropy_of_logits<T: Scalar>(
        &self,
        logits: &[T],
        targets: Targets<'_, T>,
        width: usize,
        derivatives: &mut [T],
        row_losses: &mut [f64],
    ) {
        let (smoothing, unweighted) = match self {
            Loss::CrossEntropy { label_smoothing, class_weights } => {
                (T::from_f64(*label_smoothing), class_weights.is_none())
            }
            _ => unreachable!("the formula is cross-entropy's"),
        };
        const ROWS: usize = 32;
        let (mut maxima, mut sums, mut logarithms) = ([T::zero(); ROWS], [T::one(); ROWS], [T::zero(); ROWS]);
        let blocks = logits.chunks(ROWS * width).zip(derivatives.chunks_mut(ROWS * width));
        for (block, ((logits, derivatives), row_losses)) in
            blocks.zip(row_losses.chunks_mut(ROWS)).enumerate()
        {
            vectorized_loop! {
                for T: logits: &'a [T] = logits, p: &'a mut [T] = derivatives, width: usize = width,
                    maxima: &'a mut [T; ROWS] = &mut maxima, sums: &'a mut [T; ROWS] = &mut sums,
                    logarithms: &'a mut [T; ROWS] = &mut logarithms;
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
            for (i, loss) in row_losses.iter_mut().enumerate() {
                let (target, row) = (targets.row(block * ROWS + i), i * width..(i + 1) * width);
                let (x, derivative) = (&logits[row.clone()], &mut derivatives[row]);
                let minus_log_p = |k: usize| logarithms[i] - (x[k] - maxima[i]);
                *loss = match target {
                    RowTarget::Class(class) if smoothing == T::zero() => {
                        let q = T::from_f64(self.row_weight(target));
                        if q != T::one() {
                            derivative.iter_mut().for_each(|p| *p *= q);
                        }
                        derivative[class] -= q;
                        if q == T::zero() { 0.0 } else { (q * minus_log_p(class)).as_f64() }
                    }
                    RowTarget::Values(y) if unweighted => {
                        let keep = T::one() - smoothing;
                        let spread = smoothing / T::from_f64(width as f64);
                        distribution_loss(minus_log_p, derivative, |k| keep * y[k] + spread).as_f64()
                    }
                    _ => {
                        let q = |k| self.label(target, k, width);
                        distribution_loss(minus_log_p, derivative, q).as_f64()
                    }
                };
            }
        }
    }

    /// Turns a row of network output into the prediction that the loss stands for: probabilities where
    /// the output is logits, the rate for Poisson, else the output itself.
    #[inline(never)]
    pub fn output_to_prediction<T: Scalar>(&self, activation: Activation, row: &mut [T]) {
        self.outputs_to_predictions(activation, row.len().max(1), row);
    }

    /// The same for rows of `width` outputs.
    pub(crate) fn outputs_to_predictions<T: Scalar>(
        &self,
        activation: Activation,
        width: usize,
        outputs: &mut [T],
    ) {
        let logits = !activation.yields_probabilities();
        match self {
            Loss::CrossEntropy { .. } if logits => softmax_rows(outputs, width),
            Loss::BinaryCrossEntropy if logits => outputs.iter_mut().for_each(|a| *a = sigmoid(*a)),
            Loss::Poisson => outputs.iter_mut().for_each(|a| *a = exp(*a)),
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

/// Turns derivatives of each l_i into those of the weighted mean, and each l_i into s_i l_i.
fn scale_rows<T: Scalar>(
    derivatives: &mut [T],
    row_losses: &mut [f64],
    width: usize,
    sample_weights: Option<&[T]>,
    total_weight: f64,
) {
    let total_weight = T::from_f64(total_weight);
    let Some(weights) = sample_weights else {
        let scale = T::one() / total_weight;
        vectorized_loop! { for T: derivatives: &'a mut [T] = derivatives, scale: T = scale;
            for value in derivatives { *value *= scale; }
        }
        return;
    };
    for ((&s, row), loss) in weights.iter().zip(derivatives.chunks_exact_mut(width)).zip(row_losses) {
        if s == T::zero() {
            // Not 0 times a loss, which may be infinite.
            row.fill(T::zero());
            *loss = 0.0;
        } else {
            let scale = s / total_weight;
            row.iter_mut().for_each(|d| *d *= scale);
            *loss *= s.as_f64();
        }
    }
}

/// sum_k q_k (-log p_k), where a q_k of 0 counts nothing; turns p into p_k sum_j q_j - q_k.
#[inline(always)]
fn distribution_loss<T: Scalar>(minus_log_p: impl Fn(usize) -> T, p: &mut [T], q: impl Fn(usize) -> T) -> T {
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

/// -1, 0 or 1; NaN for NaN.
#[inline(always)]
fn sign<T: Scalar>(x: T) -> T {
    let one = if x.is_nan() { x } else { T::one() };
    if x == T::zero() { x } else { one.copysign(x) }
}

/// log p, at least -100.
fn cut_logarithm<T: Scalar>(p: T) -> T {
    if p.is_nan() { p } else { p.ln().max(T::from_f64(-100.0)) }
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
    fn a_row_has_the_same_bits_whichever_rows_are_with_it() {
        let rows = 11;
        let weights: Vec<f32> = (0..rows).map(|i| (i % 4) as f32 * 0.75).collect();
        let smoothed = Loss::CrossEntropy { label_smoothing: 0.1, class_weights: None };
        for width in [1, 3, 10, 40, CHUNK + 44] {
            let z: Vec<f32> = (0..rows * width).map(|i| (i as f32 * 0.618).fract() * 9.0 - 4.5).collect();
            let values: Vec<f32> = (0..rows * width).map(|i| (i as f32 * 0.414).fract()).collect();
            let classes: Vec<u32> = (0..rows).map(|i| (i * 7 % width.max(2)) as u32).collect();
            let both =
                [Targets::Values(MatrixView::new(rows, width, &values).unwrap()), Targets::Classes(&classes)];
            for loss in Loss::all().iter().chain([&smoothed]).filter(|loss| loss.check(width).is_ok()) {
                for &activation in Activation::ALL {
                    if width == 1 && activation == Activation::Softmax {
                        continue;
                    }
                    let mut a = z.clone();
                    activation.apply_in_place(&mut a);
                    if activation == Activation::Softmax {
                        softmax_rows(&mut a, width);
                    }
                    for targets in both {
                        for weights in [None, Some(&weights[..])] {
                            let in_blocks = |size: usize| {
                                let (mut delta, mut losses) =
                                    (vec![f32::NAN; rows * width], vec![f64::NAN; rows]);
                                for first in (0..rows).step_by(size) {
                                    let range = first..(first + size).min(rows);
                                    let numbers = range.start * width..range.end * width;
                                    let (z, a) = (&z[numbers.clone()], &a[numbers.clone()]);
                                    loss.output_error_rows(
                                        Output { activation, width, z, a },
                                        targets.slice(range.clone()),
                                        weights.map(|weights| &weights[range.clone()]),
                                        8.25,
                                        &mut delta[numbers],
                                        &mut losses[range],
                                    );
                                }
                                let bits: Vec<u32> = delta.iter().map(|d| d.to_bits()).collect();
                                (bits, losses.iter().map(|l| l.to_bits()).collect::<Vec<_>>())
                            };
                            let whole = in_blocks(rows);
                            assert!(
                                whole.1.iter().all(|&loss| f64::from_bits(loss).is_finite()),
                                "{loss:?} {activation:?}"
                            );
                            assert_eq!(whole, in_blocks(1), "{loss:?} {activation:?} {width}");
                            assert_eq!(whole, in_blocks(3), "{loss:?} {activation:?} {width}");
                        }
                    }
                }
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
