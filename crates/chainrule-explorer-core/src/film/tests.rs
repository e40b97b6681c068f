//! The films of all worked examples: the same pictures for the same trace, nothing before its step, text that can be
//! read and does not overlap, sentences that stay long enough.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use super::drawing::{Anchor, HEIGHT, Shape, WIDTH};
use super::schedule::reading_time;
use super::words::{text_of, width};
use super::*;
use crate::{EXAMPLES, example};

const KINDS: [Kind; 2] = [Kind::Pass, Kind::Lesson];

fn films() -> impl Iterator<Item = (String, Film)> {
    EXAMPLES.iter().flat_map(|one| KINDS.map(|kind| (one.id(), kind))).map(|(id, kind)| {
        let document = example(id).unwrap();
        let film = Film::new(&document, &document.step().unwrap(), kind, 0).unwrap();
        (format!("{id} {kind:?}"), film)
    })
}

fn films_of(id: &str, kind: Kind) -> Film {
    let document = example(id).unwrap();
    Film::new(&document, &document.step().unwrap(), kind, 0).unwrap()
}

/// 64-bit FNV-1a, which is the same on every machine.
struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
}

fn hash(film: &Film) -> u64 {
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    for second in 0..film.duration().ceil() as u32 {
        let (cursor, time) = film.at(f64::from(second) + 0.4);
        film.frame(cursor, time, Theme::Dark, (1280, 720)).hash(&mut hasher);
    }
    film.animated(Theme::Light).hash(&mut hasher);
    hasher.finish()
}

#[test]
fn the_same_trace_gives_the_same_frames_and_another_trace_others() {
    let mut seen = BTreeMap::new();
    for ((name, film), (_, again)) in films().zip(films()) {
        assert_eq!(hash(&film), hash(&again), "{name}");
        assert_eq!(seen.insert(hash(&film), name.clone()), None, "{name}");
    }
}

#[test]
fn a_frame_is_the_same_by_its_time_and_by_its_event() {
    let film = films_of("3-4-2", Kind::Lesson);
    for (event, play) in film.schedule.plays.iter().enumerate() {
        let (cursor, time) = film.at(play.from + 1.0);
        assert_eq!(cursor, event + 1);
        assert!((time - 1.0).abs() < 1e-9);
    }
    assert_eq!(film.at(0.0), (0, 0.0));
    assert_eq!(film.at(film.duration()).0, film.schedule.plays.len() + 1);
}

#[test]
fn every_sentence_stays_as_long_as_it_takes_to_read_it() {
    for (name, film) in films() {
        let captions = film.captions();
        assert_eq!(captions[0].from, 0.0);
        assert!((captions.last().unwrap().until - film.duration()).abs() < 1e-9);
        for Caption { from, until, text } in &captions {
            let words = text.split_whitespace().count() as f64;
            assert!(until - from >= 1.0 + words / 3.0 - 1e-9, "{name}: {text}");
            assert!(reading_time(text) <= 11.0, "{name}: {text} is long");
        }
        for pair in captions.windows(2) {
            assert_eq!(pair[0].until, pair[1].from, "{name}");
        }
    }
    let lesson = films_of("3-4-2", Kind::Lesson).duration();
    assert!((80.0..100.0).contains(&lesson), "{lesson}");
    let pass = films_of("3-4-2", Kind::Pass).duration();
    assert!((20.0..30.0).contains(&pass), "{pass}");
}

/// The same step, but with the numbers that an event computes turned round: sizes and places stay as they are.
fn with_other_signs(step: &Step, event: usize) -> Step {
    let mut other = step.clone();
    // What else an event gives, as the slope with delta, belongs to how the first is computed.
    let outputs = &mut other.trace.events[event].outputs;
    outputs[0].values.iter_mut().for_each(|number| *number = -*number);
    other
}

