//! What a model means that says nothing of preprocessing: inputs are taken as they are, and classes are numbers.

use chainrule::{Model, TargetRange};
use chainrule_data::{
    ClassTarget, Dataset, Features, ImageInputs, InputColumn, InputPreprocessing, LABEL, MissingWords,
    NumberTarget, NumericColumn, Preprocessing, TargetPreprocessing,
};

use crate::error::{EstimatorError, Result};

/// The preprocessing of this data set that changes nothing: the first columns are the inputs, the one after them the
/// target.
pub(crate) fn plain_preprocessing<T>(model: &Model<T>, dataset: &Dataset) -> Result<Preprocessing> {
    let wanted = model.network.input_width();
    let (mean, standard_deviation) = (0.0, 1.0);
    let (inputs, target) = match &dataset.features {
        Features::Images(images) => {
            (InputPreprocessing::Images(ImageInputs::plain(images)), LABEL.to_owned())
        }
        Features::Table(table) => {
            let header = table.header();
            if header.len() < wanted {
                let (file, columns) = (table.file().to_owned(), header.len());
                return Err(EstimatorError::TooFewColumns { file, columns, inputs: wanted });
            }
            let plain = |name: &&str| {
                let (name, words) = ((*name).to_owned(), Vec::new());
                let missing = false;
                InputColumn::Numeric(NumericColumn {
                    name,
                    mean,
                    standard_deviation,
                    missing,
                    words,
                    style: None,
                })
            };
            let target = header.get(wanted).copied().unwrap_or("target").to_owned();
            (InputPreprocessing::Columns(header[..wanted].iter().map(plain).collect()), target)
        }
    };
    let for_classes = model.loss.target_range() == TargetRange::UnitInterval;
    let target = if for_classes {
        let count = model.network.output_width().max(2);
        let classes = (0..count).map(|class| class.to_string()).collect();
        TargetPreprocessing::Classes(ClassTarget { name: target, classes, kind: None, positive: None })
    } else {
        // The columns behind the inputs, one an output.
        let outputs = model.network.output_width();
        let names: Vec<String> = match &dataset.features {
            Features::Table(table) => {
                let header = table.header();
                let behind = header.get(wanted..wanted + outputs).unwrap_or_default();
                behind.iter().map(|name| (*name).to_owned()).collect()
            }
            Features::Images(_) => Vec::new(),
        };
        let names = match names.len() == outputs || outputs == 1 {
            true if outputs == 1 => vec![target],
            true => names,
            false => (1..=outputs).map(|output| format!("{target} {output}")).collect(),
        };
        let number = |name| NumberTarget { name, mean, standard_deviation, within: None, style: None };
        TargetPreprocessing::Numbers(names.into_iter().map(number).collect())
    };
    Ok(Preprocessing { inputs, target, missing: MissingWords::default() })
}
