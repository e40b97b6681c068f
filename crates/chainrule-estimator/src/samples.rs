//! Where rows of a data set become the engine's samples: inputs and targets that own their numbers.

use std::borrow::Cow;

use chainrule::{Inputs, Matrix, Samples, Scalar, Targets};
use chainrule_data::{
    Dataset, InputNumber, InputPreprocessing, NumberTarget, Preprocessing, TargetPreprocessing, TargetValues,
};

use crate::error::Result;

/// Prepared rows of a data set. They do not borrow it.
///
/// ```
/// use chainrule_data::{Preprocessing, read};
/// use chainrule_estimator::PreparedSamples;
/// let dataset = read("digits")?;
/// let rows: Vec<usize> = (0..dataset.rows()).collect();
/// let (preprocessing, _) = Preprocessing::fit(&dataset, None, None, true, &rows)?;
/// let prepared = PreparedSamples::<f32>::new(&preprocessing, &dataset, &rows[..5])?;
/// drop(dataset);
/// assert_eq!((prepared.rows(), prepared.samples().inputs.columns()), (5, 64));
/// # Ok::<(), chainrule_estimator::EstimatorError>(())
/// ```
#[derive(Clone, Debug)]
pub struct PreparedSamples<T> {
    inputs: PreparedInputs<T>,
    targets: PreparedTargets<T>,
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

impl<T: Scalar + InputNumber> PreparedSamples<T> {
    /// Prepares rows of a data set, in this order.
    ///
    /// # Errors
    /// Those of [`Preprocessing::inputs`] and [`Preprocessing::targets`], with file, line and column.
    pub fn new(preprocessing: &Preprocessing, dataset: &Dataset, rows: &[usize]) -> Result<Self> {
        let targets = targets(preprocessing, dataset, rows)?;
        let inputs = match preprocessing.input_bytes(dataset, rows)? {
            Some((bytes, number_of)) => PreparedInputs::Bytes {
                rows: rows.len(),
                columns: preprocessing.input_width(),
                bytes,
                number_of: Box::new(number_of),
            },
            None => PreparedInputs::Numbers(inputs(preprocessing, dataset, rows)?),
        };
        Ok(PreparedSamples { inputs, targets })
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
        Samples { inputs, targets, sample_weights: None }
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

    /// How often each of `count` classes occurs; empty for numbers.
    pub(crate) fn class_counts(&self, count: usize) -> Vec<usize> {
        let PreparedTargets::Classes(classes) = &self.targets else { return Vec::new() };
        let mut counts = vec![0; count];
        classes.iter().for_each(|&class| counts[class as usize] += 1);
        counts
    }
}

fn targets<T: Scalar + InputNumber>(
    preprocessing: &Preprocessing,
    dataset: &Dataset,
    rows: &[usize],
) -> Result<PreparedTargets<T>> {
    let numbers = match preprocessing.targets(dataset, rows)? {
        TargetValues::Classes(classes) => return Ok(PreparedTargets::Classes(classes)),
        TargetValues::Numbers(numbers) => numbers,
    };
    let values: Vec<T> = numbers.into_iter().map(T::from_f64).collect();
    let values = Matrix::from_vec(values.len(), 1, values)?;
    // Dividing by 1 what 0 was subtracted from leaves every bit: undoing a standardization would not.
    let plain = Preprocessing {
        inputs: InputPreprocessing::Columns(Vec::new()),
        target: TargetPreprocessing::Numbers(NumberTarget {
            name: preprocessing.target_name().to_owned(),
            mean: 0.0,
            standard_deviation: 1.0,
        }),
    };
    let in_own_units = match plain.targets(dataset, rows)? {
        TargetValues::Numbers(numbers) => Matrix::from_vec(numbers.len(), 1, numbers)?,
        TargetValues::Classes(_) => unreachable!("its target is a number"),
    };
    Ok(PreparedTargets::Numbers { values, in_own_units })
}

/// The inputs of rows of a data set, shape [rows, n_0].
pub(crate) fn inputs<T: Scalar + InputNumber>(
    preprocessing: &Preprocessing,
    dataset: &Dataset,
    rows: &[usize],
) -> Result<Matrix<T>> {
    let values = preprocessing.inputs::<T>(dataset, rows)?;
    Ok(Matrix::from_vec(rows.len(), preprocessing.input_width(), values)?)
}
