//! Formulas written out with their numbers: 1 - 0.5750^2 for the slope of tanh, -ln 0.3521 for a loss.

use chainrule::trace::{Quantity, ValueId};
use chainrule::{Activation, Loss};
use serde::Serialize;

use super::Factor;
use super::reader::counted_target;
use super::reader::{Reader, constant};

/// A formula with its numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Written {
    /// In symbols, where that says more: `a (1 - a)`.
    pub formula: Option<String>,
    /// From left to right; `*`, `/`, `^`, `exp`, `ln` and the like as in any program.
    pub pieces: Vec<Piece>,
}

/// Text or a number.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    /// As it stands.
    Text(String),
    /// A number of the trace, or a constant.
    Number(Factor),
}

/// A formula whose numbers are yet to be put where its `{}` stand.
struct Draft {
    template: String,
    numbers: Vec<Factor>,
}

fn draft(template: &str, numbers: impl IntoIterator<Item = Factor>) -> Draft {
    Draft { template: template.to_owned(), numbers: numbers.into_iter().collect() }
}

/// Numbers of a formula that still fits below the stage.
const NUMBERS: usize = 24;

impl Draft {
    /// None where it is too long to be read.
    fn written(self, formula: Option<&str>) -> Option<Written> {
        if self.numbers.len() > NUMBERS {
            return None;
        }
        let mut pieces = Vec::new();
        let mut numbers = self.numbers.into_iter();
        for (index, text) in self.template.split("{}").enumerate() {
            if index > 0 {
                pieces.push(Piece::Number(numbers.next()?));
            }
            if !text.is_empty() {
                pieces.push(Piece::Text(text.to_owned()));
            }
        }
        Some(Written { formula: formula.map(str::to_owned), pieces })
    }

    fn is_single(&self) -> bool {
        !self.template.contains(" + ")
    }
}

/// a + b + c; what begins with a minus is taken off.
fn sum(parts: Vec<Draft>) -> Draft {
    let mut whole = draft("", []);
    for part in parts {
        let term = match (whole.template.is_empty(), part.template.strip_prefix('-')) {
            (true, _) => part.template,
            (false, Some(rest)) => format!(" - {rest}"),
            (false, None) => format!(" + {}", part.template),
        };
        whole.template += &term;
        whole.numbers.extend(part.numbers);
    }
    whole
}

fn mean(parts: Vec<Draft>) -> Draft {
    let count = parts.len();
    let whole = sum(parts);
    match count {
        1 => whole,
        _ => Draft { template: format!("({}) / {count}", whole.template), ..whole },
    }
}

fn minus(whole: Draft) -> Draft {
    let template =
        if whole.is_single() { format!("-{}", whole.template) } else { format!("-({})", whole.template) };
    Draft { template, ..whole }
}

/// The same over the number of samples.
fn over_batch(reader: &Reader<'_>, whole: Draft) -> Draft {
    match reader.batch() {
        1 => whole,
        batch => Draft { template: format!("({}) / {batch}", whole.template), ..whole },
    }
}

fn value_of(sigma: Activation, z: f64) -> f64 {
    sigma.elementwise().map_or(f64::NAN, |sigma| sigma.value(z))
}

const LOGISTIC: &str = "1 / (1 + exp(-z))";

