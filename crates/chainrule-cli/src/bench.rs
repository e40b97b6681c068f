//! `chainrule bench`: how long a training step takes, and how near that is to the machine's peak.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail};
use chainrule::checkpoint::Schedule;
use chainrule::plan::{MemoryPlan, StepModel, StepShape};
use chainrule::{Activation, Loss, Network, Optimizer, Rule, Scalar, Threads, fma_peak, instructions};
use chainrule_estimator::can_hold;
use serde_json::{Value, json};

use crate::arguments::BenchArguments;
use crate::defaults::DEFAULT_BATCH;
use crate::memory::refusal;
use crate::progress::time_bar;
use crate::report::{bytes, counted, grouped, percent, short, table};
use crate::terminal::{say, say_json};
use crate::workload::{Data, Workload};

/// Steps of a round, at least.
const SHORTEST_ROUND: usize = 3;

/// The clock is read about this often, in seconds, so that reading it costs nothing.
const CLOCK_INTERVAL: f64 = 1e-4;

/// So small that the network stays what it is, and each step has the same numbers to work on.
const LEARNING_RATE: f64 = 1e-6;

/// What was measured of one workload.
struct Timing {
    workload: Workload,
    /// Of one step: each round's time divided by its steps, the shortest first.
    seconds: Vec<f64>,
    flops: f64,
    /// Parameters, optimizer state and the step's buffers.
    bytes: u64,
    /// The share of a forward pass that is computed again.
    recomputed: f64,
    microbatches: usize,
}

/// Runs the command.
pub(crate) fn run(arguments: &BenchArguments) -> Result<ExitCode> {
    match arguments.dtype.as_str() {
        "f64" => measure_all::<f64>(arguments),
        _ => measure_all::<f32>(arguments),
    }
}

