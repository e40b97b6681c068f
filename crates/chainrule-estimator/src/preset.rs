//! The default preset for tables: one network by the recipe of RealMLP (Holzmueller, Grinsztajn and Steinwart 2024, "Better by
//! default"), with changes that other tables than those of docs/results.md asked for.

use std::collections::BTreeMap;

use chainrule::layer::{
    AsIs, ColumnPiece, Columns, Dense, Dropout, Layer, LearnedActivation, Periodic, Scale, Table,
};
use chainrule::optimizer::{AdamW, TensorFactors};
use chainrule::{Activation, Loss, Network, NetworkBuilder, Rule, Schedule, TrainingOptions};
use chainrule_data::{InputColumn, Preprocessing};

use crate::facts::Facts;
use crate::options::{EstimatorOptions, Ingredient};

/// Numbers of a category's learned vector.
const TABLE_OUTPUTS: usize = 8;

/// The hidden activation: SELU for classes, Mish for numbers.
fn activation(options: &EstimatorOptions, facts: &Facts<'_>) -> Activation {
    let usual = if facts.class_counts.is_empty() { Activation::Mish } else { Activation::Selu };
    options.activation.unwrap_or(usual)
}

/// Everything in front of the output layer.
pub(crate) fn hidden_layers(
    options: &EstimatorOptions,
    facts: &Facts<'_>,
    widths: Vec<usize>,
) -> NetworkBuilder {
    let has = |ingredient| !options.without.contains(&ingredient);
    let mut builder = Network::builder(facts.preprocessing.input_width());
    let columns = pieces(facts.preprocessing, has(Ingredient::Periodic));
    if columns.iter().any(|piece| !matches!(piece, ColumnPiece::AsIs(AsIs { missing: false, .. }))) {
        builder = builder.layer(Columns { pieces: columns }.into());
    }
    if has(Ingredient::Scale) {
        builder = builder.layer(Scale {}.into());
    }
    let activation = activation(options, facts);
    for width in widths {
        if has(Ingredient::LearnedActivation) {
            builder = builder
                .layer(Dense { width, activation: Activation::Identity, bias: true }.into())
                .layer(LearnedActivation { activation }.into());
        } else {
            builder = builder.layer(Dense { width, activation, bias: true }.into());
        }
        let usual = if has(Ingredient::Dropout) { usual_dropout(facts) } else { 0.0 };
        let rate = options.dropout.unwrap_or(usual);
        if rate != 0.0 {
            builder = builder.layer(Dropout { rate }.into());
        }
    }
    builder
}

/// The pieces for the inputs, neighbours of one kind together.
fn pieces(preprocessing: &Preprocessing, periodic: bool) -> Vec<ColumnPiece> {
    let chainrule_data::InputPreprocessing::Columns(columns) = &preprocessing.inputs else {
        return Vec::new();
    };
    let number = |width, missing| match periodic {
        true => ColumnPiece::Periodic(Periodic { width, missing, ..Periodic::default() }),
        false => ColumnPiece::AsIs(AsIs { width, missing }),
    };
    let as_is = |width| ColumnPiece::AsIs(AsIs { width, missing: false });
    let mut pieces: Vec<ColumnPiece> = Vec::new();
    for column in columns {
        let of_column = match column {
            InputColumn::Robust(column) => vec![number(1, column.missing)],
            InputColumn::Index(column) => {
                vec![ColumnPiece::Table(Table { categories: column.table_rows(), outputs: TABLE_OUTPUTS })]
            }
            InputColumn::Date(column) => {
                let mut pieces = vec![number(column.parts.len(), false)];
                pieces.extend(column.missing.then(|| as_is(1)));
                pieces
            }
            other => vec![as_is(other.width())],
        };
        for piece in of_column {
            match (pieces.last_mut(), piece) {
                (Some(ColumnPiece::AsIs(last)), ColumnPiece::AsIs(piece))
                    if last.missing == piece.missing =>
                {
                    last.width += piece.width;
                }
                (Some(ColumnPiece::Periodic(last)), ColumnPiece::Periodic(piece))
                    if last.missing == piece.missing =>
                {
                    last.width += piece.width;
                }
                (_, piece) => pieces.push(piece),
            }
        }
    }
    pieces
}

/// Steps of a run, at most: what keeps it within seconds.
const MOST_STEPS: usize = 2_000;
const LEAST_EPOCHS: usize = 8;

fn most_epochs(facts: &Facts<'_>) -> usize {
    if has_few(facts) { 512 } else { 256 }
}

/// Training stops after this share of the epochs without a lower validation loss. Where the rate changes, its last two cycles take
/// 4/15 and 8/15 of the epochs, and end with their lowest losses.
fn patience(facts: &Facts<'_>) -> f64 {
    if has_few(facts) { 0.2 } else { 0.4 }
}

/// Decay of the moving average, which looks back about 20 steps.
const AVERAGE: f64 = 0.95;

/// The widths of the hidden layers.
pub(crate) fn widths() -> Vec<usize> {
    vec![256; 3]
}

