//! The plan of a training step: a schedule that stays inside a limit of bytes at the least cost, or the plain step.

use super::ledger::{Ledger, Purpose};
use super::model::{StepModel, StepShape};
use super::{CERTIFIABLE, Method, Planner, Schedule, optimum};
use crate::error::{Error, Result};
use crate::kernel::Scalar;
use crate::network::Network;
use crate::step::program::{Conditions, Program};

/// Into how many parts a batch may be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MicroBatches {
    /// As few as cost the fewest FLOPs. Parts of less than 64 rows for each thread only where nothing else fits: products
    /// of fewer rows are slow.
    Automatic,
    /// So many.
    Exactly(usize),
}

/// A limit, and what may be done to keep it.
#[derive(Clone, Debug, PartialEq)]
pub struct MemoryLimit {
    /// For everything that a step holds.
    pub bytes: u64,
    /// Into how many parts the batch may be cut.
    pub microbatches: MicroBatches,
    /// What a forward pass of each layer costs, from the first that has parameters on; FLOPs if none.
    pub forward_costs: Option<Vec<u64>>,
}

impl MemoryLimit {
    /// A limit with the batch cut as needed, and FLOPs for costs.
    pub fn of(bytes: u64) -> Self {
        MemoryLimit { bytes, microbatches: MicroBatches::Automatic, forward_costs: None }
    }
}

/// How much is known about a schedule's cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// No schedule within the limit costs less: nothing is recomputed, or an exhaustive search has found the same.
    Optimal,
    /// The general recurrence found none that costs less.
    BestFound,
    /// The best of those that keep a state until its last use.
    BestPersistent,
    /// The best of those that keep states of a grid of layers; for very deep networks.
    BestOnGrid,
    /// It was not planned but given.
    None,
}

impl std::fmt::Display for Certificate {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Certificate::Optimal => "optimal, certified",
            Certificate::BestFound => "best found",
            Certificate::BestPersistent => "best persistent",
            Certificate::BestOnGrid => "best persistent on a grid",
            Certificate::None => "not planned",
        })
    }
}

/// What a step will do, and every byte that it will hold.
///
/// ```
/// use chainrule::memory::{MemoryLimit, MemoryPlan, StepShape};
/// use chainrule::*;
/// let mut builder = Network::builder(100);
/// for _ in 0..20 {
///     builder = builder.dense(100, Activation::Relu);
/// }
/// let network = builder.dense(10, Activation::Softmax).build()?;
/// let rule = Rule::from_name("sgd")?;
/// let shape = StepShape { network: &network, rule: &rule, keeps_gradients: false, batch_size: 1000, threads: 1 };
/// let plain = MemoryPlan::unlimited::<f32>(&shape)?;
/// let small = MemoryPlan::within::<f32>(&shape, &MemoryLimit::of(plain.bytes() / 2))?;
/// assert!(small.bytes() <= plain.bytes() / 2);
/// let step = TrainingStep::<f32>::planned(small.clone(), &Loss::cross_entropy(), None)?;
/// let parameters = network.initialize::<f32>(1);
/// assert_eq!((step.bytes() + parameters.bytes()) as u64, small.bytes());
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone)]
pub struct MemoryPlan {
    pub(crate) network: Network,
    pub(crate) program: Program,
    pub(crate) batch_size: usize,
    pub(crate) threads: usize,
    pub(crate) keeps_gradients: bool,
    pub(crate) number_bytes: usize,
    model: StepModel,
    schedule: Schedule,
    ledger: Ledger,
    certificate: Certificate,
}

