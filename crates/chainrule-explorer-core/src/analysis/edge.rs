//! One weight: what it carries forward and backward, its gradient, and every way from it to the loss.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};

use chainrule::trace::{Quantity, ValueId};
use serde::Serialize;

use super::explain::{carried_back, explain_with};
use super::reader::Reader;
use super::{Cell, Explanation, Factor, Term};
use crate::{Num, Refusal, Step};

/// A weight for one sample.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct EdgeReport {
    /// W(l)[to, from]
    pub weight: Factor,
    /// Its term of z(l)\[to\].
    pub forward: Term,
    /// Its term of dLoss/da(l-1)\[from\].
    pub backward: Term,
    /// dLoss/dw, over all samples.
    pub gradient: Explanation,
    /// w after the update.
    pub update: Explanation,
    /// From the weight to the outputs.
    pub paths: Paths,
}

/// The ways from a weight to the outputs, for one sample.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Paths {
    /// How many there are; the largest f64 where there are more.
    pub count: f64,
    /// Those with the largest contributions, at most 64, largest first.
    pub listed: Vec<Path>,
    /// The sum of all contributions: delta(l)\[to\] a(l-1)\[from\].
    pub total: Num,
    /// Whether all are listed.
    pub complete: bool,
}

/// One way from a weight to an output.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Path {
    /// The neurons passed, in layers l to L.
    pub neurons: Vec<usize>,
    /// a(l-1)\[from\], slopes and weights in turn, and at last delta(L) of the output.
    pub factors: Vec<Factor>,
    /// Their product.
    pub contribution: Num,
}

/// Paths that are listed at most.
const LISTED: usize = 64;

/// Steps of the search for them at most. It needs about [`LISTED`] for each layer.
const EXPANSIONS: usize = 100_000;

/// W(layer)[to, from] for one sample.
///
/// # Errors
/// When there is no such layer, neuron or sample.
pub fn edge(step: &Step, layer: usize, to: usize, from: usize, sample: usize) -> Result<EdgeReport, Refusal> {
    let reader = Reader::new(step);
    let dense = reader.layer(layer)?;
    reader.check(&format!("neuron of layer {layer}"), to, dense.width)?;
    let what = if layer == 1 { "input".to_owned() } else { format!("neuron of layer {}", layer - 1) };
    reader.check(&what, from, dense.inputs)?;
    reader.check_sample(sample)?;
    let explained = |quantity: Quantity, row, column| {
        explain_with(&reader, &Cell { name: quantity.of(layer), row, column })
    };
    let term = |mut explanation: Explanation, index: usize| explanation.terms.swap_remove(index);
    Ok(EdgeReport {
        weight: reader.factor(Quantity::WEIGHT.of(layer), to, from),
        forward: term(explained(Quantity::PreActivation, sample, to)?, from),
        backward: term(carried_back(&reader, layer - 1, sample, from), to),
        gradient: explained(Quantity::WEIGHT_GRADIENT, to, from)?,
        update: explained(Quantity::UPDATED_WEIGHT, to, from)?,
        paths: paths(&reader, layer, to, from, sample),
    })
}

fn paths(reader: &Reader<'_>, layer: usize, to: usize, from: usize, sample: usize) -> Paths {
    let widths: Option<Vec<f64>> =
        (layer + 1..=reader.depth()).map(|l| reader.layer(l).ok().map(|dense| dense.width as f64)).collect();
    let number = |name: ValueId, column| reader.number(name, sample, column);
    let total = number(reader.delta(layer), to) * number(Quantity::Activation.of(layer - 1), from);
    let Some(widths) = widths else {
        // Through layers of other kinds there are no single ways.
        return Paths { count: 0.0, listed: Vec::new(), total: total.into(), complete: false };
    };
    let count = widths.iter().product::<f64>().min(f64::MAX);
    let mut listed: Vec<Path> = Search::new(reader, layer, sample)
        .largest(to)
        .into_iter()
        .map(|neurons| path(reader, layer, from, sample, neurons))
        .collect();
    let size = |path: &Path| path.contribution.0.abs();
    listed.sort_by(|one, other| size(other).total_cmp(&size(one)));
    let complete = listed.len() as f64 == count;
    Paths { count, listed, total: total.into(), complete }
}

fn path(reader: &Reader<'_>, layer: usize, from: usize, sample: usize, neurons: Vec<usize>) -> Path {
    let mut factors = vec![reader.factor(Quantity::Activation.of(layer - 1), sample, from)];
    for (l, pair) in (layer..).zip(neurons.windows(2)) {
        factors.push(reader.factor(Quantity::Slope.of(l), sample, pair[0]));
        factors.push(reader.factor(Quantity::WEIGHT.of(l + 1), pair[1], pair[0]));
    }
    if let Some(&output) = neurons.last() {
        factors.push(reader.factor(Quantity::Delta.of(reader.depth()), sample, output));
    }
    let contribution = factors.iter().fold(1.0, |product, factor| product * factor.value.0);
    Path { neurons, factors, contribution: contribution.into() }
}

