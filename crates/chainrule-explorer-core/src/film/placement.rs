//! Where everything of the picture stands: the network beside its panel, or above it where it is deep.

use crate::document::Document;

use super::drawing::{HEIGHT, WIDTH};
use super::numbers::Numbers;

/// Wider layers are a strip with some of their neurons.
const MOST_NEURONS: usize = 6;
/// How many of a wide layer are drawn.
const DRAWN: usize = 5;
/// Deeper networks stand above their panel.
const MOST_BESIDE: usize = 3;
/// Cells of a strip.
const STRIP_CELLS: usize = 64;

/// From left to right, and from top to bottom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Area {
    pub(super) fn width(&self) -> f64 {
        self.right - self.left
    }
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) neuron: usize,
    pub(super) y: f64,
}

/// All neurons of a wide layer: cells in a column, or the pixels of an image.
#[derive(Clone, Debug)]
pub(super) struct Strip {
    pub(super) area: Area,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) layer: usize,
    pub(super) x: f64,
    pub(super) nodes: Vec<Node>,
    /// How many neurons are not drawn.
    pub(super) more: usize,
    pub(super) strip: Option<Strip>,
    /// Between the centres of two nodes.
    pub(super) pitch: f64,
}

#[derive(Clone, Debug)]
pub(super) struct Placement {
    pub(super) columns: Vec<Column>,
    /// Between two columns.
    pub(super) gap: f64,
    pub(super) radius: f64,
    /// The centre of the loss.
    pub(super) loss: (f64, f64),
    pub(super) network: Area,
    pub(super) panel: Area,
    pub(super) is_beside: bool,
}

/// Half of the loss's box.
pub(super) const LOSS: (f64, f64) = (54.0, 27.0);
/// Where the sentence begins.
pub(super) const SENTENCE_TOP: f64 = 608.0;

impl Placement {
    pub(super) fn of(document: &Document, numbers: &Numbers<'_>) -> Placement {
        let depth = numbers.depth();
        let is_beside = depth <= MOST_BESIDE;
        let area = |left, top, right, bottom| Area { left, top, right, bottom };
        let (network, panel) = match is_beside {
            true => (area(24.0, 84.0, 626.0, 590.0), area(656.0, 84.0, WIDTH - 24.0, 590.0)),
            false => {
                (area(24.0, 84.0, WIDTH - 24.0, 350.0), area(40.0, 360.0, WIDTH - 40.0, SENTENCE_TOP - 10.0))
            }
        };
        let shown: Vec<Vec<usize>> = (0..=depth).map(|l| shown_neurons(numbers, l)).collect();
        let is_strip = |l: usize| shown[l].len() < numbers.step.network.width(l);
        let left = network.left + if is_strip(0) { 84.0 } else { 50.0 };
        let loss_x = network.right - LOSS.0;
        // The loss is wider than a neuron of a narrow column.
        let gap = ((loss_x - left) / (depth + 1) as f64).min((loss_x - LOSS.0 - 24.0 - left) / depth as f64);
        let is_any_strip = (0..=depth).any(is_strip);
        let (top, bottom) = (network.top + 38.0, network.bottom - if is_any_strip { 28.0 } else { 0.0 });
        let room = bottom - top;
        let tightest = shown.iter().map(|nodes| room / nodes.len() as f64).fold(room, f64::min);
        // An error's number stands below its neuron, if that does not make the neuron too small for its own.
        let with_number = (tightest - 32.0) / 2.0;
        let most = if with_number >= 36.0 { with_number } else { tightest * 0.36 };
        let radius = (gap * 0.27).min(most).clamp(2.5, 42.0);
        let columns = shown.into_iter().enumerate().map(|(layer, neurons)| {
            let x = left + gap * layer as f64;
            let more = numbers.step.network.width(layer) - neurons.len();
            let image = document
                .image
                .filter(|image| layer == 0 && more > 0 && is_beside && image.height.max(image.width) <= 32);
            let image_size = if image.is_some() { 112.0 } else { 0.0 };
            let pitch = (room - image_size) / neurons.len() as f64;
            let place = |(index, neuron): (usize, usize)| Node {
                neuron,
                y: top + image_size + pitch * (index as f64 + 0.5),
            };
            let nodes: Vec<Node> = neurons.into_iter().enumerate().map(place).collect();
            let strip = (more > 0 && gap > 3.0 * radius).then(|| match image {
                Some(image) => {
                    let cell = (image_size - 8.0) / image.height.max(image.width) as f64;
                    let (width, height) = (cell * image.width as f64, cell * image.height as f64);
                    let left = x - width / 2.0;
                    let area = Area { left, top, right: left + width, bottom: top + height };
                    Strip { area, rows: image.height, columns: image.width }
                }
                None => {
                    let right = x - radius - 12.0;
                    let area = Area { left: right - 12.0, top, right, bottom };
                    Strip { area, rows: (more + nodes.len()).min(STRIP_CELLS), columns: 1 }
                }
            });
            Column { layer, x, nodes, more, strip, pitch }
        });
        Placement {
            columns: columns.collect(),
            gap,
            radius,
            loss: (loss_x, (top + bottom) / 2.0),
            network,
            panel,
            is_beside,
        }
    }

    /// The neuron of a layer that is followed: the drawn one with the largest signal.
    pub(super) fn followed(&self, numbers: &Numbers<'_>, l: usize) -> usize {
        let size = |neuron: usize| size_of_neuron(numbers, l, neuron);
        let nodes = self.columns[l].nodes.iter().map(|node| node.neuron);
        nodes
            .fold(None, |best: Option<usize>, neuron| match best {
                Some(best) if size(best) >= size(neuron) => Some(best),
                _ => Some(neuron),
            })
            .unwrap_or(0)
    }
}

/// All neurons of a layer, or those of a wide one with the largest signal.
fn shown_neurons(numbers: &Numbers<'_>, l: usize) -> Vec<usize> {
    let mut neurons: Vec<usize> = (0..numbers.step.network.width(l)).collect();
    if neurons.len() > MOST_NEURONS {
        let size = |neuron: &usize| size_of_neuron(numbers, l, *neuron);
        neurons.sort_by(|one, other| size(other).total_cmp(&size(one)).then(one.cmp(other)));
        neurons.truncate(DRAWN);
        neurons.sort_unstable();
    }
    neurons
}

/// How large a neuron's signal is; of an input the input. What is no number is the smallest.
fn size_of_neuron(numbers: &Numbers<'_>, l: usize, neuron: usize) -> f64 {
    let id = match l {
        0 => chainrule::trace::Quantity::Activation.of(0),
        _ => numbers.signal(l),
    };
    let size = numbers.get(id, 0, neuron).abs();
    if size.is_nan() { -1.0 } else { size }
}

const _: () = assert!(SENTENCE_TOP < HEIGHT);
