//! The formula of each event in symbols, and its numbers written out for one neuron or weight.

use chainrule::trace::{Computation, Quantity, Stage, TraceEvent, ValueId};
use chainrule::{Activation, Layer, Loss};

use crate::analysis::{Cell, Explanation, Factor, RuleName, Term, explain, output_rule};
use crate::sentences::in_layer;

use super::colours::Ink;
use super::numbers::Numbers;
use super::words::{Line, Span, formula, number, plain, span};
use crate::words::readable;

/// Digits of a number that is written out.
const DIGITS: usize = 3;
/// Terms that are written out of a longer sum.
const TERMS: usize = 4;

/// The engine's plain text with the page's symbols: "delta(2)" is δ(2), "W(2)^T" is W(2)ᵀ.
pub(super) fn with_symbols(text: &str) -> String {
    text.replace("delta", "δ")
        .replace("^T", "ᵀ")
        .replace("^2", "²")
        .replace("sigma'", "σ′")
        .replace("->", "→")
        .replace(" - ", " − ")
        .replace("dLoss", "∂ℒ")
        .replace("/da", "/∂a")
        .replace("/dz", "/∂z")
}

/// The formulas of an event; more than one where it computes more than one thing.
pub(super) fn of_event(numbers: &Numbers<'_>, event: &TraceEvent<f64>) -> Vec<Line> {
    let l = event.layer;
    let layers = numbers.step.network.layers();
    let layer = &layers[l - 1];
    let has_bias = numbers.step.network.layer_tensors(l).len() > 1;
    let samples = numbers.samples();
    let one = |text: String| vec![formula(&text)];
    let of_kind = |l: usize, text: &str| vec![formula(&with_symbols(&in_layer(l, text)))];
    match event.operation {
        Computation::AFFINE => {
            let bias = if has_bias { format!(" + b^({l})") } else { String::new() };
            one(format!("z^({l}) = W^({l}) a^({}){bias}", l - 1))
        }
        Computation::Forward(_) => of_kind(l, layer.formulas().forward),
        Computation::Activation => {
            let name = readable(layer.activation().unwrap_or(Activation::Identity).name());
            one(format!("a^({l}) = {name}(z^({l}))"))
        }
        Computation::Loss => match right_class(numbers) {
            Some(class) => one(format!("loss = −ln a^({l})[{}]", class + 1)),
            None => {
                let words = numbers.step.loss.formula(numbers.step.network.output_activation());
                let symbols = formula(&format!("loss = {}(a^({l}), y)", readable(numbers.step.loss.name())));
                vec![symbols, plain(format!("per sample: {}", with_symbols(&words)), Ink::Soft)]
            }
        },
        Computation::OutputDelta => one(output_delta(numbers, l)),
        Computation::CARRY_BACK => one(format!("e^({l}) = W^({0})^T δ^({0})", l + 1)),
        Computation::Backward(_) => of_kind(l + 1, layers[l].formulas().backward),
        Computation::Delta => one(format!("δ^({l}) = e^({l}) ⊙ σ′(z^({l}))")),
        Computation::Gradients if matches!(layer, Layer::Dense(_)) => {
            let mut lines = vec![formula(&format!("dW^({l}) = δ^({l}) a^({})^T", l - 1))];
            if has_bias {
                let sum = if samples > 1 { "Σ " } else { "" };
                lines.push(formula(&format!("db^({l}) = {sum}δ^({l})")));
            }
            lines
        }
        Computation::Gradients => {
            layer.formulas().gradients.iter().flat_map(|text| of_kind(l, text)).collect()
        }
        Computation::Update if matches!(layer, Layer::Dense(_)) => {
            one(format!("W^({l}) ← W^({l}) − η dW^({l})"))
        }
        Computation::Update => vec![plain(format!("layer {l}: w ← w − η dw"), Ink::Text)],
    }
}