fn measure_all<T: Scalar>(arguments: &BenchArguments) -> Result<ExitCode> {
    let threads = arguments.common.threads();
    let mut rule = arguments.optimizer.clone();
    rule.set_learning_rate(LEARNING_RATE);
    let chosen: Vec<(Workload, MemoryPlan)> = workloads(arguments)?
        .into_iter()
        .map(|workload| {
            let plan = planned::<T>(arguments, &threads, &workload, &rule)?;
            Ok((workload, plan))
        })
        .collect::<Result<_>>()?;

    let mut peak = fma_peak::<T>(&threads);
    let expected = |network: &Network, batch: usize| {
        let step = step_flops(network, batch) / (0.5e9 * peak);
        1e3 * arguments.seconds.max(SHORTEST_ROUND as f64 * step)
    };
    let rounds = f64::from(arguments.rounds);
    let expected: Vec<f64> =
        chosen.iter().map(|(workload, plan)| expected(plan.network(), workload.batch)).collect();
    let bar = time_bar((rounds * expected.iter().sum::<f64>()) as u64);
    let mut measurements = Vec::new();
    let mut behind = 0.0;
    for ((workload, plan), milliseconds) in chosen.into_iter().zip(expected) {
        bar.set_prefix(workload.name);
        let progress = |rounds_done: f64| bar.set_position((behind + milliseconds * rounds_done) as u64);
        measurements.push(measure::<T>(arguments, &threads, &rule, workload, plan, &progress)?);
        behind += milliseconds * rounds;
        // The clock of a processor may rise and fall while it works.
        peak = peak.max(fma_peak::<T>(&threads));
    }
    bar.finish_and_clear();
    if arguments.common.json {
        say_json(&as_json(arguments, &threads, &measurements, peak)?)?;
    } else {
        say_result(arguments, &threads, &measurements, peak)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The workloads that were named, the network that was described, or all workloads.
fn workloads(arguments: &BenchArguments) -> Result<Vec<Workload>> {
    if let Some(widths) = &arguments.layers {
        return Ok(vec![Workload {
            name: "own",
            widths: widths.0.clone(),
            activation: arguments.activation.unwrap_or(Activation::Relu),
            loss: arguments.loss.clone().unwrap_or(Loss::MeanSquaredError),
            batch: arguments.batch.map_or(DEFAULT_BATCH, |batch| batch as usize),
        }]);
    }
    let standard = Workload::standard();
    if arguments.workloads.is_empty() {
        return Ok(standard);
    }
    let find = |name: &&str| standard.iter().find(|workload| workload.name == *name).cloned();
    Ok(arguments.workloads.iter().filter_map(find).collect())
}

/// The plan of the workload's step, if this machine can hold it.
fn planned<T: Scalar>(
    arguments: &BenchArguments,
    threads: &Threads,
    workload: &Workload,
    rule: &Rule,
) -> Result<MemoryPlan> {
    let network = workload.network()?;
    let shape = StepShape {
        network: &network,
        rule,
        keeps_gradients: false,
        batch_size: workload.batch,
        threads: threads.count(),
    };
    let plan = match (arguments.memory.limit::<T>(&network)?, arguments.periodic) {
        (Some(limit), _) => MemoryPlan::within::<T>(&shape, &limit).map_err(refusal)?,
        (None, Some(every)) => {
            let model = StepModel::new::<T>(&shape, 1, None)?;
            let schedule = Schedule::periodic(model.chain().depth(), every as usize);
            MemoryPlan::executing::<T>(model, schedule)?
        }
        (None, None) => MemoryPlan::unlimited::<T>(&shape)?,
    };
    let data = (workload.widths[0] + network.output_width()) * workload.batch * size_of::<T>();
    if !can_hold(plan.bytes().saturating_add(data as u64)) {
        bail!(
            "the network has {} parameters, and a step of {} takes {}, more than this machine has; \
             give smaller --layers, a smaller --batch or --memory auto",
            grouped(network.parameter_count() as u64),
            counted(workload.batch, "row"),
            bytes(plan.bytes()),
        );
    }
    Ok(plan)
}

fn step_flops(network: &Network, batch: usize) -> f64 {
    network.step_flops() as f64 * batch as f64
}

/// All rounds of a workload. `progress` hears how many are done.
fn measure<T: Scalar>(
    arguments: &BenchArguments,
    threads: &Threads,
    rule: &Rule,
    workload: Workload,
    plan: MemoryPlan,
    progress: &dyn Fn(f64),
) -> Result<Timing> {
    let data = Data::<T>::new(&workload);
    let network = plan.network();
    let mut parameters = network.initialize::<T>(1);
    let mut optimizer = Optimizer::new(rule.clone(), &parameters)?;
    let (bytes, recomputed) = (plan.bytes(), plan.recomputed());
    let (microbatches, flops) = (plan.model().microbatches(), step_flops(network, workload.batch));
    let mut step = plan.training_step(&workload.loss, None)?;

    let mut run_step =
        || step.run(threads, &mut parameters, &mut optimizer, data.samples(), Some(1)).map(drop);
    let warm = seconds_per_step(&mut run_step, 1, 1, arguments.seconds / 10.0, &|_| ())?;
    let stride = (CLOCK_INTERVAL / warm).clamp(1.0, 1e4) as usize;
    let mut seconds = Vec::new();
    for round in 0..arguments.rounds {
        let progress = |share: f64| progress(f64::from(round) + share);
        seconds.push(seconds_per_step(&mut run_step, stride, SHORTEST_ROUND, arguments.seconds, &progress)?);
    }
    seconds.sort_by(f64::total_cmp);
    Ok(Timing { workload, seconds, flops, bytes, recomputed, microbatches })
}

/// The mean time of a step, over at least this many steps and seconds. The clock is read every `stride` steps, and
/// `progress` then hears which share is done.
fn seconds_per_step(
    run_step: &mut dyn FnMut() -> chainrule::Result<()>,
    stride: usize,
    least_steps: usize,
    least_seconds: f64,
    progress: &dyn Fn(f64),
) -> Result<f64> {
    let (start, mut steps) = (Instant::now(), 0);
    loop {
        for _ in 0..stride {
            run_step()?;
        }
        steps += stride;
        let elapsed = start.elapsed().as_secs_f64();
        progress((steps as f64 / least_steps as f64).min(elapsed / least_seconds).min(1.0));
        if steps >= least_steps && elapsed >= least_seconds {
            return Ok(elapsed / steps as f64);
        }
    }
}

impl Timing {
    fn best(&self) -> f64 {
        self.seconds[0]
    }

    fn median(&self) -> f64 {
        let middle = self.seconds.len() / 2;
        match self.seconds.len() % 2 {
            0 => 0.5 * (self.seconds[middle - 1] + self.seconds[middle]),
            _ => self.seconds[middle],
        }
    }

    fn gflops(&self) -> f64 {
        self.flops / self.best() / 1e9
    }

    fn rows_per_second(&self) -> f64 {
        self.workload.batch as f64 / self.best()
    }
}

fn say_result(
    arguments: &BenchArguments,
    threads: &Threads,
    measurements: &[Timing],
    peak: f64,
) -> Result<()> {
    say(format!(
        "training steps in {} with {}, {}, {}; peak of fused multiply-adds: {} GFLOP/s",
        arguments.dtype,
        arguments.optimizer.name(),
        counted(threads.count(), "thread"),
        instructions()?.set.name(),
        short(peak)
    ))?;
    let header =
        ["workload", "layers", "batch", "µs/step", "median", "GFLOP/s", "of peak", "rows/s", "memory"];
    let mut shown = table(&header, 2);
    for measurement in measurements {
        let workload = &measurement.workload;
        shown.add_row(vec![
            workload.name.to_owned(),
            workload.layers(),
            grouped(workload.batch as u64),
            microseconds(measurement.best()),
            microseconds(measurement.median()),
            short(measurement.gflops()),
            percent(measurement.gflops() / peak),
            grouped(measurement.rows_per_second() as u64),
            bytes(measurement.bytes),
        ]);
    }
    say(shown)?;
    let not_plain = |measured: &&Timing| measured.recomputed > 0.0 || measured.microbatches > 1;
    for measurement in measurements.iter().filter(not_plain) {
        say(format!(
            "{}: recomputes {} of a forward pass, in {}",
            measurement.workload.name,
            percent(measurement.recomputed),
            counted(measurement.microbatches, "part"),
        ))?;
    }
    say(format!(
        "µs/step: the best of {}; memory: parameters, optimizer state and the step's buffers",
        counted(usize::from(arguments.rounds), "round")
    ))
}

fn microseconds(seconds: f64) -> String {
    let microseconds = 1e6 * seconds;
    if microseconds < 1e3 { short(microseconds) } else { grouped(microseconds.round() as u64) }
}

fn as_json(
    arguments: &BenchArguments,
    threads: &Threads,
    measurements: &[Timing],
    peak: f64,
) -> Result<Value> {
    let mut entries: Vec<Value> = measurements
        .iter()
        .map(|measurement| {
            json!({
                "name": measurement.workload.name,
                "layers": measurement.workload.widths,
                "batch": measurement.workload.batch,
                "microseconds_per_step": 1e6 * measurement.best(),
                "median_microseconds_per_step": 1e6 * measurement.median(),
                "gflops": measurement.gflops(),
                "peak_gflops": peak,
                "fraction_of_peak": measurement.gflops() / peak,
                "rows_per_second": measurement.rows_per_second(),
                "bytes": measurement.bytes,
                "recomputed": measurement.recomputed,
                "microbatches": measurement.microbatches,
            })
        })
        .collect();
    let mut value =
        if let [entry] = &mut entries[..] { entry.take() } else { json!({ "workloads": entries }) };
    value["peak_gflops"] = json!(peak);
    value["threads"] = json!(threads.count());
    value["dtype"] = json!(arguments.dtype);
    value["optimizer"] = json!(arguments.optimizer.name());
    value["instructions"] = json!(instructions()?.set.name());
    Ok(value)
}
