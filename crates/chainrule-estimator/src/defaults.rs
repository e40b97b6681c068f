//! What is chosen where the user does not: network, loss and options of training, by the data's kind and size.

use chainrule::layer::{Dense, Dropout, Layer};
use chainrule::optimizer::AdamW;
use chainrule::{Activation, Loss, Network, Rule, Schedule, TargetRange, TrainingOptions};
use chainrule_data::{InputPreprocessing, Note};

use crate::error::Result;
use crate::facts::Facts;
use crate::option_error::OptionError;
use crate::options::EstimatorOptions;
use crate::preset;

/// Numbers are learned as deviations from their mean in standard deviations, where loss and output allow.
pub(crate) fn standardizes_target(options: &EstimatorOptions) -> bool {
    let any_number = match &options.loss {
        None => true,
        Some(loss) => loss.target_range() == TargetRange::Finite,
    };
    any_number && options.output_activation.is_none_or(|activation| activation == Activation::Identity)
}

/// The loss, with the options that belong to it.
pub(crate) fn loss(options: &EstimatorOptions, facts: &Facts<'_>) -> Result<Loss> {
    let is_classes = !facts.class_counts.is_empty();
    let chosen = options.loss.clone();
    let mut loss =
        chosen.unwrap_or_else(|| if is_classes { Loss::cross_entropy() } else { Loss::HalfSquaredError });
    if matches!(loss, Loss::CrossEntropy { .. }) && !is_classes {
        return Err(OptionError::NeedsClasses.into());
    }
    let name = loss.name().replace('_', "-");
    let refuse = |given: bool, option: &'static str, values: &'static str| match given {
        true => Err(OptionError::Belongs { option, to: "loss", values, found: name.clone() }),
        false => Ok(()),
    };
    match &mut loss {
        Loss::CrossEntropy { label_smoothing, class_weights } => {
            let default = if facts.is_images() { IMAGE_LABEL_SMOOTHING } else { 0.0 };
            let own = if *label_smoothing == 0.0 { default } else { *label_smoothing };
            *label_smoothing = options.label_smoothing.unwrap_or(own);
            if options.balance_classes {
                let mean = facts.rows as f64 / facts.class_counts.len() as f64;
                let weights = facts.class_counts.iter().map(|&count| mean / count.max(1) as f64);
                *class_weights = Some(weights.collect());
            }
        }
        _ => {
            refuse(options.label_smoothing.is_some(), "label_smoothing", "cross-entropy")?;
            refuse(options.balance_classes, "balance_classes", "cross-entropy")?;
        }
    }
    match &mut loss {
        Loss::Huber { delta } => *delta = options.huber_delta.unwrap_or(*delta),
        _ => refuse(options.huber_delta.is_some(), "huber_delta", "huber")?,
    }
    match &mut loss {
        Loss::Quantile { quantile } => *quantile = options.quantile.unwrap_or(*quantile),
        _ => refuse(options.quantile.is_some(), "quantile", "quantile")?,
    }
    Ok(loss)
}

/// The network.
pub(crate) fn network(options: &EstimatorOptions, facts: &Facts<'_>, loss: &Loss) -> Result<Network> {
    let n_in = facts.preprocessing.input_width();
    let output_activation = options.output_activation.unwrap_or(loss.natural_output());
    let n_out = match (facts.class_counts.len(), loss) {
        (0, _) => facts.preprocessing.target_names().len(),
        (2, Loss::BinaryCrossEntropy) => 1,
        (classes, _) => classes,
    };
    let usual = || match facts.is_recipe(options) {
        true => preset::widths(),
        false => default_hidden(facts, n_in),
    };
    let mut hidden = options.layers.clone().unwrap_or_else(usual);
    // The list of all widths is understood as well.
    if hidden.len() >= 2 && hidden.first() == Some(&n_in) && hidden.last() == Some(&n_out) {
        hidden.pop();
        hidden.remove(0);
    }
    if facts.is_recipe(options) {
        return Ok(preset::hidden_layers(options, facts, hidden).dense(n_out, output_activation).build()?);
    }
    let default_activation = if facts.is_images() { Activation::Relu } else { Activation::Silu };
    let activation = options.activation.unwrap_or(default_activation);
    let mut builder = Network::builder(n_in);
    for width in hidden {
        builder = builder.layer(Layer::Dense(Dense { width, activation, bias: true }));
        if let Some(rate) = options.dropout.filter(|rate| *rate != 0.0) {
            builder = builder.layer(Layer::Dropout(Dropout { rate }));
        }
    }
    Ok(builder.dense(n_out, output_activation).build()?)
}

