//! Sabotage: a whole step with a classic mistake, held against finite differences, and what becomes of the loss when
//! training goes on with it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use chainrule::trace::Quantity;
use chainrule::{Activation, Gradients, Parameters};
use serde::Serialize;

use super::backward::gradients;
use super::mistakes::{Mistake, Paragraph};

use crate::analysis::reader::Reader;
use crate::analysis::{CheckReport, check_gradients_until};
use crate::deadline::Deadline;
use crate::limits::{WORK_TIME, at_most};
use crate::words::{counted, readable, short};
use crate::{Num, Refusal, Step};

/// Updates at most.
const ITERATIONS: usize = 200;

/// The largest relative error that rounding makes between two ways to add up the same products.
const ROUNDING: f64 = 1e-9;

/// A step with a mistake.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct SabotageReport {
    /// The mistake.
    pub mistake: Mistake,
    /// What it is called.
    pub name: &'static str,
    /// The formula that it makes.
    pub formula: &'static str,
    /// What is to be said of it.
    pub words: &'static str,
    /// Where the lesson speaks of it.
    pub paragraph: Paragraph,
    /// Whether all shapes fit.
    pub fits: bool,
    /// Why shapes cannot tell, or where they clash; where the mistake changes nothing, why.
    pub shapes: String,
    /// What its gradients are beside finite differences; none where the shapes clash or it cannot be made.
    pub checked: Option<SabotageCheck>,
    /// The losses with its gradients beside those with the right ones; none where there are no such gradients.
    pub losses: Option<Losses>,
}

/// The gradients of a step with a mistake.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct SabotageCheck {
    /// Every cell beside finite differences.
    pub report: CheckReport,
    /// How many numbers the mistake changes, of those that were compared.
    pub changed: usize,
    /// How many of them differences find wrong.
    pub found: usize,
    /// How many differences find wrong that the mistake does not change.
    pub found_elsewhere: usize,
    /// The same in words.
    pub sentence: String,
}

/// Losses of iterations, the first one before any update.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Losses {
    /// With the gradients of the mistake.
    pub mistaken: Vec<Num>,
    /// With the right ones.
    pub right: Vec<Num>,
    /// Whether the loss still falls, in words.
    pub sentence: String,
}

/// The step with a mistake, and `iterations` updates with it and without it.
///
/// # Errors
/// When the network has layers that are not dense, no whole pass is computed with the mistake, or the check is
/// refused.
pub fn sabotage(step: &Step, mistake: Mistake, iterations: usize) -> Result<SabotageReport, Refusal> {
    sabotage_until(step, 0, mistake, iterations, &Deadline::within(WORK_TIME, &AtomicBool::new(false)))
}

/// The same, until a deadline.
pub(crate) fn sabotage_until(
    step: &Step,
    revision: u64,
    mistake: Mistake,
    iterations: usize,
    deadline: &Deadline<'_>,
) -> Result<SabotageReport, Refusal> {
    at_most("iterations", iterations, ITERATIONS)?;
    let reader = Reader::new(step);
    for l in 1..=reader.depth() {
        reader.layer(l)?;
    }
    let formula = mistake.formula().ok_or_else(|| {
        let name = mistake.name();
        Refusal::Invalid(format!(
            "{name:?} is a mistake in one number; no whole backward pass is computed with it"
        ))
    })?;
    let (fits, mut shapes) = match mistake.fits(&step.network) {
        Ok(words) => (true, words),
        Err(words) => (false, words),
    };
    let (mut checked, mut losses) = (None, None);
    if fits && mistake.can_be_made(&step.network) {
        let late = || {
            Refusal::TooMuch(format!("{} had passed before its gradients were there", deadline.in_words()))
        };
        let wrong = gradients(&reader, mistake, deadline)?.ok_or_else(late)?;
        losses = Some(trained(step, mistake, &wrong, iterations, deadline)?);
        let check = compared(&reader, check_gradients_until(step, &wrong, revision, deadline)?);
        if check.changed == 0 {
            shapes = why_nothing_changes(&reader, mistake);
        }
        checked = Some(check);
    }
    Ok(SabotageReport {
        mistake,
        name: mistake.name(),
        formula,
        words: mistake.words(),
        paragraph: mistake.paragraph(),
        fits,
        shapes,
        checked,
        losses,
    })
}

/// Why no number of the step is another one with the mistake.
fn why_nothing_changes(reader: &Reader<'_>, mistake: Mistake) -> String {
    let step = reader.step;
    match mistake {
        Mistake::SumForMean if reader.batch() == 1 => {
            "The batch has one sample: its loss is the sum and the mean, and there is nothing to divide.".to_owned()
        }
        Mistake::Shortcut => format!(
            "The output is {} and the loss {}: here delta(L) is (a(L) - y) / B, so the shortcut is right.",
            readable(step.network.output_activation().name()),
            readable(step.loss.name())
        ),
        Mistake::NoSlope
            if (1..reader.depth()).all(|l| {
                reader.layer(l).is_ok_and(|dense| dense.activation == Activation::Identity)
            }) =>
        {
            "The hidden layers have no bend: sigma' is 1 everywhere, and a factor of 1 can be left out.".to_owned()
        }
        _ => "With the numbers of this step the wrong formula gives what the right one gives; with other numbers it \
              would not."
            .to_owned(),
    }
}

