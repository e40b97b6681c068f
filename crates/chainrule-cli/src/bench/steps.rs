//! Training steps: how long one takes, and how near that is to the machine's peak.

use anyhow::{Result, bail};
use chainrule::checkpoint::Schedule;
use chainrule::plan::{MemoryPlan, StepModel, StepShape};
use chainrule::{Network, Optimizer, Rule, Scalar, Threads};
use chainrule_estimator::can_hold;
use serde_json::{Value, json};

use super::peak::PeakOfRun;
use super::rounds::{Rounds, SHORTEST_ROUND, Times};
use super::run::{Run, Turn};
use crate::arguments::BenchArguments;
use crate::memory::refusal;
use crate::report::{bytes, counted, grouped, microseconds, percent, short, table};
use crate::terminal::{say, say_json};
use crate::workload::{Data, Workload};

/// So small that the network stays what it is, and each step has the same numbers to work on.
const LEARNING_RATE: f64 = 1e-6;

/// What was measured of one workload.
struct Timing {
    workload: Workload,
    /// Of one step.
    times: Times,
    flops: f64,
    /// Parameters, optimizer state and the step's buffers.
    bytes: u64,
    /// The share of a forward pass that is computed again.
    recomputed: f64,
    microbatches: usize,
}

/// Times steps of the workloads, and says or prints what they took.
pub(crate) fn bench_steps<T: Scalar>(arguments: &BenchArguments, workloads: Vec<Workload>) -> Result<()> {
    let threads = arguments.common.threads();
    let mut rule = arguments.optimizer.clone();
    rule.set_learning_rate(LEARNING_RATE);
    let chosen: Vec<(Workload, MemoryPlan)> = workloads
        .into_iter()
        .map(|workload| {
            let plan = planned::<T>(arguments, &threads, &workload, &rule)?;
            Ok((workload, plan))
        })
        .collect::<Result<_>>()?;

    let expected = |workload: &Workload, plan: &MemoryPlan, speed: f64| {
        let step = step_flops(plan.network(), workload.batch) / speed;
        arguments.seconds.max(SHORTEST_ROUND as f64 * step)
    };
    let measure = |turn: Turn<'_, MemoryPlan>| measure::<T>(arguments, &threads, &rule, turn);
    let run = Run::over::<T, _>(arguments, &threads, chosen, expected, measure)?;
    if arguments.common.json {
        let mut value = run.as_json(arguments, |timing| fields(timing, &run.peak));
        value["optimizer"] = json!(arguments.optimizer.name());
        say_json(&value)
    } else {
        say_result(arguments, &run)
    }
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

/// All rounds of a workload.
fn measure<T: Scalar>(
    arguments: &BenchArguments,
    threads: &Threads,
    rule: &Rule,
    turn: Turn<'_, MemoryPlan>,
) -> Result<Timing> {
    let Turn { workload, chosen: plan, peak, progress } = turn;
    let data = Data::<T>::new(&workload);
    let network = plan.network();
    let mut parameters = network.initialize::<T>(1);
    let mut optimizer = Optimizer::new(rule.clone(), &parameters)?;
    let (bytes, recomputed) = (plan.bytes(), plan.recomputed());
    let (microbatches, flops) = (plan.model().microbatches(), step_flops(network, workload.batch));
    let mut step = plan.training_step(&workload.loss, None)?;

    let mut run_step =
        || step.run(threads, &mut parameters, &mut optimizer, data.samples(), Some(1)).map(drop);
    let rounds = Rounds { count: arguments.rounds, seconds: arguments.seconds };
    let times = rounds.time(&mut run_step, &mut || peak.take_if_due::<T>(threads), progress)?;
    Ok(Timing { workload, times, flops, bytes, recomputed, microbatches })
}

impl Timing {
    fn gflops(&self) -> f64 {
        self.flops / self.times.best() / 1e9
    }

    fn rows_per_second(&self) -> f64 {
        self.workload.batch as f64 / self.times.best()
    }
}

fn say_result(arguments: &BenchArguments, run: &Run<Timing>) -> Result<()> {
    let Run { machine, peak, measurements } = run;
    say(format!(
        "training steps in {} with {}; {}; {}",
        arguments.dtype,
        arguments.optimizer.name(),
        machine.words(),
        peak.words()
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
            microseconds(measurement.times.best()),
            microseconds(measurement.times.median()),
            short(measurement.gflops()),
            percent(measurement.gflops() / peak.sustained()),
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
        "µs/step: the best of {}; of peak: of the sustained one; memory: parameters, optimizer state and the step's buffers",
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
        "microseconds_per_step": 1e6 * timing.times.best(),
        "median_microseconds_per_step": 1e6 * timing.times.median(),
        "gflops": timing.gflops(),
        "peak_gflops": peak.sustained(),
        "fraction_of_peak": timing.gflops() / peak.sustained(),
        "rows_per_second": timing.rows_per_second(),
        "bytes": timing.bytes,
        "recomputed": timing.recomputed,
        "microbatches": timing.microbatches,
    })
}
