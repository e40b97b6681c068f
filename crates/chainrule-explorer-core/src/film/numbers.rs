//! The numbers of a step by name, for the one sample that is drawn.

use std::collections::HashMap;

use chainrule::trace::{Quantity, Value, ValueId};

use crate::step::Step;

/// The values of a step.
pub(super) struct Numbers<'a> {
    pub(super) step: &'a Step,
    /// Which sample is drawn.
    pub(super) sample: usize,
    values: HashMap<ValueId, &'a Value<f64>>,
    /// The largest |delta| of all layers: they are drawn on one scale.
    signal_scale: f64,
}

impl<'a> Numbers<'a> {
    pub(super) fn new(step: &'a Step, sample: usize) -> Numbers<'a> {
        let values: HashMap<_, _> = step.trace.values().map(|value| (value.id, value)).collect();
        let mut numbers = Numbers { step, sample, values, signal_scale: 0.0 };
        let signals = (1..=numbers.depth()).map(|l| numbers.scale(numbers.signal(l)));
        numbers.signal_scale = signals.fold(0.0, f64::max);
        numbers
    }

    pub(super) fn depth(&self) -> usize {
        self.step.network.depth()
    }

    pub(super) fn samples(&self) -> usize {
        self.step.inputs.rows()
    }

    pub(super) fn has(&self, id: ValueId) -> bool {
        self.values.contains_key(&id)
    }

    /// Rows and columns of a value as it is kept; of a value with a row for each sample the drawn one alone.
    pub(super) fn shape(&self, id: ValueId) -> (usize, usize) {
        let of_sample = is_of_samples(id.quantity);
        match self.values.get(&id).map(|value| &value.shape[..]) {
            Some(&[_, columns]) if of_sample => (1, columns),
            Some(&[rows, columns]) => (rows, columns),
            Some(&[length]) => (1, length),
            _ => (1, 1),
        }
    }

    /// A number of that shape; NaN where there is none.
    pub(super) fn get(&self, id: ValueId, row: usize, column: usize) -> f64 {
        let (_, columns) = self.shape(id);
        let row = if is_of_samples(id.quantity) { self.sample } else { row };
        let value = self.values.get(&id).and_then(|value| value.values.get(row * columns + column));
        value.copied().unwrap_or(f64::NAN)
    }

    /// The largest finite |number| of the whole value.
    pub(super) fn scale(&self, id: ValueId) -> f64 {
        let numbers = self.values.get(&id).into_iter().flat_map(|value| &value.values);
        numbers
            .filter(|number| number.is_finite())
            .fold(0.0, |largest: f64, number| largest.max(number.abs()))
    }

    /// delta(l), or dLoss/da(l) where the layer has no sigma.
    pub(super) fn signal(&self, l: usize) -> ValueId {
        let delta = Quantity::Delta.of(l);
        if self.has(delta) { delta } else { Quantity::Error.of(l) }
    }

    /// What all signals are drawn against.
    pub(super) fn signal_scale(&self) -> f64 {
        self.signal_scale
    }
}

fn is_of_samples(quantity: Quantity) -> bool {
    matches!(
        quantity,
        Quantity::Activation
            | Quantity::Target
            | Quantity::PreActivation
            | Quantity::Error
            | Quantity::Slope
            | Quantity::Delta
    )
}