fn output_delta(numbers: &Numbers<'_>, l: usize) -> String {
    let rule = output_rule(numbers.step);
    match (rule.rule, numbers.samples()) {
        (RuleName::PredictionMinusTarget, 1) if rule.targets_as_given => format!("δ^({l}) = a^({l}) − y"),
        (RuleName::PredictionMinusTarget, count) if rule.targets_as_given => {
            format!("δ^({l}) = (a^({l}) − y) / {count}")
        }
        (RuleName::ThroughSlope, _) => format!("δ^({l}) = ∂ℒ/∂a^({l}) ⊙ σ′(z^({l}))"),
        _ => format!("δ^({l}) = ∂ℒ/∂z^({l})"),
    }
}

/// The formulas of a step for any layer l of a network of dense layers.
pub(super) fn of_stage(numbers: &Numbers<'_>, stage: Stage) -> Vec<Line> {
    let layers = numbers.step.network.layers();
    if !layers.iter().all(|layer| matches!(layer, Layer::Dense(_))) {
        return Vec::new();
    }
    let has_bias = (1..=layers.len()).all(|l| numbers.step.network.layer_tensors(l).len() > 1);
    let samples = numbers.samples();
    let texts: &[&str] = match stage {
        Stage::Forward if has_bias => &["z^(l) = W^(l) a^(l−1) + b^(l)", "a^(l) = σ(z^(l))"],
        Stage::Forward => &["z^(l) = W^(l) a^(l−1)", "a^(l) = σ(z^(l))"],
        Stage::OutputError => &["δ^(L) = ∂ℒ/∂z^(L)"],
        Stage::Backward => &["δ^(l) = W^(l+1)^T δ^(l+1) ⊙ σ′(z^(l))"],
        Stage::Gradients if !has_bias => &["dW^(l) = δ^(l) a^(l−1)^T"],
        Stage::Gradients if samples > 1 => &["dW^(l) = δ^(l) a^(l−1)^T", "db^(l) = Σ δ^(l)"],
        Stage::Gradients => &["dW^(l) = δ^(l) a^(l−1)^T", "db^(l) = δ^(l)"],
        Stage::Update if has_bias => &["W^(l) ← W^(l) − η dW^(l)", "b^(l) ← b^(l) − η db^(l)"],
        Stage::Update => &["W^(l) ← W^(l) − η dW^(l)"],
    };
    texts.iter().map(|text| formula(text)).collect()
}

/// The class of a single sample whose loss is minus the logarithm of its probability.
fn right_class(numbers: &Numbers<'_>) -> Option<usize> {
    let step = numbers.step;
    let Loss::CrossEntropy { label_smoothing: 0.0, class_weights: None } = step.loss else { return None };
    if numbers.samples() > 1 || step.network.output_activation() != Activation::Softmax {
        return None;
    }
    let target = step.targets.row(0);
    let class = target.iter().position(|&y| y == 1.0)?;
    target.iter().enumerate().all(|(k, &y)| k == class || y == 0.0).then_some(class)
}

/// A number's formula with numbers: what it is called, its terms, and its value.
pub(super) struct Worked {
    /// What it starts with, as in "z(1)[2] = ".
    pub(super) name: Line,
    /// Pieces between which lines may break.
    pub(super) pieces: Vec<Line>,
    /// "= 0.527"
    pub(super) value: Line,
    /// What needs another formula, as the slope.
    pub(super) beside: Option<Line>,
}

/// The numbers of an event's first output at that cell; none where the engine explains it in words alone.
pub(super) fn worked(numbers: &Numbers<'_>, event: &TraceEvent<f64>, cell: Cell) -> Option<Worked> {
    let explanation = explain(numbers.step, &cell).ok()?;
    let ink = ink_of(cell.name);
    let pieces = match event.operation {
        Computation::Loss => loss_pieces(numbers, event.layer, &explanation),
        _ => pieces(&explanation),
    };
    if pieces.is_empty() {
        return None;
    }
    Some(Worked {
        name: plain(format!("{} = ", name_of(&cell)), ink),
        pieces,
        value: vec![span("= ", Ink::Text), span(number(explanation.value.0, 4), ink)],
        beside: slope(numbers, event, cell.column),
    })
}

