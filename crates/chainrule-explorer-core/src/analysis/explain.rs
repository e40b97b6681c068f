//! How one number of the trace comes about: its formula with numbers.

use chainrule::activation::softmax_parts;
use chainrule::trace::{Computation, Quantity, ValueId};
use chainrule::{Activation, Loss};

use super::reader::{Reader, chain, constant, counted_target, rows_and_columns};
use super::rule::{RuleName, loss_derivative, output_rule};
use super::{Cell, Explanation, Factor, Term, written};
use crate::sentences::in_layer;
use crate::words::{counted, plain, readable, shown};
use crate::{Num, Refusal, Step};

/// How the number in `cell` comes about.
///
/// # Errors
/// When the step has no such value, or the value no such row or column.
pub fn explain(step: &Step, cell: &Cell) -> Result<Explanation, Refusal> {
    explain_with(&Reader::new(step), cell)
}

pub(super) fn explain_with(reader: &Reader<'_>, cell: &Cell) -> Result<Explanation, Refusal> {
    let value = reader.value(cell.name)?;
    let (rows, columns) = rows_and_columns(&value.shape);
    if cell.row >= rows || cell.column >= columns {
        return Err(Refusal::Missing(format!(
            "{} has {} and {}; there is no row {} with a column {}",
            cell.name,
            counted(rows, "row", "rows"),
            counted(columns, "column", "columns"),
            cell.row.saturating_add(1),
            cell.column.saturating_add(1)
        )));
    }
    let ValueId { quantity: kind, layer: l } = cell.name;
    let (row, column) = (cell.row, cell.column);
    if let Some(formula) = formula_of_kind(reader, kind, l) {
        return Ok(bare(reader, cell.name, row, column, formula));
    }
    match kind {
        Quantity::Activation if l > 0 => activation(reader, l, row, column),
        Quantity::Activation | Quantity::Target | Quantity::Parameter(_) => Ok(given(reader, cell, kind, l)),
        Quantity::PreActivation => pre_activation(reader, l, row, column),
        Quantity::Loss => loss(reader),
        Quantity::Error if l == reader.depth() => output_error(reader, row, column),
        Quantity::Error => Ok(carried_back(reader, l, row, column)),
        Quantity::Slope => slope(reader, l, row, column),
        Quantity::Delta if l == reader.depth() => output_delta(reader, row, column),
        Quantity::Delta => Ok(delta(reader, l, row, column)),
        Quantity::Gradient(_) => Ok(gradient(reader, kind, l, row, column)),
        Quantity::Updated(number) => Ok(updated(reader, number, l, row, column)),
    }
}

/// The formula of a value that a layer other than a dense one has computed, as a sentence.
fn formula_of_kind(reader: &Reader<'_>, quantity: Quantity, l: usize) -> Option<String> {
    // The error of a layer is computed by the one above it.
    let maker = if quantity == Quantity::Error && l < reader.depth() { l + 1 } else { l };
    if maker == 0 || reader.is_dense(maker) {
        return None;
    }
    let formulas = reader.step.network.layers()[maker - 1].formulas();
    let formula = match quantity {
        Quantity::Activation => formulas.forward,
        Quantity::Error => formulas.backward,
        Quantity::Gradient(number) => formulas.gradients.get(number)?,
        _ => return None,
    };
    Some(format!("{}.", in_layer(maker, formula)))
}

/// An explanation of one of the trace's cells that has yet to get its terms.
fn bare(reader: &Reader<'_>, name: ValueId, row: usize, column: usize, sentence: String) -> Explanation {
    Explanation {
        cell: Cell { name, row, column },
        value: reader.number(name, row, column).into(),
        operation: reader.operation(name),
        start: None,
        terms: Vec::new(),
        divisor: None,
        function: None,
        written: None,
        sentence,
    }
}

/// A single term: what becomes of the factors is the whole value.
fn only(factors: Vec<Factor>, value: f64) -> Vec<Term> {
    vec![Term { factors, product: value.into(), partial: value.into() }]
}

fn given(reader: &Reader<'_>, cell: &Cell, kind: Quantity, l: usize) -> Explanation {
    let (row, column, label) = (cell.row + 1, cell.column + 1, reader.label(cell));
    let sentence = match kind {
        Quantity::Activation => format!("{label} is input {column} of the network, given before the step."),
        Quantity::Target => format!("{label} is what output {column} should be, given before the step."),
        Quantity::Parameter(_) if !reader.is_dense(l) => {
            format!("{label} is a parameter of layer {l}, before the update.")
        }
        Quantity::WEIGHT if l == 1 => {
            format!(
                "{label} is the weight from input {column} to neuron {row} of layer 1, before the update."
            )
        }
        Quantity::WEIGHT => format!(
            "{label} is the weight from neuron {column} of layer {} to neuron {row} of layer {l}, before \
             the update.",
            l - 1
        ),
        _ => format!("{label} is the bias of neuron {column} of layer {l}, before the update."),
    };
    bare(reader, cell.name, cell.row, cell.column, sentence)
}

