//! Inference: how many rows a second go through a network, and how long one row alone takes.

use anyhow::{Result, bail};
use chainrule::{Matrix, Network, Parameters, Scalar, Threads, infer};
use chainrule_estimator::can_hold;
use serde_json::{Value, json};

use super::machine::Machine;
use super::peak::PeakOfRun;
use super::rounds::{Rounds, SHORTEST_ROUND, Times};
use crate::arguments::BenchArguments;
use crate::progress::time_bar;
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

    let mut peak = PeakOfRun::start::<T>(&threads);
    let expected = |workload: &Workload| {
        let batch = row_flops(&workload.widths) * workload.batch as f64 / (0.5e9 * peak.sustained());
        // A row alone takes about as long as the rounds are meant to.
        1e3 * (arguments.seconds + arguments.seconds.max(SHORTEST_ROUND as f64 * batch))
    };
    let rounds = f64::from(arguments.rounds);
    let expected: Vec<f64> = chosen.iter().map(|(workload, _)| expected(workload)).collect();
    let bar = time_bar((rounds * expected.iter().sum::<f64>()) as u64);
    let mut measurements = Vec::new();
    let mut behind = 0.0;
    for ((workload, network), milliseconds) in chosen.into_iter().zip(expected) {
        bar.set_prefix(workload.name);
        let progress = |rounds_done: f64| bar.set_position((behind + milliseconds * rounds_done) as u64);
        peak.take_if_due::<T>(&threads);
        measurements.push(measure::<T>(arguments, &threads, workload, &network, &mut peak, &progress)?);
        peak.take::<T>(&threads);
        behind += milliseconds * rounds;
    }
    bar.finish_and_clear();
    let machine = Machine::with(&threads)?;
    if arguments.common.json {
        say_json(&as_json(arguments, &machine, &measurements, &peak))
    } else {
        say_result(arguments, &machine, &measurements, &peak)
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

/// All rounds of a workload: those of the batch, then those of one row. `progress` hears how many pairs are done.
fn measure<T: Scalar>(
    arguments: &BenchArguments,
    threads: &Threads,
    workload: Workload,
    network: &Network,
    peak: &mut PeakOfRun,
    progress: &dyn Fn(f64),
) -> Result<Timing> {
    let parameters = network.initialize::<T>(1);
    let inputs = made_inputs(workload.batch, network.input_width());
    let mut time = |inputs: &Matrix<T>, progress: &dyn Fn(f64)| {
        let mut call = || outputs(threads, network, &parameters, inputs);
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

fn say_result(
    arguments: &BenchArguments,
    machine: &Machine,
    measurements: &[Timing],
    peak: &PeakOfRun,
) -> Result<()> {
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

fn as_json(
    arguments: &BenchArguments,
    machine: &Machine,
    measurements: &[Timing],
    peak: &PeakOfRun,
) -> Value {
    let mut entries: Vec<Value> = measurements
        .iter()
        .map(|measurement| {
            json!({
                "name": measurement.workload.name,
                "layers": measurement.workload.widths,
                "batch": measurement.workload.batch,
                "rows_per_second": measurement.rows_per_second(),
                "microseconds_per_batch": 1e6 * measurement.batch.best(),
                "median_microseconds_per_batch": 1e6 * measurement.batch.median(),
                "one_row_microseconds": 1e6 * measurement.one_row.best(),
                "one_row_median_microseconds": 1e6 * measurement.one_row.median(),
                "gflops": measurement.gflops(),
                "peak_gflops": peak.sustained(),
                "fraction_of_peak": measurement.gflops() / peak.sustained(),
            })
        })
        .collect();
    let mut value =
        if let [entry] = &mut entries[..] { entry.take() } else { json!({ "workloads": entries }) };
    peak.add_to(&mut value);
    machine.add_to(&mut value);
    value["dtype"] = json!(arguments.dtype);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_two_flops_for_each_weight() {
        assert_eq!(row_flops(&[784, 512, 256, 10]), 1_070_080.0);
    }
}