impl std::fmt::Debug for MemoryPlan {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("MemoryPlan")
            .field("bytes", &self.bytes())
            .field("microbatches", &self.model.microbatches())
            .field("recomputed", &self.recomputed())
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

impl MemoryPlan {
    /// The plain step, in as much memory as makes it fast.
    ///
    /// # Errors
    /// When the batch is empty, or a size overflows.
    pub fn unlimited<T: Scalar>(shape: &StepShape<'_>) -> Result<Self> {
        let model = StepModel::new::<T>(shape, 1, None)?;
        let program = Program::fast::<T>(shape.network, shape.batch_size);
        let mut ledger = model.fixed().clone();
        for (purpose, name, numbers) in program.at_peak() {
            ledger.add(purpose, name, (numbers * size_of::<T>()) as u64);
        }
        let schedule = model.chain().plain();
        Ok(MemoryPlan::new::<T>(shape, model, program, schedule, ledger, Certificate::Optimal))
    }

    /// The step that costs least among those that hold no more than the limit.
    ///
    /// # Errors
    /// When there is none, with the smallest limit that can be kept and what would lower it; and as for
    /// [`MemoryPlan::unlimited`].
    pub fn within<T: Scalar>(shape: &StepShape<'_>, limit: &MemoryLimit) -> Result<Self> {
        if let MicroBatches::Automatic | MicroBatches::Exactly(1) = limit.microbatches {
            let plain = MemoryPlan::unlimited::<T>(shape)?;
            if plain.bytes() <= limit.bytes {
                return Ok(plain);
            }
        }
        let model = |parts: usize| StepModel::new::<T>(shape, parts, limit.forward_costs.as_deref());
        let chosen = match limit.microbatches {
            MicroBatches::Exactly(parts) => cheapest(vec![model(parts)?], limit.bytes),
            MicroBatches::Automatic => automatic(shape, &model, limit.bytes)?,
        };
        match chosen {
            Some(Choice { model, schedule, certificate, .. }) => {
                Ok(MemoryPlan::of_schedule::<T>(shape, model, schedule, certificate))
            }
            None => Err(too_small::<T>(shape, limit, &model)?),
        }
    }

    /// The least cost within `limit` bytes for this model of the step, whose planner this is. None if the limit is too small.
    pub fn scheduled<T: Scalar>(
        shape: &StepShape<'_>,
        model: StepModel,
        planner: &Planner,
        limit: u64,
    ) -> Option<Self> {
        let Choice { model, schedule, certificate, .. } = Choice::of(model, planner, limit)?;
        Some(MemoryPlan::of_schedule::<T>(shape, model, schedule, certificate))
    }

    /// The plan that executes this schedule of the model's chain, whatever it costs.
    ///
    /// # Errors
    /// Names the operation that cannot be executed.
    pub fn executing<T: Scalar>(shape: &StepShape<'_>, model: StepModel, schedule: Schedule) -> Result<Self> {
        model.chain().run(&schedule).map_err(|error| Error::Data(format!("the schedule's {error}")))?;
        Ok(MemoryPlan::of_schedule::<T>(shape, model, schedule, Certificate::None))
    }

    fn of_schedule<T: Scalar>(
        shape: &StepShape<'_>,
        model: StepModel,
        schedule: Schedule,
        certificate: Certificate,
    ) -> Self {
        let ledger = model.ledger(&schedule);
        let conditions = Conditions { rows: model.rows, keeps_gradients: model.keeps_gradients };
        let capacity = (ledger.total() - model.fixed_bytes()) as usize / size_of::<T>();
        let program = Program::of_schedule::<T>(shape.network, conditions, &schedule, capacity)
            .expect("a schedule's tensors fit into its peak");
        MemoryPlan::new::<T>(shape, model, program, schedule, ledger, certificate)
    }

    fn new<T: Scalar>(
        shape: &StepShape<'_>,
        model: StepModel,
        program: Program,
        schedule: Schedule,
        ledger: Ledger,
        certificate: Certificate,
    ) -> Self {
        MemoryPlan {
            network: shape.network.clone(),
            program,
            batch_size: shape.batch_size,
            threads: shape.threads,
            keeps_gradients: model.keeps_gradients,
            number_bytes: size_of::<T>(),
            model,
            schedule,
            ledger,
            certificate,
        }
    }

