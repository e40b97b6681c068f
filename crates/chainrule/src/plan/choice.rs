//! Which way to keep a limit is taken: how many micro-batches, and which schedule of them; or why there is none.

use super::ledger::Purpose;
use super::limit::{Certificate, MemoryLimit, MicroBatches};
use super::model::{StepModel, StepShape};
use crate::checkpoint::{Method, Planner, Planners, Schedule};
use crate::error::{Error, Result};
use crate::kernel::Scalar;

/// Layers above which planning takes so long that the whole batch is all that is compared with micro-batches which
/// recompute nothing.
const MANY_LAYERS: usize = 200;

/// A model of the step, and a schedule for it.
pub(super) struct Choice {
    pub(super) model: StepModel,
    pub(super) schedule: Schedule,
    pub(super) certificate: Certificate,
    /// Bytes that the limit leaves for the schedule.
    pub(super) room: u64,
    forward_cost: u64,
}

impl Choice {
    /// The schedule that drops nothing.
    fn plain(model: StepModel) -> Self {
        let schedule = model.chain().plain();
        let room = model.plain_bytes() - model.fixed_bytes();
        let forward_cost = model.once();
        Choice { model, schedule, certificate: Certificate::Optimal, room, forward_cost }
    }

    /// The planner's schedule for what the limit leaves. None if that is too little, or the planner is another chain's.
    pub(super) fn of(model: StepModel, planner: &Planner, limit: u64) -> Option<Self> {
        let room = limit.checked_sub(model.fixed_bytes())?;
        if model.plain_bytes() <= limit {
            return Some(Choice { room, ..Choice::plain(model) });
        }
        let schedule = planner.schedule(room)?;
        let cost = model.chain().run(&schedule).ok().filter(|cost| cost.peak_bytes <= room)?;
        let certificate = match planner.method() {
            Method::General => Certificate::BestFound,
            Method::Persistent => Certificate::BestPersistent,
            Method::Windowed => Certificate::BestOnGrid,
        };
        Some(Choice { model, schedule, certificate, room, forward_cost: cost.forward_cost })
    }

    /// About how long a step takes, in the unit of the costs: the backward pass is as much work as two forward passes, and
    /// products of r rows for each thread take 1 + 8 / r times as long for it.
    fn time(&self) -> f64 {
        time(&self.model, self.forward_cost)
    }
}

fn time(model: &StepModel, forward_cost: u64) -> f64 {
    let few_rows = 1.0 + 8.0 * model.threads as f64 / model.rows as f64;
    (2.0 * model.once() as f64 + forward_cost as f64) * few_rows
}

/// The way to keep the limit that takes the least time.
///
/// # Errors
/// When there is none, with the smallest limit that can be kept and what would lower it.
pub(super) fn choose<T: Scalar>(
    shape: &StepShape<'_>,
    limit: &MemoryLimit,
    planners: &mut Planners,
) -> Result<Choice> {
    let model = |parts: usize| StepModel::new::<T>(shape, parts, limit.forward_costs.as_deref());
    let chosen = match limit.microbatches {
        MicroBatches::Exactly(parts) => planned(model(parts)?, limit.bytes, planners),
        MicroBatches::Automatic => automatic(shape, &model, limit.bytes, planners)?,
    };
    chosen.map_or_else(|| Err(too_small::<T>(shape, limit, &model, planners)?), Ok)
}

/// The cheapest schedule for one number of parts.
fn planned(model: StepModel, limit: u64, planners: &mut Planners) -> Option<Choice> {
    if model.plain_bytes() <= limit {
        return Some(Choice::plain(model));
    }
    if model.fixed_bytes() + planners.least_bytes(model.chain()) > limit {
        return None;
    }
    let planner = planners.of(model.chain());
    Choice::of(model, planner, limit)
}