fn pre_activation(
    reader: &Reader<'_>,
    l: usize,
    sample: usize,
    neuron: usize,
) -> Result<Explanation, Refusal> {
    let layer = reader.layer(l)?;
    let (weight, input) = (Quantity::WEIGHT.of(l), Quantity::Activation.of(l - 1));
    let inputs = counted(layer.inputs, "weighted input", "weighted inputs");
    let number = neuron + 1;
    let sentence = match layer.bias {
        true => format!("Neuron {number} of layer {l} adds its bias and {inputs}."),
        false => format!("Neuron {number} of layer {l} adds {inputs}; it has no bias."),
    };
    let start = layer.bias.then(|| reader.factor(Quantity::BIAS.of(l), 0, neuron));
    let products =
        (0..layer.inputs).map(|k| [reader.factor(weight, neuron, k), reader.factor(input, sample, k)]);
    let terms = chain(start.as_ref().map_or(0.0, |bias| bias.value.0), products);
    Ok(Explanation { start, terms, ..bare(reader, Quantity::PreActivation.of(l), sample, neuron, sentence) })
}

fn activation(reader: &Reader<'_>, l: usize, sample: usize, neuron: usize) -> Result<Explanation, Refusal> {
    let sigma = reader.layer(l)?.activation;
    let (name, z) = (Quantity::Activation.of(l), Quantity::PreActivation.of(l));
    let number = neuron + 1;
    let value = reader.number(name, sample, neuron);
    let function = Some(sigma.name().to_owned());
    if sigma != Activation::Softmax {
        let shown = readable(sigma.name());
        let sentence = format!("Neuron {number} of layer {l} turns its z into its activation by {shown}.");
        let z = reader.factor(z, sample, neuron);
        let written = written::activation(sigma, &z);
        let terms = only(vec![z], value);
        return Ok(Explanation { terms, function, written, ..bare(reader, name, sample, neuron, sentence) });
    }
    let (exponentials, sum) = softmax_parts(reader.row(z, sample));
    let others = (0..exponentials.len()).filter(|&k| k != neuron);
    let mut partial = 0.0;
    let term = |k: usize| {
        partial += exponentials[k];
        let factors = vec![reader.factor(z, sample, k)];
        Term { factors, product: exponentials[k].into(), partial: Num(partial) }
    };
    let terms = std::iter::once(neuron).chain(others).map(term).collect();
    let sentence = format!(
        "Output {number} is its own exponential over the sum of the exponentials of all \
         {}; the largest z is subtracted from each first, which changes nothing but keeps them small.",
        counted(exponentials.len(), "output", "outputs")
    );
    let divisor = Some(sum.into());
    Ok(Explanation { terms, divisor, function, ..bare(reader, name, sample, neuron, sentence) })
}

fn loss(reader: &Reader<'_>) -> Result<Explanation, Refusal> {
    let losses = super::loss::sample_losses(reader)?;
    let mut partial = 0.0;
    let term = |(sample, &loss): (usize, &f64)| {
        partial += loss;
        let factors = vec![constant(loss, format!("loss of sample {}", sample + 1))];
        Term { factors, product: loss.into(), partial: Num(partial) }
    };
    let terms = losses.iter().enumerate().map(term).collect();
    let formula = reader.step.loss.formula(reader.step.network.output_activation());
    let sentence = match (losses.len(), right_class(reader)) {
        (1, Some(class)) => {
            let l = reader.depth();
            let probability = reader.number(Quantity::Activation.of(l), 0, class);
            format!(
                "Only the right class counts: the loss is minus the logarithm of its probability, \
                 a({l})[{}] = {probability:.4}.",
                class + 1
            )
        }
        (1, None) => format!("The loss of the one sample: {formula}."),
        (count, _) => format!("The mean over {count} samples; for each, {formula}."),
    };
    let divisor = Some((losses.len() as f64).into());
    let written = written::loss(reader);
    Ok(Explanation { terms, divisor, written, ..bare(reader, ValueId::LOSS, 0, 0, sentence) })
}

