//! The lines that a worker reads and answers; `bench/README.md` describes them.

use std::io::{BufRead, Write};
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// Steps of a timed round, at least.
const SHORTEST_ROUND: usize = 3;

/// The share of a round that is run before it, untimed.
const WARM_UP: f64 = 0.1;

/// The clock is read about this often, in seconds, so that reading it costs nothing.
const CLOCK_INTERVAL: f64 = 1e-3;

/// A library's training step on one workload.
pub trait Learner {
    /// What a step computes of the loss; a number only after `value`.
    type Loss;

    /// Forward, loss, backward and the update.
    fn step(&mut self, learning_rate: f64) -> Result<Self::Loss>;

    fn value(loss: Self::Loss) -> Result<f64>;
}

/// Answers lines until there are no more.
pub fn serve<L: Learner>(name: &str, mut learner: L) -> Result<()> {
    answer(&format!("ready {name}"))?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["prove", steps, rate] => {
                let losses = losses(&mut learner, steps.parse()?, rate.parse()?)?;
                answer(&format!("losses {}", losses.join(" ")))?;
            }
            ["go", seconds, rate] => {
                let seconds = seconds_per_step(&mut learner, seconds.parse()?, rate.parse()?)?;
                answer(&format!("microseconds {}", 1e6 * seconds))?;
            }
            _ => bail!("not understood: {line}"),
        }
    }
    Ok(())
}

fn answer(line: &str) -> Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{line}")?;
    output.flush().context("standard output")
}

/// The loss before the first step and after each of `steps` steps.
fn losses<L: Learner>(learner: &mut L, steps: usize, rate: f64) -> Result<Vec<String>> {
    (0..=steps).map(|_| Ok(L::value(learner.step(rate)?)?.to_string())).collect()
}

/// The mean over the steps of a round.
fn seconds_per_step<L: Learner>(learner: &mut L, seconds: f64, rate: f64) -> Result<f64> {
    let warm = run(learner, rate, 1, 1, WARM_UP * seconds)?;
    let stride = (CLOCK_INTERVAL / warm).clamp(1.0, 1e6) as usize;
    run(learner, rate, stride, SHORTEST_ROUND, seconds)
}

/// The mean time of a step, over at least this many steps and seconds. The clock is read every `stride` steps.
fn run<L: Learner>(
    learner: &mut L,
    rate: f64,
    stride: usize,
    least_steps: usize,
    least_seconds: f64,
) -> Result<f64> {
    let (start, mut steps) = (Instant::now(), 0);
    loop {
        for _ in 0..stride {
            learner.step(rate)?;
        }
        steps += stride;
        let elapsed = start.elapsed().as_secs_f64();
        if steps >= least_steps && elapsed >= least_seconds {
            return Ok(elapsed / steps as f64);
        }
    }
}
