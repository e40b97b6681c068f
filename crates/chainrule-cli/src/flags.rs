//! Between flags and the estimator: the flags of `train` as its options, its refusals with the names of flags.

use anyhow::{Result, anyhow};
use chainrule::Clipping;
use chainrule_data::{Dataset, read_with};
use chainrule_estimator::{self as estimator, EstimatorError, EstimatorOptions, OptionError};

use crate::arguments::{ShareOrData, TrainArguments};
use crate::memory::refusal;
use crate::reading::ignored_columns;

/// The options that the flags stand for. Reads the data of parts that have their own.
pub(crate) fn estimator_options(arguments: &TrainArguments, dataset: &Dataset) -> Result<EstimatorOptions> {
    let reading = arguments.reading.options(arguments.common.threads)?;
    // Columns of the parts' data are read as those of the training data were.
    let reading = dataset.read_options(reading);
    let part = |part: &Option<ShareOrData>| -> Result<Option<estimator::Part>> {
        Ok(match part {
            None => None,
            Some(ShareOrData::Share(share)) => Some(estimator::Part::Share(*share)),
            Some(ShareOrData::Data(source)) => Some(estimator::Part::Data(read_with(source, &reading)?)),
        })
    };
    let clipping = match (arguments.clip_value, arguments.clip_norm) {
        (Some(bound), _) => Some(Clipping::Value(bound)),
        (None, Some(bound)) => Some(Clipping::GlobalNorm(bound)),
        (None, None) => None,
    };
    Ok(EstimatorOptions {
        preset: arguments.preset,
        without: arguments.without.clone(),
        targets: arguments.target.clone(),
        task: arguments.task,
        validation: part(&arguments.validation)?,
        test: part(&arguments.test)?,
        ignore: ignored_columns(&arguments.ignore, dataset),
        weight: arguments.weight.clone(),
        group: arguments.group.clone(),
        time: arguments.time.clone(),
        positive: arguments.positive.clone(),
        missing: arguments.reading.missing_words(),
        layers: arguments.layers.as_ref().map(|widths| widths.0.clone()),
        activation: arguments.activation,
        output_activation: arguments.output_activation,
        dropout: arguments.dropout,
        initialization: arguments.initialization,
        loss: arguments.loss.clone(),
        label_smoothing: arguments.label_smoothing,
        balance_classes: arguments.balance_classes,
        huber_delta: arguments.huber_delta,
        quantile: arguments.quantile,
        optimizer: arguments.optimizer.clone(),
        learning_rate: arguments.learning_rate,
        momentum: arguments.momentum,
        weight_decay: arguments.weight_decay,
        schedule: arguments.schedule,
        warmup: arguments.warmup.unwrap_or(0.0),
        epochs: arguments.epochs,
        batch_size: arguments.batch_size,
        patience: arguments.patience,
        clipping,
        seed: arguments.seed,
        memory: arguments.memory.options()?,
        threads: arguments.common.threads.map(usize::from),
        resume: arguments.resume.clone(),
        checkpoint: arguments.checkpoint.clone(),
    })
}

/// The estimator's refusal in the words of the command line.
pub(crate) fn in_flags(error: EstimatorError) -> anyhow::Error {
    match error {
        EstimatorError::Option(OptionError::OtherRun { path, what }) => anyhow!(
            "{}: the run written down there has another {what} than this command line; \
             repeat the flags it was started with (only --epochs may differ)",
            path.display()
        ),
        EstimatorError::Option(error) => anyhow!(error.message(flag)),
        EstimatorError::Engine(error) => refusal(error),
        other => other.into(),
    }
}

/// The flag that sets an option.
fn flag(option: &str) -> String {
    match option {
        "targets" => "--target".to_owned(),
        other => format!("--{}", other.replace('_', "-")),
    }
}