/// a = sigma(z), written out; not for softmax.
pub(super) fn activation(sigma: Activation, z: &Factor) -> Option<Written> {
    let n = |copies: usize| vec![z.clone(); copies];
    let above = z.value.0 > 0.0;
    let with = |number: f64, label: &str| [constant(number, label), z.clone()].to_vec();
    let (formula, template, numbers) = match sigma {
        Activation::Identity => ("z", "{}", n(1)),
        Activation::Relu => ("max(z, 0)", "max({}, 0)", n(1)),
        Activation::LeakyRelu { .. } | Activation::Elu { .. } if above => ("z where z > 0", "{}", n(1)),
        Activation::LeakyRelu { negative_slope } => {
            ("negative slope * z where z <= 0", "{} * {}", with(negative_slope, "negative slope"))
        }
        Activation::Elu { alpha } => {
            ("alpha (exp(z) - 1) where z <= 0", "{} * (exp({}) - 1)", with(alpha, "alpha"))
        }
        Activation::Selu if above => ("scale * z where z > 0", "{} * {}", with(selu(1.0), "scale")),
        Activation::Selu => {
            ("scale alpha (exp(z) - 1) where z <= 0", "{} * (exp({}) - 1)", with(selu(0.0), "scale alpha"))
        }
        Activation::Sigmoid => (LOGISTIC, "1 / (1 + exp(-{}))", n(1)),
        Activation::Tanh => ("tanh(z)", "tanh({})", n(1)),
        Activation::Softplus => ("ln(1 + exp(z))", "ln(1 + exp({}))", n(1)),
        Activation::Gelu => ("z Phi(z)", "{} * Phi({})", n(2)),
        Activation::GeluTanh => (
            "z / 2 (1 + tanh(sqrt(2 / pi) (z + 0.044715 z^3)))",
            "{} / 2 * (1 + tanh(sqrt(2 / pi) * ({} + 0.044715 * {}^3)))",
            n(3),
        ),
        Activation::Silu => ("z / (1 + exp(-z))", "{} / (1 + exp(-{}))", n(2)),
        Activation::Mish => ("z tanh(ln(1 + exp(z)))", "{} * tanh(ln(1 + exp({})))", n(2)),
        Activation::HardSigmoid if z.value.0 <= -3.0 => ("0 where z <= -3", "0", n(0)),
        Activation::HardSigmoid if z.value.0 >= 3.0 => ("1 where z >= 3", "1", n(0)),
        Activation::HardSigmoid => ("z / 6 + 1 / 2", "{} / 6 + 1 / 2", n(1)),
        _ => return None,
    };
    draft(template, numbers).written(Some(formula))
}

/// SELU's slope: its scale above 0, and scale alpha at 0.
fn selu(z: f64) -> f64 {
    Activation::Selu.elementwise().map_or(f64::NAN, |selu| selu.derivative(z, z))
}

/// sigma'(z), written out with z and a; not for softmax.
pub(super) fn slope(sigma: Activation, z: &Factor, a: &Factor) -> Option<Written> {
    let (x, above) = (z.value.0, a.value.0 > 0.0);
    let (z, a) = (|| z.clone(), || a.clone());
    let logistic = |x: f64, label: &str| constant(value_of(Activation::Sigmoid, x), label);
    let (formula, template, numbers) = match sigma {
        Activation::Identity => ("1", "1", vec![]),
        Activation::Relu | Activation::LeakyRelu { .. } | Activation::Elu { .. } if above => {
            ("1 where z > 0", "1", vec![])
        }
        Activation::Relu => ("0 where z <= 0", "0", vec![]),
        Activation::LeakyRelu { negative_slope } => {
            ("negative slope where z <= 0", "{}", vec![constant(negative_slope, "negative slope")])
        }
        Activation::Elu { alpha } => {
            ("a + alpha where z <= 0", "{} + {}", vec![a(), constant(alpha, "alpha")])
        }
        Activation::Selu if above => ("scale where z > 0", "{}", vec![constant(selu(1.0), "scale")]),
        Activation::Selu => {
            ("a + scale alpha where z <= 0", "{} + {}", vec![a(), constant(selu(0.0), "scale alpha")])
        }
        Activation::Sigmoid => ("a (1 - a)", "{} * (1 - {})", vec![a(), a()]),
        Activation::Tanh => ("1 - a^2", "1 - {}^2", vec![a()]),
        Activation::Softplus => ("1 - exp(-a)", "1 - exp(-{})", vec![a()]),
        Activation::Gelu => ("Phi(z) + z phi(z)", "Phi({}) + {} * phi({})", vec![z(), z(), z()]),
        Activation::GeluTanh => {
            let twice_u = 2.0 * (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x);
            let s = || logistic(twice_u, "s = 1 / (1 + exp(-2 sqrt(2 / pi) (z + 0.044715 z^3)))");
            (
                "s + z s (1 - s) 2 sqrt(2 / pi) (1 + 0.134145 z^2)",
                "{} + {} * {} * (1 - {}) * 2 * sqrt(2 / pi) * (1 + 0.134145 * {}^2)",
                vec![s(), z(), s(), s(), z()],
            )
        }
        Activation::Silu => {
            let s = || logistic(x, "s = 1 / (1 + exp(-z))");
            ("s (1 + z (1 - s)), s = 1 / (1 + exp(-z))", "{} * (1 + {} * (1 - {}))", vec![s(), z(), s()])
        }
        Activation::Mish => {
            let t = || {
                let t = value_of(Activation::Tanh, value_of(Activation::Softplus, x));
                constant(t, "t = tanh(ln(1 + exp(z)))")
            };
            (
                "t + z (1 - t^2) s, t = tanh(ln(1 + exp(z))), s = 1 / (1 + exp(-z))",
                "{} + {} * (1 - {}^2) * {}",
                vec![t(), z(), t(), logistic(x, "s = 1 / (1 + exp(-z))")],
            )
        }
        Activation::HardSigmoid if above && a().value.0 < 1.0 => ("1 / 6 where -3 < z < 3", "1 / 6", vec![]),
        Activation::HardSigmoid => ("0 where z <= -3 or z >= 3", "0", vec![]),
        _ => return None,
    };
    draft(template, numbers).written(Some(formula))
}

