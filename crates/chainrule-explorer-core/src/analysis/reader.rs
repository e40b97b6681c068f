//! Reads a step by names and indices: its layers, its values, and how a cell is called.

use std::collections::HashMap;

use chainrule::trace::{Computation, Quantity, Value, ValueId};
use chainrule::{Activation, Layer, Loss, Targets};

use super::{Cell, Factor, Term};
use crate::words::{parameter_symbol, plain, readable};
use crate::{Refusal, Step};

/// A dense layer of the step's network.
pub(crate) struct DenseLayer {
    pub(crate) inputs: usize,
    pub(crate) width: usize,
    pub(crate) activation: Activation,
    pub(crate) bias: bool,
}

pub(crate) struct Reader<'a> {
    pub(crate) step: &'a Step,
    /// Layer l is element l - 1; none where it is of another kind.
    dense: Vec<Option<DenseLayer>>,
    /// With the operation of the event; none for what is given.
    values: HashMap<ValueId, (&'a Value<f64>, Option<Computation>)>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(step: &'a Step) -> Self {
        let dense = step.network.layers().iter().enumerate().map(|(index, layer)| match layer {
            Layer::Dense(layer) => Some(DenseLayer {
                inputs: step.network.width(index),
                width: layer.width,
                activation: layer.activation,
                bias: layer.bias,
            }),
            _ => None,
        });
        let dense = dense.collect();
        let given = step.trace.given.iter().map(|value| (value, None));
        let computed = step
            .trace
            .events
            .iter()
            .flat_map(|event| event.outputs.iter().map(move |value| (value, Some(event.operation))));
        let values = given.chain(computed).map(|(value, operation)| (value.id, (value, operation)));
        Reader { step, dense, values: values.collect() }
    }

    /// L, the number of layers.
    pub(crate) fn depth(&self) -> usize {
        self.dense.len()
    }

    pub(crate) fn batch(&self) -> usize {
        self.step.inputs.rows()
    }

    /// Layer l, which is dense.
    pub(crate) fn layer(&self, l: usize) -> Result<&DenseLayer, Refusal> {
        let layer = l.checked_sub(1).and_then(|index| self.dense.get(index)).ok_or_else(|| {
            Refusal::Missing(format!("there is no layer {l}; layers are 1 to {}", self.depth()))
        })?;
        layer.as_ref().ok_or_else(|| {
            let kind = readable(self.step.network.layers()[l - 1].name());
            Refusal::Missing(format!("layer {l} is a {kind}; only dense layers are looked into"))
        })
    }

    /// Whether layer l is dense.
    pub(crate) fn is_dense(&self, l: usize) -> bool {
        self.layer(l).is_ok()
    }

    /// delta(l); where a layer has no sigma, dLoss/da(l) is it.
    pub(crate) fn delta(&self, l: usize) -> ValueId {
        let delta = Quantity::Delta.of(l);
        if self.has(delta) { delta } else { Quantity::Error.of(l) }
    }

    /// Fails unless `index` is below `count`; `what` as in "neuron of layer 2".
    pub(crate) fn check(&self, what: &str, index: usize, count: usize) -> Result<(), Refusal> {
        if index < count {
            return Ok(());
        }
        let last = count.saturating_sub(1);
        Err(Refusal::Missing(format!(
            "there is no {what} with the number {index}; they are 0 to {last}, counted from 0"
        )))
    }

    pub(crate) fn check_sample(&self, sample: usize) -> Result<(), Refusal> {
        self.check("sample", sample, self.batch())
    }

    pub(crate) fn value(&self, name: ValueId) -> Result<&'a Value<f64>, Refusal> {
        let found = self.values.get(&name).map(|(value, _)| *value);
        found.ok_or_else(|| {
            let depth = self.depth();
            Refusal::Missing(format!("this step has no value {name}; layers are 1 to {depth}"))
        })
    }

    pub(crate) fn has(&self, name: ValueId) -> bool {
        self.values.contains_key(&name)
    }

    pub(crate) fn operation(&self, name: ValueId) -> Option<Computation> {
        self.values.get(&name).and_then(|(_, operation)| *operation)
    }

    /// A row of a matrix, or a whole vector. The name and the row have been checked.
    pub(crate) fn row(&self, name: ValueId, row: usize) -> &'a [f64] {
        let Some((value, _)) = self.values.get(&name) else { return &[] };
        let (_, columns) = rows_and_columns(&value.shape);
        value.values.get(row * columns..(row + 1) * columns).unwrap_or(&[])
    }

    /// One number, NaN where there is none.
    pub(crate) fn number(&self, name: ValueId, row: usize, column: usize) -> f64 {
        self.row(name, row).get(column).copied().unwrap_or(f64::NAN)
    }

    /// A cell of the trace as a factor.
    pub(crate) fn factor(&self, name: ValueId, row: usize, column: usize) -> Factor {
        let cell = Cell { name, row, column };
        let label = self.label(&cell);
        Factor { cell: Some(cell), value: self.number(name, row, column).into(), label }
    }

    /// How a cell is read, indices from 1.
    pub(crate) fn label(&self, cell: &Cell) -> String {
        let (row, column) = (cell.row.saturating_add(1), cell.column.saturating_add(1));
        let ValueId { quantity, layer: l } = cell.name;
        let of_sample = if self.batch() > 1 { format!(" of sample {row}") } else { String::new() };
        match quantity {
            Quantity::Activation => format!("a({l})[{column}]{of_sample}"),
            Quantity::PreActivation => format!("z({l})[{column}]{of_sample}"),
            Quantity::Error => format!("error({l})[{column}]{of_sample}"),
            Quantity::Slope => format!("slope({l})[{column}]{of_sample}"),
            Quantity::Delta => format!("delta({l})[{column}]{of_sample}"),
            Quantity::Target => format!("target[{column}]{of_sample}"),
            Quantity::Parameter(number) => format!("{}({l}){}", parameter_symbol(number), self.place(cell)),
            Quantity::Gradient(number) => format!("d{}({l}){}", parameter_symbol(number), self.place(cell)),
            Quantity::Updated(number) => {
                format!("updated {}({l}){}", parameter_symbol(number), self.place(cell))
            }
            Quantity::Loss => "loss".to_owned(),
        }
    }

    /// "[2, 3]" in a matrix, "[3]" in a vector.
    fn place(&self, cell: &Cell) -> String {
        let (row, column) = (cell.row.saturating_add(1), cell.column.saturating_add(1));
        let is_vector = self.value(cell.name).is_ok_and(|value| value.shape.len() == 1);
        if is_vector { format!("[{column}]") } else { format!("[{row}, {column}]") }
    }

    /// The targets of one sample.
    pub(crate) fn target(&self, sample: usize) -> &'a [f64] {
        self.row(ValueId::TARGET, sample)
    }

    /// dl/da of one sample, before the division by B; none where the engine takes the derivative by z at
    /// once.
    pub(crate) fn loss_derivatives(&self, sample: usize) -> Result<Option<Vec<f64>>, Refusal> {
        let (l, width) = (self.depth(), self.step.network.output_width());
        let (z, a) =
            (self.row(Quantity::PreActivation.of(l), sample), self.row(Quantity::Activation.of(l), sample));
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
pub(crate) fn rows_and_columns(shape: &[usize]) -> (usize, usize) {
    match *shape {
        [rows, columns] => (rows, columns),
        [length] => (1, length),
        _ => (1, 1),
    }
}

/// start + a b + c d + ..., one fused multiply-add after the other: the engine's chain.
pub(crate) fn chain(start: f64, products: impl IntoIterator<Item = [Factor; 2]>) -> Vec<Term> {
    let mut sum = start;
    let term = |[a, b]: [Factor; 2]| {
        let (x, y) = (a.value.0, b.value.0);
        sum = x.mul_add(y, sum);
        Term { factors: vec![a, b], product: (x * y).into(), partial: sum.into() }
    };
    products.into_iter().map(term).collect()
}

/// A constant as a factor.
pub(crate) fn constant(value: f64, label: impl Into<String>) -> Factor {
    Factor { cell: None, value: value.into(), label: label.into() }
}

/// The target as the loss counts it, with a label that says how where it is another number: "target[1], smoothed:
/// 0.8 * 1 + 0.2 / 10".
pub(super) fn counted_target(reader: &Reader<'_>, sample: usize, neuron: usize) -> Factor {
    let mut target = reader.factor(ValueId::TARGET, sample, neuron);
    let (y, outputs) = (target.value.0, reader.step.network.output_width());
    let counted = reader.step.loss.counted_target(y, neuron, outputs);
    let Loss::CrossEntropy { label_smoothing, class_weights } = &reader.step.loss else { return target };
    if counted == y {
        return target;
    }
    let smoothed =
        format!("{} * {} + {} / {outputs}", plain(1.0 - label_smoothing), plain(y), plain(*label_smoothing));
    let how = match (*label_smoothing > 0.0, class_weights) {
        (true, None) => format!("smoothed: {smoothed}"),
        (false, _) => "times its class's weight".to_owned(),
        (true, Some(_)) => format!("smoothed ({smoothed}), times its class's weight"),
    };
    target.label = format!("{}, {how}", target.label);
    target.value = counted.into();
    target
}
