//! How good predictions are: loss, and what people ask for beside it.
//!
//! A sample of weight k counts in the loss and in every metric as if it stood there k times, and one of weight 0 as
//! if it were not there; weights need not be whole numbers.

mod classes;
mod numbers;
mod weights;

use serde::{Deserialize, Serialize};

pub use classes::predicted_class;

use crate::activation::Activation;
use crate::error::{Error, Result, require};
use crate::forward::{INFERENCE_BATCH, infer_with_pre_activation};
use crate::kernel::parts::for_each_chunk;
use crate::kernel::{Scalar, Threads};
use crate::loss::{Loss, Output, Targets};
use crate::matrix::{Matrix, MatrixView};
use crate::network::Network;
use crate::parameters::Parameters;
use crate::samples::Samples;
use classes::{largest, of_classes};
use weights::Weights;

/// The class that F1 is for where there are two and nobody says which: as in most libraries, the second.
pub(super) const SECOND_CLASS: u32 = 1;

/// The loss and the metrics on some samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The weighted mean.
    pub loss: f64,
    /// What fits the kind of target.
    #[serde(flatten)]
    pub metrics: Metrics,
}

/// Metrics for classes or for numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Metrics {
    /// For class targets (and labels of binary cross-entropy, each output a class of its own).
    Classification {
        /// The share of right predictions.
        accuracy: f64,
        /// The mean of the classes' recalls, over the classes that occur.
        balanced_accuracy: f64,
        /// 2 TP / (2 TP + FP + FN): of `f1_class` where there are two classes, else the mean over the classes that
        /// occur or are predicted.
        f1: f64,
        /// The class that `f1` is for, where there are two (for labels: 1 that they are there, 0 that they are not);
        /// none where it is a mean, and in records that do not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        f1_class: Option<u32>,
        /// The area under the receiver operating characteristic: where there are two classes the same for both, else
        /// the mean of each class against the rest; none where a class does not occur, or everything is one class.
        auc: Option<f64>,
    },
    /// For number targets. Where there are several outputs, each is the mean over the outputs of that output's value.
    Regression {
        /// The square root of the mean squared error.
        rmse: f64,
        /// The mean absolute error.
        mae: f64,
        /// 1 - (sum of squared errors) / (sum of squared deviations from the mean); none where an output's targets
        /// are all equal.
        r2: Option<f64>,
    },
}

impl Metrics {
    /// The metric to show where there is room for one: its name and value.
    pub fn headline(&self) -> (&'static str, f64) {
        match self {
            Metrics::Classification { accuracy, .. } => ("accuracy", *accuracy),
            Metrics::Regression { rmse, .. } => ("RMSE", *rmse),
        }
    }

    /// The same metrics where targets and predictions, of all outputs alike, were divided by `scale`.
    pub fn rescaled(self, scale: f64) -> Metrics {
        match self {
            Metrics::Regression { rmse, mae, r2 } => {
                Metrics::Regression { rmse: rmse * scale, mae: mae * scale, r2 }
            }
            classification => classification,
        }
    }

    /// The metrics of numbers in their own units: `predictions` and `targets` are [rows, `columns`], row by row, and
    /// `weights`, where there are any, has one for each row. With several columns RMSE, MAE and R2 are the means of
    /// the columns'; [`Metrics::of_each_column`] gives those.
    ///
    /// A prediction that is not finite, in a row of a weight above 0, makes errors that are not finite.
    ///
    /// ```
    /// use chainrule::Metrics;
    /// // The second row counts three times.
    /// let metrics = Metrics::of_numbers(&[5.0, 1.5], &[1.0, 1.5], 1, Some(&[1.0, 3.0]))?;
    /// let Metrics::Regression { rmse, mae, .. } = metrics else { unreachable!() };
    /// assert_eq!((rmse, mae), (2.0, 1.0));
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    ///
    /// # Errors
    /// When there are no rows or columns, the lengths do not fit together, a target is not finite, or a weight is
    /// negative or not finite or all are 0; with the row, from 0, where there is one.
    pub fn of_numbers(
        predictions: &[f64],
        targets: &[f64],
        columns: usize,
        weights: Option<&[f64]>,
    ) -> Result<Metrics> {
        Ok(numbers::mean(&errors_of_numbers(predictions, targets, columns, weights)?).into())
    }

    /// The metrics of each column of what [`Metrics::of_numbers`] takes.
    ///
    /// # Errors
    /// Those of [`Metrics::of_numbers`].
    pub fn of_each_column(
        predictions: &[f64],
        targets: &[f64],
        columns: usize,
        weights: Option<&[f64]>,
    ) -> Result<Vec<Metrics>> {
        let errors = errors_of_numbers(predictions, targets, columns, weights)?;
        Ok(errors.into_iter().map(Metrics::from).collect())
    }
}

fn errors_of_numbers(
    predictions: &[f64],
    targets: &[f64],
    columns: usize,
    weights: Option<&[f64]>,
) -> Result<Vec<numbers::Errors>> {
    require(columns > 0, "columns", 0.0, "must be at least 1")?;
    let rows = targets.len() / columns;
    if !targets.len().is_multiple_of(columns) {
        let found = format!("{} numbers", targets.len());
        return Err(Error::shape("targets", format!("rows of {columns} numbers"), found));
    }
    if predictions.len() != targets.len() {
        let expected = format!("{} numbers, as many as targets", targets.len());
        return Err(Error::shape("predictions", expected, predictions.len()));
    }
    let values = Targets::Values(MatrixView::new(rows, columns, targets)?);
    // Any loss that takes all finite numbers asks for what is needed here.
    let loss = Loss::MeanSquaredError;
    loss.check_targets(rows, columns, values, weights)?;
    loss.total_weight(values, weights)?;
    Ok(numbers::of_each_column(predictions, targets, columns, &Weights::new(weights)))
}

