//! Step 4: dW(l) = delta(l) a(l-1)^T, db(l) = the sum of delta(l) over the samples.

use chainrule::Activation;
use chainrule::trace::Quantity;

use super::source::{Source, TERMS, cell};
use crate::quiz::backward::{bias_gradient as bias, weight_gradient as weight};
use crate::quiz::mistakes::Mistake;
use crate::quiz::posed::{Draft, Tolerance};

pub(super) fn gradient_entry(source: &mut Source<'_>) -> Option<Draft> {
    let l = source.layer()?;
    let over = if source.batch() > 1 { ", summed over the samples" } else { "" };
    let before = l - 1;
    let mut wrong = vec![
        (Mistake::TurnedOver, format!("delta({l})[k] times a({before})[j]{over}.")),
        (Mistake::OwnActivation, format!("delta({l})[j] times a({l})[k]{over}.")),
    ];
    if l < source.depth() {
        wrong.push((Mistake::OtherDelta, format!("delta({})[j] times a({before})[k]{over}.", l + 1)));
    }
    Some(Draft::choices(
        &mut source.draw,
        format!("What stands in row j, column k of dW({l}) = delta({l}) a({before})^T?"),
        format!("delta({l})[j] times a({before})[k]{over}."),
        wrong,
        cell(Quantity::WEIGHT_GRADIENT, l, 0, 0),
        format!(
            "W({l})[j, k] carries a({before})[k] into z({l})[j]: how much it mattered, times what came in."
        ),
    ))
}

pub(super) fn silent_input(source: &mut Source<'_>) -> Option<Draft> {
    let l = source.layer()?;
    let k = source.neuron(l - 1);
    let (number, before) = (k + 1, l - 1);
    let wrong = vec![
        (Mistake::TurnedOver, format!("Row {number} of dW({l}) would be 0.")),
        (Mistake::OwnActivation, format!("None: gradients depend on a({l}) and the errors only.")),
    ];
    Some(Draft::choices(
        &mut source.draw,
        format!(
            "Suppose a({before})[{number}] were 0 for every sample. Which part of dW({l}) would be 0 for that reason?"
        ),
        format!("Column {number} of dW({l})."),
        wrong,
        cell(Quantity::WEIGHT_GRADIENT, l, 0, k),
        format!(
            "Column {number} of W({l}) multiplies a({before})[{number}]. What was not heard made no difference."
        ),
    ))
}

pub(super) fn gradient_shape(source: &mut Source<'_>) -> Option<Draft> {
    let l = source.layer()?;
    let (n, before, batch) = (source.n(l), source.n(l - 1), source.batch());
    let prompt =
        format!("delta({l}) is {n} x {batch}, a({}) is {before} x {batch}. What shape has dW({l})?", l - 1);
    let wrong = vec![(Mistake::TurnedOver, [before, n]), (Mistake::OwnActivation, [n, n])];
    let why = format!(
        "A gradient has the shape of what it belongs to: ({n} x {batch}) ({batch} x {before}) is {n} x {before}, as W({l})."
    );
    Some(Draft::shape(prompt, [n, before], wrong, cell(Quantity::WEIGHT_GRADIENT, l, 0, 0), why))
}

pub(super) fn weight_gradient_number(source: &mut Source<'_>) -> Option<Draft> {
    let l = source.layer()?;
    let (j, k, batch, reader) = (source.neuron(l), source.neuron(l - 1), source.batch(), source.reader);
    if batch > TERMS {
        return None;
    }
    let (n, before) = (source.n(l), source.n(l - 1));
    let made = |mistake| (mistake, weight(reader, reader, Some(mistake), l, j, k));
    let right = source.number(Quantity::WEIGHT_GRADIENT, l, j, k);
    let products: Vec<f64> = (0..batch)
        .map(|i| source.number(Quantity::Delta, l, i, j) * source.number(Quantity::Activation, l - 1, i, k))
        .collect();
    let mut wrong = vec![(Mistake::WrongSign, -right)];
    if l > 1 && source.activation(l - 1).is_some_and(|sigma| sigma != Activation::Identity) {
        let z = |i| source.number(Quantity::PreActivation, l - 1, i, k);
        let product = |i| source.number(Quantity::Delta, l, i, j) * z(i);
        wrong.push((Mistake::SkippedActivation, (0..batch).map(product).sum()));
    }
    if k < n {
        wrong.push(made(Mistake::OwnActivation));
    }
    if k < n && j < before && j != k {
        wrong.push(made(Mistake::TurnedOver));
    }
    if l < source.depth() && j < source.n(l + 1) {
        wrong.push(made(Mistake::OtherDelta));
    }
    if batch > 1 {
        wrong.push((Mistake::SumForMean, right * batch as f64));
        wrong.push((Mistake::MeanTwice, right / batch as f64));
        wrong.push((Mistake::OneSample, products[0]));
    }
    let given = (0..batch)
        .flat_map(|i| [cell(Quantity::Delta, l, i, j), cell(Quantity::Activation, l - 1, i, k)])
        .collect();
    let over = if batch > 1 { " over the whole batch" } else { "" };
    let prompt = format!("What is dW({l})[{}, {}]{over}?", j + 1, k + 1);
    let why = format!(
        "delta({l})[{}] times a({})[{}]{}.",
        j + 1,
        l - 1,
        k + 1,
        if batch > 1 { ", added up over the samples" } else { "" }
    );
    let tolerance = Tolerance::of_terms(products);
    Some(Draft::number(prompt, right, wrong, tolerance, cell(Quantity::WEIGHT_GRADIENT, l, j, k), given, why))
}

