//! The plan of a training step: a schedule that stays inside a limit of bytes at the least cost, or the plain step.

use super::choice::{Choice, choose};
use super::ledger::{Ledger, Purpose};
use super::limit::{Certificate, MemoryLimit, MicroBatches};
use super::model::{StepModel, StepShape};
use crate::checkpoint::{CERTIFIABLE, Planner, Planners, Schedule, optimum};
use crate::error::{Error, Result};
use crate::kernel::Scalar;
use crate::loss::Loss;
use crate::network::Network;
use crate::optimizer::Clipping;
use crate::step::{Conditions, Program, Reserve, TrainingStep, compiled, fast_program};

/// What a step will do, and every byte that it will hold.
///
/// ```
/// use chainrule::plan::{MemoryLimit, MemoryPlan, StepShape};
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
/// let step = small.training_step::<f32>(&Loss::cross_entropy(), None)?;
/// let parameters = network.initialize::<f32>(1);
/// assert_eq!((step.bytes() + parameters.bytes()) as u64, small.bytes());
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone)]
pub struct MemoryPlan {
    model: StepModel,
    program: Program,
    schedule: Schedule,
    ledger: Ledger,
    certificate: Certificate,
    /// Bytes that the limit leaves for the schedule, which the certificate is about.
    room: u64,
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
    #[inline(never)]
    pub fn unlimited<T: Scalar>(shape: &StepShape<'_>) -> Result<Self> {
        let model = StepModel::new::<T>(shape, 1, None)?;
        let program = fast_program::<T>(shape.network, shape.batch_size, shape.threads);
        let mut ledger = model.fixed().clone();
        let mut gaps = program.length;
        for &(tensor, numbers) in &program.at_peak {
            ledger.add_tensor(tensor, (numbers * size_of::<T>()) as u64);
            gaps -= numbers;
        }
        ledger.add(Purpose::States, "gaps between them", (gaps * size_of::<T>()) as u64);
        let (schedule, room) = (model.chain().plain(), ledger.total() - model.fixed_bytes());
        Ok(MemoryPlan { model, program, schedule, ledger, certificate: Certificate::Optimal, room })
    }

    /// The step that takes the least time among those that hold no more than the limit, as far as FLOPs, or the measured
    /// costs, tell; see [`MicroBatches`].
    ///
    /// # Errors
    /// When there is none, with the smallest limit that can be kept and what would lower it; and as for
    /// [`MemoryPlan::unlimited`].
    #[inline(never)]
    pub fn within<T: Scalar>(shape: &StepShape<'_>, limit: &MemoryLimit) -> Result<Self> {
        MemoryPlan::within_from::<T>(shape, limit, &mut Planners::new())
    }

    /// The same as [`MemoryPlan::within`], from planners that are there already, to which it adds those that it makes.
    ///
    /// # Errors
    /// As for [`MemoryPlan::within`].
    #[inline(never)]
    pub fn within_from<T: Scalar>(
        shape: &StepShape<'_>,
        limit: &MemoryLimit,
        planners: &mut Planners,
    ) -> Result<Self> {
        if let MicroBatches::Automatic | MicroBatches::Exactly(1) = limit.microbatches {
            let plain = MemoryPlan::unlimited::<T>(shape)?;
            if plain.bytes() <= limit.bytes {
                return Ok(plain);
            }
        }
        MemoryPlan::of_choice::<T>(choose::<T>(shape, limit, planners)?)
    }

    /// The least cost within `limit` bytes for this model of the step, whose planner this is.
    ///
    /// # Errors
    /// When the limit is too small, and when the model is one of another number type.
    #[inline(never)]
    pub fn scheduled<T: Scalar>(model: StepModel, planner: &Planner, limit: u64) -> Result<Self> {
        let minimum = model.minimum_bytes(planner);
        match Choice::of(model, planner, limit) {
            Some(choice) => MemoryPlan::of_choice::<T>(choice),
            None => Err(Error::Memory { limit, minimum, advice: "other micro-batches".to_owned() }),
        }
    }

