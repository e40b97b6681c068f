//! Reads a step by names and indices: its layers, its values, and how a cell is called.

use std::collections::HashMap;

use chainrule::trace::{Operation, Value};
use chainrule::{Activation, Layer, Targets};

use super::{Cell, Factor, Kind, Term, kind_of};
use crate::{Refusal, Step};

/// A dense layer of the step's network.
pub(super) struct DenseLayer {
    /// Its place in the network, from 1, dropout layers counted.
    pub(super) index: usize,
    pub(super) inputs: usize,
    pub(super) width: usize,
    pub(super) activation: Activation,
    pub(super) bias: bool,
}

pub(super) struct Reader<'a> {
    pub(super) step: &'a Step,
    /// Layer l is element l - 1.
    pub(super) dense: Vec<DenseLayer>,
    /// With the operation of the event; none for what is given.
    values: HashMap<&'a str, (&'a Value<f64>, Option<Operation>)>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(step: &'a Step) -> Self {
        let mut dense = Vec::new();
        for (index, layer) in step.network.layers().iter().enumerate() {
            if let Layer::Dense(layer) = layer {
                dense.push(DenseLayer {
                    index: index + 1,
                    inputs: step.network.width(index),
                    width: layer.width,
                    activation: layer.activation,
                    bias: layer.bias,
                });
            }
        }
        let given = step.trace.given.iter().map(|value| (value, None));
        let computed = step
            .trace
            .events
            .iter()
            .flat_map(|event| event.outputs.iter().map(move |value| (value, Some(event.operation))));
        let values =
            given.chain(computed).map(|(value, operation)| (value.name.as_str(), (value, operation)));
        Reader { step, dense, values: values.collect() }
    }

    /// L, the number of dense layers.
    pub(super) fn depth(&self) -> usize {
        self.dense.len()
    }

    pub(super) fn batch(&self) -> usize {
        self.step.inputs.rows()
    }

    pub(super) fn layer(&self, l: usize) -> Result<&DenseLayer, Refusal> {
        let layer = l.checked_sub(1).and_then(|index| self.dense.get(index));
        layer.ok_or_else(|| {
            Refusal::Missing(format!("there is no layer {l}; layers are 1 to {}", self.depth()))
        })
    }

    /// Fails unless `index` is below `count`; `what` as in "neuron of layer 2".
    pub(super) fn check(&self, what: &str, index: usize, count: usize) -> Result<(), Refusal> {
        if index < count {
            return Ok(());
        }
        let last = count.saturating_sub(1);
        Err(Refusal::Missing(format!(
            "there is no {what} with the number {index}; they are 0 to {last}, counted from 0"
        )))
    }

    pub(super) fn check_sample(&self, sample: usize) -> Result<(), Refusal> {
        self.check("sample", sample, self.batch())
    }

    pub(super) fn value(&self, name: &str) -> Result<&'a Value<f64>, Refusal> {
        let found = self.values.get(name).map(|(value, _)| *value);
        found.ok_or_else(|| {
            let known = "a.0, target, loss, and weight, bias, z, a, error, slope, delta, weight_gradient, \
                         bias_gradient, updated_weight or updated_bias with a layer, as in z.1";
            let shown: String = name.chars().take(40).collect();
            Refusal::Missing(format!(
                "this step has no value {shown:?}; names are {known}; layers are 1 to {}",
                self.depth()
            ))
        })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    pub(super) fn operation(&self, name: &str) -> Option<Operation> {
        self.values.get(name).and_then(|(_, operation)| *operation)
    }

    /// A row of a matrix, or a whole vector. The name and the row have been checked.
    pub(super) fn row(&self, name: &str, row: usize) -> &'a [f64] {
        let Some((value, _)) = self.values.get(name) else { return &[] };
        let (_, columns) = rows_and_columns(&value.shape);
        value.values.get(row * columns..(row + 1) * columns).unwrap_or(&[])
    }

    /// One number, NaN where there is none.
    pub(super) fn number(&self, name: &str, row: usize, column: usize) -> f64 {
        self.row(name, row).get(column).copied().unwrap_or(f64::NAN)
    }

    /// A cell of the trace as a factor.
    pub(super) fn factor(&self, name: &str, row: usize, column: usize) -> Factor {
        let cell = Cell { name: name.to_owned(), row, column };
        let label = self.label(&cell);
        Factor { cell: Some(cell), value: self.number(name, row, column).into(), label }
    }

    /// How a cell is read, indices from 1.
    pub(super) fn label(&self, cell: &Cell) -> String {
        let (row, column) = (cell.row.saturating_add(1), cell.column.saturating_add(1));
        let Some((kind, l)) = kind_of(&cell.name) else { return cell.name.clone() };
        let of_sample = if self.batch() > 1 { format!(" of sample {row}") } else { String::new() };
        match kind {
            Kind::Activation => format!("a({l})[{column}]{of_sample}"),
            Kind::PreActivation => format!("z({l})[{column}]{of_sample}"),
            Kind::Error => format!("error({l})[{column}]{of_sample}"),
            Kind::Slope => format!("slope({l})[{column}]{of_sample}"),
            Kind::Delta => format!("delta({l})[{column}]{of_sample}"),
            Kind::Target => format!("target[{column}]{of_sample}"),
            Kind::Weight => format!("W({l})[{row}, {column}]"),
            Kind::WeightGradient => format!("dW({l})[{row}, {column}]"),
            Kind::UpdatedWeight => format!("updated W({l})[{row}, {column}]"),
            Kind::Bias => format!("b({l})[{column}]"),
            Kind::BiasGradient => format!("db({l})[{column}]"),
            Kind::UpdatedBias => format!("updated b({l})[{column}]"),
            Kind::Loss => "loss".to_owned(),
        }
    }

    /// The targets of one sample.
    pub(super) fn target(&self, sample: usize) -> &'a [f64] {
        self.row("target", sample)
    }

    /// dl/da of one sample, before the division by B; none where the engine takes the derivative by z at
    /// once.
    pub(super) fn loss_derivatives(&self, sample: usize) -> Result<Option<Vec<f64>>, Refusal> {
        let (l, width) = (self.depth(), self.step.network.output_width());
        let (z, a) = (self.row(&format!("z.{l}"), sample), self.row(&format!("a.{l}"), sample));
        let row = |values| chainrule::MatrixView::new(1, width, values);
        let derivatives = self.step.loss.derivative_by_output(
            self.step.network.output_activation(),
            row(z)?,
            row(a)?,
            Targets::Values(row(self.target(sample))?),
            None,
        )?;
        Ok(derivatives.map(chainrule::Matrix::into_vec))
    }
}

/// The shape as a matrix: vectors are one row, a number is [1, 1].
pub(super) fn rows_and_columns(shape: &[usize]) -> (usize, usize) {
    match *shape {
        [rows, columns] => (rows, columns),
        [length] => (1, length),
        _ => (1, 1),
    }
}

/// "1 neuron", "3 neurons".
pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// start + a b + c d + ..., one fused multiply-add after the other: the engine's chain.
pub(super) fn chain(start: f64, products: impl IntoIterator<Item = [Factor; 2]>) -> Vec<Term> {
    let mut sum = start;
    let term = |[a, b]: [Factor; 2]| {
        let (x, y) = (a.value.0, b.value.0);
        sum = x.mul_add(y, sum);
        Term { factors: vec![a, b], product: (x * y).into(), partial: sum.into() }
    };
    products.into_iter().map(term).collect()
}

/// A constant as a factor.
pub(super) fn constant(value: f64, label: impl Into<String>) -> Factor {
    Factor { cell: None, value: value.into(), label: label.into() }
}
