//! What frames the picture: the five steps above, the sentence below, and the cards at the beginning and the end.

use crate::document::Document;

use super::colours::Ink;
use super::drawing::{Anchor, Drawn, HEIGHT, Shape, WIDTH, stroke};
use super::numbers::Numbers;
use super::panel::ink_of_stage;
use super::placement::SENTENCE_TOP;
use super::schedule::{Card, Schedule};
use super::script;
use super::words::{Face, Line, number, plain, span, width, wrapped};

const LEFT: f64 = 40.0;

pub(super) struct Cards<'a> {
    pub(super) document: &'a Document,
    pub(super) numbers: &'a Numbers<'a>,
    pub(super) schedule: &'a Schedule,
    pub(super) loss_after: f64,
}

impl Cards<'_> {
    pub(super) fn draw(&self, drawn: &mut Vec<Drawn>) {
        self.steps(drawn);
        self.sample(drawn);
        for scene in &self.schedule.scenes {
            let times = (scene.from, scene.until);
            match scene.card {
                // The first and the last picture are whole.
                Card::Title => self.title((scene.from - 1.0, scene.until), drawn),
                Card::End => self.end((scene.from, scene.until + 1.0), drawn),
                _ => self.sentence(&scene.sentence, times, drawn),
            }
        }
    }

    fn text(
        &self,
        at: (f64, f64),
        (size, face): (f64, Face),
        line: Line,
        anchor: Anchor,
        times: (f64, f64),
        drawn: &mut Vec<Drawn>,
    ) {
        let shape = Shape::Text { at, size, face, anchor, line, halo: false };
        drawn.push(Drawn { shape, from: times.0, until: times.1, way: None });
    }

    /// The names of the steps, the current one in its colour and underlined.
    fn steps(&self, drawn: &mut Vec<Drawn>) {
        let events = &self.numbers.step.trace.events;
        let closing = self.schedule.closing();
        let mut x = LEFT;
        let stages = script::stages(self.numbers);
        let begins = |stage| {
            let of_events = |range: &std::ops::Range<usize>| events[range.start].stage == stage;
            let scene = self.schedule.scenes.iter().find(|scene| match &scene.card {
                Card::Step(of_card) => *of_card == stage,
                Card::Events(range) => of_events(range),
                _ => false,
            });
            scene.map_or(closing, |scene| scene.from)
        };
        for (index, &stage) in stages.iter().enumerate() {
            let from = begins(stage);
            let until = stages.get(index + 1).map_or(closing, |&next| begins(next));
            let name = format!("{} {}", stage as usize + 1, script::name(stage));
            let wide = width(&plain(&*name, Ink::Text), 22.0, Face::Bold);
            for (ink, from, until) in [
                (Ink::Soft, self.schedule.opening(), from),
                (ink_of_stage(stage), from, until),
                (Ink::Soft, until, closing),
            ] {
                if until > from {
                    let line = plain(&*name, ink);
                    self.text((x, 42.0), (22.0, Face::Bold), line, Anchor::Start, (from, until), drawn);
                }
            }
            let ink = ink_of_stage(stage);
            let shape = Shape::Rectangle {
                at: (x, 54.0),
                size: (wide, 4.0),
                round: 2.0,
                fill: Some((ink, 1.0)),
                stroke: None,
            };
            drawn.push(Drawn { shape, from, until, way: None });
            x += wide + 42.0;
        }
        let rule = Shape::Edge { from: (0.0, 72.0), to: (WIDTH, 72.0), stroke: stroke(Ink::Rule, 1.0) };
        drawn.push(Drawn { shape: rule, from: self.schedule.opening(), until: closing, way: None });
        let bottom = Shape::Rectangle {
            at: (0.0, SENTENCE_TOP),
            size: (WIDTH, HEIGHT - SENTENCE_TOP),
            round: 0.0,
            fill: Some((Ink::Panel, 1.0)),
            stroke: None,
        };
        drawn.push(Drawn { shape: bottom, from: self.schedule.opening(), until: closing, way: None });
    }

    /// Which sample is drawn, where there are more.
    fn sample(&self, drawn: &mut Vec<Drawn>) {
        let count = self.numbers.samples();
        if count == 1 {
            return;
        }
        let times = (self.schedule.opening(), self.schedule.closing());
        let line = plain(format!("sample {} of {count}", self.numbers.sample + 1), Ink::Soft);
        let at = (WIDTH - LEFT, 42.0);
        self.text(at, (20.0, Face::Plain), line, Anchor::End, times, drawn);
    }

    /// A sentence in at most three lines, as large as they allow.
    fn sentence(&self, sentence: &str, times: (f64, f64), drawn: &mut Vec<Drawn>) {
        let most = WIDTH - 2.0 * LEFT;
        let in_lines = |size: f64, most: f64| wrapped(sentence, size, Face::Plain, most);
        let sizes = [(30.0, 2), (25.0, 3), (22.0, 3)];
        let fitting = sizes.into_iter().find(|&(size, lines)| in_lines(size, most).len() <= lines);
        let size = fitting.map_or(20.0, |(size, _)| size);
        // Lines of about the same length, and no word alone.
        let count = in_lines(size, most).len();
        let narrower = (1..).map(|step| most - 20.0 * f64::from(step));
        let narrowest =
            narrower.take_while(|&most| most > 300.0 && in_lines(size, most).len() == count).last();
        let lines = in_lines(size, narrowest.unwrap_or(most));
        let height = size * 1.3;
        let middle = (SENTENCE_TOP + HEIGHT) / 2.0;
        let mut y = middle - height * lines.len() as f64 / 2.0 + size * 0.98;
        for line in lines {
            let line = plain(line, Ink::Text);
            self.text((WIDTH / 2.0, y), (size, Face::Plain), line, Anchor::Middle, times, drawn);
            y += height;
        }
    }

    fn title(&self, times: (f64, f64), drawn: &mut Vec<Drawn>) {
        let middle = WIDTH / 2.0;
        let mut centred = |y: f64, size: f64, face: Face, line: Line| {
            self.text((middle, y), (size, face), line, Anchor::Middle, times, drawn);
        };
        centred(290.0, 64.0, Face::Bold, plain(script::HEADLINE, Ink::Text));
        let title = script::title(self.document);
        let size = if width(&plain(&*title, Ink::Text), 34.0, Face::Plain) > WIDTH - 2.0 * LEFT {
            26.0
        } else {
            34.0
        };
        centred(356.0, size, Face::Plain, plain(title, Ink::Soft));
        let mut widths: Vec<String> = Vec::new();
        let network = &self.document.network;
        for l in 0..=network.depth() {
            widths.push(network.width(l).to_string());
        }
        let widths = widths.join(" → ");
        if width(&plain(&*widths, Ink::Text), 30.0, Face::Bold) < WIDTH - 2.0 * LEFT {
            centred(430.0, 30.0, Face::Bold, plain(widths, Ink::A));
        }
    }

    fn end(&self, times: (f64, f64), drawn: &mut Vec<Drawn>) {
        let middle = WIDTH / 2.0;
        let before = self.numbers.step.trace.loss();
        let (words, _) = script::outcome(before, self.loss_after);
        let mut centred = |y: f64, size: f64, face: Face, line: Line| {
            self.text((middle, y), (size, face), line, Anchor::Middle, times, drawn);
        };
        centred(280.0, 52.0, Face::Bold, plain(script::LAST_LINE, Ink::Text));
        centred(360.0, 30.0, Face::Plain, plain(words, Ink::Soft));
        let line = vec![
            span(number(before, 4), Ink::Loss),
            span(" → ", Ink::Soft),
            span(number(self.loss_after, 4), Ink::A),
        ];
        centred(440.0, 52.0, Face::Mono, line);
        centred(650.0, 22.0, Face::Plain, plain("chainrule explore", Ink::Soft));
    }
}
