//! One progress bar on a terminal, a few plain lines elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use chainrule::Epoch;
use chainrule_data::Note;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::reading::say_notes;
use crate::report::{headline, short};
use crate::terminal::say;

/// Lines of progress where there is no terminal.
const LINES: usize = 10;

/// Shows how training goes.
pub(crate) struct Progress {
    bar: ProgressBar,
    plain: bool,
    shows_metrics: bool,
    epochs: usize,
    rows: usize,
    /// What the last epoch brought.
    last: String,
    /// When the bar was told last; a step can be a thousand times shorter than a look at it.
    told: Instant,
}

/// How often the bar is told.
const INTERVAL: Duration = Duration::from_millis(50);

impl Progress {
    /// For `epochs` epochs of `rows` rows, of which `done` are behind. `quiet` shows nothing but a bar on a terminal.
    /// Metrics of several targets have no common unit, and are not shown.
    pub(crate) fn new(epochs: usize, rows: usize, done: usize, quiet: bool, shows_metrics: bool) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let total = (epochs as u64).saturating_mul(rows as u64);
        let target = if is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        let style = ProgressStyle::with_template("{bar:24} {prefix}, {rate} rows/s, {eta} left\n{msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("━╸─")
            .with_key("rate", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                // A display error has nowhere to go.
                let _ = out.write_str(&crate::report::grouped(state.per_sec() as u64));
            });
        bar.set_style(style);
        bar.set_position((done * rows) as u64);
        bar.reset_eta();
        if is_terminal {
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        let last = String::new();
        Progress {
            bar,
            plain: !is_terminal && !quiet,
            shows_metrics,
            epochs,
            rows,
            last,
            told: Instant::now(),
        }
    }

    /// A step of an epoch is done.
    pub(crate) fn step(&mut self, epoch: usize, samples: usize, loss: f64) {
        if self.bar.is_hidden() || self.told.elapsed() < INTERVAL {
            return;
        }
        self.told = Instant::now();
        self.bar.set_position(((epoch - 1) * self.rows + samples) as u64);
        self.bar.set_prefix(format!("epoch {epoch}/{}", self.epochs));
        self.bar.set_message(format!("loss {}{}", short(loss), self.last));
    }

    /// An epoch is done.
    pub(crate) fn epoch(&mut self, report: &Epoch) {
        self.last = match &report.validation {
            Some(evaluation) if !self.shows_metrics => format!(", validation {}", short(evaluation.loss)),
            Some(evaluation) => {
                format!(", validation {}, {}", short(evaluation.loss), headline(&evaluation.metrics))
            }
            None => String::new(),
        };
        let every = self.epochs.div_ceil(LINES);
        if self.plain && (report.epoch.is_multiple_of(every) || report.epoch == self.epochs) {
            let line = format!(
                "epoch {}/{}: loss {}{}",
                report.epoch,
                self.epochs,
                short(report.training_loss),
                self.last
            );
            // Training goes on when nobody reads its progress any more.
            let _ = say(line);
        }
    }

    /// Tells something beside the bar.
    pub(crate) fn note(&self, note: &Note) {
        self.bar.suspend(|| say_notes(std::slice::from_ref(note)));
    }

    /// Clears the bar.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Does work that is mostly done at once, with a bar that comes when a second is over, on a terminal only.
pub(crate) fn waited<X>(what: &'static str, work: impl FnOnce() -> X) -> X {
    let wait = Wait::new(what);
    let watcher = wait.clone();
    let result = chainrule::watched(move |share| watcher.tell(share), work);
    wait.bar.finish_and_clear();
    result
}

/// That bar.
#[derive(Clone)]
struct Wait {
    bar: ProgressBar,
    start: Instant,
}

/// Parts of the bar of a [`Wait`].
const SHARES: u64 = 10_000;

impl Wait {
    fn new(what: &'static str) -> Self {
        let style = ProgressStyle::with_template("{bar:24} {prefix}, {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("━╸─");
        let bar = ProgressBar::with_draw_target(Some(SHARES), ProgressDrawTarget::hidden());
        Wait { bar: bar.with_style(style).with_prefix(what), start: Instant::now() }
    }

    /// So much of it is done, from 0 to 1.
    fn tell(&self, share: f64) {
        if self.bar.is_hidden() && self.start.elapsed() > PATIENCE && std::io::stderr().is_terminal() {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        let position = (share * SHARES as f64) as u64;
        if position < self.bar.position() {
            // The next of several pieces of work.
            self.bar.reset_eta();
        }
        self.bar.set_position(position);
    }
}

/// How long nothing is shown.
const PATIENCE: Duration = Duration::from_secs(1);

/// A bar over a time that is known about, in milliseconds, on a terminal only.
pub(crate) fn time_bar(milliseconds: u64) -> ProgressBar {
    let is_terminal = std::io::stderr().is_terminal();
    let target = if is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template("{spinner} {bar:24} {prefix}, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─");
    let bar = ProgressBar::with_draw_target(Some(milliseconds), target).with_style(style);
    if is_terminal {
        bar.enable_steady_tick(Duration::from_millis(200));
    }
    bar
}
