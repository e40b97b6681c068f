//! What `train` chooses where the user does not: network, loss and options, by the data's kind and size.

use chainrule::layer::{Dense, Dropout, Layer};
use chainrule::optimizer::AdamW;
use chainrule::{Activation, Clipping, Loss, Network, Rule, Schedule, TrainingOptions};
use chainrule_data::{InputPreprocessing, Preprocessing};

use anyhow::{Result, bail};

use crate::arguments::TrainArguments;

/// The numbers that choices depend on.
pub(crate) struct Facts<'a> {
    pub(crate) rows: usize,
    pub(crate) preprocessing: &'a Preprocessing,
    /// How often each class occurs among the training rows; empty for numbers.
    pub(crate) class_counts: Vec<usize>,
    pub(crate) has_validation: bool,
}

/// The loss, with the flags that belong to it.
pub(crate) fn loss(arguments: &TrainArguments, facts: &Facts<'_>) -> Result<Loss> {
    let is_classes = !facts.class_counts.is_empty();
    let chosen = arguments.loss.clone();
    let mut loss =
        chosen.unwrap_or_else(|| if is_classes { Loss::cross_entropy() } else { Loss::HalfSquaredError });
    if matches!(loss, Loss::CrossEntropy { .. }) && !is_classes {
        bail!(
            "--loss cross-entropy is for classes, but the target is a number; give --task classification, or another loss"
        );
    }
    let name = loss.name().replace('_', "-");
    let refuse = |flag: &str, belongs: &str| bail!("{flag} belongs to --loss {belongs}, not to {name}");
    match &mut loss {
        Loss::CrossEntropy { label_smoothing, class_weights } => {
            let default = if is_images(facts) { IMAGE_LABEL_SMOOTHING } else { 0.0 };
            *label_smoothing = arguments.label_smoothing.unwrap_or(default);
            if arguments.balance_classes {
                let mean = facts.rows as f64 / facts.class_counts.len() as f64;
                *class_weights =
                    Some(facts.class_counts.iter().map(|&count| mean / count.max(1) as f64).collect());
            }
        }
        _ if arguments.label_smoothing.is_some() => refuse("--label-smoothing", "cross-entropy")?,
        _ if arguments.balance_classes => refuse("--balance-classes", "cross-entropy")?,
        _ => {}
    }
    match &mut loss {
        Loss::Huber { delta } => *delta = arguments.huber_delta.unwrap_or(*delta),
        _ if arguments.huber_delta.is_some() => refuse("--huber-delta", "huber")?,
        _ => {}
    }
    match &mut loss {
        Loss::Quantile { quantile } => *quantile = arguments.quantile.unwrap_or(*quantile),
        _ if arguments.quantile.is_some() => refuse("--quantile", "quantile")?,
        _ => {}
    }
    Ok(loss)
}

/// The network.
pub(crate) fn network(arguments: &TrainArguments, facts: &Facts<'_>, loss: &Loss) -> Result<Network> {
    let n_in = facts.preprocessing.input_width();
    let output_activation = arguments.output_activation.unwrap_or(loss.natural_output());
    let classes = facts.class_counts.len();
    let n_out = match (classes, loss) {
        (0, _) => 1,
        (2, Loss::BinaryCrossEntropy) => 1,
        (classes, _) => classes,
    };
    let mut hidden = match &arguments.layers {
        Some(widths) => widths.0.clone(),
        None => default_hidden(facts, n_in),
    };
    // The list of all widths is understood as well.
    if hidden.len() >= 2 && hidden.first() == Some(&n_in) && hidden.last() == Some(&n_out) {
        hidden.pop();
        hidden.remove(0);
    }
    let default_activation = if is_images(facts) { Activation::Relu } else { Activation::Silu };
    let activation = arguments.activation.unwrap_or(default_activation);
    let dropout = arguments.dropout.unwrap_or(0.0);
    let mut builder = Network::builder(n_in);
    for width in hidden {
        builder = builder.layer(Layer::Dense(Dense { width, activation, bias: true }));
        if dropout > 0.0 {
            builder = builder.layer(Layer::Dropout(Dropout { rate: dropout }));
        }
    }
    Ok(builder.dense(n_out, output_activation).build()?)
}

fn is_images(facts: &Facts<'_>) -> bool {
    matches!(facts.preprocessing.inputs, InputPreprocessing::Images(_))
}

/// Wide enough for what the rows can teach. Images get two layers of ReLU; tables, whose few columns
/// may act together in smooth but curved ways, three of SiLU (docs/results.md has the comparison).
fn default_hidden(facts: &Facts<'_>, inputs: usize) -> Vec<usize> {
    let width = match facts.rows * inputs.min(64) {
        0..1_000_000 => 128,
        1_000_000..10_000_000 => 256,
        _ => 512,
    };
    vec![width; if is_images(facts) { 2 } else { 3 }]
}

/// What keeps a network that could learn all training images by heart from doing so (docs/results.md).
const IMAGE_LABEL_SMOOTHING: f64 = 0.02;
const IMAGE_WEIGHT_DECAY: f64 = 0.1;

/// Steps of a run of default length; at least 20 and at most 500 epochs.
const DEFAULT_STEPS: usize = 8_000;

/// Optimizer, schedule, length.
pub(crate) fn options(arguments: &TrainArguments, facts: &Facts<'_>) -> Result<TrainingOptions> {
    let batch_size = arguments.batch_size.unwrap_or(match facts.rows {
        0..5_000 => 32,
        5_000..50_000 => 64,
        _ => 128,
    });
    let weight_decay = if is_images(facts) { IMAGE_WEIGHT_DECAY } else { AdamW::default().weight_decay };
    let default = Rule::AdamW(AdamW { learning_rate: 3e-3, weight_decay, ..AdamW::default() });
    let mut optimizer = arguments.optimizer.clone().unwrap_or(default);
    if let Some(learning_rate) = arguments.learning_rate {
        optimizer.set_learning_rate(learning_rate);
    }
    if let Some(weight_decay) = arguments.weight_decay {
        optimizer.set_weight_decay(weight_decay);
    }
    if let Some(momentum) = arguments.momentum {
        match &mut optimizer {
            Rule::Sgd(rule) => rule.momentum = momentum,
            Rule::RmsProp(rule) => rule.momentum = momentum,
            other => bail!("--momentum belongs to sgd and rmsprop, not to {}", other.name()),
        }
    }
    let schedule = arguments.schedule.unwrap_or(Schedule::OneCycle {
        warmup_fraction: 0.3,
        initial_divisor: 25.0,
        final_divisor: 1e4,
    });
    let steps_per_epoch = facts.rows.div_ceil(batch_size.max(1));
    let epochs = arguments.epochs.unwrap_or((DEFAULT_STEPS / steps_per_epoch).clamp(20, 500));
    let clipping = match (arguments.clip_value, arguments.clip_norm) {
        (Some(bound), _) => Some(Clipping::Value(bound)),
        (None, Some(bound)) => Some(Clipping::GlobalNorm(bound)),
        (None, None) => None,
    };
    let patience = arguments.patience.filter(|&epochs| epochs > 0);
    if patience.is_some() && !facts.has_validation {
        bail!(
            "--patience: stopping early needs validation rows; give --validation a share or data, or leave it out"
        );
    }
    let options = TrainingOptions {
        epochs,
        batch_size,
        optimizer,
        schedule,
        warmup_epochs: arguments.warmup.unwrap_or(0.0),
        clipping,
        patience,
        seed: arguments.seed,
    };
    options.check()?;
    Ok(options)
}