/// Fails unless the class is one of two.
pub(super) fn check_positive_class(class: u32) -> Result<()> {
    require(class < 2, "positive_class", f64::from(class), "must be 0 or 1, one of two classes")
}

/// The loss and the metrics of a network on any number of samples; F1, where there are two classes, of the second.
///
/// ```
/// use chainrule::*;
/// let network = Network::builder(2).dense(3, Activation::Tanh).dense(2, Activation::Softmax).build()?;
/// let (parameters, loss) = (network.initialize::<f32>(1), Loss::cross_entropy());
/// let inputs = Matrix::from_rows(&[[0.5f32, -1.0], [0.0, 2.0]]);
/// let samples = Samples { inputs: inputs.view().into(), targets: Targets::Classes(&[0, 1]), sample_weights: None };
/// let evaluation = evaluate(&Threads::single(), &network, &parameters, &loss, samples)?;
/// assert!(evaluation.loss > 0.0);
/// assert!(matches!(evaluation.metrics, Metrics::Classification { accuracy, .. } if (0.0..=1.0).contains(&accuracy)));
/// # Ok::<(), chainrule::Error>(())
/// ```
///
/// # Errors
/// When shapes do not fit or a target is out of range.
#[inline(never)]
pub fn evaluate<T: Scalar>(
    threads: &Threads,
    network: &Network,
    parameters: &Parameters<T>,
    loss: &Loss,
    samples: Samples<'_, T>,
) -> Result<Evaluation> {
    evaluate_for(threads, network, parameters, loss, samples, SECOND_CLASS)
}

/// The same with F1 of class `positive_class`, 0 or 1, where there are two; it changes nothing else.
///
/// # Errors
/// When shapes do not fit, or a target or `positive_class` is out of range.
#[inline(never)]
pub fn evaluate_for<T: Scalar>(
    threads: &Threads,
    network: &Network,
    parameters: &Parameters<T>,
    loss: &Loss,
    samples: Samples<'_, T>,
    positive_class: u32,
) -> Result<Evaluation> {
    let activation = network.output_activation();
    let total_weight = check(network, loss, samples, positive_class)?;
    let (z, a) = infer_with_pre_activation(threads, network, parameters, samples.inputs)?;
    Ok(measure(threads, loss, activation, (z, a), samples, total_weight, positive_class))
}

/// Checks what is to be measured, and gives the sum of the weights.
pub(super) fn check<T: Scalar>(
    network: &Network,
    loss: &Loss,
    samples: Samples<'_, T>,
    positive_class: u32,
) -> Result<f64> {
    let Samples { inputs, targets, sample_weights } = samples;
    let width = network.output_width();
    check_positive_class(positive_class)?;
    loss.check(width)?;
    loss.check_targets(inputs.rows(), width, targets, sample_weights)?;
    loss.total_weight(targets, sample_weights)
}

/// The loss and the metrics of outputs, (z, a), whose samples were checked.
pub(super) fn measure<T: Scalar>(
    threads: &Threads,
    loss: &Loss,
    activation: Activation,
    (z, mut a): (Matrix<T>, Matrix<T>),
    samples: Samples<'_, T>,
    total_weight: f64,
    positive_class: u32,
) -> Evaluation {
    let (targets, sample_weights, width) = (samples.targets, samples.sample_weights, a.columns());
    let mut losses = vec![0.0; a.rows()];
    let lengths = (INFERENCE_BATCH, INFERENCE_BATCH * width);
    for_each_chunk(threads, (&mut losses, a.as_mut_slice()), lengths, |block, losses, a| {
        let first = block * INFERENCE_BATCH;
        let rows = first..first + losses.len();
        let z = &z.as_slice()[rows.start * width..rows.end * width];
        let (targets, weights) = (targets.slice(rows.clone()), sample_weights.map(|weights| &weights[rows]));
        // The loss comes with its derivative; nobody asks for that here.
        let mut delta = vec![T::zero(); a.len()];
        let output = Output { activation, width, z, a };
        loss.output_error_rows(output, targets, weights, total_weight, &mut delta, losses);
        loss.outputs_to_predictions(activation, width, a);
    });
    drop(z);
    let loss_value = losses.iter().sum::<f64>() / total_weight;
    let (predictions, weights) = (a.view(), Weights::new(sample_weights));
    let metrics = match (targets, loss) {
        (Targets::Classes(classes), _) => of_classes(threads, predictions, classes, &weights, positive_class),
        (Targets::Values(values), Loss::BinaryCrossEntropy) => {
            // Each label is a question of its own: is it there?
            let half = T::from_f64(0.5);
            let labels: Vec<u32> = values.as_slice().iter().map(|y| u32::from(*y >= half)).collect();
            let predictions = MatrixView::new(labels.len(), 1, a.as_slice()).expect("one prediction a label");
            of_classes(threads, predictions, &labels, &weights.repeated(width), positive_class)
        }
        (Targets::Values(values), Loss::CrossEntropy { .. }) => {
            let classes: Vec<u32> = (0..values.rows()).map(|i| largest(values.row(i))).collect();
            of_classes(threads, predictions, &classes, &weights, positive_class)
        }
        (Targets::Values(values), _) => {
            numbers::mean(&numbers::of_each_column(a.as_slice(), values.as_slice(), width, &weights)).into()
        }
    };
    Evaluation { loss: loss_value, metrics }
}