/// Counts what the mistake changes and what differences find.
fn compared(reader: &Reader<'_>, report: CheckReport) -> SabotageCheck {
    use crate::analysis::Verdict;
    let (mut changed, mut found, mut found_elsewhere) = (0, 0, 0);
    for tensor in &report.tensors {
        let Quantity::Parameter(number) = tensor.name.quantity else { continue };
        let gradient = Quantity::Gradient(number).of(tensor.name.layer);
        for cell in tensor.cells.iter().filter(|cell| cell.verdict != Verdict::Kink) {
            let (wrong, right) = (cell.backpropagated.0, reader.number(gradient, cell.row, cell.column));
            let is_changed = (wrong - right).abs() > ROUNDING * wrong.abs().max(right.abs());
            let is_found = cell.verdict == Verdict::Differs;
            changed += usize::from(is_changed);
            found += usize::from(is_changed && is_found);
            found_elsewhere += usize::from(!is_changed && is_found);
        }
    }
    let compared: usize = report.tensors.iter().map(|tensor| tensor.compared).sum();
    let numbers = counted(compared, "number", "numbers");
    let sentence = match (changed, changed - found, found_elsewhere) {
        (0, _, 0) => format!("Here the mistake changes nothing: all of the {numbers} compared are right."),
        (_, 0, 0) => format!(
            "The mistake changes {changed} of {numbers} compared, and differences of the loss find exactly those."
        ),
        (_, missed, 0) => format!(
            "The mistake changes {changed} of {numbers} compared, and differences of the loss find {found}: the other {missed} \
             are changed by less than differences can tell."
        ),
        (_, _, elsewhere) => format!(
            "The mistake changes {changed} of {numbers} compared, and differences of the loss find {found} of them and {elsewhere} \
             others: here they are not exact enough."
        ),
    };
    SabotageCheck { report, changed, found, found_elsewhere, sentence }
}

/// Trains on with both kinds of gradients; ends where time ends, or a loss is no number any more.
fn trained(
    step: &Step,
    mistake: Mistake,
    wrong: &Gradients<f64>,
    iterations: usize,
    deadline: &Deadline<'_>,
) -> Result<Losses, Refusal> {
    let loss = Num(step.trace.loss());
    let (mut mistaken, mut right) = (vec![loss], vec![loss]);
    let mut parameters = (taken_off(step, wrong)?, step.updated_parameters()?);
    for _ in 0..iterations {
        deadline.check_cancelled()?;
        let is_finite = |losses: &[Num]| losses.iter().all(|loss| loss.0.is_finite());
        if deadline.has_passed() || !is_finite(&mistaken) || !is_finite(&right) {
            break;
        }
        let (with, without) = (after(step, parameters.0)?, after(step, parameters.1)?);
        mistaken.push(with.trace.loss().into());
        right.push(without.trace.loss().into());
        let Some(wrong) = gradients(&Reader::new(&with), mistake, deadline)? else { break };
        parameters = (taken_off(&with, &wrong)?, without.updated_parameters()?);
    }
    let sentence = in_words(&mistaken, &right);
    Ok(Losses { mistaken, right, sentence })
}

/// The parameters after the step's update with other gradients.
fn taken_off(step: &Step, gradients: &Gradients<f64>) -> Result<Parameters<f64>, Refusal> {
    let mut parameters = (*step.parameters).clone();
    for tensor in step.network.tensors() {
        let (before, change) = (step.parameters.tensor(tensor), gradients.tensor(tensor));
        let numbers: Vec<f64> =
            before.iter().zip(change.iter()).map(|(w, dw)| w - step.learning_rate * dw).collect();
        parameters.set_tensor(tensor, &numbers)?;
    }
    Ok(parameters)
}

/// The same step with other parameters.
fn after(step: &Step, parameters: Parameters<f64>) -> Result<Step, Refusal> {
    let (inputs, targets) = (Arc::clone(&step.inputs), Arc::clone(&step.targets));
    let (network, loss) = (step.network.clone(), step.loss.clone());
    Ok(Step::new(network, Arc::new(parameters), loss, inputs, targets, step.learning_rate)?)
}

fn in_words(mistaken: &[Num], right: &[Num]) -> String {
    let (Some(first), Some(last), Some(without)) = (mistaken.first(), mistaken.last(), right.last()) else {
        return String::new();
    };
    let iterations = counted(mistaken.len() - 1, "iteration", "iterations");
    let [from, to, beside] = [first, last, without].map(|loss| short(loss.0));
    let is_same =
        |(one, other): (&Num, &Num)| (one.0 - other.0).abs() <= ROUNDING * one.0.abs().max(other.0.abs());
    if mistaken.iter().zip(right).all(is_same) {
        return format!(
            "The loss goes from {from} to {to} in {iterations}, as it does with the right gradients."
        );
    }
    match last.0.partial_cmp(&first.0) {
        Some(std::cmp::Ordering::Less) => format!(
            "The loss falls all the same, from {from} to {to} in {iterations}; with the right gradients it goes to {beside}."
        ),
        Some(std::cmp::Ordering::Equal) => format!(
            "After {iterations} the loss is where it was, {from}; with the right gradients it goes to {beside}."
        ),
        Some(std::cmp::Ordering::Greater) => format!(
            "The loss rises, from {from} to {to} in {iterations}; with the right gradients it goes to {beside}."
        ),
        None => format!(
            "The loss is no number any more after {iterations}; with the right gradients it goes to {beside}."
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    use super::*;
    use crate::example;

    #[test]
    fn work_ends_with_its_time_and_its_request() {
        let step = example("mazur").unwrap().step().unwrap();
        let cancelled = AtomicBool::new(false);
        let within =
            |time| sabotage_until(&step, 7, Mistake::NoSlope, 3, &Deadline::within(time, &cancelled));
        let whole = within(Duration::from_secs(10)).unwrap();
        assert_eq!(whole.checked.unwrap().report.revision, 7);
        assert!(matches!(within(Duration::ZERO), Err(Refusal::TooMuch(_))));
        cancelled.store(true, Ordering::Relaxed);
        assert!(within(Duration::from_secs(10)).unwrap_err().to_string().contains("given up"));
    }
}