    /// Searches all schedules within the plan's peak, where the network is shallow enough (about two seconds at
    /// [`CERTIFIABLE`] layers), and says [`Certificate::Optimal`] if none costs less.
    pub fn certify(&mut self) {
        let chain = self.model.chain();
        if self.certificate == Certificate::Optimal || chain.depth() > CERTIFIABLE {
            return;
        }
        if optimum(chain, self.arena_bytes() as u64).is_ok_and(|least| least == Some(self.forward_cost())) {
            self.certificate = Certificate::Optimal;
        }
    }

    /// The peak: everything that is held at the moment when most is.
    pub fn bytes(&self) -> u64 {
        self.ledger.total()
    }

    /// The bytes of states, deltas and what lies with them.
    pub(crate) fn arena_bytes(&self) -> usize {
        (self.bytes() - self.model.fixed_bytes()) as usize
    }

    /// The same, tensor by tensor.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The step as the planner saw it.
    pub fn model(&self) -> &StepModel {
        &self.model
    }

    /// The operations, in the chain's layers.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// How much is known about its cost.
    pub fn certificate(&self) -> Certificate {
        self.certificate
    }

    /// The cost of all forward operations, recomputed ones included.
    pub fn forward_cost(&self) -> u64 {
        self.model.chain().run(&self.schedule).map_or(0, |cost| cost.forward_cost)
    }

    /// The cost of what is recomputed, as a share of one forward pass.
    pub fn recomputed(&self) -> f64 {
        let once: u64 = self.model.chain().forward_costs().iter().sum();
        (self.forward_cost() - once) as f64 / once as f64
    }
}

/// Layers above which planning takes so long that no more than two numbers of parts are compared.
const MANY_LAYERS: usize = 200;

/// Rows for each thread below which products are slow.
const ROWS_FOR_A_THREAD: usize = 64;

/// A model of the step, and a schedule for it.
struct Choice {
    model: StepModel,
    schedule: Schedule,
    certificate: Certificate,
    forward_cost: u64,
}

impl Choice {
    /// The plain schedule.
    fn plain(model: StepModel) -> Self {
        let schedule = model.chain().plain();
        let forward_cost = model.chain().forward_costs().iter().sum();
        Choice { model, schedule, certificate: Certificate::Optimal, forward_cost }
    }

