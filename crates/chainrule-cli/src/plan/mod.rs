//! `chainrule plan`: how much memory a training step takes, and what less memory costs.

mod chart;
mod timeline;

use std::process::ExitCode;

use anyhow::{Result, bail};
use chainrule::checkpoint::{Breakpoint, Operation, Planners};
use chainrule::plan::{MemoryPlan, MicroBatches, StepModel, StepShape};
use chainrule::{Loss, Network, Rule, Scalar, write_file};
use chainrule_estimator::Predictor;
use comfy_table::Table;
use serde_json::{Value, json};

use crate::arguments::PlanArguments;
use crate::defaults::{DEFAULT_BATCH, recorded_options};
use crate::memory::{CostUnit, refusal};
use crate::output::check_output;
use crate::progress::waited;
use crate::report::{bytes, counted, grouped, ledger_line, short, table};
use crate::terminal::{say, say_json};
use crate::widths::{in_runs, made_network};

/// Runs the command.
pub(crate) fn run(arguments: &PlanArguments) -> Result<ExitCode> {
    match arguments.dtype.as_str() {
        "f64" => plan::<f64>(arguments),
        _ => plan::<f32>(arguments),
    }
}

/// What is planned for.
struct Subject {
    network: Network,
    rule: Rule,
    batch: usize,
    keeps_gradients: bool,
}

/// A plan, and what it was chosen from.
struct Outcome {
    plan: MemoryPlan,
    /// The planner's.
    curve: Vec<Breakpoint>,
    cost: CostUnit,
    limit: Option<u64>,
    /// Bytes of the step without a limit, which holds more where that is faster.
    fastest: u64,
}

