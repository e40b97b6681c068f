//! What the film says: a sentence or two for each event in a lesson, one for each step in a short pass.

use std::ops::Range;

use chainrule::trace::{Computation, Stage, TraceEvent};
use chainrule::{Activation, Layer};
use serde::Deserialize;

use crate::analysis::{RuleName, output_rule};
use crate::document::Document;

use super::formulas::with_symbols;
use super::numbers::Numbers;
use super::placement::Placement;
use super::schedule::{Chapter, Passage, Script};
use super::words::{number, shortened};
use crate::words::{counted, on_one_line, readable};

/// How much is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "FilmKind"))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The step in half a minute, a sentence for each of its five parts.
    #[default]
    Pass,
    /// The step in a minute and a half or more, each event with a sentence and a number written out.
    Lesson,
}

/// Letters of a document's title.
const TITLE: usize = 56;
/// In networks with more layers those in the middle are told together.
const MOST_TOLD: usize = 3;

/// The five steps, with their numbers.
const STAGES: [Stage; 5] =
    [Stage::Forward, Stage::OutputError, Stage::Backward, Stage::Gradients, Stage::Update];

/// What a step is called.
pub(super) fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::Forward => "Forward",
        Stage::OutputError => "Output error",
        Stage::Backward => "Backward",
        Stage::Gradients => "Gradients",
        Stage::Update => "Update",
    }
}

/// The largest line of the card at the beginning.
pub(super) const HEADLINE: &str = "One training step";
/// The largest line of the card at the end.
pub(super) const LAST_LINE: &str = "One step done";

/// The network's title on the card at the beginning.
pub(super) fn title(document: &Document) -> String {
    shortened(&on_one_line(&document.title), TITLE)
}

/// What the update has done, as the card at the end says it.
pub(super) fn outcome(before: f64, after: f64) -> (String, String) {
    let words = if after < before { "The loss falls:" } else { "The loss:" };
    (words.to_owned(), format!("{} → {}", number(before, 4), number(after, 4)))
}

/// The steps that a trace has; a network of one layer has no step 3.
pub(super) fn stages(numbers: &Numbers<'_>) -> Vec<Stage> {
    let events = &numbers.step.trace.events;
    STAGES.into_iter().filter(|stage| events.iter().any(|event| event.stage == *stage)).collect()
}

/// The whole film's words.
pub(super) fn script(
    document: &Document,
    numbers: &Numbers<'_>,
    placement: &Placement,
    kind: Kind,
    loss_after: f64,
) -> Script {
    let teller = Teller { document, numbers, placement };
    let chapters = stages(numbers).into_iter().map(|stage| match kind {
        Kind::Pass => teller.short(stage),
        Kind::Lesson => teller.long(stage),
    });
    let (words, numbers) = outcome(numbers.step.trace.loss(), loss_after);
    Script {
        title: format!("{HEADLINE}: {}", title(document)),
        chapters: chapters.collect(),
        end: format!("{LAST_LINE}. {words} {numbers}"),
    }
}

struct Teller<'a> {
    document: &'a Document,
    numbers: &'a Numbers<'a>,
    placement: &'a Placement,
}

