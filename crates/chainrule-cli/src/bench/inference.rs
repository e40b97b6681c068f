//! Inference: how many rows a second go through a network, and how long one row alone takes.

use anyhow::{Result, bail};
use chainrule::{Matrix, Network, Parameters, Scalar, Threads, infer};
use chainrule_estimator::can_hold;
use serde_json::{Value, json};

use super::peak::PeakOfRun;
use super::rounds::{Rounds, SHORTEST_ROUND, Times};
use super::run::{Run, Turn};
use crate::arguments::BenchArguments;
use crate::report::{bytes, counted, grouped, microseconds, percent, short, table};
use crate::terminal::{say, say_json};
use crate::workload::{Workload, made_inputs};

/// What was measured of one workload.
struct Timing {
    workload: Workload,
    /// Of a batch.
    batch: Times,
    /// Of one row alone.
    one_row: Times,
    /// Of one row.
    flops: f64,
}

/// Times inference of the workloads' networks, and says or prints what it took.
pub(crate) fn bench_inference<T: Scalar>(arguments: &BenchArguments, workloads: Vec<Workload>) -> Result<()> {
    let threads = arguments.common.threads();
    let chosen: Vec<(Workload, Network)> = workloads
        .into_iter()
        .map(|workload| {
            let network = workload.network()?;
            check_memory::<T>(&workload, &network)?;
            Ok((workload, network))
        })
        .collect::<Result<_>>()?;

    let expected = |workload: &Workload, _: &Network, speed: f64| {
        let batch = row_flops(&workload.widths) * workload.batch as f64 / speed;
        // A row alone takes about as long as the rounds are meant to.
        arguments.seconds + arguments.seconds.max(SHORTEST_ROUND as f64 * batch)
    };
    let run = Run::over::<T, _>(arguments, &threads, chosen, expected, |turn| {
        measure::<T>(arguments, &threads, turn)
    })?;
    if arguments.common.json {
        say_json(&run.as_json(arguments, |timing| fields(timing, &run.peak)))
    } else {
        say_result(arguments, &run)
    }
}

/// Refuses what this machine cannot hold: parameters, inputs, and z(L) and a(L).
fn check_memory<T: Scalar>(workload: &Workload, network: &Network) -> Result<()> {
    let row = (network.input_width() as u64).saturating_add(2 * network.output_width() as u64);
    let numbers = row.saturating_mul(workload.batch as u64).saturating_add(network.parameter_count() as u64);
    let needed = numbers.saturating_mul(size_of::<T>() as u64);
    if !can_hold(needed) {
        bail!(
            "the network has {} parameters, and inference of {} takes {}, more than this machine has; \
             give smaller --layers or a smaller --batch",
            grouped(network.parameter_count() as u64),
            counted(workload.batch, "row"),
            bytes(needed),
        );
    }
    Ok(())
}

/// Two for each weight.
fn row_flops(widths: &[usize]) -> f64 {
    widths.windows(2).map(|pair| 2.0 * pair[0] as f64 * pair[1] as f64).sum()
}

/// All rounds of a workload: those of the batch, then those of one row; a pair of them counts as one.
fn measure<T: Scalar>(
    arguments: &BenchArguments,
    threads: &Threads,
    turn: Turn<'_, Network>,
) -> Result<Timing> {
    let Turn { workload, chosen: network, peak, progress } = turn;
    let parameters = network.initialize::<T>(1);
    let inputs = made_inputs(workload.batch, network.input_width());
    let mut time = |inputs: &Matrix<T>, progress: &dyn Fn(f64)| {
        let mut call = || outputs(threads, &network, &parameters, inputs);
        let rounds = Rounds { count: arguments.rounds, seconds: arguments.seconds };
        rounds.time(&mut call, &mut || peak.take_if_due::<T>(threads), progress)
    };
    let half = 0.5 * f64::from(arguments.rounds);
    let batch = time(&inputs, &|done| progress(0.5 * done))?;
    let one_row = time(&made_inputs(1, network.input_width()), &|done| progress(half + 0.5 * done))?;
    let flops = row_flops(&workload.widths);
    Ok(Timing { workload, batch, one_row, flops })
}

/// What is timed: the outputs are computed, and thrown away.
fn outputs<T: Scalar>(
    threads: &Threads,
    network: &Network,
    parameters: &Parameters<T>,
    inputs: &Matrix<T>,
) -> chainrule::Result<()> {
    infer(threads, network, parameters, inputs.view()).map(drop)
}

impl Timing {
    fn rows_per_second(&self) -> f64 {
        self.workload.batch as f64 / self.batch.best()
    }

    fn gflops(&self) -> f64 {
        self.flops * self.rows_per_second() / 1e9
    }
}

fn say_result(arguments: &BenchArguments, run: &Run<Timing>) -> Result<()> {
    let Run { machine, peak, measurements } = run;
    say(format!("inference in {}; {}; {}", arguments.dtype, machine.words(), peak.words()))?;
    let header = [
        "workload",
        "layers",
        "batch",
        "rows/s",
        "µs/batch",
        "median",
        "GFLOP/s",
        "of peak",
        "µs/one row",
        "median",
    ];
    let mut shown = table(&header, 2);
    for measurement in measurements {
        let workload = &measurement.workload;
        shown.add_row(vec![
            workload.name.to_owned(),
            workload.layers(),
            grouped(workload.batch as u64),
            grouped(measurement.rows_per_second() as u64),
            microseconds(measurement.batch.best()),
            microseconds(measurement.batch.median()),
            short(measurement.gflops()),
            percent(measurement.gflops() / peak.sustained()),
            microseconds(measurement.one_row.best()),
            microseconds(measurement.one_row.median()),
        ]);
    }
    say(shown)?;
    say(format!(
        "rows/s, µs/batch, µs/one row: the best of {}; of peak: of the sustained one, by 2 FLOPs for each weight and row",
        counted(usize::from(arguments.rounds), "round")
    ))?;
    peak.disturbance().map_or(Ok(()), say)
}

/// The fields of a measurement in JSON.
fn fields(timing: &Timing, peak: &PeakOfRun) -> Value {
    json!({
        "name": timing.workload.name,
        "layers": timing.workload.widths,
        "batch": timing.workload.batch,
        "rows_per_second": timing.rows_per_second(),
        "microseconds_per_batch": 1e6 * timing.batch.best(),
        "median_microseconds_per_batch": 1e6 * timing.batch.median(),
        "one_row_microseconds": 1e6 * timing.one_row.best(),
        "one_row_median_microseconds": 1e6 * timing.one_row.median(),
        "gflops": timing.gflops(),
        "peak_gflops": peak.sustained(),
        "fraction_of_peak": timing.gflops() / peak.sustained(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_two_flops_for_each_weight() {
        assert_eq!(row_flops(&[784, 512, 256, 10]), 1_070_080.0);
    }
}