    /// The planner's schedule for what the limit leaves. None if that is too little.
    fn of(model: StepModel, planner: &Planner, limit: u64) -> Option<Self> {
        let schedule = planner.schedule(limit.checked_sub(model.fixed_bytes())?)?;
        let cost = model.chain().run(&schedule).expect("the planner's schedules can be executed");
        let once: u64 = model.chain().forward_costs().iter().sum();
        let certificate = match planner.method() {
            _ if cost.forward_cost == once => Certificate::Optimal,
            Method::General => Certificate::BestFound,
            Method::Persistent => Certificate::BestPersistent,
            Method::Windowed => Certificate::BestOnGrid,
        };
        Some(Choice { model, schedule, certificate, forward_cost: cost.forward_cost })
    }
}

/// The choice that costs least within the limit; the first of those that cost the same.
fn cheapest(models: Vec<StepModel>, limit: u64) -> Option<Choice> {
    let choices = models.into_iter().filter_map(|model| {
        if model.fixed_bytes() + Planner::least_bytes(model.chain()) > limit {
            return None;
        }
        let planner = Planner::new(model.chain());
        Choice::of(model, &planner, limit)
    });
    choices.min_by_key(|choice| choice.forward_cost)
}

/// The cheapest number of parts: one part if nothing need be recomputed, else the fewest parts for which that is so, else
/// whatever recomputes least; first with parts that are large enough to be fast, then with smaller ones.
fn automatic(
    shape: &StepShape<'_>,
    model: &dyn Fn(usize) -> Result<StepModel>,
    limit: u64,
) -> Result<Option<Choice>> {
    let batch = shape.batch_size;
    let fast = (batch / (ROWS_FOR_A_THREAD * shape.threads)).max(1);
    let fits = |parts: usize| Ok::<_, Error>(model(parts)?.plain_bytes() <= limit);
    if least_bytes(&[1, batch], model)? > limit {
        return Ok(None);
    }
    for (fewest, most) in [(1, fast), (fast, batch)] {
        if fits(fewest)? {
            return Ok(Some(Choice::plain(model(fewest)?)));
        }
        if fits(most)? {
            // More parts hold less, apart from rounding.
            let (mut too_few, mut enough) = (fewest, most);
            while enough - too_few > 1 {
                let middle = too_few.midpoint(enough);
                if fits(middle)? { enough = middle } else { too_few = middle }
            }
            return Ok(Some(Choice::plain(model(enough)?)));
        }
        let quadrupling = std::iter::successors(Some(fewest), |parts| parts.checked_mul(4));
        let mut parts: Vec<usize> = quadrupling.take_while(|&parts| parts < most).collect();
        if shape.network.depth() > MANY_LAYERS {
            parts.truncate(1);
        }
        parts.push(most);
        let models = parts.into_iter().map(model).collect::<Result<Vec<_>>>()?;
        if let Some(found) = cheapest(models, limit) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The smallest limit that can be kept with one of these numbers of parts.
fn least_bytes(parts: &[usize], model: &dyn Fn(usize) -> Result<StepModel>) -> Result<u64> {
    let mut least = u64::MAX;
    for &parts in parts {
        let model = model(parts)?;
        least = least.min(model.fixed_bytes() + Planner::least_bytes(model.chain()));
    }
    Ok(least)
}

fn in_mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / 1_048_576.0)
}

/// The refusal: the smallest limit that can be kept, and what would lower it.
fn too_small<T: Scalar>(
    shape: &StepShape<'_>,
    limit: &MemoryLimit,
    model: &dyn Fn(usize) -> Result<StepModel>,
) -> Result<Error> {
    let parts = match limit.microbatches {
        MicroBatches::Exactly(parts) => vec![parts],
        MicroBatches::Automatic => vec![1, shape.batch_size],
    };
    let minimum = least_bytes(&parts, model)?;
    let model = model(1)?;
    let sums = model.fixed().by_purpose();
    let bytes_of =
        |wanted: Purpose| sums.iter().find(|(purpose, _)| *purpose == wanted).map_or(0, |sum| sum.1);
    let mut advice = Vec::new();
    if bytes_of(Purpose::OptimizerState) > 0 {
        advice.push(format!(
            "an update rule with less state ({} keeps {})",
            shape.rule.name(),
            in_mebibytes(bytes_of(Purpose::OptimizerState))
        ));
    }
    if bytes_of(Purpose::Gradients) > 0 && shape.keeps_gradients {
        advice.push(format!(
            "no clipping, which keeps all gradients ({})",
            in_mebibytes(bytes_of(Purpose::Gradients))
        ));
    }
    if limit.microbatches != MicroBatches::Automatic {
        advice.push("micro-batches chosen automatically".to_owned());
    }
    if shape.batch_size > 1 {
        advice.push("a smaller batch".to_owned());
    }
    if shape.threads > 1 {
        let each = bytes_of(Purpose::Scratch) / shape.threads as u64;
        advice.push(format!("fewer threads ({} each)", in_mebibytes(each)));
    }
    if size_of::<T>() == 8 {
        advice.push("f32".to_owned());
    }
    advice.push(format!(
        "narrower layers (the parameters take {})",
        in_mebibytes(bytes_of(Purpose::Parameters))
    ));
    Ok(Error::Memory { limit: limit.bytes, minimum, advice: advice.join(", ") })
}
