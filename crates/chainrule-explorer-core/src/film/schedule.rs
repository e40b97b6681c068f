//! When everything happens: scenes with their sentences, and the time of each event.
//!
//! A sentence stays as long as it takes to read it, and an event as long as its sentence, or its part of it.

use std::ops::Range;

use chainrule::trace::Stage;

/// Words that are read in a second.
const WORDS_A_SECOND: f64 = 3.0;
/// Seconds to find a sentence.
const FINDING: f64 = 1.0;
/// Seconds of an event that is told in detail, at least.
const DETAILED: f64 = 4.4;
/// Seconds of an event among others, if they are few.
const AMONG_OTHERS: f64 = 1.5;
/// Seconds that many events take together, about, and each of them at least.
const MANY: (f64, f64) = (6.0, 0.3);

/// How long it takes to read a text.
pub(super) fn reading_time(text: &str) -> f64 {
    FINDING + text.split_whitespace().count() as f64 / WORDS_A_SECOND
}

/// What is said while one or more events happen.
#[derive(Clone, Debug)]
pub(super) struct Passage {
    /// The events, by their place in the trace.
    pub(super) events: Range<usize>,
    /// One after the other.
    pub(super) sentences: Vec<String>,
}

/// One of the five steps.
#[derive(Clone, Debug)]
pub(super) struct Chapter {
    pub(super) stage: Stage,
    /// What is said before its events, if anything.
    pub(super) opening: Option<String>,
    pub(super) passages: Vec<Passage>,
}

/// What is said and shown, without times.
#[derive(Clone, Debug)]
pub(super) struct Script {
    /// All words of the card at the beginning.
    pub(super) title: String,
    pub(super) chapters: Vec<Chapter>,
    /// All words of the card at the end.
    pub(super) end: String,
}

/// What is shown.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Card {
    Title,
    /// The name of a step.
    Step(Stage),
    Events(Range<usize>),
    End,
}

/// A sentence while it is on the screen.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) from: f64,
    pub(super) until: f64,
    pub(super) card: Card,
    pub(super) sentence: String,
}

/// An event while it happens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Play {
    pub(super) event: usize,
    pub(super) from: f64,
    /// When what it computes is there.
    pub(super) result: f64,
    pub(super) until: f64,
    /// Whether it has a passage of its own.
    pub(super) is_alone: bool,
}

/// The whole film's times, in seconds.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    pub(super) scenes: Vec<Scene>,
    /// One for each event of the trace, in its order.
    pub(super) plays: Vec<Play>,
    pub(super) duration: f64,
}

impl Schedule {
    pub(super) fn of(script: &Script) -> Schedule {
        let mut schedule = Schedule { scenes: Vec::new(), plays: Vec::new(), duration: 0.0 };
        schedule.add(Card::Title, &script.title, 0.0);
        for chapter in &script.chapters {
            if let Some(opening) = &chapter.opening {
                schedule.add(Card::Step(chapter.stage), opening, 0.0);
            }
            for passage in &chapter.passages {
                schedule.add_passage(passage);
            }
        }
        schedule.add(Card::End, &script.end, 0.0);
        schedule
    }

    fn add(&mut self, card: Card, sentence: &str, least: f64) {
        let from = self.duration;
        // Whole frames of a film of 30 a second.
        let time = (reading_time(sentence).max(least) * 30.0).ceil() / 30.0;
        self.duration = from + time;
        self.scenes.push(Scene { from, until: self.duration, card, sentence: sentence.to_owned() });
    }

    fn add_passage(&mut self, passage: &Passage) {
        let (from, count) = (self.duration, passage.events.len());
        let is_alone = count == 1;
        let least = match is_alone {
            true => DETAILED,
            false => count as f64 * (MANY.0 / count as f64).clamp(MANY.1, AMONG_OTHERS),
        };
        let sentences = passage.sentences.len().max(1) as f64;
        for sentence in &passage.sentences {
            self.add(Card::Events(passage.events.clone()), sentence, least / sentences);
        }
        let time = (self.duration - from) / count as f64;
        let mut next = from;
        for (index, event) in passage.events.clone().enumerate() {
            let until = if index + 1 == count { self.duration } else { next + time };
            let result = next + (time * 0.55).min(2.4);
            self.plays.push(Play { event, from: next, result, until, is_alone });
            next = until;
        }
    }

    /// When the first event's scene begins, with whatever is said before it.
    pub(super) fn opening(&self) -> f64 {
        self.scenes.first().map_or(0.0, |title| title.until)
    }

    /// When the card at the end comes.
    pub(super) fn closing(&self) -> f64 {
        self.scenes.last().map_or(0.0, |end| end.from)
    }

    /// When everything is there and nothing moves: just before the end.
    pub(super) fn still(&self) -> f64 {
        self.plays.last().map_or(0.0, |play| (play.result + play.until) / 2.0)
    }

    /// Which event happens at that time, from 1; 0 before all of them, one more than there are on the card at
    /// the end. With it the time since that began.
    pub(super) fn at(&self, time: f64) -> (usize, f64) {
        let cursor = (0..=self.plays.len() + 1).rev().find(|&cursor| self.start(cursor) <= time).unwrap_or(0);
        (cursor, (time - self.start(cursor)).max(0.0))
    }

    /// When the event of that cursor begins.
    pub(super) fn start(&self, cursor: usize) -> f64 {
        match cursor.checked_sub(1) {
            None => 0.0,
            Some(event) => self.plays.get(event).map_or(self.closing(), |play| play.from),
        }
    }
}
