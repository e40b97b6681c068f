//! Gradients against finite differences: one cell with its whole error curve, or all cells.

use std::sync::atomic::AtomicBool;

use chainrule::Gradients;
use chainrule::gradient_check::{CheckOptions, Checker, Comparison, Difference, Kink};
use chainrule::trace::{Quantity, ValueId};
use serde::Serialize;

use super::Cell;

use super::reader::{Reader, rows_and_columns};

use crate::deadline::Deadline;
use crate::limits::WORK_TIME;
use crate::words::{counted, readable, short};
use crate::{Num, Refusal, Step};

/// What a comparison says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Within the tolerance.
    Agrees,
    /// Every step passes a kink: there is nothing to compare with.
    Kink,
    /// Beyond the tolerance.
    Differs,
}

/// One parameter's derivative, both ways.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct CellCheck {
    /// Which parameter.
    pub cell: Cell,
    /// dLoss/dw of the trace.
    pub backpropagated: Num,
    /// (loss_up - loss_down) / 2h
    pub numerical: Num,
    /// The step; w itself may have any unit, h has the same.
    pub h: f64,
    /// w
    pub value: Num,
    /// Loss(w + h)
    pub loss_up: Num,
    /// Loss(w - h)
    pub loss_down: Num,
    /// Leading digits that the two derivatives have in common, or to which they round alike, 0 to 16.
    pub digits: u32,
    /// The engine's, which extrapolates where the plain difference is not good enough.
    pub verdict: Verdict,
    /// The verdict in words.
    pub sentence: String,
    /// What passes a kink between w - h and w + h.
    pub kink: Option<String>,
    /// From large h to small.
    pub curve: Vec<CurvePoint>,
}

/// A difference with one h.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct CurvePoint {
    /// The step.
    pub h: f64,
    /// (Loss(w + h) - Loss(w - h)) / 2h; NaN where h is too small to move w.
    pub numerical: Num,
    /// |numerical - backpropagated|
    pub error: Num,
    /// Whether something passes a kink.
    pub at_kink: bool,
}

/// All parameters, or some of each tensor. The check ends when its request is aborted.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct CheckReport {
    /// The revision that was asked about.
    pub revision: u64,
    /// Whether all that was compared agrees, and anything was compared.
    pub passed: bool,
    /// The same in words.
    pub sentence: String,
    /// The largest relative error that passes.
    pub tolerance: f64,
    /// Weights and biases, in the order of the layers.
    pub tensors: Vec<TensorCheck>,
    /// Set where not all cells were checked: how many of how many, and why.
    pub sampled: Option<String>,
}

/// One tensor of parameters.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct TensorCheck {
    /// As in the trace.
    #[cfg_attr(test, ts(type = "string"))]
    pub name: ValueId,
    /// As in the trace.
    pub shape: Vec<usize>,
    /// Cells compared.
    pub compared: usize,
    /// Cells with a kink within every step.
    pub at_kink: usize,
    /// Those compared and those at a kink.
    pub cells: Vec<CheckedCell>,
    /// The cell with the largest relative error, by its place in `cells`.
    pub worst: Option<usize>,
}

/// One cell of a tensor.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct CheckedCell {
    /// From 0.
    pub row: usize,
    /// From 0.
    pub column: usize,
    /// dLoss/dw of the trace.
    pub backpropagated: Num,
    /// By differences; at a kink the plain one, which means nothing.
    pub numerical: Num,
    /// As in [`Comparison`]; NaN at a kink.
    pub relative_error: Num,
    /// The verdict.
    pub verdict: Verdict,
}

/// FLOPs of a check of all cells.
const FLOPS: f64 = 10e9;

/// A tensor of parameters under the name that the trace has for it.
struct Tensor {
    name: ValueId,
    gradient: ValueId,
    shape: Vec<usize>,
    columns: usize,
    count: usize,
}

/// The network's tensors of parameters, in its order.
fn tensors(reader: &Reader<'_>) -> Vec<Tensor> {
    let network = &reader.step.network;
    let tensor = |layout: &chainrule::TensorLayout| {
        let of_layer = network.layer_tensors(layout.layer);
        let number = of_layer.iter().take_while(|other| *other != layout).count();
        Tensor {
            name: Quantity::Parameter(number).of(layout.layer),
            gradient: Quantity::Gradient(number).of(layout.layer),
            shape: layout.shape(),
            columns: layout.columns,
            count: layout.count(),
        }
    };
    network.tensors().iter().map(tensor).collect()
}

