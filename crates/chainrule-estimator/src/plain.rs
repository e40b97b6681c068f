//! What a model means that says nothing of preprocessing: inputs are taken as they are, and classes are numbers.

use chainrule::{Loss, Model};
use chainrule_data::{
    ClassTarget, Dataset, Features, ImageInputs, Images, InputColumn, InputPreprocessing, LABEL,
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
            let Images { height, width, maximum, .. } = *images;
            let plain = ImageInputs { height, width, maximum, mean, standard_deviation };
            (InputPreprocessing::Images(plain), LABEL.to_owned())
        }
        Features::Table(table) => {
            let header = table.header();
            if header.len() < wanted {
                let (file, columns) = (table.file().to_owned(), header.len());
                return Err(EstimatorError::TooFewColumns { file, columns, inputs: wanted });
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