/// A search for the paths with the largest |product|, best first. What a path can be worth at most from a
/// neuron on is known for every neuron, so that the search goes straight to them however many paths there
/// are.
struct Search<'a> {
    reader: &'a Reader<'a>,
    layer: usize,
    /// |sigma'(z)| of layers l to L - 1.
    slopes: Vec<Vec<f64>>,
    /// For layers l to L and each of their neurons: the largest |slope W ... delta(L)| of a way to an output.
    best: Vec<Vec<f64>>,
    choices: HashMap<(usize, usize), Vec<Choice>>,
}

/// A neuron of the next layer.
#[derive(Clone, Copy)]
struct Choice {
    neuron: usize,
    /// |w| of the weight that leads there.
    weight: f64,
    /// What the ways through it are worth, that weight included.
    worth: f64,
}

/// A path begun.
struct Begun {
    neurons: Vec<usize>,
    /// |product| of the factors before the weight to the last neuron.
    before: f64,
    /// The last neuron as a choice, and its place among those that there were.
    last: Choice,
    place: usize,
}

impl Begun {
    fn worth(&self) -> f64 {
        (self.before * self.last.worth).abs()
    }
}

impl Ord for Begun {
    /// Of equal ones the longer first, which ends sooner.
    fn cmp(&self, other: &Self) -> Ordering {
        let by_length = || self.neurons.len().cmp(&other.neurons.len());
        self.worth().total_cmp(&other.worth()).then_with(by_length)
    }
}

impl PartialOrd for Begun {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Begun {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Begun {}

/// The larger one, where NaN is larger than everything.
fn larger(one: f64, other: f64) -> f64 {
    if one.total_cmp(&other) == Ordering::Less { other } else { one }
}

impl<'a> Search<'a> {
    fn new(reader: &'a Reader<'a>, layer: usize, sample: usize) -> Self {
        let depth = reader.depth();
        let magnitudes = |name: ValueId| -> Vec<f64> {
            reader.row(name, sample).iter().map(|value| value.abs()).collect()
        };
        let slopes: Vec<Vec<f64>> = (layer..depth).map(|l| magnitudes(Quantity::Slope.of(l))).collect();
        let mut best = vec![magnitudes(Quantity::Delta.of(depth))];
        for (l, slopes) in (layer..depth).zip(&slopes).rev() {
            let weight = Quantity::WEIGHT.of(l + 1);
            let mut ahead = vec![0.0; slopes.len()];
            for (j, worth) in best[best.len() - 1].iter().enumerate() {
                for (ahead, w) in ahead.iter_mut().zip(reader.row(weight, j)) {
                    *ahead = larger(*ahead, (w * worth).abs());
                }
            }
            best.push(slopes.iter().zip(ahead).map(|(slope, ahead)| (slope * ahead).abs()).collect());
        }
        best.reverse();
        Search { reader, layer, slopes, best, choices: HashMap::new() }
    }

    /// The neurons of up to [`LISTED`] paths from neuron `to` of the first layer.
    fn largest(mut self, to: usize) -> Vec<Vec<usize>> {
        let last = Choice { neuron: to, weight: 1.0, worth: self.best[0][to] };
        let mut heap = BinaryHeap::from([Begun { neurons: vec![to], before: 1.0, last, place: 0 }]);
        let mut found = Vec::new();
        for _ in 0..EXPANSIONS {
            let Some(begun) = heap.pop() else { break };
            let length = begun.neurons.len();
            // The next choice in the place of this one.
            if length > 1 {
                let parent = begun.neurons[length - 2];
                if let Some(&last) = self.choices_from(length - 2, parent).get(begun.place + 1) {
                    let mut neurons = begun.neurons.clone();
                    neurons[length - 1] = last.neuron;
                    heap.push(Begun { neurons, before: begun.before, last, place: begun.place + 1 });
                }
            }
            if length == self.best.len() {
                found.push(begun.neurons);
                if found.len() == LISTED {
                    break;
                }
                continue;
            }
            let Choice { neuron, weight, .. } = begun.last;
            let before = (begun.before * weight * self.slopes[length - 1][neuron]).abs();
            if let Some(&last) = self.choices_from(length - 1, neuron).first() {
                let mut neurons = begun.neurons;
                neurons.push(last.neuron);
                heap.push(Begun { neurons, before, last, place: 0 });
            }
        }
        found
    }

    /// The ways on from a neuron of layer l + `index`, best first.
    fn choices_from(&mut self, index: usize, neuron: usize) -> &[Choice] {
        let Search { reader, layer, best, choices, .. } = self;
        choices.entry((index, neuron)).or_insert_with(|| {
            let weight = Quantity::WEIGHT.of(*layer + index + 1);
            let choice = |(j, best): (usize, &f64)| {
                let weight = reader.number(weight, j, neuron).abs();
                Choice { neuron: j, weight, worth: (weight * best).abs() }
            };
            let mut all: Vec<Choice> = best[index + 1].iter().enumerate().map(choice).collect();
            all.sort_by(|one, other| other.worth.total_cmp(&one.worth));
            all
        })
    }
}