impl Teller<'_> {
    fn events(&self) -> &[TraceEvent<f64>] {
        &self.numbers.step.trace.events
    }

    /// The events of a step, which follow each other.
    fn range(&self, stage: Stage) -> Range<usize> {
        let first = self.events().iter().position(|event| event.stage == stage).unwrap_or(0);
        first..first + self.events().iter().filter(|event| event.stage == stage).count()
    }

    /// One passage for the whole step.
    fn short(&self, stage: Stage) -> Chapter {
        let sentence = match stage {
            Stage::Forward => "Forward: each layer adds up weighted inputs, then bends the sum.",
            Stage::OutputError => "Output error δ: how the loss changes with z.",
            Stage::Backward => "Backward: the error returns through the transposed weights.",
            Stage::Gradients => "Gradients: error after a weight times activation before it.",
            Stage::Update => "Update: each weight moves against its gradient.",
        };
        let sentence = match stage {
            _ if self.is_all_dense() => sentence,
            Stage::Forward => "Forward: each layer computes its output from the one before.",
            Stage::Backward => "Backward: the error returns, layer by layer.",
            Stage::Gradients => "Gradients: how the loss depends on each weight.",
            _ => sentence,
        };
        let passage = Passage { events: self.range(stage), sentences: vec![sentence.to_owned()] };
        Chapter { stage, opening: None, passages: vec![passage] }
    }

    fn is_all_dense(&self) -> bool {
        self.document.network.layers().iter().all(|layer| matches!(layer, Layer::Dense(_)))
    }

    fn long(&self, stage: Stage) -> Chapter {
        let opening = match stage {
            Stage::Forward => "Step 1: forward, layer by layer.",
            Stage::OutputError => "Step 2: how wrong is the output?",
            Stage::Backward => "Step 3: the error goes back.",
            Stage::Gradients => "Step 4: a gradient for each weight.",
            Stage::Update => "Step 5: every weight moves.",
        };
        let passages = self.parts(stage).into_iter().map(|events| {
            let sentences = match events.len() {
                1 => self.sentences(&self.events()[events.start]),
                _ => vec![self.together(stage, &events)],
            };
            Passage { events, sentences }
        });
        Chapter { stage, opening: Some(opening.to_owned()), passages: passages.collect() }
    }

    /// Which events of a step are told together: in deep networks those between the first layer of a step and
    /// its last.
    fn parts(&self, stage: Stage) -> Vec<Range<usize>> {
        let (range, depth) = (self.range(stage), self.numbers.depth());
        if depth <= MOST_TOLD {
            return range.map(|event| event..event + 1).collect();
        }
        let first = self.events()[range.start].layer;
        let is_told = |event: &TraceEvent<f64>| {
            stage == Stage::OutputError
                || event.layer == first
                || (stage == Stage::Forward && event.layer == depth)
        };
        let mut parts: Vec<Range<usize>> = Vec::new();
        let mut is_open = false;
        for event in range {
            let alone = is_told(&self.events()[event]);
            match parts.last_mut() {
                Some(part) if is_open && !alone => part.end = event + 1,
                _ => parts.push(event..event + 1),
            }
            is_open = !alone;
        }
        parts
    }

    /// Events that are told together.
    fn together(&self, stage: Stage, events: &Range<usize>) -> String {
        let (first, last) = (self.events()[events.start].layer, self.events()[events.end - 1].layer);
        let layers = match first == last {
            true => format!("Layer {first}"),
            false => format!("Layers {first} to {last}"),
        };
        match stage {
            Stage::Backward if first != last => {
                format!("So it goes on, from layer {first} down to layer {last}.")
            }
            _ if first == last => format!("{layers} follows in the same way."),
            _ => format!("{layers} follow in the same way, one after the other."),
        }
    }

    /// Whether no event before it, of those that are told, does the same.
    fn is_first(&self, event: &TraceEvent<f64>) -> bool {
        !self.events()[..event.id].iter().any(|before| before.operation == event.operation)
    }

    fn has_bias(&self, l: usize) -> bool {
        self.numbers.step.network.layer_tensors(l).len() > 1
    }

    fn sentences(&self, event: &TraceEvent<f64>) -> Vec<String> {
        let l = event.layer;
        let layers = self.document.network.layers();
        let sigma = readable(layers[l - 1].activation().unwrap_or(Activation::Identity).name());
        let is_first = self.is_first(event);
        let samples = self.numbers.samples();
        let one = |sentence: String| vec![sentence];
        match event.operation {
            Computation::AFFINE if is_first && self.has_bias(l) => {
                one(format!("Each neuron of layer {l} adds up its weighted inputs and a bias."))
            }
            Computation::AFFINE if is_first => {
                one(format!("Each neuron of layer {l} adds up its weighted inputs."))
            }
            Computation::AFFINE => {
                one(format!("Layer {l} does the same with the activations of layer {}.", l - 1))
            }
            Computation::Activation if layers[l - 1].activation() == Some(Activation::Softmax) => {
                one("softmax turns each z into a probability; together they are 1.".to_owned())
            }
            Computation::Activation => one(format!("{sigma} turns each sum z into an activation a.")),
            Computation::Loss if samples == 1 => {
                one("The loss says how far the output is from the target.".to_owned())
            }
            Computation::Loss => one(format!(
                "The loss says how far outputs are from targets: the mean over {samples} samples."
            )),
            Computation::OutputDelta => one(self.output_delta()),
            Computation::CARRY_BACK => self.carry_back(l, is_first),
            Computation::Delta if is_first => {
                one(format!("Times the slope of {sigma} at z, it is layer {l}'s own error δ({l})."))
            }
            Computation::Delta => one(format!("Times the slope of {sigma} at z, it is δ({l}).")),
            Computation::Gradients if !self.is_dense(l) => {
                one(with_symbols(&self.numbers.step.sentence(event)))
            }
            Computation::Gradients if is_first => {
                let over = match samples {
                    1 => "".to_owned(),
                    _ => format!(", summed over {samples} samples"),
                };
                one(format!("A weight's gradient: the error after it times the activation before it{over}."))
            }
            Computation::Gradients if self.has_bias(l) && samples == 1 => {
                one(format!("Layer {l} likewise. A bias has no input but 1: its gradient is δ itself."))
            }
            Computation::Gradients => {
                one(format!("Layer {l} likewise: each error times each of its inputs."))
            }
            Computation::Update if is_first => one(format!(
                "Each weight moves against its gradient, scaled by η = {}.",
                self.document.learning_rate
            )),
            Computation::Update => one(format!("Layer {l} moves in the same way.")),
            Computation::Forward(_) | Computation::Backward(_) => {
                one(with_symbols(&self.numbers.step.sentence(event)))
            }
        }
    }

    fn is_dense(&self, l: usize) -> bool {
        matches!(self.document.network.layers()[l - 1], Layer::Dense(_))
    }

    fn output_delta(&self) -> String {
        let rule = output_rule(self.numbers.step);
        let samples = match self.numbers.samples() {
            1 => String::new(),
            count => format!(", over {}", counted(count, "sample", "samples")),
        };
        match rule.rule {
            RuleName::PredictionMinusTarget if rule.targets_as_given => {
                format!(
                    "The output error δ is prediction minus target{samples}: how the loss changes with z."
                )
            }
            RuleName::ThroughSlope => {
                "The output error δ: how the loss changes with a, times the slope at z.".to_owned()
            }
            _ => "The output error δ is how the loss changes with each z of the output.".to_owned(),
        }
    }

    fn carry_back(&self, l: usize, is_first: bool) -> Vec<String> {
        let above = l + 1;
        if !is_first {
            return vec![format!("From layer {above} the error goes back to layer {l} in the same way.")];
        }
        let neuron = self.placement.followed(self.numbers, l) + 1;
        vec![
            format!("The error of layer {above} goes back along the edges, times the same weights."),
            format!(
                "Forward, neuron {neuron} spoke through column {neuron} of W({above}). Its error returns through it: \
                 row {neuron} of the transpose."
            ),
        ]
    }
}