/// Classes of fewer training rows are learned more gently: with more dropout, in larger batches, at a lower rate, which like dropout
/// and decay stays what it is.
const FEW_ROWS: usize = 2_000;

fn has_few(facts: &Facts<'_>) -> bool {
    !facts.class_counts.is_empty() && facts.rows < FEW_ROWS
}

/// The share of dropped outputs.
fn usual_dropout(facts: &Facts<'_>) -> f64 {
    if has_few(facts) { 0.3 } else { 0.15 }
}

fn usual_learning_rate(facts: &Facts<'_>) -> f64 {
    match facts.class_counts.is_empty() {
        true => 0.2,
        false if has_few(facts) => 0.005,
        false => 0.04,
    }
}

/// The rule and what changes during the run; what the user has chosen is put over it afterwards.
pub(crate) fn training_options(
    options: &EstimatorOptions,
    facts: &Facts<'_>,
    network: &Network,
    loss: &Loss,
) -> TrainingOptions {
    let has = |ingredient| !options.without.contains(&ingredient);
    let batch_size = options.batch_size.unwrap_or_else(|| usual_batch(facts));
    let steps_per_epoch = facts.rows.div_ceil(batch_size.max(1));
    let weight_decay = if has(Ingredient::Decay) { 0.02 } else { 0.0 };
    let rule =
        AdamW { learning_rate: usual_learning_rate(facts), beta2: 0.95, weight_decay, ..AdamW::default() };
    let changes = has(Ingredient::Schedules) && !has_few(facts);
    let schedule = |usual| if changes { usual } else { Schedule::Constant };
    let flat = schedule(Schedule::FlatCosine { flat_fraction: 0.5 });
    let epochs = (MOST_STEPS / steps_per_epoch.max(1)).clamp(LEAST_EPOCHS, most_epochs(facts));
    // Who gives epochs gets them. With numbers, whose rate is higher, the last cycle is the best however long the one before is ahead.
    let is_classes = !facts.class_counts.is_empty();
    let stops = has(Ingredient::Patience) && is_classes && facts.has_validation && options.epochs.is_none();
    TrainingOptions {
        epochs,
        batch_size,
        optimizer: Rule::AdamW(rule),
        schedule: schedule(Schedule::LogCosine { cycles: 4 }),
        decay_schedule: flat,
        dropout_schedule: flat,
        tensors: factors(network, is_classes),
        patience: stops.then_some((patience(facts) * epochs as f64) as usize),
        average: has(Ingredient::Average).then_some(AVERAGE),
        temperature_scaling: has(Ingredient::Temperature)
            && facts.has_validation
            && loss.has_temperature(network.output_activation()),
        ..TrainingOptions::default()
    }
}

/// Rows of a batch: pytabkit's choice but for few rows, changed a little so that all batches are about equal, since a last one of
/// a few rows would be a step like the others; and at least two batches, since steps on all rows lack the noise that helps.
fn usual_batch(facts: &Facts<'_>) -> usize {
    let usual = match facts.rows {
        _ if has_few(facts) => 256,
        0..=1_024 => 64,
        1_025..=8_192 => 128,
        8_193..=30_000 => 256,
        30_001..=100_000 => 512,
        _ => 1_024,
    };
    let batches = ((facts.rows + usual / 2) / usual).max(2);
    facts.rows.div_ceil(batches).max(1)
}

/// The neural-tangent form as factors, and those of each kind of tensor. With numbers the periodic pieces learn at the whole rate,
/// with classes at a tenth of it.
fn factors(network: &Network, is_classes: bool) -> BTreeMap<String, TensorFactors> {
    let periodic = TensorFactors { rate: if is_classes { 0.1 } else { 1.0 }, decay: 0.1, epsilon: 1.0 };
    let of_layer = |l: usize| {
        let layer = &network.layers()[l - 1];
        let named = move |tensor: &chainrule::TensorLayout| {
            let factors = match layer {
                Layer::Dense(_) if tensor.is_vector => TensorFactors { rate: 0.1, decay: 0.0, epsilon: 1.0 },
                Layer::Dense(_) => {
                    let root = (tensor.columns as f64).sqrt();
                    TensorFactors { rate: 1.0 / root, decay: root, epsilon: root }
                }
                Layer::Scale(_) => TensorFactors { rate: 6.0, decay: 6.0, epsilon: 1.0 },
                Layer::LearnedActivation(_) => TensorFactors { rate: 0.1, decay: 0.1, epsilon: 1.0 },
                Layer::Columns(columns) => match piece_of(columns, &tensor.name) {
                    Some(ColumnPiece::Periodic(_)) => periodic,
                    _ => TensorFactors::default(),
                },
                _ => TensorFactors::default(),
            };
            (tensor.name.clone(), factors)
        };
        network.layer_tensors(l).iter().map(named)
    };
    (1..=network.depth()).flat_map(of_layer).collect()
}

/// The piece that a tensor `layers.0.pieces.{i}.{name}` is of.
fn piece_of<'a>(columns: &'a Columns, tensor: &str) -> Option<&'a ColumnPiece> {
    let index = tensor.split('.').nth(3)?.parse::<usize>().ok()?;
    columns.pieces.get(index)
}
