//! What all kinds of questions have in common: which layers, neurons and samples make sense.

use chainrule::Activation;
use chainrule::trace::{Quantity, ValueId};

use crate::analysis::Cell;
use crate::analysis::reader::Reader;
use crate::quiz::draw::Draw;
use crate::quiz::mistakes::Mistake;

/// Terms that a learner is asked to add up at most.
pub(super) const TERMS: usize = 12;

/// The step that questions are drawn from, and what draws them.
pub(in crate::quiz) struct Source<'a> {
    pub(in crate::quiz) reader: &'a Reader<'a>,
    pub(in crate::quiz) draw: Draw,
}

impl Source<'_> {
    pub(super) fn depth(&self) -> usize {
        self.reader.depth()
    }

    pub(super) fn batch(&self) -> usize {
        self.reader.batch()
    }

    /// n_l
    pub(super) fn n(&self, l: usize) -> usize {
        self.reader.step.network.width(l)
    }

    pub(super) fn number(&self, quantity: Quantity, l: usize, row: usize, column: usize) -> f64 {
        self.reader.number(quantity.of(l), row, column)
    }

    /// A dense layer that reads what the trace has.
    pub(super) fn layer(&mut self) -> Option<usize> {
        let layers: Vec<usize> = (1..=self.depth()).filter(|&l| self.is_whole(l)).collect();
        self.draw.one_of(&layers)
    }

    /// A dense layer below another one.
    pub(super) fn hidden_layer(&mut self) -> Option<usize> {
        let layers = self.hidden_layers();
        self.draw.one_of(&layers)
    }

    pub(super) fn hidden_layers(&self) -> Vec<usize> {
        (1..self.depth()).filter(|&l| self.is_whole(l) && self.is_whole(l + 1)).collect()
    }

    pub(super) fn is_whole(&self, l: usize) -> bool {
        self.reader.is_dense(l)
            && self.reader.has(Quantity::Activation.of(l - 1))
            && self.reader.has(Quantity::Delta.of(l))
    }

    pub(super) fn sample(&mut self) -> usize {
        let batch = self.batch();
        self.draw.below(batch)
    }

    pub(super) fn neuron(&mut self, l: usize) -> usize {
        let width = self.n(l);
        self.draw.below(width)
    }

    /// " of sample 3", where there are several.
    pub(super) fn of_sample(&self, i: usize) -> String {
        if self.batch() > 1 { format!(" of sample {}", i + 1) } else { String::new() }
    }

    /// " for sample 3", where there are several.
    pub(super) fn for_sample(&self, i: usize) -> String {
        self.of_sample(i).replace(" of ", " for ")
    }

    pub(super) fn activation(&self, l: usize) -> Option<Activation> {
        self.reader.layer(l).ok().map(|dense| dense.activation)
    }

    pub(super) fn has_bias(&self, l: usize) -> bool {
        self.reader.layer(l).is_ok_and(|dense| dense.bias)
    }
}

pub(super) fn cell(quantity: Quantity, l: usize, row: usize, column: usize) -> Cell {
    Cell { name: quantity.of(l), row, column }
}

pub(super) fn cell_of(name: ValueId, row: usize, column: usize) -> Cell {
    Cell { name, row, column }
}

/// sigma' by a formula that can be computed by hand.
pub(super) fn slope_formula(sigma: Activation) -> Option<String> {
    Some(match sigma {
        Activation::Sigmoid => "a (1 - a)".to_owned(),
        Activation::Tanh => "1 - a^2".to_owned(),
        Activation::Softplus => "1 - exp(-a)".to_owned(),
        Activation::Relu => "1 where z > 0, else 0".to_owned(),
        Activation::LeakyRelu { negative_slope } => format!("1 where z > 0, else {negative_slope}"),
        _ => return None,
    })
}

/// What else is taken for sigma' of a neuron: mistakes with the factor that each of them makes.
pub(super) fn wrong_slopes(sigma: Activation, z: f64, a: f64) -> Vec<(Mistake, f64)> {
    let mut wrong = vec![(Mistake::ActivationForSlope, a)];
    if sigma != Activation::Sigmoid {
        wrong.push((Mistake::SigmoidSlope, a * (1.0 - a)));
    }
    let with_z = match sigma {
        Activation::Sigmoid => z * (1.0 - z),
        Activation::Tanh => 1.0 - z * z,
        Activation::Softplus => 1.0 - (-z).exp(),
        // Those with corners have no formula with a.
        _ => return wrong,
    };
    wrong.push((Mistake::SlopeWithZ, with_z));
    wrong.extend(
        sigma
            .elementwise()
            .map(|function| (Mistake::SlopeOfActivation, function.derivative(a, function.value(a)))),
    );
    wrong
}

/// Whether sigma bends everywhere, so that its slope is another number at a than at z.
pub(super) fn is_smooth(sigma: Activation) -> bool {
    matches!(sigma, Activation::Sigmoid | Activation::Tanh | Activation::Softplus)
}