/// The trace's gradients in the engine's form.
fn gradients(reader: &Reader<'_>, tensors: &[Tensor]) -> Result<Gradients<f64>, Refusal> {
    let mut gradients = reader.step.network.zeros::<f64>();
    for (layout, tensor) in reader.step.network.tensors().iter().zip(tensors) {
        gradients.set_tensor(layout, &reader.value(tensor.gradient)?.values)?;
    }
    Ok(gradients)
}

fn verdict(comparison: Option<&Comparison>, tolerance: f64) -> Verdict {
    match comparison {
        None => Verdict::Kink,
        Some(comparison) if comparison.relative_error <= tolerance => Verdict::Agrees,
        Some(_) => Verdict::Differs,
    }
}

/// Checks one weight or bias.
///
/// # Errors
/// When the cell is no parameter of the network, or the loss is not finite.
pub fn check_cell(step: &Step, cell: &Cell) -> Result<CellCheck, Refusal> {
    check_cell_until(step, cell, &Deadline::within(WORK_TIME, &AtomicBool::new(false)))
}

/// The same; the curve ends where time ends.
pub(crate) fn check_cell_until(
    step: &Step,
    cell: &Cell,
    deadline: &Deadline<'_>,
) -> Result<CellCheck, Refusal> {
    let reader = Reader::new(step);
    let is_parameter = matches!(cell.name.quantity, Quantity::Parameter(_));
    let value = reader.value(cell.name)?;
    if !is_parameter {
        let message =
            format!("{} is no parameter; weights and biases can be checked, as weight.1", cell.name);
        return Err(Refusal::Invalid(message));
    }
    let (rows, columns) = rows_and_columns(&value.shape);
    reader.check(&format!("row of {}", cell.name), cell.row, rows)?;
    reader.check(&format!("column of {}", cell.name), cell.column, columns)?;
    let tensors = tensors(&reader);
    let Some(tensor) = tensors.iter().position(|tensor| tensor.name == cell.name) else {
        return Err(Refusal::Missing(format!("the network has no {}", cell.name)));
    };
    let element = cell.row * columns + cell.column;
    let (gradients, options) = (gradients(&reader, &tensors)?, CheckOptions::default());
    let mut checker =
        Checker::new(&step.network, &step.parameters, &step.loss, step.samples(), &gradients, &options)?;
    let comparison = checker.compare(tensor, element)?;
    let verdict = verdict(comparison.as_ref(), options.tolerance);
    // The engine's own first step; a tenth of it where that alone has no kink.
    let step_size = checker.step(tensor, element)?;
    let mut difference = checker.difference(tensor, element, step_size)?;
    if difference.kink.is_some() {
        let smaller = checker.difference(tensor, element, 0.1 * step_size)?;
        if smaller.kink.is_none() {
            difference = smaller;
        }
    }
    let w = value.values[element];
    let backpropagated = gradients.tensor(&gradients.tensors()[tensor]).element(cell.row, cell.column);
    let mut curve = Vec::new();
    for exponent in 1..=14 {
        deadline.check_cancelled()?;
        if deadline.has_passed() {
            break;
        }
        let h = 10f64.powi(-exponent) * w.abs().max(1.0);
        let Difference { derivative, kink, .. } = checker.difference(tensor, element, h)?;
        let error = (derivative - backpropagated).abs();
        curve.push(CurvePoint {
            h,
            numerical: derivative.into(),
            error: error.into(),
            at_kink: kink.is_some(),
        });
    }
    let digits = digits_in_common(backpropagated, difference.derivative);
    let kink = difference.kink.map(|kink| in_words(&reader, kink));
    let sentence = sentence(verdict, digits, comparison.as_ref(), kink.as_deref());
    Ok(CellCheck {
        cell: *cell,
        backpropagated: backpropagated.into(),
        numerical: difference.derivative.into(),
        h: difference.h,
        value: w.into(),
        loss_up: difference.loss_up.into(),
        loss_down: difference.loss_down.into(),
        digits,
        verdict,
        sentence,
        kink,
        curve,
    })
}

