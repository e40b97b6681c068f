//! What can be changed of a document, and what comes of it: pure, a new document and the change in words.

use std::sync::Arc;

use chainrule::layer::{Dense, Layer};
use chainrule::trace::{Quantity, ValueId};
use chainrule::{Activation, Loss, Matrix, Network, Parameters, TargetRange, Targets};
use serde::Deserialize;

use crate::document::{Document, LARGEST_SEED, Pool, check_learning_rate, dense_layers, draw, drawing_rule};
use crate::limits::{self, at_most};
use crate::num::Num;
use crate::refusal::Refusal;

use crate::size::Size;
use crate::words::{parameter_symbol, readable, shown};

/// A change.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Edit {
    /// One number of `weight.l`, `bias.l`, `a.0` (the inputs) or `target`.
    Set {
        /// Which value.
        #[cfg_attr(test, ts(type = "string"))]
        name: ValueId,
        /// From 0; 0 for a bias.
        row: usize,
        /// From 0.
        column: usize,
        /// The number.
        value: Num,
    },
    /// Another learning rate.
    LearningRate {
        /// At least 0.
        value: f64,
    },
    /// Another activation of a dense layer, from 1.
    Activation {
        /// From 1.
        layer: usize,
        /// The activation.
        #[cfg_attr(test, ts(as = "crate::contract::Activation"))]
        activation: Activation,
    },
    /// Another loss.
    Loss {
        /// The loss.
        #[cfg_attr(test, ts(as = "crate::contract::Loss"))]
        loss: Loss,
        /// Whether the output layer gets the loss's natural activation.
        suit_output: bool,
    },
    /// Other layers; the inputs stay, and the weights of a layer whose shape stays.
    Layers {
        /// The dense layers.
        layers: Vec<LayerShape>,
    },
    /// New weights.
    Initialize {
        /// The rule's name, or "suited".
        rule: String,
        /// What they are drawn from.
        seed: u64,
    },
    /// Back to the weights that were drawn.
    Reset {},
    /// Other rows of the data; beyond their end the last row is repeated, for editing.
    Batch {
        /// From 0.
        first: usize,
        /// How many.
        count: usize,
    },
    /// Updates; each is a revision of its own.
    Iterate {
        /// How many.
        count: usize,
    },
}

/// A dense layer.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct LayerShape {
    /// Neurons.
    pub width: usize,
    /// Their activation.
    #[cfg_attr(test, ts(as = "crate::contract::Activation"))]
    pub activation: Activation,
    /// Whether there is a bias.
    pub bias: bool,
}

/// The document after the edit, and the edit in words. Several iterations are one call each.
///
/// # Errors
/// Says why the edit is impossible.
pub fn apply(edit: &Edit, document: &Document) -> Result<(Document, String), Refusal> {
    let edited = match edit {
        Edit::Set { name, row, column, value } => set(document, *name, *row, *column, value.0),
        Edit::LearningRate { value } => {
            check_learning_rate(*value)?;
            let label = format!("learning rate {} -> {}", shown(document.learning_rate), shown(*value));
            Ok((Document { learning_rate: *value, ..document.clone() }, label))
        }
        Edit::Activation { layer, activation } => set_activation(document, *layer, *activation),
        Edit::Loss { loss, suit_output } => set_loss(document, loss, *suit_output),
        Edit::Layers { layers } => set_layers(document, layers),
        Edit::Initialize { rule, seed } => initialize(document, rule, *seed),
        Edit::Reset {} => {
            let parameters = Arc::clone(&document.initial);
            Ok((Document { parameters, iteration: 0, ..document.clone() }, "initial weights".to_owned()))
        }
        Edit::Batch { first, count } => {
            let rows = document.pool.inputs.rows();
            let end = first.saturating_add(*count).min(rows);
            let repeated = if first.saturating_add(*count) > rows { ", the last one repeated" } else { "" };
            // People count rows from 1.
            let from = first.saturating_add(1);
            let label = match *count {
                1 => format!("row {from}"),
                _ if end == from => format!("row {from}{}", repeated.replace("the last one ", "")),
                _ => format!("rows {from} to {end}{repeated}"),
            };
            Ok((document.batch(*first, *count)?, label))
        }
        Edit::Iterate { count: 1 } => {
            let after = document.advanced(&document.step()?)?;
            let label = format!("iteration {}", after.iteration);
            Ok((after, label))
        }
        Edit::Iterate { count } => {
            Err(Refusal::Invalid(format!("{count} iterations are {count} edits of one iteration each")))
        }
    }?;
    if !matches!(edit, Edit::Iterate { .. } | Edit::Reset {}) {
        edited.0.check()?;
    }
    Ok(edited)
}