/// The fastest of: as few parts as recompute nothing, and fewer parts (1, 4, 16, ...) that do. So a larger limit never takes
/// more time.
fn automatic(
    shape: &StepShape<'_>,
    model: &dyn Fn(usize) -> Result<StepModel>,
    limit: u64,
    planners: &mut Planners,
) -> Result<Option<Choice>> {
    let batch = shape.batch_size;
    let fits = |parts: usize| Ok::<_, Error>(model(parts)?.plain_bytes() <= limit);
    if fits(1)? {
        return Ok(Some(Choice::plain(model(1)?)));
    }
    let (mut best, mut fewer) = (None, batch + 1);
    if batch > 1 && fits(batch)? {
        // Of two parts and more, more parts hold less, apart from rounding.
        let (mut too_few, mut enough) = (1, batch);
        while enough - too_few > 1 {
            let middle = too_few.midpoint(enough);
            if fits(middle)? { enough = middle } else { too_few = middle }
        }
        (best, fewer) = (Some(Choice::plain(model(enough)?)), enough);
    }
    let most = if shape.network.depth() > MANY_LAYERS { 2 } else { fewer };
    let quadrupling = std::iter::successors(Some(1usize), |parts| parts.checked_mul(4));
    let smallest = (best.is_none() && batch > 1).then_some(batch);
    for parts in quadrupling.take_while(|&parts| parts < most.min(fewer)).chain(smallest) {
        let model = model(parts)?;
        let least_time = time(&model, model.once());
        if best.as_ref().is_some_and(|best| best.time() <= least_time) {
            continue;
        }
        if let Some(choice) = planned(model, limit, planners)
            && best.as_ref().is_none_or(|best| choice.time() < best.time())
        {
            best = Some(choice);
        }
    }
    Ok(best)
}

/// The refusal.
fn too_small<T: Scalar>(
    shape: &StepShape<'_>,
    limit: &MemoryLimit,
    model: &dyn Fn(usize) -> Result<StepModel>,
    planners: &mut Planners,
) -> Result<Error> {
    let mut least = |parts: &[usize]| -> Result<u64> {
        parts.iter().try_fold(u64::MAX, |least, &parts| {
            let model = model(parts)?;
            Ok(least.min(model.fixed_bytes() + planners.least_bytes(model.chain())))
        })
    };
    let (parts, minimum) = match limit.microbatches {
        MicroBatches::Exactly(parts) => (parts, least(&[parts])?),
        MicroBatches::Automatic => (1, least(&[1, shape.batch_size])?),
    };
    let model = model(parts)?;
    let held = |purpose: Purpose| in_units(model.fixed().of(purpose));
    let mut advice = Vec::new();
    if model.fixed().of(Purpose::OptimizerState) > 0 {
        let held = held(Purpose::OptimizerState);
        advice.push(format!("an update rule with less state ({} keeps {held})", shape.rule.name()));
    }
    if shape.keeps_gradients {
        advice.push(format!("no clipping, which keeps all gradients ({})", held(Purpose::Gradients)));
    }
    if limit.microbatches != MicroBatches::Automatic && least(&[1, shape.batch_size])? < minimum {
        advice.push("micro-batches chosen automatically".to_owned());
    }
    if shape.batch_size > 1 {
        advice.push("a smaller batch".to_owned());
    }
    if shape.threads > 1 {
        let each = in_units(model.fixed().of(Purpose::Scratch) / shape.threads as u64);
        advice.push(format!("fewer threads ({each} each)"));
    }
    if size_of::<T>() == 8 {
        advice.push("f32".to_owned());
    }
    advice.push(format!("narrower layers (the parameters take {})", held(Purpose::Parameters)));
    Ok(Error::Memory { limit: limit.bytes, minimum, advice: advice.join(", ") })
}

fn in_units(bytes: u64) -> String {
    match bytes {
        0..10_240 => format!("{bytes} bytes"),
        10_240..10_485_760 => format!("{} KiB", bytes / 1024),
        _ => format!("{} MiB", bytes / 1_048_576),
    }
}