/// The outputs of one sample, and the targets as they are given and as the loss counts them.
struct Outputs {
    a: Vec<Factor>,
    /// a where it is a probability, and the probability that the loss makes of it elsewhere.
    p: Vec<Factor>,
    y: Vec<Factor>,
    counted: Vec<Factor>,
}

fn outputs(reader: &Reader<'_>, sample: usize) -> Outputs {
    let (l, width) = (reader.depth(), reader.step.network.output_width());
    let of = |name: ValueId| (0..width).map(|k| reader.factor(name, sample, k)).collect::<Vec<_>>();
    let a = of(Quantity::Activation.of(l));
    let p = match &reader.step.loss {
        _ if reader.step.network.output_activation().yields_probabilities() => a.clone(),
        Loss::CrossEntropy { .. } => {
            let numbers: Vec<f64> = a.iter().map(|a| a.value.0).collect();
            let (exponentials, sum) = chainrule::activation::softmax_parts(&numbers);
            let share = |(k, exponential)| {
                constant(exponential / sum, format!("softmax of the outputs, [{}]", k + 1))
            };
            exponentials.into_iter().enumerate().map(share).collect()
        }
        _ => a
            .iter()
            .map(|a| constant(value_of(Activation::Sigmoid, a.value.0), format!("sigmoid of {}", a.label)))
            .collect(),
    };
    let counted = (0..width).map(|k| counted_target(reader, sample, k)).collect();
    Outputs { a, p, y: of(ValueId::TARGET), counted }
}

/// Whether logarithms of it are what they seem: 0 and 1 are cut off, or come from z.
fn is_inside(p: &Factor) -> bool {
    p.value.0 > 0.0 && p.value.0 < 1.0
}

/// One sample's loss.
fn of_sample(reader: &Reader<'_>, sample: usize) -> Option<Draft> {
    let Outputs { a, p, y, counted } = outputs(reader, sample);
    let two = |template: &str, k: usize| draft(template, [a[k].clone(), y[k].clone()]);
    let each = |part: &dyn Fn(usize) -> Draft| (0..a.len()).map(part).collect::<Vec<_>>();
    Some(match &reader.step.loss {
        Loss::HalfSquaredError => {
            let squares = sum(each(&|k| two("({} - {})^2", k)));
            let template = match squares.is_single() {
                true => format!("1 / 2 * {}", squares.template),
                false => format!("1 / 2 * ({})", squares.template),
            };
            Draft { template, ..squares }
        }
        Loss::MeanSquaredError => mean(each(&|k| two("({} - {})^2", k))),
        Loss::MeanAbsoluteError => mean(each(&|k| two("|{} - {}|", k))),
        Loss::Huber { delta } => mean(each(&|k| match (a[k].value.0 - y[k].value.0).abs() <= *delta {
            true => two("({} - {})^2 / 2", k),
            false => two(&format!("{delta} * (|{{}} - {{}}| - {delta} / 2)"), k),
        })),
        Loss::BinaryCrossEntropy => {
            if !p.iter().all(is_inside) {
                return None;
            }
            minus(sum(each(&|k| match y[k].value.0 {
                1.0 => draft("ln {}", [p[k].clone()]),
                0.0 => draft("ln(1 - {})", [p[k].clone()]),
                _ => draft(
                    "{} * ln {} + (1 - {}) * ln(1 - {})",
                    [&y[k], &p[k], &y[k], &p[k]].map(Factor::clone),
                ),
            })))
        }
        Loss::CrossEntropy { .. } => {
            let matters = |&k: &usize| counted[k].value.0 != 0.0;
            let terms: Vec<usize> = (0..a.len()).filter(matters).collect();
            if terms.is_empty() || !terms.iter().all(|&k| is_inside(&p[k])) {
                return None;
            }
            let term = |k: usize| match counted[k].value.0 {
                1.0 => draft("ln {}", [p[k].clone()]),
                _ => draft("{} * ln {}", [counted[k].clone(), p[k].clone()]),
            };
            minus(sum(terms.into_iter().map(term).collect()))
        }
        Loss::Poisson => {
            mean(each(&|k| draft("exp({}) - {} * {}", [&a[k], &y[k], &a[k]].map(Factor::clone))))
        }
        Loss::Quantile { quantile } => mean(each(&|k| match a[k].value.0 < y[k].value.0 {
            true => draft(&format!("{quantile} * ({{}} - {{}})"), [y[k].clone(), a[k].clone()]),
            false => two(&format!("{} * ({{}} - {{}})", 1.0 - quantile), k),
        })),
        _ => return None,
    })
}