/// The class of a single sample, where the loss is minus the logarithm of its probability.
fn right_class(reader: &Reader<'_>) -> Option<usize> {
    let Loss::CrossEntropy { label_smoothing: 0.0, class_weights: None } = reader.step.loss else {
        return None;
    };
    let target = reader.row(ValueId::TARGET, 0);
    let class = target.iter().position(|&y| y == 1.0)?;
    let others_are_0 = target.iter().enumerate().all(|(k, &y)| k == class || y == 0.0);
    (others_are_0 && reader.step.network.output_activation() == Activation::Softmax).then_some(class)
}

/// dLoss/da(L), where the trace has it.
fn output_error(reader: &Reader<'_>, sample: usize, neuron: usize) -> Result<Explanation, Refusal> {
    let l = reader.depth();
    let derivatives = reader.loss_derivatives(sample)?;
    let derivative = derivatives.and_then(|row| row.get(neuron).copied()).unwrap_or(f64::NAN);
    let (loss, output) = (&reader.step.loss, reader.step.network.output_activation());
    let rest = match (loss, output.yields_probabilities()) {
        (Loss::CrossEntropy { .. }, false) => " This loss applies softmax to all outputs itself.",
        (Loss::BinaryCrossEntropy, false) => " This loss applies sigmoid to the output itself.",
        _ => "",
    };
    let sentence = format!(
        "How the loss ({}) changes with output {}: dLoss/da = {}, over {}.{rest}",
        readable(loss.name()),
        neuron + 1,
        loss_derivative(reader.step),
        counted(reader.batch(), "sample", "samples")
    );
    let factors = vec![
        reader.factor(Quantity::Activation.of(l), sample, neuron),
        reader.factor(ValueId::TARGET, sample, neuron),
    ];
    Ok(Explanation {
        terms: only(factors, derivative),
        divisor: Some((reader.batch() as f64).into()),
        function: Some(loss.name().to_owned()),
        written: written::loss_derivative(reader, sample, neuron),
        ..bare(reader, Quantity::Error.of(l), sample, neuron, sentence)
    })
}

/// dLoss/da(l) from delta(l + 1), for l = 0 too, which the trace does not have.
pub(super) fn carried_back(reader: &Reader<'_>, l: usize, sample: usize, neuron: usize) -> Explanation {
    let above = l + 1;
    let (weight, delta) = (Quantity::WEIGHT.of(above), Quantity::Delta.of(above));
    let count = reader.row(delta, sample).len();
    let products = (0..count).map(|j| [reader.factor(weight, j, neuron), reader.factor(delta, sample, j)]);
    let terms = chain(0.0, products);
    let from = counted(count, "error signal", "error signals");
    let number = neuron + 1;
    let sentence = match l {
        0 => format!(
            "Input {number} would receive the {from} of layer 1, each times the weight in column {number} \
             of W(1); training does not need it."
        ),
        _ => format!(
            "Neuron {number} of layer {l} receives the {from} of layer {above}, each times the weight in \
             column {number} of W({above})."
        ),
    };
    let mut explanation = bare(reader, Quantity::Error.of(l), sample, neuron, sentence);
    explanation.operation = Some(Computation::CARRY_BACK);
    explanation.value = terms.last().map_or(Num(0.0), |term| term.partial);
    explanation.terms = terms;
    explanation
}

/// sigma'(z) of one neuron, whether the trace has it or not; not for softmax.
pub(super) fn slope(
    reader: &Reader<'_>,
    l: usize,
    sample: usize,
    neuron: usize,
) -> Result<Explanation, Refusal> {
    let sigma = reader.layer(l)?.activation;
    let Some(function) = sigma.elementwise() else {
        return Err(Refusal::Missing("softmax has no slope: its derivative is a matrix".to_owned()));
    };
    let z = reader.factor(Quantity::PreActivation.of(l), sample, neuron);
    let a = reader.factor(Quantity::Activation.of(l), sample, neuron);
    let slope = function.derivative(z.value.0, a.value.0);
    let sentence = format!(
        "The slope of {} at the z of neuron {} of layer {l}: how much of the error it lets through.",
        readable(sigma.name()),
        neuron + 1
    );
    let operation = if l == reader.depth() { Computation::OutputDelta } else { Computation::Delta };
    Ok(Explanation {
        value: slope.into(),
        operation: Some(operation),
        written: written::slope(sigma, &z, &a),
        terms: only(vec![z], slope),
        function: Some(format!("{}'", sigma.name())),
        ..bare(reader, Quantity::Slope.of(l), sample, neuron, sentence)
    })
}