pub(super) fn bias_gradient_number(source: &mut Source<'_>) -> Option<Draft> {
    let l = source.layer()?;
    let (j, batch, reader) = (source.neuron(l), source.batch(), source.reader);
    if batch > TERMS || !source.has_bias(l) {
        return None;
    }
    let right = source.number(Quantity::BIAS_GRADIENT, l, 0, j);
    let mut wrong =
        vec![(Mistake::WrongSign, -right), (Mistake::BiasInput, weight(reader, reader, None, l, j, 0))];
    if l < source.depth() && j < source.n(l + 1) {
        wrong.push((Mistake::OtherDelta, bias(reader, reader, Some(Mistake::OtherDelta), l, j)));
    }
    if batch > 1 {
        wrong.push((Mistake::SumForMean, right * batch as f64));
        wrong.push((Mistake::MeanTwice, right / batch as f64));
        wrong.push((Mistake::OneSample, source.number(Quantity::Delta, l, 0, j)));
    }
    let given = (0..batch).map(|i| cell(Quantity::Delta, l, i, j)).collect();
    let tolerance = Tolerance::of_terms((0..batch).map(|i| source.number(Quantity::Delta, l, i, j)));
    let over = if batch > 1 { " over the whole batch" } else { "" };
    let prompt = format!("What is db({l})[{}]{over}?", j + 1);
    let why = "A bias is a weight whose input is always 1: its gradient is delta, added up over the samples.";
    Some(Draft::number(prompt, right, wrong, tolerance, cell(Quantity::BIAS_GRADIENT, l, 0, j), given, why))
}

pub(super) fn bias_gradient(source: &mut Source<'_>) -> Option<Draft> {
    let l = source.layer()?;
    let j = source.neuron(l);
    if !source.has_bias(l) {
        return None;
    }
    let number = j + 1;
    let mut wrong = vec![
        (
            Mistake::BiasInput,
            format!("delta({l})[{number}] times a({})[{number}], summed over the samples.", l - 1),
        ),
        (Mistake::NoBias, "It has none: biases are not learned.".to_owned()),
    ];
    if l < source.depth() {
        wrong.push((Mistake::OtherDelta, format!("The sum of all errors of layer {}.", l + 1)));
    }
    Some(Draft::choices(
        &mut source.draw,
        format!("What is the gradient of the bias b({l})[{number}]?"),
        format!("delta({l})[{number}], summed over the samples."),
        wrong,
        cell(Quantity::BIAS_GRADIENT, l, 0, j),
        "A bias is a weight whose input is always 1.",
    ))
}

pub(super) fn proof(source: &mut Source<'_>) -> Option<Draft> {
    let l = source.layer()?;
    let wrong = vec![
        (Mistake::LossAsProof, "The loss: if it falls, the gradients are right.".to_owned()),
        (Mistake::ShapesOnly, "The shapes: if every product fits, the gradients are right.".to_owned()),
    ];
    Some(Draft::choices(
        &mut source.draw,
        "Somebody has written a backward pass and may have forgotten a factor. What tells for certain?",
        "Finite differences: each gradient beside how the loss moves when its weight does.",
        wrong,
        cell(Quantity::WEIGHT_GRADIENT, l, 0, 0),
        "They say what a gradient is, without any chain rule. Shapes and a falling loss are satisfied by many wrong numbers.",
    ))
}