/// The size of what the edit makes, and the bytes that it takes for it beside the document itself. For an edit
/// that is refused, those of the document.
pub(crate) fn size_after(edit: &Edit, document: &Document) -> (Size, usize) {
    let samples = document.inputs.rows();
    let size = Size::new(&document.network, samples);
    match edit {
        Edit::Set { .. } => (size, size.parameters() + size.batch()),
        Edit::Initialize { .. } => (size, 2 * size.parameters()),
        Edit::Iterate { .. } => (size, size.parameters()),
        Edit::Batch { count, .. } if limits::check_batch(&document.network, *count).is_ok() => {
            let size = Size::new(&document.network, *count);
            (size, size.batch())
        }
        Edit::Layers { layers } => match layered(document, layers) {
            Ok(network) => {
                let size = Size::new(&network, samples);
                let targets = document.pool.targets.rows() * network.output_width() * size_of::<f64>();
                (size, 4 * size.parameters() + size.batch() + targets)
            }
            Err(_) => (size, 0),
        },
        _ => (size, 0),
    }
}

fn set(
    document: &Document,
    name: ValueId,
    row: usize,
    column: usize,
    value: f64,
) -> Result<(Document, String), Refusal> {
    let samples = document.inputs.rows();
    let of_sample = if samples == 1 { String::new() } else { format!(" of sample {}", row + 1) };
    let mut edited = document.clone();
    let (place, old) = match (name.quantity, name.layer) {
        (Quantity::Activation, 0) => {
            let label = format!("input {}{of_sample}", column.saturating_add(1));
            (label, replace(Arc::make_mut(&mut edited.inputs), name, row, column, value)?)
        }
        (Quantity::Target, _) => {
            let label = format!("target {}{of_sample}", column.saturating_add(1));
            (label, replace(Arc::make_mut(&mut edited.targets), name, row, column, value)?)
        }
        _ => set_parameter(&mut edited, name, row, column, value)?,
    };
    if !value.is_finite() {
        return Err(Refusal::Invalid(format!("{place}: {value} is not a finite number")));
    }
    Ok((edited, format!("{place}: {} -> {}", shown(old), shown(value))))
}

fn replace(
    matrix: &mut Matrix<f64>,
    name: ValueId,
    row: usize,
    column: usize,
    value: f64,
) -> Result<f64, Refusal> {
    let (rows, columns) = (matrix.rows(), matrix.columns());
    if row >= rows || column >= columns {
        return Err(outside(name, row, column, &format!("{rows} x {columns}")));
    }
    Ok(std::mem::replace(&mut matrix[(row, column)], value))
}

fn outside(name: ValueId, row: usize, column: usize, shape: &str) -> Refusal {
    let (row, column) = (row.saturating_add(1), column.saturating_add(1));
    Refusal::Invalid(format!("{name} is {shape}; there is no row {row}, column {column}"))
}

/// Sets a weight or a bias; gives its name for people and its old value.
fn set_parameter(
    document: &mut Document,
    name: ValueId,
    row: usize,
    column: usize,
    value: f64,
) -> Result<(String, f64), Refusal> {
    let unknown = || {
        Refusal::Invalid(format!(
            "{name} cannot be set; weights (weight.1), biases (bias.1), inputs (a.0) and \
             targets (target) can"
        ))
    };
    let (quantity, l) = (name.quantity, name.layer);
    let Quantity::Parameter(number) = quantity else { return Err(unknown()) };
    if l == 0 || l > document.network.depth() {
        return Err(unknown());
    }
    let Some(tensor) = document.network.layer_tensors(l).get(number).cloned() else {
        return Err(Refusal::Invalid(format!("layer {l} has no {quantity}")));
    };
    if row >= tensor.rows || column >= tensor.columns {
        let shape = match tensor.is_vector {
            true => format!("a vector of {}", tensor.columns),
            false => format!("{} x {}", tensor.rows, tensor.columns),
        };
        return Err(outside(name, row, column, &shape));
    }
    let old = Arc::make_mut(&mut document.parameters).set_element(&tensor, row, column, value);
    let symbol = parameter_symbol(number);
    let place = match tensor.is_vector {
        true => format!("{symbol}({l})[{}]", column + 1),
        false => format!("{symbol}({l})[{}, {}]", row + 1, column + 1),
    };
    Ok((place, old))
}