    /// The plan that executes this schedule of the model's chain, whatever it costs.
    ///
    /// # Errors
    /// Names the operation that cannot be executed; and when the model is one of another number type.
    #[inline(never)]
    pub fn executing<T: Scalar>(model: StepModel, schedule: Schedule) -> Result<Self> {
        let cost = model.chain().run(&schedule);
        let cost = cost.map_err(Error::Schedule)?;
        MemoryPlan::of_schedule::<T>(model, schedule, Certificate::None, cost.peak_bytes)
    }

    fn of_choice<T: Scalar>(Choice { model, schedule, certificate, room, .. }: Choice) -> Result<Self> {
        MemoryPlan::of_schedule::<T>(model, schedule, certificate, room)
    }

    fn of_schedule<T: Scalar>(
        model: StepModel,
        schedule: Schedule,
        certificate: Certificate,
        room: u64,
    ) -> Result<Self> {
        check_number::<T>(model.number_bytes)?;
        let ledger = model.ledger(&schedule);
        let StepModel { rows, threads, keeps_gradients, .. } = model;
        let conditions = Conditions { rows, threads, keeps_gradients };
        let capacity = (ledger.total() - model.fixed_bytes()) as usize / size_of::<T>();
        let program = compiled::<T>(&model.network, conditions, &schedule, capacity)
            .expect("a schedule's tensors fit into its peak");
        Ok(MemoryPlan { model, program, schedule, ledger, certificate, room })
    }

    /// The step: it reserves the buffers that the plan names, and no others. A step then holds what the ledger says, the
    /// parameters and the optimizer's state included, which are the caller's.
    ///
    /// # Errors
    /// When the loss does not fit the network, or the plan is for another number type, or has not reckoned with clipping.
    #[inline(never)]
    pub fn training_step<T: Scalar>(
        &self,
        loss: &Loss,
        clipping: Option<Clipping>,
    ) -> Result<TrainingStep<T>> {
        check_number::<T>(self.model.number_bytes)?;
        let StepModel { network, batch_size, threads, keeps_gradients, .. } = &self.model;
        let reserve = Reserve {
            maximum_batch: *batch_size,
            program: self.program.clone(),
            arena: self.arena_bytes() / size_of::<T>(),
            keeps_gradients: *keeps_gradients,
            threads: *threads,
        };
        TrainingStep::reserved(network, loss, clipping, reserve)
    }

    /// Searches all schedules within the limit, where the network is shallow enough (about two seconds at
    /// [`CERTIFIABLE`] layers), and says [`Certificate::Optimal`] if none costs less.
    pub fn certify(&mut self) {
        let chain = self.model.chain();
        if self.certificate == Certificate::Optimal || chain.depth() > CERTIFIABLE {
            return;
        }
        if optimum(chain, self.room).is_ok_and(|least| least == Some(self.forward_cost())) {
            self.certificate = Certificate::Optimal;
        }
    }

    /// The peak: everything that is held at the moment when most is.
    pub fn bytes(&self) -> u64 {
        self.ledger.total()
    }

    /// The bytes of states, deltas and what lies with them.
    fn arena_bytes(&self) -> usize {
        (self.bytes() - self.model.fixed_bytes()) as usize
    }

    /// The same, tensor by tensor.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.model.network
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
        match self.model.once() {
            0 => 0.0,
            once => (self.forward_cost() - once) as f64 / once as f64,
        }
    }
}

/// Fails unless numbers of type T have so many bytes.
fn check_number<T>(bytes: usize) -> Result<()> {
    if bytes == size_of::<T>() {
        return Ok(());
    }
    let expected = format!("numbers of {} bytes", size_of::<T>());
    Err(Error::shape("memory plan", expected, format!("numbers of {bytes} bytes")))
}