/// Tells how widths were read that begin or end with a number that may have been meant for the inputs or the outputs.
pub(crate) fn layers_note(options: &EstimatorOptions, facts: &Facts<'_>, network: &Network) -> Option<Note> {
    let given = options.layers.as_ref()?;
    let (inputs, outputs) = (network.input_width(), network.output_width());
    let columns = match &facts.preprocessing.inputs {
        InputPreprocessing::Columns(columns) => columns.len(),
        InputPreprocessing::Images(_) => inputs,
    };
    let classes = facts.class_counts.len().max(outputs);
    let (first, last) = (*given.first()?, *given.last()?);
    let is_whole = given.len() >= 2 && (first, last) == (inputs, outputs);
    // Few columns and outputs are as many as a narrow layer has neurons.
    let may_be_inputs = given.len() >= 2 && (first == inputs || first == columns);
    let may_be_outputs = given.len() >= 2 && (last == outputs || last == classes);
    if is_whole || !(may_be_inputs || may_be_outputs) {
        return None;
    }
    let list: Vec<String> = given.iter().map(usize::to_string).collect();
    let list = list.join(",");
    let counted =
        |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let (inputs_words, outputs_words) = (counted(inputs, "input"), counted(outputs, "output"));
    Some(Note::new(
        "layers_read",
        format!(
            "the layers {list} are all hidden ones, between {inputs_words} and {outputs_words}; a list of all widths \
             begins with {inputs} and ends with {outputs}"
        ),
    ))
}

/// Wide enough for what the rows can teach. Images get two layers of ReLU; tables, whose few columns
/// may act together in smooth but curved ways, three of SiLU (docs/results.md has the comparison).
fn default_hidden(facts: &Facts<'_>, inputs: usize) -> Vec<usize> {
    let width = match facts.rows * inputs.min(64) {
        0..1_000_000 => 128,
        1_000_000..10_000_000 => 256,
        _ => 512,
    };
    vec![width; if facts.is_images() { 2 } else { 3 }]
}

/// What keeps a network that could learn all training images by heart from doing so (docs/results.md).
const IMAGE_LABEL_SMOOTHING: f64 = 0.02;
const IMAGE_WEIGHT_DECAY: f64 = 0.1;

/// Steps of a run of default length; at least 20 and at most 500 epochs.
const DEFAULT_STEPS: usize = 8_000;

/// Optimizer, schedule, length.
pub(crate) fn training_options(
    options: &EstimatorOptions,
    facts: &Facts<'_>,
    network: &Network,
    loss: &Loss,
) -> Result<TrainingOptions> {
    let usual = match facts.is_recipe(options) {
        true => preset::training_options(options, facts, network, loss),
        false => fast_options(options, facts),
    };
    let mut training = usual;
    if let Some(optimizer) = &options.optimizer {
        training.optimizer = optimizer.clone();
        // Factors and changes are those of the preset's own rule.
        training.tensors.clear();
        training.decay_schedule = Schedule::Constant;
    }
    let optimizer = &mut training.optimizer;
    if let Some(learning_rate) = options.learning_rate {
        optimizer.set_learning_rate(learning_rate);
    }
    if let Some(weight_decay) = options.weight_decay {
        optimizer.set_weight_decay(weight_decay);
    }
    if let Some(momentum) = options.momentum {
        match optimizer {
            Rule::Sgd(rule) => rule.momentum = momentum,
            Rule::RmsProp(rule) => rule.momentum = momentum,
            other => {
                let (option, to, values) = ("momentum", "optimizer", "sgd and rmsprop");
                return Err(
                    OptionError::Belongs { option, to, values, found: other.name().to_owned() }.into()
                );
            }
        }
    }
    if options.patience.is_some() && !facts.has_validation {
        return Err(OptionError::PatienceWithoutValidation.into());
    }
    training.schedule = options.schedule.unwrap_or(training.schedule);
    training.epochs = options.epochs.unwrap_or(training.epochs);
    training.warmup_epochs = options.warmup;
    training.clipping = options.clipping;
    training.patience = options.patience.or(training.patience);
    training.seed = options.seed;
    training.check()?;
    Ok(training)
}

/// Those of the fast preset, and for images.
fn fast_options(options: &EstimatorOptions, facts: &Facts<'_>) -> TrainingOptions {
    let batch_size = options.batch_size.unwrap_or(match facts.rows {
        0..5_000 => 32,
        5_000..50_000 => 64,
        _ => 128,
    });
    let weight_decay = if facts.is_images() { IMAGE_WEIGHT_DECAY } else { AdamW::default().weight_decay };
    let steps_per_epoch = facts.rows.div_ceil(batch_size.max(1));
    TrainingOptions {
        epochs: (DEFAULT_STEPS / steps_per_epoch).clamp(20, 500),
        batch_size,
        optimizer: Rule::AdamW(AdamW { learning_rate: 3e-3, weight_decay, ..AdamW::default() }),
        schedule: Schedule::OneCycle { warmup_fraction: 0.3, initial_divisor: 25.0, final_divisor: 1e4 },
        ..TrainingOptions::default()
    }
}
