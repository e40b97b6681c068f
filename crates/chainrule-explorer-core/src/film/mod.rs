//! A step as a film: forward, output error, the error on its way back, gradients and update, with a sentence for
//! each.
//!
//! [`Film::frame`] gives the SVG of any moment from the trace, the event that is at hand and the time since it
//! began. Everything that is drawn has a time to come and one to go, from the schedule; a frame draws what is there
//! at its time, and [`Film::animated`] draws all of it once, with the same times as animations. So the same trace
//! gives the same pictures, bit for bit.

mod animated;
mod captions;
mod cards;
mod colours;
mod drawing;
mod formulas;
mod network;
mod numbers;
mod operands;
mod panel;
mod placement;
mod schedule;
mod script;
#[cfg(test)]
mod tests;
mod words;

use chainrule::{Mode, Targets, forward, output_error};
use serde::Serialize;

use crate::document::Document;
use crate::num::Num;
use crate::refusal::Refusal;
use crate::step::Step;

pub use captions::Caption;
pub use colours::Theme;
use drawing::{Drawn, Fonts};
use numbers::Numbers;
use placement::Placement;
use schedule::Schedule;
pub use script::Kind;

/// A step's film.
#[derive(Clone, Debug)]
pub struct Film {
    drawn: Vec<Drawn>,
    schedule: Schedule,
    title: String,
    loss_after: f64,
}

/// What a film is, before any of its frames.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "Film"))]
pub struct FilmReport {
    title: String,
    /// In seconds.
    duration: f64,
    /// When each event of the trace begins.
    events: Vec<f64>,
    /// What is said, and when.
    captions: Vec<Caption>,
    /// The same as a file of WebVTT.
    web_vtt: String,
    /// The loss after the update.
    loss_after: Num,
}

impl Film {
    /// The film of a document's step, which shows one sample of the batch.
    ///
    /// ```
    /// use chainrule_explorer_core::film::{Film, Kind, Theme};
    /// let document = chainrule_explorer_core::example("3-4-2")?;
    /// let film = Film::new(&document, &document.step()?, Kind::Pass, 0)?;
    /// // The second event, a(1) = tanh(z(1)), one second after it has begun.
    /// let frame = film.frame(2, 1.0, Theme::Light, (1280, 720));
    /// assert!(frame.starts_with("<svg ") && frame.contains("tanh"));
    /// # Ok::<(), chainrule_explorer_core::Refusal>(())
    /// ```
    ///
    /// # Errors
    /// When there is no such sample, or the step is of another document.
    pub fn new(document: &Document, step: &Step, kind: Kind, sample: usize) -> Result<Film, Refusal> {
        let samples = step.inputs.rows();
        if sample >= samples {
            return Err(Refusal::Missing(format!(
                "there is no sample {sample}; there are {samples}, counted from 0"
            )));
        }
        let numbers = Numbers::new(step, sample);
        let placement = Placement::of(document, &numbers);
        let loss_after = loss_after(step)?;
        let script = script::script(document, &numbers, &placement, kind, loss_after);
        let schedule = Schedule::of(&script);
        let mut drawn = Vec::new();
        let (numbers, placement, times) = (&numbers, &placement, &schedule);
        network::Network { numbers, placement, schedule: times }.draw(&mut drawn);
        let is_lesson = kind == Kind::Lesson;
        panel::Panel { numbers, placement, schedule: times, is_lesson }.draw(&mut drawn);
        cards::Cards { document, numbers, schedule: times, loss_after }.draw(&mut drawn);
        let title = format!("{}: {}", script::HEADLINE, script::title(document));
        Ok(Film { drawn, schedule, title, loss_after })
    }

    /// How long it is, in seconds.
    pub fn duration(&self) -> f64 {
        self.schedule.duration
    }

    /// Which event is at hand at a time of the film, and how long it has been: the two that [`Film::frame`] takes.
    /// Events count from 1; 0 is what comes before all of them, and one more than there are is the end.
    pub fn at(&self, time: f64) -> (usize, f64) {
        self.schedule.at(time)
    }

    /// The picture of an event so many seconds after it has begun.
    pub fn frame(&self, cursor: usize, time: f64, theme: Theme, size: (u32, u32)) -> String {
        let time = (self.schedule.start(cursor) + time).clamp(0.0, self.schedule.duration);
        let mut svg = drawing::opening(Some(size), theme, &self.title, Fonts::Attributes);
        self.drawn.iter().for_each(|one| one.write(time, theme, &mut svg));
        svg.push_str("</svg>\n");
        svg
    }

    /// The whole film as one SVG that plays by itself, over and over.
    pub fn animated(&self, theme: Theme) -> String {
        let Schedule { duration, .. } = self.schedule;
        animated::animated(&self.drawn, duration, self.schedule.still(), theme, &self.title)
    }

    /// What is said, and when.
    pub fn captions(&self) -> Vec<Caption> {
        captions::captions(&self.schedule)
    }
}

/// The loss of the same batch with the updated parameters.
fn loss_after(step: &Step) -> Result<f64, Refusal> {
    let parameters = step.updated_parameters()?;
    let cache = forward(&step.network, &parameters, step.inputs.view(), Mode::Inference)?;
    let targets = Targets::Values(step.targets.view());
    Ok(output_error(&step.network, &cache, &step.loss, targets, None)?.loss)
}

/// Checks how large a picture is asked for.
///
/// # Errors
/// For less than 16 or more than 7680 pixels.
pub(crate) fn check_size(width: u32, height: u32) -> Result<(), Refusal> {
    match [width, height].into_iter().find(|pixels| !(16..=7680).contains(pixels)) {
        Some(pixels) => Err(Refusal::Invalid(format!("{pixels} pixels: a picture has 16 to 7680 each way"))),
        None => Ok(()),
    }
}

/// What a page is told of a film.
pub(crate) fn report(
    document: &Document,
    step: &Step,
    kind: Kind,
    sample: usize,
) -> Result<FilmReport, Refusal> {
    let film = Film::new(document, step, kind, sample)?;
    let captions = film.captions();
    Ok(FilmReport {
        duration: film.duration(),
        events: film.schedule.plays.iter().map(|play| play.from).collect(),
        web_vtt: captions::web_vtt(&captions),
        captions,
        title: film.title,
        loss_after: Num(film.loss_after),
    })
}