#[test]
fn nothing_that_a_step_computes_is_seen_before_it() {
    for one in EXAMPLES {
        let document = example(one.id()).unwrap();
        let step = document.step().unwrap();
        for kind in KINDS {
            let film = Film::new(&document, &step, kind, 0).unwrap();
            for (event, play) in
                film.schedule.plays.iter().enumerate().step_by(1 + film.schedule.plays.len() / 20)
            {
                let other = Film::new(&document, &with_other_signs(&step, event), kind, 0).unwrap();
                let frame = |film: &Film, time: f64| {
                    let (cursor, time) = film.at(time);
                    film.frame(cursor, time, Theme::Light, (1280, 720))
                };
                let before = (0..).map(|index| f64::from(index) * 1.7).take_while(|time| *time < play.result);
                for time in before.chain([play.result - 0.01, play.result]) {
                    let same = frame(&film, time) == frame(&other, time);
                    assert!(
                        same,
                        "{} {kind:?}: event {event} is seen at {time}, before {}",
                        one.id(),
                        play.result
                    );
                }
                let after = (play.result + play.until) / 2.0;
                // In fast passages of small pictures not every number is written.
                let is_seen = frame(&film, after) != frame(&other, after);
                assert!(is_seen || !play.is_alone, "{} {kind:?}: event {event} is not seen", one.id());
            }
        }
    }
}

/// A text on the picture: left, top, right and bottom of its letters, and when it is there.
struct Written {
    text: String,
    sides: [f64; 4],
    from: f64,
    until: f64,
}

fn written(film: &Film) -> Vec<Written> {
    let of_one = |one: &Drawn| {
        let Shape::Text { at, size, face, anchor, line, .. } = &one.shape else { return None };
        let wide = width(line, *size, *face);
        let left = match anchor {
            Anchor::Start => at.0,
            Anchor::Middle => at.0 - wide / 2.0,
            Anchor::End => at.0 - wide,
        };
        let rise = if line.iter().any(|span| span.raised) { 0.85 } else { 0.72 };
        let sides = [left, at.1 - rise * size, left + wide, at.1 + 0.2 * size];
        Some(Written { text: text_of(line), sides, from: one.from, until: one.until })
    };
    film.drawn.iter().filter_map(of_one).collect()
}

#[test]
fn text_is_large_enough_and_on_the_picture() {
    for (name, film) in films() {
        for one in &film.drawn {
            let Shape::Text { size, line, .. } = &one.shape else { continue };
            let raised = line.iter().any(|span| span.raised);
            let smallest = if raised { size * words::RAISED } else { *size };
            assert!(smallest >= 20.0, "{name}: {} has {smallest} px", text_of(line));
        }
        for Written { text, sides: [left, top, right, bottom], .. } in written(&film) {
            let is_inside = left >= 0.0 && top >= 0.0 && right <= WIDTH && bottom <= HEIGHT;
            assert!(is_inside, "{name}: {text} at {left:.0} {top:.0} {right:.0} {bottom:.0}");
        }
    }
}

#[test]
fn no_text_lies_on_another() {
    for (name, film) in films() {
        let texts = written(&film);
        for (index, one) in texts.iter().enumerate() {
            for other in &texts[index + 1..] {
                let at_once = one.from < other.until && other.from < one.until;
                let [left, top, right, bottom] = one.sides;
                let [other_left, other_top, other_right, other_bottom] = other.sides;
                let meet =
                    left < other_right && other_left < right && top < other_bottom && other_top < bottom;
                assert!(
                    !(at_once && meet),
                    "{name}: {:?} {:.0?} lies on {:?} {:.0?} from {:.1} to {:.1}",
                    one.text,
                    one.sides,
                    other.text,
                    other.sides,
                    one.from.max(other.from),
                    one.until.min(other.until),
                );
            }
        }
    }
}