/// Leading digits that both have: 4 of 2.3415 and 2.3416; or, where that is more, digits to which both round alike: 5 of
/// 0.0999999 and 0.1000001.
fn digits_in_common(one: f64, other: f64) -> u32 {
    if one == other {
        return DIGITS as u32;
    }
    if !one.is_finite() || !other.is_finite() {
        return 0;
    }
    let rounded = |digits: usize| (format!("{one:.*e}", digits - 1), format!("{other:.*e}", digits - 1));
    let rounds_alike = |&digits: &usize| matches!(rounded(digits), (one, other) if one == other);
    let (one, other) = rounded(DIGITS);
    let power = |text: &str| text.split_once('e').map(|(_, power)| power.to_owned());
    let prefix = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b);
    let same = prefix.filter(|(letter, _)| letter.is_ascii_digit()).count();
    let as_they_stand = if power(&one) == power(&other) { same } else { 0 };
    let alike = (1..=DIGITS).rev().find(rounds_alike).unwrap_or(0);
    as_they_stand.max(alike) as u32
}

/// Significant digits of a double that are compared.
const DIGITS: usize = 16;

fn in_words(reader: &Reader<'_>, kink: Kink) -> String {
    let label = |name: ValueId, row, column| reader.label(&Cell { name, row, column });
    match kink {
        Kink::Neuron { layer, neuron, sample } => {
            let sigma = reader.layer(layer).map_or("", |dense| dense.activation.name());
            format!(
                "{} passes a kink of {} between w - h and w + h",
                label(Quantity::PreActivation.of(layer), sample, neuron),
                readable(sigma)
            )
        }
        Kink::Loss { output, sample } => format!(
            "{} passes a corner of the loss ({}) between w - h and w + h",
            label(Quantity::Activation.of(reader.depth()), sample, output),
            readable(reader.step.loss.name())
        ),
    }
}

fn sentence(verdict: Verdict, digits: u32, comparison: Option<&Comparison>, kink: Option<&str>) -> String {
    match (verdict, comparison) {
        (Verdict::Kink, _) | (_, None) => format!(
            "Not differentiable here: {}. A difference across a kink says nothing about the derivative.",
            kink.unwrap_or("every step tried passes a kink")
        ),
        (Verdict::Agrees, _) if digits == 16 => "The two derivatives are the same number.".to_owned(),
        (Verdict::Agrees, _) if digits >= 5 => {
            format!("The two derivatives agree to {}.", counted(digits as usize, "digit", "digits"))
        }
        (Verdict::Agrees, _) => format!(
            "They agree as well as differences can tell: with this h the loss is too curved, or the \
             derivative too small, for more than {}.",
            counted(digits as usize, "digit", "digits")
        ),
        (Verdict::Differs, Some(comparison)) => format!(
            "They differ: backpropagation gives {}, differences give {}.",
            short(comparison.backpropagated),
            short(comparison.numerical)
        ),
    }
}

/// Checks all weights and biases, or as many as can be afforded; `revision` goes into the report.
///
/// Ends within a forward pass or two after `cancelled` becomes true.
///
/// # Errors
/// When it was cancelled, when even one cell of each tensor takes too much work, and when the loss is not
/// finite.
pub fn check_all(step: &Step, revision: u64, cancelled: &AtomicBool) -> Result<CheckReport, Refusal> {
    check_all_until(step, revision, &Deadline::within(WORK_TIME, cancelled))
}

/// The same, until a deadline.
pub(crate) fn check_all_until(
    step: &Step,
    revision: u64,
    deadline: &Deadline<'_>,
) -> Result<CheckReport, Refusal> {
    check_within(step, None, revision, deadline, FLOPS)
}

/// Checks gradients other than the trace's.
pub(crate) fn check_gradients_until(
    step: &Step,
    gradients: &Gradients<f64>,
    revision: u64,
    deadline: &Deadline<'_>,
) -> Result<CheckReport, Refusal> {
    check_within(step, Some(gradients), revision, deadline, FLOPS)
}

