//! What stands beside the network: the event's formula, its matrices with numbers, and one of them written out.

use chainrule::trace::{Computation, Quantity, Stage, TraceEvent};

use crate::analysis::Cell;

use super::colours::Ink;
use super::drawing::{Anchor, Drawn, Shape};
use super::formulas::{self, Worked};
use super::numbers::Numbers;
use super::operands;
use super::placement::{Area, Placement};
use super::schedule::{Card, Play, Scene, Schedule};
use super::script;
use super::words::{Face, Line, plain, span, width, wrapped_pieces};

/// The sizes of a formula; in the smaller one, what is raised can still be read.
const FORMULA: [f64; 2] = [36.0, 31.0];
/// A formula that is too wide, and words.
const SMALL_FORMULA: f64 = 22.0;
/// Sizes of what is written out: the first in whose lines it is short enough.
const SIZES: [(f64, usize); 3] = [(25.0, 2), (22.0, 3), (20.0, 99)];
/// A line's part of the size.
const LINE: f64 = 1.45;
/// Shorter events have the formulas of their step.
const SHORTEST: f64 = 1.15;

pub(super) struct Panel<'a> {
    pub(super) numbers: &'a Numbers<'a>,
    pub(super) placement: &'a Placement,
    pub(super) schedule: &'a Schedule,
    /// Whether a number of each event is written out.
    pub(super) is_lesson: bool,
}