fn delta(reader: &Reader<'_>, l: usize, sample: usize, neuron: usize) -> Explanation {
    let sentence = format!(
        "Neuron {} of layer {l} lets the error that it received through, times the slope at its z.",
        neuron + 1
    );
    let terms = error_times_slope(reader, l, sample, neuron);
    Explanation { terms, ..bare(reader, Quantity::Delta.of(l), sample, neuron, sentence) }
}

fn error_times_slope(reader: &Reader<'_>, l: usize, sample: usize, neuron: usize) -> Vec<Term> {
    let error = reader.factor(Quantity::Error.of(l), sample, neuron);
    let slope = reader.factor(Quantity::Slope.of(l), sample, neuron);
    let product = error.value.0 * slope.value.0;
    only(vec![error, slope], product)
}

fn output_delta(reader: &Reader<'_>, sample: usize, neuron: usize) -> Result<Explanation, Refusal> {
    let (l, number) = (reader.depth(), neuron + 1);
    let (name, batch) = (Quantity::Delta.of(l), reader.batch());
    let over = match batch {
        1 => String::new(),
        _ => format!(", over the {batch} samples"),
    };
    let mean = Some(Num(batch as f64));
    match output_rule(reader.step).rule {
        RuleName::PredictionMinusTarget => {
            let (terms, words) = prediction_minus_target(reader, sample, neuron);
            let target = &terms[1].factors[0];
            let how = target.label.split_once(": ").map_or_else(String::new, |(_, how)| {
                format!(" The loss counts the target as {how} = {}.", plain(target.value.0))
            });
            let sentence = format!("Output {number}: {words}{over}.{how}");
            Ok(Explanation { terms, divisor: mean, ..bare(reader, name, sample, neuron, sentence) })
        }
        RuleName::ThroughSlope if reader.has(Quantity::Error.of(l)) => {
            let sentence = format!(
                "Output {number}: the derivative of the loss by the output, times the slope at its z."
            );
            let terms = error_times_slope(reader, l, sample, neuron);
            Ok(Explanation { terms, ..bare(reader, name, sample, neuron, sentence) })
        }
        RuleName::ThroughSlope => {
            // Cross-entropy with sigmoid: -q / a times a (1 - a), without the division.
            let (terms, sentence) = cross_entropy_of_sigmoid(reader, sample, neuron, &over);
            Ok(Explanation { terms, divisor: mean, ..bare(reader, name, sample, neuron, sentence) })
        }
        RuleName::ThroughJacobian => {
            let terms = through_jacobian(reader, sample, neuron)?;
            let sentence = format!(
                "Output {number}: every output's derivative of the loss, times how that output changes with \
                 z({l})[{number}]."
            );
            Ok(Explanation { terms, ..bare(reader, name, sample, neuron, sentence) })
        }
    }
}

/// a - y, before the division by B; for cross-entropy a sum(q) - q.
fn prediction_minus_target(reader: &Reader<'_>, sample: usize, neuron: usize) -> (Vec<Term>, &'static str) {
    let l = reader.depth();
    let prediction = reader.factor(Quantity::Activation.of(l), sample, neuron);
    let target = counted_target(reader, sample, neuron);
    let outputs = reader.step.network.output_width();
    let sum = match &reader.step.loss {
        Loss::CrossEntropy { .. } => (0..outputs)
            .map(|k| reader.step.loss.counted_target(reader.number(ValueId::TARGET, sample, k), k, outputs))
            .fold(0.0, |sum, q| sum + q),
        _ => 1.0,
    };
    let product = prediction.value.0 * sum;
    let difference = product - target.value.0;
    let is_one = (sum - 1.0).abs() < 1e-9;
    let as_given = target.value.0 == reader.number(ValueId::TARGET, sample, neuron);
    let words = match (is_one, as_given) {
        (true, true) => "the prediction minus the target",
        (true, false) => "the prediction minus the target as the loss counts it, smoothed or weighted",
        (false, _) => "the prediction times the sum of all targets as the loss counts them, minus the target",
    };
    let mut factors = vec![prediction];
    if !is_one {
        factors.push(constant(sum, "sum of the targets"));
    }
    let minus = Num(-target.value.0);
    let terms = vec![
        Term { factors, product: product.into(), partial: product.into() },
        Term { factors: vec![target], product: minus, partial: difference.into() },
    ];
    (terms, words)
}

