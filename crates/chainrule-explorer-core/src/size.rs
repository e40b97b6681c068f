//! How many bytes a step, the work on it and its answers take, told from the network and the batch before any
//! of it is there. All are at least what it takes, and not much more.

use chainrule::Network;

use crate::view::MOST_NUMBERS;

/// A number.
const F64: usize = size_of::<f64>();
/// The name and the shape of a value.
const VALUE: usize = 200;
/// The words of an event.
const EVENT: usize = 800;
/// A number of an answer as it is collected, and its digits in JSON.
const NUMBER: usize = F64 + 26;
/// Numbers that a file starts from, at most.
const GIVEN: usize = crate::limits::FILE_NUMBERS;
/// A factor of an explanation with its label, and its JSON.
const FACTOR: usize = 400;
/// What a film draws for a layer, and its SVG.
const FILM_LAYER: usize = 500_000;

/// The size of a network and its batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    layers: usize,
    parameters: usize,
    samples: usize,
    inputs: usize,
    outputs: usize,
    /// Of all layers together, the inputs left out.
    neurons: usize,
    /// The most neurons or inputs of a layer.
    widest: usize,
    /// Numbers of the largest value.
    largest: usize,
    /// Numbers of all values that a view lists.
    shown: usize,
}

impl Size {
    pub(crate) fn new(network: &Network, samples: usize) -> Size {
        let shown = |count: usize| if count <= MOST_NUMBERS { count } else { 0 };
        let widths = || (1..=network.depth()).map(|l| network.width(l));
        let tensors = || network.tensors().iter().map(|tensor| tensor.count());
        let widest = widths().max().unwrap_or(0).max(network.input_width());
        Size {
            layers: network.depth(),
            parameters: network.parameter_count(),
            samples,
            inputs: network.input_width(),
            outputs: network.output_width(),
            neurons: widths().sum(),
            widest,
            largest: tensors().max().unwrap_or(0).max(samples * widest),
            shown: shown(samples * network.input_width())
                + shown(samples * network.output_width())
                + widths().map(|width| 5 * shown(samples * width)).sum::<usize>()
                + tensors().map(|count| 3 * shown(count)).sum::<usize>(),
        }
    }

    /// No answer.
    pub(crate) fn nothing(&self) -> usize {
        0
    }

    /// W and b of all layers.
    pub(crate) fn parameters(&self) -> usize {
        F64 * self.parameters
    }

    /// Inputs and targets.
    pub(crate) fn batch(&self) -> usize {
        F64 * self.samples * (self.inputs + self.outputs)
    }

    /// A trace: W, dW and the updated W, and of every neuron z, a, sigma', the error and delta.
    pub(crate) fn trace(&self) -> usize {
        F64 * (3 * self.parameters + 5 * self.samples * self.neurons)
            + self.batch()
            + self.layers * (12 * VALUE + 6 * EVENT)
            + 4 * VALUE
    }

    /// What exists beside the trace while it is made: dW and the updated W once more, z, a and delta of every
    /// neuron, the inputs twice, and copies of the largest value. An eighth of all is what the allocator leaves
    /// between.
    pub(crate) fn tracing(&self) -> usize {
        let beside = F64
            * (2 * self.parameters
                + 3 * self.samples * self.neurons
                + 2 * self.samples * self.inputs
                + 2 * self.largest);
        beside + (self.trace() + beside) / 8
    }

    /// The view of a revision, with its JSON.
    pub(crate) fn view(&self) -> usize {
        NUMBER * self.shown + self.layers * (12 * 3 * VALUE + 6 * 2 * EVENT) + (1 << 16)
    }

    /// Every number of the trace as text, and those that a file starts from once more.
    pub(crate) fn file(&self) -> usize {
        NUMBER
            * (5 * self.parameters
                + 5 * self.samples * self.neurons
                + 4 * self.samples * (self.inputs + self.outputs))
            + self.layers * 12 * VALUE
            + NUMBER * GIVEN.min(2 * self.parameters + self.samples * (self.inputs + self.outputs))
            + (1 << 16)
    }