#[test]
fn the_first_picture_and_the_last_are_whole() {
    for (name, film) in films() {
        for (time, said) in [(0.0, script::HEADLINE), (film.duration(), script::LAST_LINE)] {
            let (cursor, since) = film.at(time);
            let frame = film.frame(cursor, since, Theme::Light, (1280, 720));
            assert!(frame.contains(said) && !frame.contains(" opacity="), "{name} at {time}");
        }
    }
}

#[test]
fn captions_are_a_file_of_web_vtt() {
    let document = example("3-4-2").unwrap();
    let report = report(&document, &document.step().unwrap(), Kind::Pass, 0).unwrap();
    let mut lines = report.web_vtt.lines();
    assert_eq!(lines.next(), Some("WEBVTT"));
    assert_eq!(lines.next(), Some(""));
    assert_eq!(lines.next(), Some("1"));
    assert!(lines.next().unwrap().starts_with("00:00:00.000 --> 00:00:0"));
    assert_eq!(report.web_vtt.matches(" --> ").count(), report.captions.len());
    assert_eq!(report.events.len(), 12);
}

#[test]
fn the_animated_picture_is_small_and_stands_still_where_that_is_preferred() {
    for (name, film) in films() {
        let svg = film.animated(Theme::Light);
        assert!(svg.len() < 400_000, "{name}: {} bytes", svg.len());
        assert!(svg.contains("@media(prefers-reduced-motion:no-preference)"), "{name}");
        assert_eq!(svg.matches("<g ").count(), svg.matches("</g>").count(), "{name}");
        assert!(!svg.contains("NaN") && !svg.contains("href") && !svg.contains("script"), "{name}");
    }
}

#[test]
fn a_film_takes_no_more_room_than_was_foretold() {
    let layers = |layers: &str| format!(r#"{{"kind":"layers","layers":[{layers}]}}"#);
    let layer = |width: usize| format!(r#"{{"width":{width},"activation":"tanh","bias":true}}"#);
    let deep = layers(&vec![layer(6); 64].join(","));
    let wide = layers(&[layer(4096), layer(100), layer(3)].join(","));
    let mut documents: Vec<_> = EXAMPLES.iter().map(|one| example(one.id()).unwrap()).collect();
    for edit in [deep, wide] {
        let edit = serde_json::from_str::<crate::Edit>(&edit).unwrap();
        documents.push(crate::apply(&edit, &example("mazur").unwrap()).unwrap().0.into());
    }
    for document in documents {
        let size = crate::size::Size::new(&document.network, document.inputs.rows()).film();
        for kind in KINDS {
            let film = Film::new(&document, &document.step().unwrap(), kind, 0).unwrap();
            let of_text = |one: &Drawn| match &one.shape {
                Shape::Text { line, .. } => line.iter().map(|span| size_of_val(span) + span.text.len()).sum(),
                _ => 0,
            };
            let drawn: usize = film.drawn.iter().map(|one| size_of::<Drawn>() + of_text(one)).sum();
            let needed = drawn + film.animated(Theme::Light).len();
            assert!(needed <= size, "{} {kind:?}: {needed} of {size}", document.title);
        }
    }
}

#[test]
fn a_title_is_text_and_nothing_else() {
    let document = example("3-4-2").unwrap();
    let title = "<script>alert('\u{7}&\"')</script>\n\nof two lines".to_owned();
    let document = Document { title, ..(*document).clone() };
    let film = Film::new(&document, &document.step().unwrap(), Kind::Pass, 0).unwrap();
    let frame = film.frame(0, 1.0, Theme::Light, (640, 360));
    assert!(frame.contains("&lt;script&gt;alert") && !frame.contains("<script") && !frame.contains('\u{7}'));
    assert!(frame.contains(r#"width="640" height="360""#));
    // A caption ends at an empty line.
    let report = report(&document, &document.step().unwrap(), Kind::Pass, 0).unwrap();
    assert_eq!(report.web_vtt.split("\n\n").count(), report.captions.len() + 1, "{}", report.web_vtt);
    assert!(Film::new(&document, &document.step().unwrap(), Kind::Pass, 1).is_err());
}
