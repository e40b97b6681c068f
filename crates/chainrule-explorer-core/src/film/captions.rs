//! The sentences as captions of a video: WebVTT.

use std::fmt::Write as _;

use serde::Serialize;

use super::schedule::Schedule;

/// A sentence and when it is on the screen, in seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Caption {
    /// When it comes.
    pub from: f64,
    /// When it goes.
    pub until: f64,
    /// What it says.
    pub text: String,
}

/// All sentences of a film, those of its cards too.
pub(super) fn captions(schedule: &Schedule) -> Vec<Caption> {
    let caption = |scene: &super::schedule::Scene| Caption {
        from: scene.from,
        until: scene.until,
        text: scene.sentence.clone(),
    };
    schedule.scenes.iter().map(caption).collect()
}

/// The same as a file of WebVTT.
pub(super) fn web_vtt(captions: &[Caption]) -> String {
    let mut text = "WEBVTT\n".to_owned();
    for (index, Caption { from, until, text: said }) in captions.iter().enumerate() {
        let said = said.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let _ = write!(text, "\n{}\n{} --> {}\n{said}\n", index + 1, Clock(*from), Clock(*until));
    }
    text
}

/// Seconds as hours, minutes, seconds and milliseconds.
struct Clock(f64);

impl std::fmt::Display for Clock {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all = (self.0 * 1000.0).round() as u64;
        let (seconds, milliseconds) = (all / 1000, all % 1000);
        write!(out, "{:02}:{:02}:{:02}.{milliseconds:03}", seconds / 3600, seconds / 60 % 60, seconds % 60)
    }
}