    /// The largest value as bytes.
    pub(crate) fn value(&self) -> usize {
        F64 * self.largest
    }

    /// An answer about one neuron, edge, cell or matrix: a term of two factors for each neuron of two layers
    /// and each sample, and what has a limit of its own.
    pub(crate) fn question(&self) -> usize {
        2 * FACTOR * (2 * self.widest + self.samples) + (1 << 18)
    }

    /// The loss, output by output.
    pub(crate) fn loss(&self) -> usize {
        2 * FACTOR * self.samples * self.outputs + (1 << 16)
    }

    /// A film: another forward pass with the updated parameters, the numbers that are written out, and what is
    /// drawn, of which there is at most as much for each layer.
    pub(crate) fn film(&self) -> usize {
        let forward = F64 * (self.parameters + 2 * self.samples * self.neurons + self.samples * self.inputs);
        forward + self.question() + (self.layers + 2) * FILM_LAYER
    }

    /// A check: dW and W once more, two forward passes, and its report.
    pub(crate) fn check(&self) -> usize {
        F64 * (2 * self.parameters + 2 * (2 * self.samples * self.neurons + self.samples * self.inputs))
            + F64 * 3 * self.largest
            + FACTOR / 2 * self.parameters.min(100_000)
            + (1 << 16)
    }

    /// A quiz: what is said of a question and of each of its answers, some hundred times.
    pub(crate) fn quiz(&self) -> usize {
        self.layers * 12 * VALUE + (1 << 19)
    }

    /// A step with a mistake: two more steps at a time, their parameters, its error signals and gradients, and a check.
    pub(crate) fn sabotage(&self) -> usize {
        2 * (self.trace() + self.tracing() + 2 * self.parameters())
            + F64 * (3 * self.parameters + self.samples * self.neurons + self.largest)
            + self.check()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::edit::{Edit, apply};
    use crate::quiz::{AtQuiz, quiz};
    use crate::view::Held;
    use crate::{EXAMPLES, example};

    #[test]
    fn what_is_foretold_is_enough_and_not_far_too_much() {
        let layers = r#"{"kind":"layers","layers":[{"width":65,"activation":"tanh","bias":true},
            {"width":300,"activation":"gelu","bias":false},{"width":10,"activation":"softmax","bias":true}]}"#;
        let batch = r#"{"kind":"batch","first":0,"count":200}"#;
        let mut document = example("digits").unwrap();
        let mut documents: Vec<_> = EXAMPLES.iter().map(|one| example(one.id()).unwrap()).collect();
        for edit in [layers, batch] {
            document = Arc::new(apply(&serde_json::from_str::<Edit>(edit).unwrap(), &document).unwrap().0);
            documents.push(Arc::clone(&document));
        }
        for document in documents {
            let (title, size) = (&document.title, Size::new(&document.network, document.inputs.rows()));
            let step = Arc::new(document.step().unwrap());
            let (_, trace) = step.parts().next().unwrap();
            assert!(trace <= size.trace() && size.trace() <= 2 * trace, "{title}: {trace}, {size:?}");
            let largest = step.trace.values().map(|value| 8 * value.values.len()).max().unwrap();
            assert_eq!(size.value(), largest, "{title}");
            let asked = AtQuiz { seed: 1, count: 60, phase: None, concepts: None };
            let questions = serde_json::to_vec(&quiz(&step, &asked).unwrap()).unwrap().len();
            assert!(4 * questions <= size.quiz(), "{title}: {questions}, {size:?}");
            let (revision, parent, label) = (1, None, String::new());
            let held = Held { revision, parent, label, document: Arc::clone(&document), step };
            let json = serde_json::to_vec(&held.view().unwrap()).unwrap().len();
            assert!(json <= size.view(), "{title}: {json}, {size:?}");
        }
    }
}
