//! Where rows of a data set become the engine's samples: inputs, targets and weights that own their numbers.

use std::borrow::Cow;

use chainrule::{Error, Inputs, Loss, Matrix, Samples, Scalar, Targets};
use chainrule_data::{DataError, Dataset, InputNumber, Note, Preprocessing, TargetValues};

use crate::error::{EstimatorError, Result};

/// Prepared rows of a data set. They do not borrow it.
///
/// ```
/// use chainrule_data::{FitOptions, Objective, Preprocessing, read};
/// use chainrule_estimator::PreparedSamples;
/// let dataset = read("digits")?;
/// let rows: Vec<usize> = (0..dataset.rows()).collect();
/// let mut notes = Vec::new();
/// let objective = Objective::find(&dataset, &[], None, &mut notes)?;
/// let (preprocessing, _) = Preprocessing::fit(&dataset, &objective, &FitOptions::default(), &rows)?;
/// let prepared = PreparedSamples::<f32>::new(&preprocessing, &dataset, &rows[..5], None, 1, &mut notes)?;
/// drop(dataset);
/// assert_eq!((prepared.rows(), prepared.samples().inputs.columns()), (5, 64));
/// # Ok::<(), chainrule_estimator::EstimatorError>(())
/// ```
#[derive(Clone, Debug)]
pub struct PreparedSamples<T> {
    inputs: PreparedInputs<T>,
    targets: PreparedTargets<T>,
    weights: Option<Weights<T>>,
}

/// Pixels stay bytes; a step turns those of its batch into numbers.
#[derive(Clone, Debug)]
enum PreparedInputs<T> {
    Numbers(Matrix<T>),
    Bytes { rows: usize, columns: usize, bytes: Vec<u8>, number_of: Box<[T; 256]> },
}

#[derive(Clone, Debug)]
enum PreparedTargets<T> {
    Classes(Vec<u32>),
    Numbers {
        /// As the network learns them.
        values: Matrix<T>,
        /// As they stand in the data.
        in_own_units: Matrix<f64>,
    },
}

#[derive(Clone, Debug)]
struct Weights<T> {
    /// Their column.
    name: String,
    /// As the engine takes them.
    values: Vec<T>,
    /// As they stand in the data.
    exact: Vec<f64>,
}

impl<T: Scalar + InputNumber> PreparedSamples<T> {
    /// Prepares rows of a data set, in this order, on so many threads. `weight` names a column of sample weights.
    ///
    /// # Errors
    /// Those of [`Preprocessing::inputs`], [`Preprocessing::targets`] and [`Dataset::weights`], with file, line and column.
    pub fn new(
        preprocessing: &Preprocessing,
        dataset: &Dataset,
        rows: &[usize],
        weight: Option<&str>,
        threads: usize,
        notes: &mut Vec<Note>,
    ) -> Result<Self> {
        let targets = match preprocessing.targets(dataset, rows)? {
            TargetValues::Classes(classes) => PreparedTargets::Classes(classes),
            TargetValues::Numbers(numbers) => {
                let columns = preprocessing.target_names().len();
                let values: Vec<T> = numbers.into_iter().map(T::from_f64).collect();
                let exact = preprocessing.target_numbers(dataset, rows)?;
                PreparedTargets::Numbers {
                    values: Matrix::from_vec(rows.len(), columns, values)?,
                    in_own_units: Matrix::from_vec(rows.len(), columns, exact)?,
                }
            }
        };
        let weights = match weight {
            None => None,
            Some(column) => {
                let all = dataset.weights(column)?;
                let exact: Vec<f64> = rows.iter().map(|&row| all[row]).collect();
                let values = exact.iter().map(|weight| T::from_f64(*weight)).collect();
                Some(Weights { name: column.to_owned(), values, exact })
            }
        };
        let inputs = match preprocessing.input_bytes(dataset, rows)? {
            Some((bytes, number_of)) => PreparedInputs::Bytes {
                rows: rows.len(),
                columns: preprocessing.input_width(),
                bytes,
                number_of: Box::new(number_of),
            },
            None => PreparedInputs::Numbers(inputs(preprocessing, dataset, rows, threads, notes)?),
        };
        Ok(PreparedSamples { inputs, targets, weights })
    }