fn set_activation(
    document: &Document,
    number: usize,
    activation: Activation,
) -> Result<(Document, String), Refusal> {
    let depth = document.network.depth();
    let Some((l, dense)) = dense_layers(&document.network).find(|(l, _)| *l == number) else {
        return Err(Refusal::Invalid(format!("layer {number}: there are layers 1 to {depth}")));
    };
    if activation == Activation::Softmax && number < depth {
        return Err(hidden_softmax(number));
    }
    let label =
        format!("layer {number}: {} -> {}", readable(dense.activation.name()), readable(activation.name()));
    let network = with_layer(&document.network, l, Layer::Dense(Dense { activation, ..dense.clone() }))?;
    Ok((Document { network, ..document.clone() }, label))
}

fn hidden_softmax(number: usize) -> Refusal {
    Refusal::Invalid(format!(
        "layer {number} is hidden; softmax turns outputs into shares of 1 and is for the last layer only"
    ))
}

/// The network with another layer in place of layer l.
fn with_layer(network: &Network, l: usize, layer: Layer) -> Result<Network, Refusal> {
    let mut builder = Network::builder(network.input_width());
    for (index, old) in network.layers().iter().enumerate() {
        builder = builder.layer(if index + 1 == l { layer.clone() } else { old.clone() });
    }
    Ok(builder.build()?)
}

fn set_loss(document: &Document, loss: &Loss, suit_output: bool) -> Result<(Document, String), Refusal> {
    let outputs = document.network.output_width();
    loss.check(outputs)?;
    for (what, targets) in [("the batch", &document.targets), ("the data", &document.pool.targets)] {
        let targets = Targets::Values(targets.view());
        if let Err(error) = loss.check_targets(targets.len(), outputs, targets, None) {
            return Err(Refusal::Invalid(format!(
                "{} does not accept the targets of {what}: {error}; change the targets first",
                readable(loss.name()),
            )));
        }
    }
    let mut edited = Document { loss: loss.clone(), ..document.clone() };
    let mut label = format!("{} -> {}", readable(document.loss.name()), readable(loss.name()));
    let (old, natural) = (document.network.output_activation(), loss.natural_output());
    if suit_output && old != natural {
        let number = document.network.depth();
        let (suited, change) = set_activation(&edited, number, natural)?;
        edited = suited;
        label += &format!(", {change}");
    }
    Ok((edited, label))
}

fn initialize(document: &Document, rule: &str, seed: u64) -> Result<(Document, String), Refusal> {
    if seed > LARGEST_SEED {
        return Err(Refusal::Invalid(format!("seed: {seed} is more than the limit of {LARGEST_SEED}")));
    }
    let parameters = Arc::new(draw(&document.network, rule, seed)?);
    // The rule's own name: `he_normal` is he-normal.
    let named = |rule| chainrule::Initialization::NAMED.iter().find(|(_, known)| *known == rule);
    let rule = drawing_rule(rule)?.and_then(named).map_or(crate::document::SUITED, |(name, _)| name);
    let edited = Document {
        initial: Arc::clone(&parameters),
        parameters,
        iteration: 0,
        initialization: rule.to_owned(),
        seed,
        ..document.clone()
    };
    Ok((edited, format!("new weights: {rule}, seed {seed}")))
}

/// The document's network with other layers, if it can be held.
fn layered(document: &Document, shapes: &[LayerShape]) -> Result<Network, Refusal> {
    at_most("layers", shapes.len(), limits::LAYERS)?;
    if shapes.is_empty() {
        return Err(Refusal::Invalid("a network has at least one layer".to_owned()));
    }
    if let Some(other) = document.network.layers().iter().find(|layer| !matches!(layer, Layer::Dense(_))) {
        let kind = readable(other.name());
        return Err(Refusal::Invalid(format!(
            "layers beside {kind} cannot be added, removed or made wider here"
        )));
    }
    let mut builder = Network::builder(document.network.input_width());
    for (index, shape) in shapes.iter().enumerate() {
        let &LayerShape { width, activation, bias } = shape;
        let number = index + 1;
        at_most(&format!("width of layer {number}"), width, limits::WIDTH)?;
        if activation == Activation::Softmax && number < shapes.len() {
            return Err(hidden_softmax(number));
        }
        builder = builder.layer(Layer::Dense(Dense { width, activation, bias }));
    }
    let network = builder.build()?;
    limits::check_network(&network)?;
    limits::check_batch(&network, document.inputs.rows())?;
    let rows = document.pool.inputs.rows();
    let numbers = rows.saturating_mul(network.input_width() + network.output_width());
    at_most("numbers of the data", numbers, limits::POOL_NUMBERS)?;
    Ok(network)
}

