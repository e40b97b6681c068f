//! Between data and network: rows read, split and prepared as the engine's samples.

use std::path::Path;

use anyhow::{Context, Result, bail};
use chainrule::{Matrix, Model, Samples, Scalar, Targets};
use chainrule_data::{Dataset, InputNumber, Preprocessing, TargetValues};

/// Samples that own their numbers.
pub(crate) struct Prepared<T> {
    inputs: Matrix<T>,
    targets: PreparedTargets<T>,
}

enum PreparedTargets<T> {
    Classes(Vec<u32>),
    Values(Matrix<T>),
}

impl<T: Scalar + InputNumber> Prepared<T> {
    /// Prepares rows of a data set.
    pub(crate) fn new(preprocessing: &Preprocessing, dataset: &Dataset, rows: &[usize]) -> Result<Self> {
        let targets = match preprocessing.targets(dataset, rows)? {
            TargetValues::Classes(classes) => PreparedTargets::Classes(classes),
            TargetValues::Numbers(numbers) => {
                let numbers: Vec<T> = numbers.into_iter().map(T::from_f64).collect();
                PreparedTargets::Values(Matrix::from_vec(numbers.len(), 1, numbers)?)
            }
        };
        Ok(Prepared { inputs: inputs(preprocessing, dataset, rows)?, targets })
    }

    /// The samples, as the engine takes them.
    pub(crate) fn samples(&self) -> Samples<'_, T> {
        let targets = match &self.targets {
            PreparedTargets::Classes(classes) => Targets::Classes(classes),
            PreparedTargets::Values(values) => Targets::Values(values.view()),
        };
        Samples { inputs: self.inputs.view(), targets, sample_weights: None }
    }

    /// How often each of `count` classes occurs; empty for numbers.
    pub(crate) fn class_counts(&self, count: usize) -> Vec<usize> {
        let PreparedTargets::Classes(classes) = &self.targets else { return Vec::new() };
        let mut counts = vec![0; count];
        classes.iter().for_each(|&class| counts[class as usize] += 1);
        counts
    }

    pub(crate) fn rows(&self) -> usize {
        self.inputs.rows()
    }
}

/// The inputs of rows of a data set, [rows, n_0].
pub(crate) fn inputs<T: Scalar + InputNumber>(
    preprocessing: &Preprocessing,
    dataset: &Dataset,
    rows: &[usize],
) -> Result<Matrix<T>> {
    let values = preprocessing.inputs::<T>(dataset, rows)?;
    Ok(Matrix::from_vec(rows.len(), preprocessing.input_width(), values)?)
}

/// Reads a model and what it does to data.
pub(crate) fn load_model<T: Scalar>(path: &Path) -> Result<(Model<T>, Preprocessing)> {
    let model = Model::<T>::load(path)?;
    let shown = path.display();
    let Some(value) = model.preprocessing.clone() else {
        bail!(
            "{shown}: the model says nothing about how inputs are prepared; \
             add \"preprocessing\" to its description (docs/model-file.md)"
        );
    };
    let invalid = || format!("{shown}: the preprocessing in the model is not valid");
    let preprocessing: Preprocessing = serde_json::from_value(value).with_context(invalid)?;
    preprocessing.validate().with_context(invalid)?;
    let (given, wanted) = (preprocessing.input_width(), model.network.input_width());
    if given != wanted {
        bail!("{shown}: the preprocessing gives {given} inputs, but the network takes {wanted}");
    }
    let outputs = model.network.output_width();
    match preprocessing.class_names().map(<[String]>::len) {
        Some(classes) if classes == outputs || (classes == 2 && outputs == 1) => {}
        None if outputs == 1 => {}
        Some(classes) => bail!("{shown}: there are {classes} classes, but the network has {outputs} outputs"),
        None => bail!("{shown}: the target is one number, but the network has {outputs} outputs"),
    }
    Ok((model, preprocessing))
}

/// The chosen rows of a data set, checked against its size.
pub(crate) fn chosen_rows(dataset: &Dataset, rows: &std::ops::Range<usize>, may_be_fewer: bool) -> Result<Vec<usize>> {
    let count = dataset.rows();
    if rows.end <= count || (may_be_fewer && rows.start < count) {
        return Ok((rows.start..rows.end.min(count)).collect());
    }
    bail!("{}: rows {}..{} are asked for, but there are {count} (numbered from 0)", dataset.name, rows.start, rows.end)
}
