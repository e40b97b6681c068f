//! Step 2: the loss, and delta(L) = dLoss/dz(L).

use chainrule::trace::{Quantity, ValueId};
use chainrule::{Activation, Loss};

use super::source::{Source, cell, cell_of, slope_formula, wrong_slopes};
use crate::analysis::{OutputRule, RuleName, output_rule};
use crate::quiz::backward::output_delta;
use crate::quiz::mistakes::Mistake;
use crate::quiz::posed::{Draft, Tolerance};
use crate::words::readable;

/// The rule of the step, where the last layer is dense and the loss counts targets as they are given.
fn rule(source: &Source<'_>) -> Option<OutputRule> {
    let rule = output_rule(source.reader.step);
    (source.is_whole(source.depth()) && rule.targets_as_given).then_some(rule)
}

/// Whether a - y over B is delta(L) in every cell.
fn short_form_holds(source: &Source<'_>) -> bool {
    let l = source.depth();
    let mut cells = (0..source.batch()).flat_map(|i| (0..source.n(l)).map(move |j| (i, j)));
    cells.all(|(i, j)| {
        let right = source.number(Quantity::Delta, l, i, j);
        let short = output_delta(source.reader, Some(Mistake::Shortcut), i, j);
        (right - short).abs() <= 1e-9 * right.abs().max(short.abs())
    })
}

pub(super) fn loss_of_batch(source: &mut Source<'_>) -> Option<Draft> {
    let batch = source.batch();
    if batch == 1 {
        return None;
    }
    let wrong = vec![
        (Mistake::SumForMean, format!("The sum of the losses of the {batch} samples.")),
        (Mistake::OneSample, "The loss of the last sample: those before it were replaced.".to_owned()),
    ];
    Some(Draft::choices(
        &mut source.draw,
        format!("The batch has {batch} samples. What is its loss?"),
        format!("The mean of the losses of the {batch} samples."),
        wrong,
        cell_of(ValueId::LOSS, 0, 0),
        "As a mean, the loss does not grow with the batch, and neither do the gradients.",
    ))
}

pub(super) fn short_form(source: &mut Source<'_>) -> Option<Draft> {
    let rule = rule(source)?;
    let (l, step) = (source.depth(), source.reader.step);
    let is_short = rule.rule == RuleName::PredictionMinusTarget;
    if short_form_holds(source) != is_short {
        return None;
    }
    let (loss, output) = (readable(step.loss.name()), readable(step.network.output_activation().name()));
    let rest = match rule.rule {
        RuleName::ThroughJacobian => "the matrix of softmax's derivatives",
        _ => "what loss and slope leave over",
    };
    let always = "Yes, it holds for every loss and every output activation.".to_owned();
    let because = format!("Yes, because {output} and {loss} are made for each other: all else cancels.");
    let remains = |rest: &str| format!("No, it still has to be multiplied by {rest}.");
    let (right, wrong) = match is_short {
        true => (
            because,
            vec![
                (Mistake::Shortcut, always),
                (Mistake::SlopeTwice, remains(&format!("the slope sigma'(z({l}))"))),
            ],
        ),
        false => (
            remains(rest),
            vec![
                (Mistake::Shortcut, always),
                (
                    Mistake::WrongSign,
                    format!(
                        "No, only the sign is the other one: delta({l}) is the target minus the prediction."
                    ),
                ),
            ],
        ),
    };
    let prompt = format!(
        "The output is {output} and the loss {loss}. Is delta({l}) simply the prediction minus the target, over the \
         number of samples?"
    );
    Some(Draft::choices(&mut source.draw, prompt, right, wrong, cell(Quantity::Delta, l, 0, 0), rule.reason))
}

pub(super) fn sign_of_delta(source: &mut Source<'_>) -> Option<Draft> {
    let l = source.depth();
    rule(source).filter(|rule| rule.rule == RuleName::PredictionMinusTarget)?;
    let (i, j) = (source.sample(), source.neuron(l));
    let wrong = vec![
        (Mistake::WrongSign, "Negative: the output has to come down.".to_owned()),
        (Mistake::GradientForError, "That depends on the sign of the weights that lead to it.".to_owned()),
    ];
    Some(Draft::choices(
        &mut source.draw,
        format!(
            "Suppose the prediction a({l})[{0}] is above its target. Which sign has delta({l})[{0}]?",
            j + 1
        ),
        "Positive: the loss would rise if its z rose.",
        wrong,
        cell(Quantity::Delta, l, i, j),
        format!(
            "delta({l}) is how the loss reacts to z({l}); here it is the prediction minus the target, over the number of samples."
        ),
    ))
}