fn name_of(cell: &Cell) -> String {
    let (row, column) = (cell.row + 1, cell.column + 1);
    let ValueId { quantity, layer: l } = cell.name;
    match quantity {
        Quantity::Activation => format!("a({l})[{column}]"),
        Quantity::PreActivation => format!("z({l})[{column}]"),
        Quantity::Error => format!("e({l})[{column}]"),
        Quantity::Delta => format!("δ({l})[{column}]"),
        Quantity::WEIGHT_GRADIENT => format!("dW({l})[{row}, {column}]"),
        Quantity::UPDATED_WEIGHT => format!("W({l})[{row}, {column}]"),
        Quantity::Loss => "loss".to_owned(),
        other => other.of(l).to_string(),
    }
}

/// The colour of a kind of value.
pub(super) fn ink_of(id: ValueId) -> Ink {
    match id.quantity {
        Quantity::Activation => Ink::A,
        Quantity::PreActivation | Quantity::Slope => Ink::Z,
        Quantity::Error | Quantity::Delta => Ink::Delta,
        Quantity::Gradient(_) => Ink::Gradient,
        Quantity::Parameter(_) | Quantity::Updated(_) => Ink::W,
        Quantity::Target | Quantity::Loss => Ink::Loss,
    }
}

fn loss_pieces(numbers: &Numbers<'_>, l: usize, explanation: &Explanation) -> Vec<Line> {
    let Some(class) = right_class(numbers) else {
        return match (explanation.terms.len(), &numbers.step.loss) {
            (1, Loss::HalfSquaredError) => half_squares(numbers, l),
            // One sample's loss is explained by its formula alone.
            (1, _) => Vec::new(),
            _ => pieces(explanation),
        };
    };
    let probability = numbers.get(Quantity::Activation.of(l), 0, class);
    vec![vec![span("−ln ", Ink::Text), span(number(probability, 4), Ink::A)]]
}

/// Half the sum of the squared differences of a sample.
fn half_squares(numbers: &Numbers<'_>, l: usize) -> Vec<Line> {
    let output = Quantity::Activation.of(l);
    let (_, count) = numbers.shape(output);
    let shown = if count > TERMS + 1 { TERMS } else { count };
    let square = |k: usize| {
        vec![
            span(if k == 0 { "½ ((" } else { " + (" }, Ink::Text),
            span(number(numbers.get(output, 0, k), DIGITS), Ink::A),
            span(" − ", Ink::Text),
            span(in_parentheses(number(numbers.get(ValueId::TARGET, 0, k), DIGITS)), Ink::Loss),
            span(")²", Ink::Text),
        ]
    };
    let mut pieces: Vec<Line> = (0..shown).map(square).collect();
    if shown < count {
        pieces.push(plain(format!(" + … {} more", count - shown), Ink::Soft));
    }
    if let Some(last) = pieces.last_mut() {
        last.push(span(")", Ink::Text));
    }
    pieces
}