fn cross_entropy_of_sigmoid(
    reader: &Reader<'_>,
    sample: usize,
    neuron: usize,
    over: &str,
) -> (Vec<Term>, String) {
    let mut target = counted_target(reader, sample, neuron);
    target.value = Num(-target.value.0);
    target.label = format!("-{}", target.label);
    let mut rest = reader.factor(Quantity::Activation.of(reader.depth()), sample, neuron);
    rest.value = Num(1.0 - rest.value.0);
    rest.label = format!("1 - {}", rest.label);
    let product = target.value.0 * rest.value.0;
    let sentence = format!(
        "Output {}: the derivative of the loss, -y / a, times sigmoid's slope, a (1 - a), is -y (1 - \
         a){over}.",
        neuron + 1
    );
    (only(vec![target, rest], product), sentence)
}

/// delta_i = sum_j (da_j/dz_i) dLoss/da_j with da_j/dz_i = a_j ([i = j] - a_i).
fn through_jacobian(reader: &Reader<'_>, sample: usize, neuron: usize) -> Result<Vec<Term>, Refusal> {
    let (l, batch) = (reader.depth(), reader.batch() as f64);
    let (a, y) = (reader.row(Quantity::Activation.of(l), sample), reader.target(sample));
    let derivatives = match reader.loss_derivatives(sample)? {
        Some(derivatives) => derivatives,
        // Binary cross-entropy, whose delta the engine has from z at once.
        None => a.iter().zip(y).map(|(a, y)| (a - y) / (a * (1.0 - a)).max(f64::MIN_POSITIVE)).collect(),
    };
    let of_sample = if batch > 1.0 { format!(" of sample {}", sample + 1) } else { String::new() };
    let products = derivatives.iter().enumerate().map(|(j, derivative)| {
        let entry = a[j] * (f64::from(u8::from(j == neuron)) - a[neuron]);
        let entry = constant(entry, format!("da({l})[{}]/dz({l})[{}]{of_sample}", j + 1, neuron + 1));
        [entry, constant(derivative / batch, format!("dLoss/da({l})[{}]{of_sample}", j + 1))]
    });
    Ok(chain(0.0, products))
}

fn gradient(reader: &Reader<'_>, kind: Quantity, l: usize, row: usize, column: usize) -> Explanation {
    let (delta, input) = (Quantity::Delta.of(l), Quantity::Activation.of(l - 1));
    let samples = counted(reader.batch(), "sample", "samples");
    if kind == Quantity::WEIGHT_GRADIENT {
        let from = match l {
            1 => format!("input {}", column + 1),
            _ => format!("the activation of neuron {} of layer {}", column + 1, l - 1),
        };
        let over = if reader.batch() > 1 { format!(", summed over {samples}") } else { String::new() };
        let sentence = format!("The error signal of neuron {} of layer {l} times {from}{over}.", row + 1);
        let products =
            (0..reader.batch()).map(|i| [reader.factor(delta, i, row), reader.factor(input, i, column)]);
        let terms = chain(0.0, products);
        return Explanation { terms, ..bare(reader, Quantity::WEIGHT_GRADIENT.of(l), row, column, sentence) };
    }
    let sentence = format!(
        "The error signal of neuron {} of layer {l}, summed over {samples}: a bias is a weight whose input \
         is always 1.",
        column + 1
    );
    let mut sum = 0.0;
    let term = |i: usize| {
        let delta = reader.factor(delta, i, column);
        sum += delta.value.0;
        Term { product: delta.value, factors: vec![delta], partial: Num(sum) }
    };
    let terms = (0..reader.batch()).map(term).collect();
    Explanation { terms, ..bare(reader, Quantity::BIAS_GRADIENT.of(l), row, column, sentence) }
}

fn updated(reader: &Reader<'_>, number: usize, l: usize, row: usize, column: usize) -> Explanation {
    let name = match number {
        0 => "weight",
        1 => "bias",
        _ => "parameter",
    };
    let before = reader.factor(Quantity::Parameter(number).of(l), row, column);
    let gradient = reader.factor(Quantity::Gradient(number).of(l), row, column);
    let rate = reader.step.learning_rate;
    // The engine adds 0 times the parameter, its weight decay, which matters where that is not finite.
    let product = -(rate * (gradient.value.0 + 0.0 * before.value.0));
    let partial = before.value.0 + product;
    let sentence = format!("The {name} moves against its gradient, learning rate {}.", shown(rate));
    let factors = vec![constant(-rate, "minus the learning rate"), gradient];
    let terms = vec![Term { factors, product: product.into(), partial: partial.into() }];
    Explanation {
        start: Some(before),
        terms,
        ..bare(reader, Quantity::Updated(number).of(l), row, column, sentence)
    }
}