/// Checks the gradients that are given, or those of the trace.
fn check_within(
    step: &Step,
    given: Option<&Gradients<f64>>,
    revision: u64,
    deadline: &Deadline<'_>,
    flops: f64,
) -> Result<CheckReport, Refusal> {
    let reader = Reader::new(step);
    let tensors = tensors(&reader);
    let all: usize = tensors.iter().map(|tensor| tensor.count).sum();
    let layers = step.network.layers().iter().enumerate();
    let forward = layers.map(|(index, layer)| layer.forward_flops(step.network.width(index)) as f64);
    let cell_flops = 2.0 * forward.sum::<f64>() * reader.batch() as f64;
    let affordable = (flops / cell_flops / tensors.len() as f64) as usize;
    if affordable == 0 {
        return Err(Refusal::TooMuch(format!(
            "to check one cell takes {} GFLOP, and one of each of {} tensors is more than {} in all; take \
             fewer samples or a smaller network, or check single cells",
            short(cell_flops / 1e9),
            tensors.len(),
            short(flops / 1e9)
        )));
    }
    let is_sampled = all as f64 * cell_flops > flops;
    let samples_per_tensor = is_sampled.then_some(affordable);
    let options = CheckOptions { samples_per_tensor, ..CheckOptions::default() };
    let gradients = match given {
        Some(given) => given.clone(),
        None => gradients(&reader, &tensors)?,
    };
    let mut checker =
        Checker::new(&step.network, &step.parameters, &step.loss, step.samples(), &gradients, &options)?;

    let chosen: Vec<Vec<usize>> = (0..tensors.len()).map(|index| checker.chosen(index)).collect();
    let mut cells: Vec<Vec<CheckedCell>> = chosen.iter().map(|_| Vec::new()).collect();
    let most = chosen.iter().map(Vec::len).max().unwrap_or(0);
    let mut in_time = true;
    // One cell of each tensor after the other, so that none is left out where time ends the check.
    'all: for place in 0..most {
        for (index, chosen) in chosen.iter().enumerate() {
            let Some(&element) = chosen.get(place) else { continue };
            deadline.check_cancelled()?;
            in_time = !deadline.has_passed();
            if !in_time {
                break 'all;
            }
            let columns = tensors[index].columns;
            cells[index].push(check_element(&mut checker, &gradients, index, element, columns, &options)?);
        }
    }

    let checked: usize = cells.iter().map(Vec::len).sum();
    let reason = match (in_time, is_sampled) {
        (false, _) => Some(format!("{} had passed", deadline.in_words())),
        (true, true) => Some(format!(
            "all would take {} GFLOP, and {} are the limit; they were drawn at random from each tensor",
            short(all as f64 * cell_flops / 1e9),
            short(flops / 1e9)
        )),
        (true, false) => None,
    };
    let sampled = reason.map(|reason| format!("{checked} of {all} cells: {reason}"));
    let checks = tensors.into_iter().zip(cells).map(|(tensor, cells)| summary(tensor, cells));
    let tensors: Vec<TensorCheck> = checks.collect();
    Ok(report(revision, options.tolerance, tensors, sampled))
}

fn check_element(
    checker: &mut Checker<'_>,
    gradients: &Gradients<f64>,
    tensor: usize,
    element: usize,
    columns: usize,
    options: &CheckOptions,
) -> Result<CheckedCell, Refusal> {
    let (row, column) = (element / columns, element % columns);
    let comparison = checker.compare(tensor, element)?;
    let verdict = verdict(comparison.as_ref(), options.tolerance);
    let (backpropagated, numerical, relative_error) = match comparison {
        Some(Comparison { backpropagated, numerical, relative_error, .. }) => {
            (backpropagated, numerical, relative_error)
        }
        None => {
            let layout = &gradients.tensors()[tensor];
            let h = checker.step(tensor, element)?;
            let numerical = checker.difference(tensor, element, h)?.derivative;
            (gradients.tensor(layout).element(row, column), numerical, f64::NAN)
        }
    };
    Ok(CheckedCell {
        row,
        column,
        backpropagated: backpropagated.into(),
        numerical: numerical.into(),
        relative_error: relative_error.into(),
        verdict,
    })
}

fn summary(tensor: Tensor, cells: Vec<CheckedCell>) -> TensorCheck {
    let at_kink = cells.iter().filter(|cell| cell.verdict == Verdict::Kink).count();
    let compared = cells.iter().enumerate().filter(|(_, cell)| cell.verdict != Verdict::Kink);
    // NaN is worse than anything.
    let worst = compared
        .max_by(|(_, one), (_, other)| one.relative_error.0.abs().total_cmp(&other.relative_error.0.abs()));
    TensorCheck {
        name: tensor.name,
        shape: tensor.shape,
        compared: cells.len() - at_kink,
        at_kink,
        worst: worst.map(|(index, _)| index),
        cells,
    }
}