fn plan<T: Scalar>(arguments: &PlanArguments) -> Result<ExitCode> {
    if let Some(output) = &arguments.output {
        if output.extension().is_none_or(|extension| extension != "svg") {
            bail!("-o {}: the picture is an SVG file; give a name that ends with .svg", output.display());
        }
        check_output(output, arguments.model.as_slice())?;
    }
    let subject = subject(arguments)?;
    let shape = StepShape {
        network: &subject.network,
        rule: &subject.rule,
        keeps_gradients: subject.keeps_gradients,
        batch_size: subject.batch,
        threads: arguments.common.thread_count(),
    };
    let mut planners = Planners::new();
    let outcome = waited("planning", || choose::<T>(arguments, &shape, &mut planners))?;
    if let Some(output) = &arguments.output {
        let picture = chart::picture(&outcome, &subject.title())?;
        write_file(output, picture.as_bytes())?;
    }
    if arguments.common.json {
        say_json(&as_json(arguments, &subject, &outcome))?;
    } else {
        describe::<T>(&subject, &shape, &outcome, &mut planners)?;
        if let Some(output) = &arguments.output {
            say(format!("picture     {}", output.display()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The network of a model file, or the one that was described.
fn subject(arguments: &PlanArguments) -> Result<Subject> {
    let batch = arguments.batch.map(|batch| batch as usize);
    if let Some(path) = &arguments.model {
        let predictor = Predictor::load(path)?;
        let model = predictor.model();
        let options = recorded_options(model);
        let rule = arguments.optimizer.clone().or_else(|| options.as_ref().map(|o| o.optimizer.clone()));
        return Ok(Subject {
            network: model.network.clone(),
            rule: rule.unwrap_or(Rule::from_name("sgd")?),
            batch: batch.or(options.as_ref().map(|o| o.batch_size)).unwrap_or(DEFAULT_BATCH),
            keeps_gradients: arguments.keep_gradients || options.is_some_and(|o| o.clipping.is_some()),
        });
    }
    let Some(widths) = &arguments.layers else {
        bail!("give a model file, or --layers with widths such as 784,512x64,10");
    };
    let loss = arguments.loss.clone().unwrap_or(Loss::MeanSquaredError);
    let activation = arguments.activation.unwrap_or(chainrule::Activation::Relu);
    Ok(Subject {
        network: made_network(&widths.0, activation, arguments.dropout.unwrap_or(0.0), &loss)?,
        rule: arguments.optimizer.clone().unwrap_or(Rule::from_name("sgd")?),
        batch: batch.unwrap_or(DEFAULT_BATCH),
        keeps_gradients: arguments.keep_gradients,
    })
}

/// The plan within the limit; without one, the step that drops nothing.
fn choose<T: Scalar>(
    arguments: &PlanArguments,
    shape: &StepShape<'_>,
    planners: &mut Planners,
) -> Result<Outcome> {
    let memory = &arguments.memory;
    let limit = memory.limit::<T>(shape.network)?;
    let parts = match (&limit, memory.microbatches.0) {
        (_, MicroBatches::Exactly(parts)) => parts,
        (None, MicroBatches::Automatic) => 1,
        (Some(limit), MicroBatches::Automatic) => {
            MemoryPlan::within_from::<T>(shape, limit, planners).map_err(refusal)?.model().microbatches()
        }
    };
    let costs = match &limit {
        Some(limit) => limit.forward_costs.clone(),
        None => memory.forward_costs::<T>(shape.network),
    };
    let model = StepModel::new::<T>(shape, parts, costs.as_deref())?;
    let planner = planners.of(model.chain());
    let curve = planner.curve().to_vec();
    let most = limit.as_ref().map_or(model.plain_bytes(), |limit| limit.bytes);
    let mut plan = match (MemoryPlan::scheduled::<T>(model, planner, most), &limit) {
        (Ok(plan), _) => plan,
        // The refusal of the whole choice knows what would help.
        (Err(_), Some(limit)) => MemoryPlan::within_from::<T>(shape, limit, planners).map_err(refusal)?,
        (Err(error), None) => return Err(refusal(error)),
    };
    plan.certify();
    let fastest = MemoryPlan::unlimited::<T>(shape)?.bytes();
    // What is free changes from one look to the next, so the limit is the one that was planned for.
    let limit = memory.memory.and(limit).map(|limit| limit.bytes);
    Ok(Outcome { plan, curve, cost: memory.cost, limit, fastest })
}

impl Subject {
    /// 784,512x64,10 in a few words.
    fn title(&self) -> String {
        /// Runs of equal widths that are written out.
        const RUNS: usize = 16;
        let widths: Vec<usize> = (0..=self.network.depth()).map(|l| self.network.width(l)).collect();
        let written = in_runs(&widths);
        let widths = match written.match_indices(',').nth(RUNS) {
            Some((end, _)) => format!("{},... ({} widths)", &written[..end], grouped(widths.len() as u64)),
            None => written,
        };
        format!("{widths}, batch of {}, {}", grouped(self.batch as u64), self.rule.name())
    }
}

impl Outcome {
    /// The curve: bytes of everything, and the cost of what is recomputed as a share of a forward pass.
    fn curve(&self) -> Vec<(u64, f64)> {
        let once = self.plan.model().once() as f64;
        let fixed = self.plan.model().fixed_bytes();
        let share = |cost: u64| (cost as f64 - once) / once;
        self.curve.iter().map(|point| (fixed + point.bytes, share(point.forward_cost))).collect()
    }

    fn unit(&self) -> &'static str {
        match self.cost {
            CostUnit::Flops => "forward FLOPs",
            CostUnit::Measured => "forward time",
        }
    }
}

/// Recomputation as people read it: +12.3 %.
fn extra(share: f64) -> String {
    if share == 0.0 { "nothing".to_owned() } else { format!("+{} %", short(100.0 * share)) }
}

fn describe<T: Scalar>(
    subject: &Subject,
    shape: &StepShape<'_>,
    outcome: &Outcome,
    planners: &mut Planners,
) -> Result<()> {
    let (plan, model) = (&outcome.plan, outcome.plan.model());
    let number = if size_of::<T>() == 8 { "f64" } else { "f32" };
    say(format!("{} in {number}, {}", subject.title(), counted(shape.threads, "thread")))?;
    say(format!("always held {}", ledger_line(model.fixed())))?;
    say(format!("plain step  {}, which recomputes nothing", bytes(model.plain_bytes())))?;
    say(format!(
        "fastest     {}, which train and bench take if there is no limit or a larger one",
        bytes(outcome.fastest)
    ))?;
    if let [(least, most_extra), _, ..] = outcome.curve()[..] {
        let unit = outcome.unit();
        say(format!("smallest    {}, which recomputes {} of the {unit}", bytes(least), extra(most_extra)))?;
        say(String::new())?;
        say(chart::in_terminal(outcome))?;
    } else {
        say("smallest    the same: recomputing saves nothing here".to_owned())?;
        say(String::new())?;
    }
    if let Some(limit) = outcome.limit {
        say(waited("planning", || compare_parts::<T>(shape, outcome, limit, planners))?)?;
        say(String::new())?;
    }
    let parts = match model.microbatches() {
        1 => "the whole batch at once".to_owned(),
        parts => format!("{parts} parts of {}", counted(subject.batch.div_ceil(parts), "row")),
    };
    say(format!("schedule    {parts}, peak {} ({} bytes)", bytes(plan.bytes()), grouped(plan.bytes())))?;
    let share_of_step = step_share(subject, plan);
    say(match plan.recomputed() {
        0.0 => format!("recomputes  nothing; {}", plan.certificate()),
        share => format!(
            "recomputes  {} of the {}, {} of the step's FLOPs; {}",
            extra(share),
            outcome.unit(),
            extra(share_of_step),
            plan.certificate()
        ),
    })?;
    say(format!("at the peak {}", ledger_line(plan.ledger())))?;
    say(String::new())?;
    timeline::lines(plan).into_iter().try_for_each(say)
}

/// The recomputed FLOPs as a share of a plain step's.
fn step_share(subject: &Subject, plan: &MemoryPlan) -> f64 {
    let network = &subject.network;
    let flops = |l: usize| network.layers()[l - 1].forward_flops(network.width(l - 1)) as f64;
    let (mut all, mut once) = (0.0, 0.0);
    for operation in &plan.schedule().operations {
        if let Operation::Forward(l) = *operation {
            all += flops(plan.model().layer(l));
        }
    }
    for l in 1..=plan.model().chain().depth() {
        once += flops(plan.model().layer(l));
    }
    (all - once) / network.step_flops() as f64
}

/// Checkpointing and micro-batches side by side, for one limit.
fn compare_parts<T: Scalar>(
    shape: &StepShape<'_>,
    outcome: &Outcome,
    limit: u64,
    planners: &mut Planners,
) -> Result<Table> {
    let chosen = outcome.plan.model();
    let costs = match outcome.cost {
        CostUnit::Flops => None,
        CostUnit::Measured => Some(chosen.chain().forward_costs()),
    };
    let mut parts = vec![1, chosen.microbatches()];
    if shape.network.depth() <= MANY_LAYERS {
        parts.extend([2, 4, 8, 16]);
    }
    parts.sort();
    parts.dedup();
    let mut shown = table(&["parts", "rows", "smallest", &format!("within {}", bytes(limit)), ""], 0);
    for parts in parts.into_iter().filter(|&parts| parts <= shape.batch_size) {
        let model = StepModel::new::<T>(shape, parts, costs)?;
        if model.microbatches() != parts {
            continue;
        }
        let least = model.fixed_bytes() + planners.least_bytes(model.chain());
        let what = match () {
            () if parts == chosen.microbatches() => recomputes(outcome.plan.recomputed()),
            () if model.plain_bytes() <= limit => recomputes(0.0),
            () if least > limit => "does not fit".to_owned(),
            () => {
                let planner = planners.of(model.chain());
                let plan = MemoryPlan::scheduled::<T>(model, planner, limit);
                plan.map_or("does not fit".to_owned(), |plan| recomputes(plan.recomputed()))
            }
        };
        shown.add_row(vec![
            parts.to_string(),
            grouped(shape.batch_size.div_ceil(parts) as u64),
            bytes(least),
            what,
            if parts == chosen.microbatches() { "chosen".to_owned() } else { String::new() },
        ]);
    }
    Ok(shown)
}

/// Layers above which planning takes so long that only what was chosen is compared with the whole batch.
const MANY_LAYERS: usize = 200;

fn recomputes(share: f64) -> String {
    format!("recomputes {}", extra(share))
}

/// Everything that someone needs to compute the optimum again.
fn as_json(arguments: &PlanArguments, subject: &Subject, outcome: &Outcome) -> Value {
    let (plan, model) = (&outcome.plan, outcome.plan.model());
    let chain = model.chain();
    let fixed = model.fixed_bytes();
    let curve: Vec<_> = outcome.curve.iter().map(|point| (fixed + point.bytes, point.forward_cost)).collect();
    let operations = plan.schedule().operations.iter().map(|operation| match operation {
        Operation::Forward(l) => format!("F_{l}"),
        Operation::Drop(l) => format!("drop {l}"),
        Operation::Backward(l) => format!("B_{l}"),
    });
    let mut value = json!({
        "network": serde_json::to_value(&subject.network).unwrap_or_default(),
        "batch": subject.batch,
        "optimizer": subject.rule.name(),
        "dtype": arguments.dtype,
        "threads": arguments.common.thread_count(),
        "memory": outcome.limit,
        "microbatches": model.microbatches(),
        "rows": subject.batch.div_ceil(model.microbatches()),
        "first_layer": model.layer(1),
        "state_bytes": chain.state_bytes(),
        "backward_extra_bytes": chain.backward_extra_bytes(),
        "fixed_bytes": fixed,
        "plain_bytes": model.plain_bytes(),
        "minimum_bytes": fixed + outcome.curve[0].bytes,
        "curve": curve,
        "schedule": operations.collect::<Vec<_>>(),
        "peak_bytes": plan.bytes(),
        "cost_unit": outcome.unit(),
        "forward_costs": chain.forward_costs(),
        "total_forward_cost": plan.forward_cost(),
        "fastest_bytes": outcome.fastest,
        "recomputed": plan.recomputed(),
        "recomputed_of_step": step_share(subject, plan),
        "certificate": plan.certificate().to_string(),
        "ledger": plan.ledger().entries,
    });
    if outcome.cost == CostUnit::Flops {
        value["forward_flops"] = json!(chain.forward_costs());
    }
    value
}