    /// The samples, as the engine takes them.
    pub fn samples(&self) -> Samples<'_, T> {
        let targets = match &self.targets {
            PreparedTargets::Classes(classes) => Targets::Classes(classes),
            PreparedTargets::Numbers { values, .. } => Targets::Values(values.view()),
        };
        let inputs = match &self.inputs {
            PreparedInputs::Numbers(numbers) => numbers.view().into(),
            PreparedInputs::Bytes { rows, columns, bytes, number_of } => {
                Inputs::from_bytes(*rows, *columns, bytes, number_of).expect("as many bytes as were copied")
            }
        };
        let sample_weights = self.weights.as_ref().map(|weights| weights.values.as_slice());
        Samples { inputs, targets, sample_weights }
    }

    /// The inputs as numbers, shape [rows, n_0]; pixels become numbers here.
    pub fn input_numbers(&self) -> Cow<'_, Matrix<T>> {
        match &self.inputs {
            PreparedInputs::Numbers(numbers) => Cow::Borrowed(numbers),
            PreparedInputs::Bytes { .. } => Cow::Owned(self.samples().inputs.to_matrix()),
        }
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        match &self.inputs {
            PreparedInputs::Numbers(numbers) => numbers.rows(),
            PreparedInputs::Bytes { rows, .. } => *rows,
        }
    }

    /// The target numbers as they stand in the data, shape [rows, targets]; `None` where the target is a class.
    pub fn targets_in_own_units(&self) -> Option<&Matrix<f64>> {
        match &self.targets {
            PreparedTargets::Classes(_) => None,
            PreparedTargets::Numbers { in_own_units, .. } => Some(in_own_units),
        }
    }

    /// The sample weights as they stand in the data.
    pub fn exact_weights(&self) -> Option<&[f64]> {
        self.weights.as_ref().map(|weights| weights.exact.as_slice())
    }

    /// Bytes that they hold.
    pub fn bytes(&self) -> u64 {
        let inputs = match &self.inputs {
            PreparedInputs::Numbers(numbers) => size_of_val(numbers.as_slice()),
            PreparedInputs::Bytes { bytes, .. } => bytes.len() + size_of::<[T; 256]>(),
        };
        let targets = match &self.targets {
            PreparedTargets::Classes(classes) => size_of_val(classes.as_slice()),
            PreparedTargets::Numbers { values, in_own_units } => {
                size_of_val(values.as_slice()) + size_of_val(in_own_units.as_slice())
            }
        };
        let weights = self.weights.as_ref().map_or(0, |weights| {
            size_of_val(weights.values.as_slice()) + size_of_val(weights.exact.as_slice())
        });
        (inputs + targets + weights) as u64
    }

    /// Refuses targets that a loss cannot use, and weights that `T` cannot hold, with the place in the data. `rows` are those
    /// that were prepared.
    pub(crate) fn check_targets(
        &self,
        loss: &Loss,
        outputs: usize,
        preprocessing: &Preprocessing,
        dataset: &Dataset,
        rows: &[usize],
    ) -> Result<()> {
        let Samples { targets, sample_weights, .. } = self.samples();
        match loss.check_targets(rows.len(), outputs, targets, sample_weights) {
            Err(Error::Value { what: "targets", row, column, .. }) => {
                let names = preprocessing.target_names();
                let name = names.get(column).or(names.first()).copied().unwrap_or_default();
                let value = self.targets_in_own_units().map(|values| values[(row, column)]);
                Err(EstimatorError::Target {
                    place: Box::new(dataset.place(rows[row], name)),
                    value: value.unwrap_or(f64::NAN),
                    loss: loss.name().replace('_', " "),
                    range: loss.target_range().words(),
                })
            }
            Err(Error::Value { what: "sample weights", row, .. }) if let Some(weights) = &self.weights => {
                let problem = format!(
                    "the weight is {:e}, too large for {} bits",
                    weights.exact[row],
                    8 * size_of::<T>()
                );
                Err(DataError::Weight { place: dataset.place(rows[row], &weights.name), problem }.into())
            }
            checked => Ok(checked?),
        }
    }
}

/// The inputs of rows of a data set, shape [rows, n_0].
pub(crate) fn inputs<T: Scalar + InputNumber>(
    preprocessing: &Preprocessing,
    dataset: &Dataset,
    rows: &[usize],
    threads: usize,
    notes: &mut Vec<Note>,
) -> Result<Matrix<T>> {
    let values = preprocessing.inputs::<T>(dataset, rows, threads, notes)?;
    Ok(Matrix::from_vec(rows.len(), preprocessing.input_width(), values)?)
}
