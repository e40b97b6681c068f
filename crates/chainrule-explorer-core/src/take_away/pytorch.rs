//! A Python script that computes a step again with PyTorch's autograd, in float64, and compares every number of the trace.

use std::fmt::Write;

use chainrule::layer::{ColumnPiece, Columns};
use chainrule::trace::{Quantity, Value, ValueId};
use chainrule::{Activation, Layer, Loss};

use crate::words::on_one_line;
use crate::{Refusal, Step};

const HEADER: &str = r#"
Everything below was written down by Chainrule: the network, its numbers, and what one training step makes of them. The
script does the step again with PyTorch, whose autograd knows nothing of Chainrule's formulas, and compares every number.

    pip install torch
    python THIS_FILE
"""

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
"#;

const HELPERS: &str = r#"found = {}


def keep(name, value):
    """A value of the forward pass, whose gradient is wanted too."""
    value.retain_grad()
    found[name] = value
    return value


def slope(sigma, z):
    """sigma'(z): each a depends on its own z alone, so that it is the gradient of their sum. Away from the step's graph, in
    which the gradient would be added to those that are kept."""
    z = z.detach().requires_grad_()
    return torch.autograd.grad(sigma(z).sum(), z)[0]


"#;

const COMPARISON: &str = r#"
# ---- the comparison

TOLERANCE = 1e-9  # of the largest number of the value
numbers, worst, failed = 0, 0.0, []
for name, values in expected.items():
    wanted, number = torch.tensor(values), found[name].detach()
    scale = max(wanted.abs().max().item(), 1e-300)
    difference = (number.reshape(wanted.shape) - wanted).abs().max().item() / scale
    print(f"{name:<24}{str(tuple(wanted.shape)):>12}   largest difference {difference:.1e} of its largest number")
    numbers, worst = numbers + wanted.numel(), max(worst, difference)
    if not difference <= TOLERANCE:
        failed.append(name)
if failed:
    raise SystemExit(f"{', '.join(failed)}: PyTorch computes other numbers")
print(f"all {len(expected)} values agree, {numbers} numbers; the largest difference is {worst:.1e}")
"#;

/// The script. Names are those of the trace.
///
/// ```
/// use chainrule_explorer_core::{example, take_away::pytorch_script};
/// let document = example("xor")?;
/// let script = pytorch_script(&document.step()?, &document.title)?;
/// assert!(script.contains("z = keep(\"z.1\", F.linear(a, parameters[\"weight.1\"], parameters[\"bias.1\"]))"));
/// # Ok::<(), chainrule_explorer_core::Refusal>(())
/// ```
///
/// # Errors
/// For numbers that are not finite, which Python has no numerals for, and for what PyTorch has no function for.
pub fn pytorch_script(step: &Step, title: &str) -> Result<String, Refusal> {
    // An input may be missing, where the first layer says so.
    let is_wrong = |value: &&Value<f64>| {
        value.values.iter().any(|x| !(x.is_finite() || x.is_nan() && value.id == Quantity::Activation.of(0)))
    };
    if let Some(value) = step.trace.values().find(is_wrong) {
        return Err(Refusal::Invalid(format!("{} holds numbers that are not finite", value.id)));
    }
    // It stands in a string of Python's.
    let title = on_one_line(title).replace(['\\', '"'], "'");
    let mut script = format!("\"\"\"Checks one training step with PyTorch: {title}.\n{HEADER}");
    script += "\n# ---- what the step starts from\n\n";
    given(step, &mut script);
    script += "\n# ---- the step\n\n";
    forward(step, &mut script)?;
    loss(step, &mut script)?;
    backward(step, &mut script);
    script += "\n# ---- what Chainrule computed\n\nexpected = {\n";
    for value in step.trace.events.iter().flat_map(|event| &event.outputs) {
        let _ = writeln!(script, "    \"{}\": {},", value.id, listed(value, 4));
    }
    script += "}\n";
    script += COMPARISON;
    Ok(script)
}

fn given(step: &Step, script: &mut String) {
    let mut parameters = String::new();
    for value in &step.trace.given {
        match value.id {
            ValueId { quantity: Quantity::Parameter(_), .. } => {
                let _ = writeln!(
                    parameters,
                    "    \"{}\": torch.tensor({}, requires_grad=True),",
                    value.id,
                    listed(value, 4)
                );
            }
            ValueId::TARGET => {
                let _ = writeln!(script, "y = torch.tensor({})", listed(value, 0));
            }
            _ => {
                if value.values.iter().any(|x| x.is_nan()) {
                    *script += "NaN = float(\"nan\")  # a missing number\n";
                }
                let _ = writeln!(script, "a = inputs = torch.tensor({})", listed(value, 0));
            }
        }
    }
    let _ = writeln!(script, "parameters = {{\n{parameters}}}\nlearning_rate = {:?}", step.learning_rate);
}

/// The numbers of a value as Python's lists, one row on a line.
fn listed(value: &Value<f64>, indent: usize) -> String {
    let row =
        |numbers: &[f64]| numbers.iter().map(|number| format!("{number:?}")).collect::<Vec<_>>().join(", ");
    match value.shape[..] {
        [] => format!("{:?}", value.values[0]),
        [_] => format!("[{}]", row(&value.values)),
        _ => {
            let columns = value.shape[1].max(1);
            let rows = value.values.chunks(columns).map(|numbers| format!("[{}]", row(numbers)));
            let between = format!(",\n{}", " ".repeat(indent + 4));
            format!(
                "[\n{}{},\n{}]",
                " ".repeat(indent + 4),
                rows.collect::<Vec<_>>().join(&between),
                " ".repeat(indent)
            )
        }
    }
}

fn forward(step: &Step, script: &mut String) -> Result<(), Refusal> {
    *script += HELPERS;
    for (index, layer) in step.network.layers().iter().enumerate() {
        let l = index + 1;
        let tensor = |number: usize| match step.network.layer_tensors(l).len() > number {
            true => format!("parameters[\"{}\"]", Quantity::Parameter(number).of(l)),
            false => "None".to_owned(),
        };
        let (weight, bias) = (tensor(0), tensor(1));
        match layer {
            Layer::Dense(dense) => {
                let _ = writeln!(script, "z = keep(\"z.{l}\", F.linear(a, {weight}, {bias}))");
                let sigma = activation(dense.activation)?;
                let _ = writeln!(script, "sigma = lambda z: {sigma}\na = keep(\"a.{l}\", sigma(z))");
                if dense.activation != Activation::Softmax {
                    let _ = writeln!(script, "found[\"slope.{l}\"] = slope(sigma, z)");
                }
            }
            Layer::Scale(_) => {
                let _ = writeln!(script, "a = keep(\"a.{l}\", a * {weight})");
            }
            Layer::LayerNorm(norm) => {
                let _ = writeln!(
                    script,
                    "a = keep(\"a.{l}\", F.layer_norm(a, a.shape[1:], {weight}, {bias}, {:?}))",
                    norm.epsilon
                );
            }
            Layer::LearnedActivation(learned) => {
                let sigma = activation(learned.activation)?;
                let _ = writeln!(script, "sigma = lambda z: {sigma}");
                let _ = writeln!(script, "a = keep(\"a.{l}\", a + {weight} * (sigma(a) - a))");
            }
            Layer::Columns(columns) => columns_forward(columns, l, script)?,
            other => return Err(unknown(&format!("layers of the kind {}", other.name()))),
        }
    }
    Ok(())
}

/// The pieces of a layer of columns, side by side.
fn columns_forward(columns: &Columns, l: usize, script: &mut String) -> Result<(), Refusal> {
    let (mut input, mut number) = (0, 0);
    let _ = writeln!(script, "parts = []");
    for piece in &columns.pieces {
        let tensor = |index: usize| format!("parameters[\"{}\"]", Quantity::Parameter(number + index).of(l));
        let (count, end) = (piece.inputs(), input + piece.inputs());
        let learns_missing = match piece {
            ColumnPiece::AsIs(piece) => piece.missing,
            ColumnPiece::Periodic(piece) => piece.missing,
            ColumnPiece::PiecewiseLinear(piece) => piece.missing,
            _ => false,
        };
        let _ = writeln!(script, "x = a[:, {input}:{end}]");
        if learns_missing {
            let _ = writeln!(script, "is_missing, x = x.isnan(), x.nan_to_num()");
        }
        let own = match piece {
            ColumnPiece::AsIs(_) => {
                let _ = writeln!(script, "parts.append(x)");
                0
            }
            ColumnPiece::Periodic(periodic) => {
                let outputs = periodic.outputs;
                let (frequency, offset, weight, bias) = (tensor(0), tensor(1), tensor(2), tensor(3));
                let _ = writeln!(
                    script,
                    "cosines = torch.cos(2 * torch.pi * x[:, :, None] * {frequency} + {offset})\n\
                     embedded = torch.einsum(\"snk,nok->sno\", cosines, {weight}.view({count}, {outputs}, -1)) \
                     + {bias}.view({count}, {outputs})\n\
                     parts.append(torch.cat([x[:, :, None], embedded], dim=2).flatten(1))"
                );
                4
            }
            ColumnPiece::PiecewiseLinear(piecewise) => {
                let mut first = 0;
                let _ = writeln!(script, "functions = []");
                for (index, boundaries) in piecewise.boundaries.iter().enumerate() {
                    let bins = boundaries.len() - 1;
                    let _ = writeln!(
                        script,
                        "ends = torch.tensor({boundaries:?})\n\
                         shares = (x[:, {index}, None] - ends[:-1]) / (ends[1:] - ends[:-1])\n\
                         shares = torch.cat([shares[:, :1], shares[:, 1:].clamp(min=0)], dim=1)\n\
                         shares = torch.cat([shares[:, :-1].clamp(max=1), shares[:, -1:]], dim=1)\n\
                         functions += [x[:, {index}, None], shares @ {}[{first}:{}]]",
                        tensor(0),
                        first + bins
                    );
                    first += bins;
                }
                let _ = writeln!(script, "parts.append(torch.cat(functions, dim=1))");
                1
            }
            ColumnPiece::Table(table) => {
                let _ = writeln!(
                    script,
                    "rows = torch.arange({}.0)\nparts.append((x == rows).double() @ {})",
                    table.categories,
                    tensor(0)
                );
                1
            }
            _ => return Err(unknown("such a piece of columns")),
        };
        if learns_missing {
            let _ = writeln!(
                script,
                "parts[-1] = torch.where(is_missing.repeat_interleave({}, dim=1), {}, parts[-1])",
                piece.outputs_of_one(),
                tensor(own)
            );
        }
        (input, number) = (end, number + own + usize::from(learns_missing));
    }
    let _ = writeln!(script, "a = keep(\"a.{l}\", torch.cat(parts, dim=1))");
    Ok(())
}

fn unknown(what: &str) -> Refusal {
    Refusal::Invalid(format!("there is no script for {what} yet"))
}

/// The activation of z.
fn activation(sigma: Activation) -> Result<String, Refusal> {
    Ok(match sigma {
        Activation::Identity => "z * 1".to_owned(),
        Activation::Relu => "F.relu(z)".to_owned(),
        Activation::LeakyRelu { negative_slope } => format!("F.leaky_relu(z, {negative_slope:?})"),
        Activation::Elu { alpha } => format!("F.elu(z, {alpha:?})"),
        Activation::Selu => "F.selu(z)".to_owned(),
        Activation::Sigmoid => "torch.sigmoid(z)".to_owned(),
        Activation::Tanh => "torch.tanh(z)".to_owned(),
        Activation::Softplus => "F.softplus(z)".to_owned(),
        Activation::Gelu => "F.gelu(z)".to_owned(),
        Activation::GeluTanh => "F.gelu(z, approximate=\"tanh\")".to_owned(),
        Activation::Silu => "F.silu(z)".to_owned(),
        Activation::Mish => "F.mish(z)".to_owned(),
        // F.hardsigmoid multiplies by 1/6 in single precision on its way back, also in float64.
        Activation::HardSigmoid => "torch.clamp(z + 3, 0, 6) / 6".to_owned(),
        Activation::Softmax => "torch.softmax(z, dim=1)".to_owned(),
        other => return Err(unknown(other.name())),
    })
}

/// The loss of each sample; `l` is their column.
fn loss(step: &Step, script: &mut String) -> Result<(), Refusal> {
    let output = step.network.output_activation();
    let is_probability = output.yields_probabilities();
    let samples = match &step.loss {
        Loss::HalfSquaredError => "0.5 * ((a - y) ** 2).sum(dim=1)".to_owned(),
        Loss::MeanSquaredError => "((a - y) ** 2).mean(dim=1)".to_owned(),
        Loss::MeanAbsoluteError => "(a - y).abs().mean(dim=1)".to_owned(),
        Loss::Huber { delta } => {
            format!("F.huber_loss(a, y, reduction=\"none\", delta={delta:?}).mean(dim=1)")
        }
        Loss::Quantile { quantile } => {
            format!("torch.maximum({quantile:?} * (y - a), ({quantile:?} - 1) * (y - a)).mean(dim=1)")
        }
        Loss::Poisson => "(torch.exp(a) - y * a).mean(dim=1)".to_owned(),
        Loss::BinaryCrossEntropy => match output {
            Activation::Sigmoid => {
                "F.binary_cross_entropy_with_logits(z, y, reduction=\"none\").sum(dim=1)".to_owned()
            }
            _ if is_probability => "F.binary_cross_entropy(a, y, reduction=\"none\").sum(dim=1)".to_owned(),
            _ => "F.binary_cross_entropy_with_logits(a, y, reduction=\"none\").sum(dim=1)".to_owned(),
        },
        Loss::CrossEntropy { label_smoothing, class_weights } => {
            let log_p = match output {
                Activation::Softmax => "F.log_softmax(z, dim=1)",
                Activation::Sigmoid => "F.logsigmoid(z)",
                _ if is_probability => "torch.log(a).clamp(min=-100)",
                _ => "F.log_softmax(a, dim=1)",
            };
            let weights = match class_weights {
                Some(weights) => format!("torch.tensor({weights:?}) * "),
                None => String::new(),
            };
            let target = match *label_smoothing {
                0.0 => "y".to_owned(),
                smoothing => format!("((1 - {smoothing:?}) * y + {smoothing:?} / y.shape[1])"),
            };
            format!("-({weights}{target} * {log_p}).sum(dim=1)")
        }
        other => return Err(unknown(other.name())),
    };
    let _ = writeln!(script, "found[\"loss\"] = loss = ({samples}).mean()\nloss.backward()\n");
    Ok(())
}

/// What autograd has found: the gradients by z are delta, those by a the error.
fn backward(step: &Step, script: &mut String) {
    for value in step.trace.events.iter().flat_map(|event| &event.outputs) {
        let ValueId { quantity, layer: l } = value.id;
        let parameter = |number| format!("parameters[\"{}\"]", Quantity::Parameter(number).of(l));
        let of_autograd = match quantity {
            Quantity::Error => format!("found[\"a.{l}\"].grad"),
            Quantity::Delta => format!("found[\"z.{l}\"].grad"),
            Quantity::Gradient(number) => format!("{}.grad", parameter(number)),
            Quantity::Updated(number) => {
                format!("{0} - learning_rate * {0}.grad", parameter(number))
            }
            _ => continue,
        };
        let _ = writeln!(script, "found[\"{}\"] = {of_autograd}", value.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example;

    #[test]
    fn no_title_ends_the_string_that_it_stands_in() {
        let step = example("xor").unwrap().step().unwrap();
        let script = pytorch_script(&step, "a \"\"\" and \\\u{0}\n\nthe rest").unwrap();
        let first = script.lines().next();
        assert_eq!(first, Some("\"\"\"Checks one training step with PyTorch: a ''' and ' the rest."));
        // Two of the script, and two of each helper.
        assert_eq!(script.matches("\"\"\"").count(), 6);
    }
}