/// The terms of an explanation, each with its sign.
fn pieces(explanation: &Explanation) -> Vec<Line> {
    if let (Some(function), [term]) = (&explanation.function, &explanation.terms[..]) {
        let mut line = plain(format!("{}(", readable(function)), Ink::Text);
        line.extend(term.factors.first().map(|factor| written(factor, factor.value.0)));
        line.push(span(")", Ink::Text));
        return vec![line];
    }
    let is_softmax = explanation.function.is_some();
    let mut pieces: Vec<Line> = Vec::new();
    if let Some(start) = &explanation.start {
        pieces.push(vec![written(start, start.value.0)]);
    }
    let count = explanation.terms.len();
    let shown = if count > TERMS + 1 { TERMS } else { count };
    for term in &explanation.terms[..shown] {
        let of_term = if is_softmax { of_product(term) } else { signed(term) };
        pieces.push(with_sign(of_term, pieces.is_empty()));
    }
    if shown < count {
        pieces.push(plain(format!(" + … {} more", count - shown), Ink::Soft));
    }
    let divisor = explanation.divisor.map(|divisor| divisor.0).filter(|&divisor| divisor != 1.0);
    if let (Some(divisor), Some(first)) = (divisor, explanation.terms.first()) {
        let (opening, closing) = match is_softmax {
            true => (format!("{} / (", number(first.product.0, DIGITS)), ")".to_owned()),
            false => ("(".to_owned(), format!(") / {divisor}")),
        };
        if let Some(piece) = pieces.first_mut() {
            piece.insert(0, span(opening, Ink::Text));
        }
        if let Some(piece) = pieces.last_mut() {
            piece.push(span(closing, Ink::Text));
        }
    }
    pieces
}

fn of_product(term: &Term) -> (bool, Line) {
    (false, plain(number(term.product.0, DIGITS), Ink::Text))
}

/// Whether a term is subtracted, and the term.
fn signed(term: &Term) -> (bool, Line) {
    match &term.factors[..] {
        [first, second] => {
            let is_minus = first.value.0 < 0.0;
            let mut line = vec![written(first, first.value.0.abs()), span(" · ", Ink::Text)];
            let second_number = written(second, second.value.0);
            match second.value.0 < 0.0 {
                true => line.extend([span("(", Ink::Text), second_number, span(")", Ink::Text)]),
                false => line.push(second_number),
            }
            (is_minus, line)
        }
        [only] => (term.product.0.is_sign_negative(), vec![written(only, term.product.0.abs())]),
        _ => (term.product.0 < 0.0, plain(number(term.product.0.abs(), DIGITS), Ink::Text)),
    }
}

fn with_sign((is_minus, mut line): (bool, Line), is_first: bool) -> Line {
    let sign = match (is_minus, is_first) {
        (true, true) => "−",
        (true, false) => " − ",
        (false, true) => return line,
        (false, false) => " + ",
    };
    line.insert(0, span(sign, Ink::Text));
    line
}

fn written(factor: &Factor, value: f64) -> Span {
    let ink = factor.cell.map_or(Ink::Text, |cell| ink_of(cell.name));
    span(number(value, DIGITS), ink)
}

/// How the slope that delta takes comes about, where that is a formula of a.
fn slope(numbers: &Numbers<'_>, event: &TraceEvent<f64>, neuron: usize) -> Option<Line> {
    let (l, id) = (event.layer, Quantity::Slope.of(event.layer));
    if !event.outputs.iter().any(|value| value.id == id) {
        return None;
    }
    let a = number(numbers.get(Quantity::Activation.of(l), 0, neuron), DIGITS);
    let mut line = vec![span("σ′(z) = ", Ink::Z)];
    match numbers.step.network.layers()[l - 1].activation()? {
        Activation::Tanh => {
            line.extend([span("1 − ", Ink::Text), span(in_parentheses(a), Ink::A), span("²", Ink::Text)])
        }
        Activation::Sigmoid => line.extend([
            span(a.clone(), Ink::A),
            span(" · (1 − ", Ink::Text),
            span(a, Ink::A),
            span(")", Ink::Text),
        ]),
        _ => {
            line.push(span(number(numbers.get(id, 0, neuron), DIGITS), Ink::Z));
            return Some(line);
        }
    }
    line.extend([span(" = ", Ink::Text), span(number(numbers.get(id, 0, neuron), DIGITS), Ink::Z)]);
    Some(line)
}

/// A negative number as it is squared or subtracted.
fn in_parentheses(number: String) -> String {
    if number.starts_with('−') { format!("({number})") } else { number }
}