/// One sample's loss, written out where it is short enough.
pub(super) fn sample_loss(reader: &Reader<'_>, sample: usize) -> Option<Written> {
    of_sample(reader, sample)?.written(None)
}

/// The loss of the batch, the mean of its samples'.
pub(super) fn loss(reader: &Reader<'_>) -> Option<Written> {
    if reader.batch() > NUMBERS {
        return None;
    }
    let samples: Option<Vec<Draft>> = (0..reader.batch()).map(|sample| of_sample(reader, sample)).collect();
    mean(samples?).written(None)
}

/// dLoss/da of one output, over the samples of the batch.
pub(super) fn loss_derivative(reader: &Reader<'_>, sample: usize, k: usize) -> Option<Written> {
    let Outputs { a, p, y, counted } = outputs(reader, sample);
    let (width, probabilities) = (a.len(), reader.step.network.output_activation().yields_probabilities());
    let (a, p, y, q) = (&a[k], &p[k], &y[k], &counted[k]);
    let two = |template: &str| draft(template, [a.clone(), y.clone()]);
    let over = if width > 1 { format!(" / {width}") } else { String::new() };
    let whole = match &reader.step.loss {
        Loss::HalfSquaredError => two("{} - {}"),
        Loss::MeanSquaredError => two(&format!("2 * ({{}} - {{}}){over}")),
        Loss::MeanAbsoluteError => two(&format!("sign({{}} - {{}}){over}")),
        Loss::Huber { delta } => match (a.value.0 - y.value.0).abs() <= *delta {
            true => two(&format!("({{}} - {{}}){over}")),
            false => two(&format!("sign({{}} - {{}}) * {delta}{over}")),
        },
        Loss::BinaryCrossEntropy if !probabilities => draft("{} - {}", [p.clone(), y.clone()]),
        Loss::BinaryCrossEntropy if is_inside(a) => {
            draft("({} - {}) / ({} * (1 - {}))", [a, y, a, a].map(Factor::clone))
        }
        Loss::CrossEntropy { .. } if !probabilities => {
            let sum: f64 = counted.iter().map(|q| q.value.0).sum();
            match (sum - 1.0).abs() < 1e-9 {
                true => draft("{} - {}", [p.clone(), q.clone()]),
                false => {
                    let sum = constant(sum, "sum of the targets");
                    draft("{} * {} - {}", [p.clone(), sum, q.clone()])
                }
            }
        }
        Loss::CrossEntropy { .. } if is_inside(a) => draft("-{} / {}", [q.clone(), a.clone()]),
        Loss::Poisson => two(&format!("(exp({{}}) - {{}}){over}")),
        Loss::Quantile { quantile } if a.value.0 < y.value.0 => draft(&format!("-{quantile}{over}"), []),
        Loss::Quantile { quantile } => draft(&format!("{}{over}", 1.0 - quantile), []),
        _ => return None,
    };
    over_batch(reader, whole).written(None)
}
