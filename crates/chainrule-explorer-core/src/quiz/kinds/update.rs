//! Step 5: W(l) becomes W(l) - eta dW(l).

use chainrule::trace::Quantity;

use super::source::{Source, cell};
use crate::quiz::mistakes::Mistake;
use crate::quiz::posed::{Draft, Tolerance};

pub(super) fn direction(source: &mut Source<'_>) -> Option<Draft> {
    let l = source.layer()?;
    let (j, k) = (source.neuron(l), source.neuron(l - 1));
    let wrong = vec![
        (Mistake::GradientAdded, "Up: it follows its gradient.".to_owned()),
        (Mistake::WrongSign, "That depends on the sign of the weight itself.".to_owned()),
    ];
    Some(Draft::choices(
        &mut source.draw,
        format!(
            "Suppose dW({l})[{}, {}] is positive. Which way does the update move W({l})[{0}, {1}]?",
            j + 1,
            k + 1
        ),
        "Down: the loss would rise with the weight.",
        wrong,
        cell(Quantity::UPDATED_WEIGHT, l, j, k),
        "A gradient points uphill, and the step goes the other way, whatever the weight is.",
    ))
}

pub(super) fn order(source: &mut Source<'_>) -> Option<Draft> {
    let l = source.hidden_layer()? + 1;
    let wrong = vec![
        (
            Mistake::UpdatedFirst,
            format!("As soon as dW({l}) is known, before the error goes on to layer {}.", l - 1),
        ),
        (Mistake::UpdatedFirst, "In the forward pass, when the layer has been computed.".to_owned()),
    ];
    Some(Draft::choices(
        &mut source.draw,
        format!("When may W({l}) be changed at the earliest?"),
        format!("When it has carried delta({l}) back."),
        wrong,
        cell(Quantity::UPDATED_WEIGHT, l, 0, 0),
        "All gradients are to belong to the weights that made the prediction.",
    ))
}

/// The new number of a parameter.
fn updated_number(source: &Source<'_>, tensor: usize, l: usize, j: usize, k: usize) -> Option<Draft> {
    let rate = source.reader.step.learning_rate;
    let (parameter, gradient) = (Quantity::Parameter(tensor), Quantity::Gradient(tensor));
    let (before, dw) = (source.number(parameter, l, j, k), source.number(gradient, l, j, k));
    let right = source.number(Quantity::Updated(tensor), l, j, k);
    let mut wrong = vec![
        (Mistake::GradientAdded, before + rate * dw),
        (Mistake::ChangeOnly, -rate * dw),
        (Mistake::OtherSign, -right),
    ];
    if rate != 1.0 {
        wrong.push((Mistake::NoRate, before - dw));
    }
    let asked = cell(Quantity::Updated(tensor), l, j, k);
    let own = source.reader.label(&cell(parameter, l, j, k));
    let prompt = format!("The learning rate is {rate}. What is {own} after the update?");
    let given = vec![cell(parameter, l, j, k), cell(gradient, l, j, k)];
    let tolerance = Tolerance::of_change(before, rate * dw);
    let why = "The gradient, times the learning rate, is taken off.";
    Some(Draft::number(prompt, right, wrong, tolerance, asked, given, why))
}

pub(super) fn updated_weight_number(source: &mut Source<'_>) -> Option<Draft> {
    let l = source.layer()?;
    let (j, k) = (source.neuron(l), source.neuron(l - 1));
    updated_number(source, 0, l, j, k)
}

pub(super) fn updated_bias_number(source: &mut Source<'_>) -> Option<Draft> {
    let l = source.layer()?;
    let j = source.neuron(l);
    if source.has_bias(l) { updated_number(source, 1, l, 0, j) } else { None }
}