impl Panel<'_> {
    pub(super) fn draw(&self, drawn: &mut Vec<Drawn>) {
        let events = &self.numbers.step.trace.events;
        for scene in &self.schedule.scenes {
            match &scene.card {
                Card::Step(stage) => self.step(*stage, scene, drawn),
                Card::Events(range) if self.is_fast(range.start) => {
                    let stage = events[range.start].stage;
                    self.formulas(formulas::of_stage(self.numbers, stage), (scene.from, scene.until), drawn);
                }
                _ => {}
            }
        }
        for play in self.schedule.plays.iter().filter(|play| !self.is_fast(play.event)) {
            self.event(play, &events[play.event], drawn);
        }
    }

    fn is_fast(&self, event: usize) -> bool {
        let play = &self.schedule.plays[event];
        play.until - play.from < SHORTEST
    }

    fn area(&self) -> Area {
        self.placement.panel
    }

    fn text(
        &self,
        at: (f64, f64),
        size: f64,
        face: Face,
        line: Line,
        times: (f64, f64),
        drawn: &mut Vec<Drawn>,
    ) {
        let shape = Shape::Text { at, size, face, anchor: Anchor::Start, line, halo: false };
        drawn.push(Drawn { shape, from: times.0, until: times.1, way: None });
    }

    /// The name of a step with its formulas.
    fn step(&self, stage: Stage, scene: &Scene, drawn: &mut Vec<Drawn>) {
        let (area, times) = (self.area(), (scene.from, scene.until));
        let (top, size) =
            if self.placement.is_beside { (area.top + 150.0, 54.0) } else { (area.top + 50.0, 44.0) };
        let name = format!("{} {}", stage as usize + 1, script::name(stage));
        self.text((area.left, top), size, Face::Bold, plain(name, ink_of_stage(stage)), times, drawn);
        let mut y = top + 74.0;
        for line in formulas::of_stage(self.numbers, stage) {
            self.text((area.left, y), FORMULA[0], Face::Plain, line, times, drawn);
            y += 58.0;
        }
    }

    /// Formulas from the top of the panel; gives where they end.
    fn formulas(&self, lines: Vec<Line>, times: (f64, f64), drawn: &mut Vec<Drawn>) -> f64 {
        let area = self.area();
        let mut y = area.top + 36.0;
        let lines = if self.placement.is_beside { lines } else { side_by_side(lines, area.width()) };
        for line in lines {
            let is_of_words = matches!(&line[..], [only] if only.ink == Ink::Soft);
            let fits = |size: &f64| !is_of_words && width(&line, *size, Face::Plain) <= area.width();
            if let Some(size) = FORMULA.into_iter().find(fits) {
                self.text((area.left, y), size, Face::Plain, line, times, drawn);
                y += 52.0;
                continue;
            }
            let ink = if is_of_words { Ink::Soft } else { Ink::Text };
            let text: String = line.into_iter().map(|span| span.text).collect();
            for line in super::words::wrapped(&text, SMALL_FORMULA, Face::Plain, area.width()) {
                self.text((area.left, y), SMALL_FORMULA, Face::Plain, plain(line, ink), times, drawn);
                y += 31.0;
            }
            y += 6.0;
        }
        y - 14.0
    }

    fn followed(&self, l: usize) -> usize {
        self.placement.followed(self.numbers, l)
    }

    /// The cell of an event's first output that is written out.
    fn cell(&self, event: &TraceEvent<f64>) -> Option<Cell> {
        let name = event.outputs.first()?.id;
        let (row, column) = match name.quantity {
            Quantity::Loss => (0, 0),
            Quantity::WEIGHT_GRADIENT | Quantity::UPDATED_WEIGHT => {
                (self.followed(event.layer), self.followed(event.layer - 1))
            }
            Quantity::Gradient(_) | Quantity::Updated(_) => return None,
            _ => (self.numbers.sample, self.followed(name.layer)),
        };
        Some(Cell { name, row, column })
    }

    fn event(&self, play: &Play, event: &TraceEvent<f64>, drawn: &mut Vec<Drawn>) {
        let area = self.area();
        let top = self.formulas(formulas::of_event(self.numbers, event), (play.from, play.until), drawn);
        let worked = match self.is_lesson {
            true => self.cell(event).and_then(|cell| formulas::worked(self.numbers, event, cell)),
            false => None,
        };
        let (operands_area, worked_left) = match self.placement.is_beside {
            true => (Area { top, ..area }, area.left),
            false => (Area { top, right: area.left + 740.0, ..area }, area.left + 772.0),
        };
        let worked = worked.map(|worked| self.worked_lines(worked, area.right - worked_left));
        let reserved = match (&worked, self.placement.is_beside) {
            (Some(lines), true) => lines.height() + 24.0,
            _ => 0.0,
        };
        let matrices = Area { bottom: area.bottom - reserved, ..operands_area };
        let mut end = top;
        for (parts, times) in self.parts(play, event) {
            end = operands::draw(self.numbers, &parts, matrices, times, drawn).max(end);
        }
        if let Some(lines) = worked {
            let y = if self.placement.is_beside { end + 44.0 } else { area.top + 34.0 };
            self.worked(lines, (worked_left, y), play, drawn);
        }
    }

    /// The matrices of an event, and when: where the transpose is told of, it is shown in its own time.
    fn parts(&self, play: &Play, event: &TraceEvent<f64>) -> Vec<(Vec<operands::Part>, (f64, f64))> {
        let followed = |l: usize| self.followed(l);
        let parts = operands::of_event(self.numbers, event, followed, (play.from, play.result));
        let is_of_event = |scene: &&Scene| scene.card == Card::Events(play.event..play.event + 1);
        let second = self.schedule.scenes.iter().filter(is_of_event).nth(1);
        match second.filter(|_| event.operation == Computation::CARRY_BACK) {
            Some(second) => {
                let turned = operands::transposing(event.layer + 1, followed(event.layer), second.from);
                vec![(parts, (play.from, second.from)), (turned, (second.from, play.until))]
            }
            None => vec![(parts, (play.from, play.until))],
        }
    }

    fn worked_lines(&self, worked: Worked, most: f64) -> WorkedLines {
        let mut pieces = worked.pieces;
        if let Some(first) = pieces.first_mut() {
            first.splice(0..0, worked.name);
        }
        let (size, lines) = SIZES
            .into_iter()
            .map(|(size, count)| (size, count, wrapped_pieces(pieces.clone(), size, Face::Mono, most)))
            .find(|(size, count, lines)| {
                let fits = |line: &Line| width(line, *size, Face::Mono) <= most;
                lines.len() <= *count && lines.iter().chain(&worked.beside).all(fits)
            })
            .map_or_else(
                || (20.0, wrapped_pieces(pieces.clone(), 20.0, Face::Mono, most)),
                |(size, _, lines)| (size, lines),
            );
        WorkedLines { beside: worked.beside, lines, value: worked.value, size }
    }

    fn worked(&self, worked: WorkedLines, at: (f64, f64), play: &Play, drawn: &mut Vec<Drawn>) {
        let (x, mut y) = at;
        let count = worked.lines.len() + usize::from(worked.beside.is_some());
        let lines = worked.beside.into_iter().chain(worked.lines);
        for (index, line) in lines.enumerate() {
            let from = play.from + (play.result - play.from) * (0.2 + 0.6 * index as f64 / count as f64);
            self.text((x, y), worked.size, Face::Mono, line, (from, play.until), drawn);
            y += LINE * worked.size;
        }
        self.text(
            (x, y + 4.0),
            worked.size + 3.0,
            Face::Mono,
            worked.value,
            (play.result, play.until),
            drawn,
        );
    }
}

/// Formulas as one line, if they are as short as that.
fn side_by_side(lines: Vec<Line>, most: f64) -> Vec<Line> {
    let mut one: Line = Vec::new();
    for line in &lines {
        if !one.is_empty() {
            one.push(span("        ", Ink::Text));
        }
        one.extend(line.iter().cloned());
    }
    let is_of_words = lines.iter().any(|line| matches!(&line[..], [only] if only.ink == Ink::Soft));
    if is_of_words || width(&one, FORMULA[0], Face::Plain) > most { lines } else { vec![one] }
}

struct WorkedLines {
    beside: Option<Line>,
    lines: Vec<Line>,
    value: Line,
    size: f64,
}

impl WorkedLines {
    fn height(&self) -> f64 {
        self.size * LINE * (1 + self.lines.len() + usize::from(self.beside.is_some())) as f64 + 14.0
    }
}

/// The colour of what a step computes.
pub(super) fn ink_of_stage(stage: Stage) -> Ink {
    match stage {
        Stage::Forward => Ink::A,
        Stage::OutputError | Stage::Backward => Ink::Delta,
        Stage::Gradients => Ink::Gradient,
        Stage::Update => Ink::W,
    }
}
