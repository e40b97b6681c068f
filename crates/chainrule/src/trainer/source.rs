//! Where a run's batches come from: samples in memory, or whatever else gives rows by their numbers.

use crate::error::Result;
use crate::kernel::Scalar;
use crate::loss::Targets;
use crate::matrix::MatrixView;
use crate::samples::Samples;

/// Rows of samples that a [`Trainer`](crate::Trainer) takes batch by batch: [`Samples`] in memory, or an implementation for a
/// mapped file, a database, a stream.
///
/// ```
/// use chainrule::*;
///
/// /// y = x^2 of x = 0, 1/100, 2/100, ..., which nobody has written down.
/// struct Parabola;
///
/// impl SampleSource<f32> for Parabola {
///     fn rows(&self) -> usize {
///         101
///     }
///
///     fn gather<'a>(&'a self, rows: &[usize], batch: &'a mut Batch<f32>) -> Result<Samples<'a, f32>> {
///         batch.clear();
///         for &row in rows {
///             let x = row as f32 / 100.0;
///             batch.inputs.push(x);
///             batch.values.push(x * x);
///         }
///         batch.samples(1, 1)
///     }
/// }
///
/// let network = Network::builder(1).dense(8, Activation::Tanh).dense(1, Activation::Identity).build()?;
/// let options = TrainingOptions { epochs: 200, ..TrainingOptions::default() };
/// let mut trainer = Trainer::new(&network, &Loss::MeanSquaredError, network.initialize(1), options)?;
/// let mut loss = f64::NAN;
/// trainer.fit_from(&Threads::single(), &Parabola, None, &mut |event| {
///     if let TrainingEvent::Epoch { report, .. } = event {
///         loss = report.training_loss;
///     }
///     std::ops::ControlFlow::Continue(())
/// })?;
/// assert!(loss < 0.01, "{loss}");
/// # Ok::<(), chainrule::Error>(())
/// ```
pub trait SampleSource<T: Scalar> {
    /// How many rows there are; at least 1.
    fn rows(&self) -> usize;

    /// The rows of these numbers, from 0, in this order: from where they lie, or from `batch`, which the implementation fills
    /// and which keeps its memory from call to call.
    ///
    /// # Errors
    /// When they cannot be had; the run ends with that error, and its last good parameters are still there.
    fn gather<'a>(&'a self, rows: &[usize], batch: &'a mut Batch<T>) -> Result<Samples<'a, T>>;

    /// Whether rows come in their own order only, as from a stream. They are then not shuffled.
    fn is_ordered(&self) -> bool {
        false
    }
}

/// Room for a batch, whose memory is used again.
#[derive(Clone, Debug, Default)]
pub struct Batch<T> {
    /// [B, n_0], row by row; empty where inputs stay where they are.
    pub inputs: Vec<T>,
    /// Which rows of the source the inputs are, where they stay there.
    pub rows: Vec<usize>,
    /// [B, n_L], row by row; empty where there are classes.
    pub values: Vec<T>,
    /// One for each sample; empty where there are values.
    pub classes: Vec<u32>,
    /// One for each sample, or none.
    pub weights: Vec<T>,
}

impl<T: Scalar> Batch<T> {
    /// Empties it.
    pub fn clear(&mut self) {
        self.inputs.clear();
        self.rows.clear();
        self.values.clear();
        self.classes.clear();
        self.weights.clear();
    }

    /// What was filled in: `input_width` inputs, and `outputs` values or a class, for each sample; and weights, if there are any.
    ///
    /// # Errors
    /// When the lengths do not fit each other.
    pub fn samples(&self, input_width: usize, outputs: usize) -> Result<Samples<'_, T>> {
        let count = self.inputs.len() / input_width.max(1);
        let inputs = MatrixView::new(count, input_width, &self.inputs)?.into();
        let targets = match self.classes.is_empty() {
            true => Targets::Values(MatrixView::new(count, outputs, &self.values)?),
            false => Targets::Classes(&self.classes),
        };
        let sample_weights = (!self.weights.is_empty()).then_some(&self.weights[..]);
        Ok(Samples { inputs, targets, sample_weights })
    }

    /// Room for batches of these samples, whose inputs stay where they are.
    pub(super) fn of(samples: Samples<'_, T>, batch_size: usize) -> Self {
        let (values, classes) = match samples.targets {
            Targets::Values(values) => (values.columns(), 0),
            Targets::Classes(_) => (0, 1),
        };
        Batch {
            inputs: Vec::new(),
            rows: Vec::with_capacity(batch_size),
            values: Vec::with_capacity(batch_size * values),
            classes: Vec::with_capacity(batch_size * classes),
            weights: Vec::with_capacity(batch_size * usize::from(samples.sample_weights.is_some())),
        }
    }
}

impl<T: Scalar> SampleSource<T> for Samples<'_, T> {
    fn rows(&self) -> usize {
        self.inputs.rows()
    }

    /// Copies targets and weights; inputs stay, and are taken from there by the step.
    fn gather<'a>(&'a self, rows: &[usize], batch: &'a mut Batch<T>) -> Result<Samples<'a, T>> {
        let Samples { inputs, targets, sample_weights } = *self;
        batch.clear();
        batch.rows.extend(rows.iter().map(|&row| inputs.source_row(row)));
        if let Some(weights) = sample_weights {
            batch.weights.extend(rows.iter().map(|&row| weights[row]));
        }
        match targets {
            Targets::Values(values) => {
                rows.iter().for_each(|&row| batch.values.extend_from_slice(values.row(row)));
            }
            Targets::Classes(classes) => batch.classes.extend(rows.iter().map(|&row| classes[row])),
        }
        let batch = &*batch;
        let targets = match targets {
            Targets::Values(values) => {
                Targets::Values(MatrixView::new(rows.len(), values.columns(), &batch.values)?)
            }
            Targets::Classes(_) => Targets::Classes(&batch.classes),
        };
        let sample_weights = sample_weights.map(|_| &batch.weights[..]);
        Ok(Samples { inputs: inputs.select(&batch.rows), targets, sample_weights })
    }
}