fn set_layers(document: &Document, shapes: &[LayerShape]) -> Result<(Document, String), Refusal> {
    let network = layered(document, shapes)?;
    let kept = kept_layers(document, &network);
    let drawn = draw(&network, &document.initialization, document.seed)?;
    let renew = |old: &Parameters<f64>| {
        let mut parameters = drawn.clone();
        for &(from, to) in &kept {
            for (to, from) in network.layer_tensors(to).iter().zip(document.network.layer_tensors(from)) {
                parameters
                    .set_tensor(to, &old.tensor(from).to_vec())
                    .expect("a layer that is kept has its shape");
            }
        }
        Arc::new(parameters)
    };
    let initial = renew(&document.initial);
    let unchanged = Arc::ptr_eq(&document.parameters, &document.initial);
    let parameters = if unchanged { Arc::clone(&initial) } else { renew(&document.parameters) };
    let outputs = network.output_width();
    let mut edited = Document { network, initial, parameters, ..document.clone() };
    document.loss.check(outputs)?;
    if outputs != document.network.output_width() {
        fit_targets(&mut edited, outputs);
    }
    let list = |network: &Network| {
        let widths = dense_layers(network).map(|(_, dense)| dense.width.to_string());
        let widths: Vec<_> = [network.input_width().to_string()].into_iter().chain(widths).collect();
        widths.join("-")
    };
    let (before, after) = (list(&document.network), list(&edited.network));
    let label = if before == after { format!("layers of {after}") } else { format!("{before} -> {after}") };
    Ok((edited, label))
}

/// Pairs of (old, new) layers of one shape: those of the same number, then those as far from the end.
fn kept_layers(document: &Document, network: &Network) -> Vec<(usize, usize)> {
    let shape = |network: &Network, l: usize| (network.width(l), network.width(l - 1));
    let places = |network: &Network| dense_layers(network).map(|(l, _)| l).collect::<Vec<_>>();
    let (old, new) = (places(&document.network), places(network));
    let same = |&(from, to): &(usize, usize)| shape(&document.network, from) == shape(network, to);
    let mut kept: Vec<(usize, usize)> = old.iter().copied().zip(new.iter().copied()).filter(same).collect();
    for pair in old.iter().rev().copied().zip(new.iter().rev().copied()).filter(same) {
        if !kept.iter().any(|&(from, to)| from == pair.0 || to == pair.1) {
            kept.push(pair);
        }
    }
    kept
}

/// Targets for another number of outputs. Classes stay classes: one that has no output any more becomes the
/// last one, and with a single output class 0 is 0 and every other is 1. Of other targets the first ones
/// stay, and outputs that are new aim at 0.
fn fit_targets(document: &mut Document, outputs: usize) {
    let (batch, pool) = (&document.targets, &document.pool.targets);
    let for_classes = document.loss.target_range() == TargetRange::UnitInterval;
    let classes = match batch.columns() {
        1 => for_classes && is_binary(batch) && is_binary(pool),
        _ => matches!(document.loss, Loss::CrossEntropy { .. }) || (is_one_hot(batch) && is_one_hot(pool)),
    };
    let fit = |old: &Matrix<f64>| {
        let mut fitted = Matrix::zeros(old.rows(), outputs);
        for i in 0..old.rows() {
            let (from, to) = (old.row(i), fitted.row_mut(i));
            match (classes, outputs) {
                (false, _) => to.iter_mut().zip(from).for_each(|(to, &from)| *to = from),
                (true, 1) => to[0] = f64::from(u8::from(class(from) > 0)),
                (true, _) => to[class(from).min(outputs - 1)] = 1.0,
            }
        }
        Arc::new(fitted)
    };
    let (targets, pool_targets) = (fit(batch), fit(pool));
    let inputs = Arc::clone(&document.pool.inputs);
    document.targets = targets;
    document.pool = Pool { inputs, targets: pool_targets, example: None };
    document.output_names = match document.output_names.take() {
        Some(names) if names.len() > outputs && outputs > 1 => Some(names[..outputs].into()),
        _ => None,
    };
}

/// The class that a row of targets stands for: its largest number, or the number itself where there is one
/// output.
fn class(row: &[f64]) -> usize {
    if let [number] = row {
        return usize::from(*number >= 0.5);
    }
    (1..row.len()).fold(0, |best, k| if row[k] > row[best] { k } else { best })
}

fn is_binary(matrix: &Matrix<f64>) -> bool {
    matrix.as_slice().iter().all(|&y| y == 0.0 || y == 1.0)
}

fn is_one_hot(matrix: &Matrix<f64>) -> bool {
    is_binary(matrix) && (0..matrix.rows()).all(|i| matrix.row(i).iter().sum::<f64>() == 1.0)
}
