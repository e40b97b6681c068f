//! Losses: the value, and the output error delta(L), computed together from z in stable forms. One file a family.
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
//!
//! A new loss is a struct that implements `Describe` and `Compute`, in a file of its own or its family's, and one
//! entry in the list below.

mod absolute;
mod binary_cross_entropy;
mod cross_entropy;
mod describe;
mod mean;
mod output_error;
mod poisson;
mod prediction;
mod rows;
mod squared;
mod targets;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use absolute::{Huber, MeanAbsoluteError, Quantile};
use binary_cross_entropy::BinaryCrossEntropy;
use cross_entropy::CrossEntropy;
use describe::{Compute, Describe};
pub use mean::WeightedSum;
use poisson::Poisson;
pub(crate) use rows::Output;
use squared::{HalfSquaredError, MeanSquaredError};
pub(crate) use targets::RowTarget;
pub use targets::{TargetRange, Targets};

use crate::activation::Activation;
use crate::error::Result;
use crate::kernel::Scalar;
use crate::names::{find_by_name, written_by_name};

macro_rules! losses {
    ($(
        $(#[$attribute:meta])*
        $loss:ident $({ $($(#[$field_attribute:meta])* $field:ident: $type:ty = $default:expr),+ })? => $formulas:expr;
    )*) => {
        /// How far the output is from the target.
        ///
        /// In model files a loss is its name, or an object with its name and its parameters:
        /// `"mean_squared_error"`, `{"huber": {"delta": 2.0}}`. As text ([`Display`](std::fmt::Display), [`FromStr`](std::str::FromStr)) it is its
        /// name, which leaves parameters at their defaults when it is read.
        ///
        /// ```
        /// use chainrule::Loss;
        ///
        /// assert_eq!("Mean-Squared-Error".parse::<Loss>()?, Loss::MeanSquaredError);
        /// assert_eq!(Loss::cross_entropy().to_string(), "cross_entropy");
        /// # Ok::<(), chainrule::Error>(())
        /// ```
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case", deny_unknown_fields)]
        #[non_exhaustive]
        pub enum Loss {
            $($(#[$attribute])* $loss $({ $($(#[$field_attribute])* $field: $type),+ })?,)*
        }

        impl Loss {
            /// Every loss, with default parameters.
            pub fn all() -> Vec<Loss> {
                vec![$(Loss::$loss $({ $($field: $default),+ })?,)*]
            }

            /// Asks the loss what it is.
            fn describe<R>(&self, ask: impl FnOnce(&dyn Describe) -> R) -> R {
                match self { $(Loss::$loss $({ $($field),+ })? => ask(&$formulas),)* }
            }

            /// Has the loss compute.
            fn compute<T: Scalar, R>(&self, ask: impl FnOnce(&dyn Compute<T>) -> R) -> R {
                match self { $(Loss::$loss $({ $($field),+ })? => ask(&$formulas),)* }
            }
        }
    };
}

losses! {
    /// l = 1/2 sum (a - y)^2, whose derivative by a is a - y.
    ///
    /// ```
    /// # use chainrule::{Activation, Loss, Matrix};
    /// let (z, y) = (Matrix::from_rows(&[[3.0, -1.0]]), Matrix::from_rows(&[[1.0, 0.0]]));
    /// let loss = Loss::HalfSquaredError.value(Activation::Identity, z.view(), (&y).into(), None)?;
    /// assert_eq!(loss, (2.0 * 2.0 + 1.0 * 1.0) / 2.0);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    HalfSquaredError => HalfSquaredError;
    /// l = mean over outputs of (a - y)^2; PyTorch's `MSELoss`. The derivative by a is 2 (a - y) / n_L.
    ///
    /// ```
    /// # use chainrule::{Activation, Loss, Matrix};
    /// let (z, y) = (Matrix::from_rows(&[[3.0, -1.0, 0.0, 5.0]]), Matrix::from_rows(&[[1.0, 0.0, 0.0, 5.0]]));
    /// let loss = Loss::MeanSquaredError.value(Activation::Identity, z.view(), (&y).into(), None)?;
    /// assert_eq!(loss, (2.0 * 2.0 + 1.0 * 1.0) / 4.0);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    MeanSquaredError => MeanSquaredError;
    /// l = mean over outputs of |a - y|; PyTorch's `L1Loss`. The derivative by a is sign(a - y) / n_L, at a = y 0.
    ///
    /// ```
    /// # use chainrule::{Activation, Loss, Matrix};
    /// let (z, y) = (Matrix::from_rows(&[[3.0, -1.0]]), Matrix::from_rows(&[[1.0, 0.0]]));
    /// let loss = Loss::MeanAbsoluteError.value(Activation::Identity, z.view(), (&y).into(), None)?;
    /// assert_eq!(loss, (2.0 + 1.0) / 2.0);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    MeanAbsoluteError => MeanAbsoluteError;
    /// l = mean over outputs of d^2/2 where |d| <= delta, else delta (|d| - delta/2), d = a - y (Huber 1964); PyTorch's
    /// `HuberLoss`. The derivative by a is d, cut off at -delta and delta, over n_L.
    ///
    /// ```
    /// # use chainrule::{Activation, Loss, Matrix};
    /// let (z, y) = (Matrix::from_rows(&[[3.0, -1.0]]), Matrix::from_rows(&[[1.0, 0.0]]));
    /// let loss = Loss::Huber { delta: 1.5 }.value(Activation::Identity, z.view(), (&y).into(), None)?;
    /// assert_eq!(loss, (1.5 * (2.0 - 0.75) + 0.5) / 2.0);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    Huber {
        /// Where the square turns into a line; greater than 0, default 1.
        #[serde(default = "one")]
        delta: f64 = one()
    } => Huber { delta: *delta };
    /// l = -sum (y log p + (1 - y) log(1 - p)), y in 0..=1; one output or many labels. p is the output, or the sigmoid
    /// of one that is a logit; PyTorch's `BCEWithLogitsLoss`, summed over the outputs. The derivative by the logit is
    /// p - y.
    ///
    /// ```
    /// # use chainrule::{Activation, Loss, Matrix, Targets};
    /// let z = Matrix::from_rows(&[[3.0_f64.ln()]]); // p = 3/4
    /// let loss = |class| {
    ///     Loss::BinaryCrossEntropy.value(Activation::Sigmoid, z.view(), Targets::Classes(&[class]), None)
    /// };
    /// assert!((loss(1)? + 0.75_f64.ln()).abs() < 1e-15 && (loss(0)? + 0.25_f64.ln()).abs() < 1e-15);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    BinaryCrossEntropy => BinaryCrossEntropy;
    /// l = -sum_k w_k t_k log p_k, where t = (1 - label_smoothing) y + label_smoothing / n_L (Szegedy et al. 2016);
    /// PyTorch's `CrossEntropyLoss`. p are the outputs, or the softmax of those that are logits. The derivative by
    /// a logit is p_k sum_j w_j t_j - w_k t_k.
    ///
    /// ```
    /// # use chainrule::{Activation, Loss, Matrix, Targets};
    /// let z = Matrix::from_rows(&[[3.0_f64.ln(), 0.0]]); // p = 3/4, 1/4
    /// let loss = |loss: Loss| loss.value(Activation::Softmax, z.view(), Targets::Classes(&[0]), None);
    /// assert!((loss(Loss::cross_entropy())? + 0.75_f64.ln()).abs() < 1e-15);
    /// let smoothed = loss(Loss::CrossEntropy { label_smoothing: 0.5, class_weights: None })?;
    /// assert!((smoothed + 0.75 * 0.75_f64.ln() + 0.25 * 0.25_f64.ln()).abs() < 1e-15);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    CrossEntropy {
        /// In 0..1, default 0.
        #[serde(default)]
        label_smoothing: f64 = 0.0,
        /// w, one for each class; default all 1.
        #[serde(default)]
        class_weights: Option<Vec<f64>> = None
    } => CrossEntropy { label_smoothing: *label_smoothing, class_weights: class_weights.as_deref() };
    /// l = mean over outputs of exp(a) - y a: a is the logarithm of the rate of a count y; PyTorch's `PoissonNLLLoss`.
    /// The derivative by a is (exp(a) - y) / n_L.
    ///
    /// ```
    /// # use chainrule::{Activation, Loss, Matrix};
    /// let (z, y) = (Matrix::from_rows(&[[2.0_f64.ln()]]), Matrix::from_rows(&[[3.0]]));
    /// let loss = Loss::Poisson.value(Activation::Identity, z.view(), (&y).into(), None)?;
    /// assert!((loss - (2.0 - 3.0 * 2.0_f64.ln())).abs() < 1e-15);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    Poisson => Poisson;
    /// l = mean over outputs of max(q (y - a), (q - 1)(y - a)) (Koenker and Bassett 1978). The derivative by a is 1 - q
    /// where a > y and -q where a < y, over n_L, and at a = y 0.
    ///
    /// ```
    /// # use chainrule::{Activation, Loss, Matrix};
    /// let (z, y) = (Matrix::from_rows(&[[3.0, -1.0]]), Matrix::from_rows(&[[1.0, 0.0]]));
    /// let loss = Loss::Quantile { quantile: 0.75 }.value(Activation::Identity, z.view(), (&y).into(), None)?;
    /// assert_eq!(loss, (0.25 * 2.0 + 0.75 * 1.0) / 2.0);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    Quantile {
        /// q in 0..1, default 1/2.
        #[serde(default = "half")]
        quantile: f64 = half()
    } => Quantile { quantile: *quantile };
}

fn one() -> f64 {
    1.0
}

fn half() -> f64 {
    0.5
}

impl Loss {
    /// Cross-entropy without label smoothing or class weights.
    pub fn cross_entropy() -> Loss {
        Loss::CrossEntropy { label_smoothing: 0.0, class_weights: None }
    }

    /// The name in model files.
    pub fn name(&self) -> &'static str {
        self.describe(|loss| loss.name())
    }

    /// The loss of that name with default parameters; `-` and `_` are the same, and case does not matter.
    ///
    /// # Errors
    /// For an unknown name, with the list of all.
    pub fn from_name(name: &str) -> Result<Self> {
        find_by_name("loss", name, Loss::all().into_iter(), Loss::name)
    }

    /// l of one sample with this output activation, in words and symbols.
    pub fn formula(&self, output: Activation) -> String {
        self.describe(|loss| loss.formula(output.yields_probabilities()))
    }

    /// dl/da of one sample with this output activation, in symbols; n is the number of outputs.
    pub fn derivative_formula(&self, output: Activation) -> String {
        self.describe(|loss| loss.derivative_formula(output.yields_probabilities()))
    }

    /// The output activation that the loss is made for.
    pub fn natural_output(&self) -> Activation {
        self.describe(|loss| loss.natural_output())
    }

    /// Whether delta(L) is (prediction - target) / B with this output activation: identity with half squared
    /// error, sigmoid with binary cross-entropy, softmax with cross-entropy. Cross-entropy's target is then
    /// smoothed and weighted, and its prediction is times the sum of that.
    pub fn has_short_form(&self, output: Activation) -> bool {
        self.natural_output() == output && self.describe(|loss| loss.natural_output_cancels())
    }

    /// Whether it is a cross-entropy of logits with this output activation, so that dividing z(L) by a temperature changes how sure the
    /// predictions are, but not which class is the largest.
    ///
    /// ```
    /// use chainrule::{Activation, Loss};
    /// assert!(Loss::cross_entropy().has_temperature(Activation::Softmax));
    /// assert!(!Loss::cross_entropy().has_temperature(Activation::Sigmoid));
    /// assert!(!Loss::MeanSquaredError.has_temperature(Activation::Identity));
    /// ```
    pub fn has_temperature(&self, output: Activation) -> bool {
        matches!(self, Loss::CrossEntropy { .. })
            && matches!(output, Activation::Identity | Activation::Softmax)
    }

    /// The targets that it can use.
    pub fn target_range(&self) -> TargetRange {
        self.describe(|loss| loss.target_range())
    }

    /// Whether it is never below 0.
    pub(crate) fn is_never_negative(&self) -> bool {
        self.describe(|loss| loss.is_never_negative())
    }

    /// Checks the loss's parameters against the number of outputs.
    ///
    /// # Errors
    /// Names the parameter, its value and its range.
    pub fn check(&self, outputs: usize) -> Result<()> {
        self.describe(|loss| loss.check(outputs))
    }

    /// Whether a corner of the loss, as a function of one output, lies between `low` and `high` for the
    /// target `y`: a jump of its first derivative, or (Huber) of its second.
    pub(crate) fn has_corner_between(&self, low: f64, high: f64, y: f64) -> bool {
        let between = |corner: f64| low != high && (low - corner) * (high - corner) <= 0.0;
        self.describe(|loss| loss.corners(y).into_iter().flatten().any(between))
    }
}

written_by_name!(Loss);
