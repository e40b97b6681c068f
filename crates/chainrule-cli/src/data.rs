//! Between data and network: rows read, split and prepared as the engine's samples.

use std::path::Path;

use anyhow::{Context, Result, bail};
use chainrule::{Inputs, Loss, Matrix, Model, Samples, Scalar, Targets};
use chainrule_data::{
    ClassTarget, Dataset, Features, ImageInputs, InputColumn, InputNumber, InputPreprocessing, LABEL,
    NumberTarget, NumericColumn, Preprocessing, TargetPreprocessing, TargetValues, read,
};

/// Samples that own their numbers.
pub(crate) struct Prepared<T> {
    inputs: PreparedInputs<T>,
    targets: PreparedTargets<T>,
}

/// Pixels stay bytes; a step turns those of its batch into numbers.
enum PreparedInputs<T> {
    Numbers(Matrix<T>),
    Bytes { rows: usize, columns: usize, bytes: Vec<u8>, number_of: Box<[T; 256]> },
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
        let inputs = match preprocessing.input_bytes(dataset, rows)? {
            Some((bytes, number_of)) => PreparedInputs::Bytes {
                rows: rows.len(),
                columns: preprocessing.input_width(),
                bytes,
                number_of: Box::new(number_of),
            },
            None => PreparedInputs::Numbers(inputs(preprocessing, dataset, rows)?),
        };
        Ok(Prepared { inputs, targets })
    }

    /// The samples, as the engine takes them.
    pub(crate) fn samples(&self) -> Samples<'_, T> {
        let targets = match &self.targets {
            PreparedTargets::Classes(classes) => Targets::Classes(classes),
            PreparedTargets::Values(values) => Targets::Values(values.view()),
        };
        let inputs = match &self.inputs {
            PreparedInputs::Numbers(numbers) => numbers.view().into(),
            PreparedInputs::Bytes { rows, columns, bytes, number_of } => {
                Inputs::from_bytes(*rows, *columns, bytes, number_of).expect("as many bytes as were copied")
            }
        };
        Samples { inputs, targets, sample_weights: None }
    }

    /// How often each of `count` classes occurs; empty for numbers.
    pub(crate) fn class_counts(&self, count: usize) -> Vec<usize> {
        let PreparedTargets::Classes(classes) = &self.targets else { return Vec::new() };
        let mut counts = vec![0; count];
        classes.iter().for_each(|&class| counts[class as usize] += 1);
        counts
    }

    pub(crate) fn rows(&self) -> usize {
        self.samples().inputs.rows()
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

/// Reads a model, and data with what the model does to it.
pub(crate) fn load<T: Scalar>(model: &Path, data: &str) -> Result<(Model<T>, Dataset, Preprocessing)> {
    let loaded = Model::<T>::load(model)?;
    let dataset = read(data)?;
    let shown = model.display();
    let preprocessing: Preprocessing = match &loaded.preprocessing {
        None => plain_preprocessing(&loaded, &dataset)?,
        Some(value) => serde_json::from_value(value.clone())
            .with_context(|| format!("{shown}: the preprocessing in the model is not valid"))?,
    };
    preprocessing
        .validate()
        .with_context(|| format!("{shown}: the preprocessing in the model is not valid"))?;
    let (given, wanted) = (preprocessing.input_width(), loaded.network.input_width());
    if given != wanted {
        bail!("{shown}: the preprocessing gives {given} inputs, but the network takes {wanted}");
    }
    let outputs = loaded.network.output_width();
    match preprocessing.class_names().map(<[String]>::len) {
        Some(classes) if classes != outputs && (classes, outputs) != (2, 1) => {
            bail!("{shown}: there are {classes} classes, but the network has {outputs} outputs")
        }
        _ => Ok((loaded, dataset, preprocessing)),
    }
}

/// For a model that says nothing of preprocessing: inputs are taken as they are, and classes are numbers.
fn plain_preprocessing<T: Scalar>(model: &Model<T>, dataset: &Dataset) -> Result<Preprocessing> {
    let wanted = model.network.input_width();
    let (mean, standard_deviation) = (0.0, 1.0);
    let (inputs, target) = match &dataset.features {
        Features::Images(images) => {
            (InputPreprocessing::Images(ImageInputs::plain(images)), LABEL.to_owned())
        }
        Features::Table(table) => {
            let header = table.header();
            if header.len() < wanted {
                let (columns, file) = (header.len(), table.file());
                bail!("{file}: has {columns} columns, but the network takes {wanted} inputs");
            }
            let plain = |name: &String| {
                let name = name.clone();
                InputColumn::Numeric(NumericColumn { name, mean, standard_deviation, missing: false })
            };
            let target = header.get(wanted).cloned().unwrap_or("target".to_owned());
            (InputPreprocessing::Columns(header[..wanted].iter().map(plain).collect()), target)
        }
    };
    let for_classes = matches!(model.loss, Loss::CrossEntropy { .. } | Loss::BinaryCrossEntropy);
    let target = if for_classes {
        let count = model.network.output_width().max(2);
        let classes = (0..count).map(|class| class.to_string()).collect();
        TargetPreprocessing::Classes(ClassTarget { name: target, classes })
    } else {
        TargetPreprocessing::Numbers(NumberTarget { name: target, mean, standard_deviation })
    };
    Ok(Preprocessing { inputs, target })
}

/// The chosen rows of a data set, checked against its size.
pub(crate) fn chosen_rows(
    dataset: &Dataset,
    rows: &std::ops::Range<usize>,
    may_be_fewer: bool,
) -> Result<Vec<usize>> {
    let count = dataset.rows();
    if rows.end <= count || (may_be_fewer && rows.start < count) {
        return Ok((rows.start..rows.end.min(count)).collect());
    }
    bail!(
        "{}: rows {}..{} are asked for, but there are {count} (numbered from 0)",
        dataset.name,
        rows.start,
        rows.end
    )
}