pub(super) fn output_delta_number(source: &mut Source<'_>) -> Option<Draft> {
    let rule = rule(source)?;
    let (l, batch, step) = (source.depth(), source.batch() as f64, source.reader.step);
    let (i, j) = (source.sample(), source.neuron(l));
    let sigma = source.activation(l)?;
    let (z, a) =
        (source.number(Quantity::PreActivation, l, i, j), source.number(Quantity::Activation, l, i, j));
    let y = source.reader.number(ValueId::TARGET, i, j);
    let right = output_delta(source.reader, None, i, j);
    let mut wrong = vec![(Mistake::WrongSign, -right)];
    // Of the losses that are asked about, all but cross-entropy alone have a - y for a factor.
    let has_difference =
        rule.rule == RuleName::PredictionMinusTarget || !matches!(step.loss, Loss::CrossEntropy { .. });
    if has_difference {
        wrong.push((Mistake::NoTarget, right * a / (a - y)));
    }
    if batch > 1.0 {
        wrong.push((Mistake::MeanTwice, right / batch));
        wrong.push((Mistake::SumForMean, output_delta(source.reader, Some(Mistake::SumForMean), i, j)));
    }
    let over = if batch > 1.0 { format!(", over {batch} samples") } else { String::new() };
    let formula = match rule.rule {
        RuleName::PredictionMinusTarget => {
            match sigma.elementwise() {
                Some(function) if sigma != Activation::Identity => {
                    wrong.push((Mistake::SlopeTwice, right * function.derivative(z, a)));
                }
                None => wrong.push((Mistake::SlopeTwice, right * a * (1.0 - a))),
                _ => {}
            }
            let (loss, output) = (readable(step.loss.name()), readable(sigma.name()));
            format!("The output is {output}, the loss {loss}{over}.")
        }
        RuleName::ThroughSlope if source.reader.has(Quantity::Error.of(l)) => {
            wrong.push((Mistake::Shortcut, output_delta(source.reader, Some(Mistake::Shortcut), i, j)));
            let derivative = step.loss.derivative_formula(step.network.output_activation());
            if sigma == Activation::Identity {
                format!("For one sample the loss has dLoss/da = {derivative}; n is {}{over}.", source.n(l))
            } else {
                let error = source.number(Quantity::Error, l, i, j);
                wrong.push((Mistake::NoSlope, error));
                let slopes = wrong_slopes(sigma, z, a).into_iter();
                wrong.extend(slopes.map(|(mistake, slope)| (mistake, error * slope)));
                format!(
                    "For one sample the loss has dLoss/da = {derivative}; n is {}{over}. {} has sigma' = {}.",
                    source.n(l),
                    readable(sigma.name()),
                    slope_formula(sigma)?
                )
            }
        }
        _ => return None,
    };
    let prompt = format!("What is delta({l})[{}]{}? {formula}", j + 1, source.of_sample(i));
    let given = vec![
        cell(Quantity::PreActivation, l, i, j),
        cell(Quantity::Activation, l, i, j),
        cell_of(ValueId::TARGET, i, j),
    ];
    let size = if a == y { 0.0 } else { right / (a - y) };
    let tolerance = Tolerance::of_terms([a * size, y * size].map(|term| 0.5 * term));
    Some(Draft::number(prompt, right, wrong, tolerance, cell(Quantity::Delta, l, i, j), given, rule.reason))
}

pub(super) fn output_delta_shape(source: &mut Source<'_>) -> Option<Draft> {
    let (l, batch) = (source.depth(), source.batch());
    if !source.is_whole(l) {
        return None;
    }
    let (n, before) = (source.n(l), source.n(l - 1));
    let prompt = format!("What shape has delta({l}), with one column for each sample?");
    let wrong = vec![(Mistake::TurnedOver, [batch, n]), (Mistake::OtherLayer, [before, batch])];
    let why = format!("delta({l}) has the shape of z({l}): a number for each output and each sample.");
    Some(Draft::shape(prompt, [n, batch], wrong, cell(Quantity::Delta, l, 0, 0), why))
}

pub(super) fn batch_division(source: &mut Source<'_>) -> Option<Draft> {
    let (l, batch) = (source.depth(), source.batch());
    if batch == 1 || !source.is_whole(l) {
        return None;
    }
    let wrong = vec![
        (Mistake::MeanTwice, format!("In delta({l}), and once more in each dW and db.")),
        (
            Mistake::SumForMean,
            "Nowhere: the gradients of the samples are added up, and that is all.".to_owned(),
        ),
    ];
    Some(Draft::choices(
        &mut source.draw,
        format!("The loss is a mean over {batch} samples. Where does the backward pass divide by {batch}?"),
        format!("In delta({l}), once; what is summed over the samples later is a mean already."),
        wrong,
        cell(Quantity::Delta, l, 0, 0),
        format!(
            "delta({l}) is the derivative of the mean loss, so the division is in it, and everything behind is made from it."
        ),
    ))
}