fn report(revision: u64, tolerance: f64, tensors: Vec<TensorCheck>, sampled: Option<String>) -> CheckReport {
    let compared: usize = tensors.iter().map(|tensor| tensor.compared).sum();
    let at_kink: usize = tensors.iter().map(|tensor| tensor.at_kink).sum();
    let cells = tensors.iter().flat_map(|tensor| &tensor.cells);
    let differing = cells.filter(|cell| cell.verdict == Verdict::Differs).count();
    let kinks = match at_kink {
        0 => String::new(),
        _ => format!(" {at_kink} lie at a kink, where there is no derivative to compare with."),
    };
    let sentence = match (compared, differing) {
        (0, _) => format!("Nothing could be compared.{kinks}"),
        (_, 0) => format!("All {compared} derivatives agree with differences of the loss.{kinks}"),
        _ => format!("{differing} of {compared} derivatives differ from differences of the loss.{kinks}"),
    };
    CheckReport { revision, passed: compared > 0 && differing == 0, sentence, tolerance, tensors, sampled }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    use chainrule::{Activation, Loss, Matrix, Network};

    use super::*;

    fn step() -> Step {
        let network = Network::builder(3).dense(4, Activation::Tanh).dense(2, Activation::Identity);
        let network = network.build().unwrap();
        let (inputs, targets) = (Matrix::from_rows(&[[0.5, -1.0, 2.0]]), Matrix::from_rows(&[[1.0, 0.0]]));
        let parameters = Arc::new(network.initialize(1));
        Step::new(network, parameters, Loss::HalfSquaredError, Arc::new(inputs), Arc::new(targets), 0.1)
            .unwrap()
    }

    #[test]
    fn work_is_limited_and_can_be_stopped() {
        let (step, running) = (step(), AtomicBool::new(false));
        let time = Duration::from_secs(10);
        // A cell costs 2 * 2 (3 4 + 4 2) = 80 FLOP, and there are 26 in 4 tensors.
        let check = |flops, time| check_within(&step, None, 7, &Deadline::within(time, &running), flops);
        let whole = check(26.0 * 80.0, time).unwrap();
        assert_eq!((whole.revision, whole.sampled, whole.passed), (7, None, true));
        let counts = |report: &CheckReport| report.tensors.iter().map(|t| t.cells.len()).collect::<Vec<_>>();
        assert_eq!(counts(&whole_again(&check)), [12, 4, 8, 2]);
        let some = check(13.0 * 80.0, time).unwrap();
        assert_eq!(counts(&some), [3, 3, 3, 2]);
        assert!(some.sampled.unwrap().starts_with("11 of 26 cells: all would take"));
        assert!(matches!(check(3.0 * 80.0, time), Err(Refusal::TooMuch(_))));
        let late = check(1e9, Duration::ZERO).unwrap();
        assert!(!late.passed && late.sampled.unwrap().starts_with("0 of 26 cells: 0 seconds"));
        running.store(true, Ordering::Relaxed);
        assert!(check(1e9, time).unwrap_err().to_string().contains("given up"));
    }

    fn whole_again(check: &dyn Fn(f64, Duration) -> Result<CheckReport, Refusal>) -> CheckReport {
        check(1e9, Duration::from_secs(10)).unwrap()
    }

    #[test]
    fn digits_are_counted_from_the_first() {
        assert_eq!(digits_in_common(2.3415, 2.3416), 4);
        assert_eq!(digits_in_common(-2.3415e-9, -2.3416e-9), 4);
        assert_eq!(digits_in_common(0.0, 0.0), 16);
        // Not as they stand, but rounded: 0.10000, and 0.12345000.
        assert_eq!(digits_in_common(0.0999999, 0.1000001), 5);
        assert_eq!(digits_in_common(-0.12345, -0.123449999), 8);
        assert_eq!((digits_in_common(0.5, 0.05), digits_in_common(1.0 / 3.0, 1.0 / 3.0 + 1e-16)), (0, 15));
        assert_eq!((digits_in_common(1.0, -1.0), digits_in_common(1.0, 0.0)), (0, 0));
        assert_eq!((digits_in_common(f64::NAN, 1.0), digits_in_common(f64::INFINITY, 1.0)), (0, 0));
    }
}
