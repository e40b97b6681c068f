//! Training within a limit of bytes: the same bits as the plain step at every breakpoint of the curve, in any number of
//! micro-batches, and exactly the bytes that were predicted.

use crate::common::*;
use chainrule::checkpoint::Schedule;
use chainrule::checkpoint::*;
use chainrule::plan::*;
use chainrule::*;

/// Networks of unequal widths that together have every activation, with dropout in front, between and twice in a row, and
/// layers without a bias.
fn networks() -> Vec<(Network, Loss)> {
    use Activation::*;
    let leaky = LeakyRelu { negative_slope: 0.2 };
    let elu = Elu { alpha: 0.7 };
    let builders = [
        (Network::builder(3).dense(7, Tanh).dropout(0.2).dense(2, Identity), Loss::HalfSquaredError),
        (
            Network::builder(9).dense(33, Relu).dropout(0.3).dense(17, Gelu).dense(5, Softmax),
            Loss::cross_entropy(),
        ),
        (
            Network::builder(20)
                .dropout(0.2)
                .dense(40, Silu)
                .dense(8, Mish)
                .dense(33, leaky)
                .dense(1, Sigmoid),
            Loss::BinaryCrossEntropy,
        ),
        (
            Network::builder(5)
                .dense(64, Softplus)
                .dense(3, elu)
                .dropout(0.4)
                .dense(64, Selu)
                .dense(3, HardSigmoid),
            Loss::MeanSquaredError,
        ),
        (
            Network::builder(6)
                .dense(10, Gelu)
                .dropout(0.5)
                .dropout(0.1)
                .dense(12, GeluTanh)
                .dense(50, Identity),
            Loss::MeanAbsoluteError,
        ),
        (
            Network::builder(70)
                .dense_without_bias(5, Relu)
                .dense(90, Tanh)
                .dense_without_bias(40, Silu)
                .dense(4, Softmax),
            Loss::cross_entropy(),
        ),
        (
            Network::builder(4).dropout(0.1).dropout(0.1).dense(6, Sigmoid).dense(2, Identity),
            Loss::Huber { delta: 1.0 },
        ),
        (deep(16, &[Relu; 11]), Loss::HalfSquaredError),
        (deep(13, &[Gelu, Relu, Silu, Tanh, Mish, Relu, Gelu, Sigmoid]), Loss::MeanSquaredError),
        (wide_and_narrow(), Loss::cross_entropy()),
        (Network::builder(8).dense(3, Identity), Loss::HalfSquaredError),
    ];
    builders.into_iter().map(|(builder, loss)| (builder.build().unwrap(), loss)).collect()
}

fn deep(width: usize, activations: &[Activation]) -> NetworkBuilder {
    let hidden = |builder: NetworkBuilder, activation: &Activation| builder.dense(width, *activation);
    activations.iter().fold(Network::builder(width), hidden).dropout(0.25).dense(width, Activation::Identity)
}

/// Neighbours of very unequal widths, some with dropout: the general recurrence moves checkpoints here.
fn wide_and_narrow() -> NetworkBuilder {
    let widths = [60, 4, 90, 8, 70, 3, 100, 5, 80];
    let mut builder = Network::builder(6);
    for (index, width) in widths.into_iter().enumerate() {
        builder = builder
            .dense(width, if index % 3 == 0 { Activation::Elu { alpha: 1.0 } } else { Activation::Relu });
        if index % 4 == 1 {
            builder = builder.dropout(0.2);
        }
    }
    builder.dense(7, Activation::Softmax)
}

#[test]
fn the_networks_have_every_activation() {
    let used: Vec<_> = networks()
        .iter()
        .flat_map(|(network, _)| network.layers().to_vec())
        .filter_map(|layer| Some(layer.activation()?.name()))
        .collect();
    assert!(Activation::ALL.iter().all(|activation| used.contains(&activation.name())), "{used:?}");
}

struct Outcome<T> {
    losses: Vec<f64>,
    parameters: Parameters<T>,
    state: Vec<Parameters<T>>,
    gradients: Option<Gradients<T>>,
}

/// Some steps with a fresh optimizer.
fn train<T: Scalar>(
    case: &Case,
    rule: &Rule,
    mut step: TrainingStep<T>,
    threads: &Threads,
    steps: u64,
) -> Outcome<T> {
    let data = case.data.cast::<T>();
    let mut parameters = case.parameters.cast::<T>();
    let mut optimizer = Optimizer::new(rule.clone(), &parameters).unwrap();
    let mut losses = Vec::new();
    for _ in 0..steps {
        let sum = step.run(threads, &mut parameters, &mut optimizer, data.samples(), Some(9)).unwrap();
        losses.push(sum.mean());
    }
    Outcome {
        losses,
        parameters,
        state: optimizer.state().to_vec(),
        gradients: step.kept_gradients().cloned(),
    }
}

fn assert_same<T: Scalar>(what: &str, found: &Outcome<T>, expected: &Outcome<T>) {
    assert_same_bits(&format!("{what}: losses"), &found.losses, &expected.losses);
    assert_same_parameters(&format!("{what}: parameters"), &found.parameters, &expected.parameters);
    for (found, expected) in found.state.iter().zip(&expected.state) {
        assert_same_parameters(&format!("{what}: optimizer state"), found, expected);
    }
    if let (Some(found), Some(expected)) = (&found.gradients, &expected.gradients) {
        assert_same_parameters(&format!("{what}: gradients"), found, expected);
    }
}

/// Every breakpoint of a step's curve, for one number of micro-batches, against the plain step: ten steps with the same
/// bits, and the predicted number of bytes. Gives the number of breakpoints.
fn check_every_breakpoint<T: Scalar>(
    case: &Case,
    rule: &Rule,
    clipping: Option<Clipping>,
    microbatches: usize,
    threads: &Threads,
) -> usize {
    let shape = StepShape {
        network: &case.network,
        rule,
        keeps_gradients: clipping.is_some(),
        batch_size: case.data.len(),
        threads: threads.count(),
    };
    let plain = TrainingStep::new(&case.network, &case.loss, clipping, case.data.len()).unwrap();
    let expected: Outcome<T> = train(case, rule, plain, threads, 10);
    assert!(expected.losses.windows(2).all(|pair| pair[0] != pair[1]), "{:?}", expected.losses);
    let model = StepModel::new::<T>(&shape, microbatches, None).unwrap();
    let planner = Planner::new(model.chain());
    for point in planner.curve() {
        let limit = model.fixed_bytes() + point.bytes;
        let plan = MemoryPlan::scheduled::<T>(model.clone(), &planner, limit).unwrap();
        assert_eq!((plan.bytes(), plan.forward_cost()), (limit, point.forward_cost));
        let what = format!(
            "{:?}, {}, B {}, {microbatches} micro-batches, {limit} bytes",
            case.network.layers(),
            rule.name(),
            case.data.len()
        );
        let step = plan.training_step(&case.loss, clipping).unwrap();
        let held = case.parameters.cast::<T>().bytes() * (1 + rule.state_buffers()) + step.bytes();
        assert_eq!(held as u64, limit, "{what}");
        assert_same(&what, &train(case, rule, step, threads, 10), &expected);
    }
    assert!(MemoryPlan::scheduled::<T>(model.clone(), &planner, model.minimum_bytes(&planner) - 1).is_err());
    planner.curve().len()
}

fn rule(name: &str) -> Rule {
    Rule::from_name(name).unwrap()
}

#[test]
fn every_breakpoint_has_the_bits_of_the_plain_step() {
    let (alone, together) = (Threads::single(), Threads::new(3));
    let mut breakpoints = 0;
    for (index, (network, loss)) in networks().into_iter().enumerate() {
        // 37 rows are a few blocks on three threads, and 300 on one.
        for (rows, threads) in [(37, &together), (300, &alone)] {
            let mut case = Case::new(network.clone(), loss.clone(), rows, 77 + index as u64);
            let mut numbers = Numbers::new(3);
            if index % 2 == 0 {
                case.data.weights = Some((0..rows).map(|_| numbers.unit()).collect());
            }
            breakpoints += check_every_breakpoint::<f32>(&case, &rule("sgd"), None, 1, threads);
            breakpoints += check_every_breakpoint::<f64>(&case, &rule("adam"), None, 1, threads);
            let clipping = Some(Clipping::GlobalNorm(0.1));
            breakpoints += check_every_breakpoint::<f32>(&case, &rule("adamw"), clipping, 1, threads);
        }
    }
    assert!(breakpoints > 300, "{breakpoints}");
}

#[test]
fn micro_batches_have_the_bits_of_the_plain_step() {
    let threads = Threads::new(2);
    for (index, (network, loss)) in networks().into_iter().enumerate() {
        for (rows, microbatches) in [(37, 2), (37, 37), (300, 3), (300, 7)] {
            let mut case = Case::new(network.clone(), loss.clone(), rows, 5 + index as u64);
            let mut numbers = Numbers::new(4);
            if index % 2 == 1 {
                case.data.weights = Some((0..rows).map(|_| numbers.unit()).collect());
            }
            check_every_breakpoint::<f32>(&case, &rule("adam"), None, microbatches, &threads);
            let clipping = Some(Clipping::Value(1e-3));
            check_every_breakpoint::<f64>(&case, &rule("sgd"), clipping, microbatches, &threads);
        }
    }
}

/// Schedules that nobody planned: periodic ones, and one that computes a state for nothing and moves others about.
#[test]
fn any_schedule_has_the_bits_of_the_plain_step() {
    let threads = Threads::new(2);
    for (index, (network, loss)) in networks().into_iter().enumerate() {
        let rule = rule("adam");
        let case = Case::new(network.clone(), loss.clone(), 150, 60 + index as u64);
        let shape =
            StepShape { network: &network, rule: &rule, keeps_gradients: false, batch_size: 150, threads: 2 };
        let plain = TrainingStep::new(&network, &loss, None, 150).unwrap();
        let expected: Outcome<f32> = train(&case, &rule, plain, &threads, 3);
        let model = StepModel::new::<f32>(&shape, 1, None).unwrap();
        let depth = model.chain().depth();
        let mut schedules: Vec<_> = (1..=depth).map(|every| Schedule::periodic(depth, every)).collect();
        // Everything is computed anew from the input for each layer.
        let mut operations = Vec::new();
        for l in (1..=depth).rev() {
            for k in 1..l + usize::from(l == depth) {
                operations.push(Operation::Forward(k));
                if k > 1 && k < l {
                    operations.push(Operation::Drop(k - 1));
                }
            }
            operations.push(Operation::Backward(l));
        }
        schedules.push(Schedule { operations });
        if depth >= 4 {
            // A state from before is dropped on the way, and made anew.
            use Operation::*;
            let start = [Forward(1), Forward(2), Drop(1), Forward(1), Drop(2), Forward(2)];
            let forward = (3..=depth).map(Forward);
            let backward = (1..=depth).rev().map(Backward);
            let operations = start.into_iter().chain(forward).chain(backward).collect();
            schedules.push(Schedule { operations });
        }
        for schedule in schedules {
            let what = format!("{:?}: {:?}", network.layers(), schedule.operations);
            let cost = model.chain().run(&schedule).unwrap();
            let plan = MemoryPlan::executing::<f32>(model.clone(), schedule).unwrap();
            assert_eq!(plan.bytes(), model.fixed_bytes() + cost.peak_bytes);
            let step = plan.training_step(&loss, None).unwrap();
            assert_same(&what, &train(&case, &rule, step, &threads, 3), &expected);
        }
        let nothing = MemoryPlan::executing::<f32>(model, Schedule::default());
        assert!(nothing.is_err_and(|error| error.to_string().contains("backward of layer")));
    }
}

/// A smaller batch than the plan was made for, as the last of an epoch is.
#[test]
fn smaller_batches_run_in_the_same_plan() {
    for (network, loss) in networks() {
        let rule = rule("adam");
        let shape =
            StepShape { network: &network, rule: &rule, keeps_gradients: false, batch_size: 100, threads: 2 };
        for microbatches in [1, 3] {
            let model = StepModel::new::<f32>(&shape, microbatches, None).unwrap();
            let planner = Planner::new(model.chain());
            let plan = MemoryPlan::scheduled::<f32>(model.clone(), &planner, model.minimum_bytes(&planner));
            let plan = plan.unwrap();
            for rows in [1, 33, 34, 99] {
                let case = Case::new(network.clone(), loss.clone(), rows, 8);
                let threads = Threads::new(2);
                let step = plan.training_step(&loss, None).unwrap();
                let plain = TrainingStep::new(&network, &loss, None, rows).unwrap();
                let what = format!("{rows} rows of {:?}", network.layers());
                let expected: Outcome<f32> = train(&case, &rule, plain, &threads, 3);
                assert_same(&what, &train(&case, &rule, step, &threads, 3), &expected);
            }
        }
    }
}

/// The plain step without a limit holds what its ledger says, too.
#[test]
fn the_ledger_of_the_plain_step_is_exact() {
    for (network, loss) in networks() {
        for rule in Rule::all() {
            for (batch_size, clipping) in [(1, None), (50, Some(Clipping::Value(1.0))), (50, None)] {
                let threads = Threads::new(2);
                let keeps_gradients = clipping.is_some();
                let shape =
                    StepShape { network: &network, rule: &rule, keeps_gradients, batch_size, threads: 2 };
                let plan = MemoryPlan::unlimited::<f32>(&shape).unwrap();
                let case = Case::new(network.clone(), loss.clone(), batch_size, 1);
                let mut parameters = case.parameters.cast::<f32>();
                let mut optimizer = Optimizer::new(rule.clone(), &parameters).unwrap();
                let mut step = plan.training_step(&loss, clipping).unwrap();
                let held = |step: &TrainingStep<f32>, optimizer: &Optimizer<f32>| {
                    (parameters.bytes() + optimizer.bytes() + step.bytes()) as u64
                };
                assert_eq!(held(&step, &optimizer), plan.bytes());
                let data = case.data.cast::<f32>();
                let before = step.bytes();
                step.run(&threads, &mut parameters, &mut optimizer, data.samples(), Some(9)).unwrap();
                assert_eq!(step.bytes(), before);
            }
        }
    }
}

/// Limits from too small to more than enough: the plan stays inside, and a larger limit never costs more.
#[test]
fn plans_stay_inside_their_limit() {
    for (network, _) in networks() {
        for name in ["sgd", "adam"] {
            let rule = rule(name);
            let shape = StepShape {
                network: &network,
                rule: &rule,
                keeps_gradients: false,
                batch_size: 500,
                threads: 2,
            };
            let plain = MemoryPlan::unlimited::<f32>(&shape).unwrap().bytes();
            for microbatches in [MicroBatches::Automatic, MicroBatches::Exactly(1), MicroBatches::Exactly(5)]
            {
                let within = |bytes: u64| {
                    let limit = MemoryLimit { bytes, microbatches, forward_costs: None };
                    MemoryPlan::within::<f32>(&shape, &limit)
                };
                let Error::Memory { minimum, limit: 0, .. } = within(0).unwrap_err() else { panic!() };
                assert!(
                    matches!(within(minimum - 1), Err(Error::Memory { minimum: again, .. }) if again == minimum)
                );
                let mut last = f64::INFINITY;
                for limit in (0..=20).map(|i| minimum + (plain.saturating_sub(minimum)) * i / 20) {
                    let plan = within(limit).unwrap();
                    assert!(plan.bytes() <= limit, "{} of {limit}", plan.bytes());
                    // In the engine's estimate a backward pass is two forward passes, and few rows take longer.
                    let model = plan.model();
                    let rows = 500usize.div_ceil(model.microbatches());
                    let few_rows = 1.0 + 8.0 * 2.0 / rows as f64;
                    let time = (2 * model.once() + plan.forward_cost()) as f64 * few_rows;
                    assert!(time <= last, "{time} after {last} in {limit} bytes");
                    last = time;
                }
                assert_eq!(within(u64::MAX).unwrap().recomputed(), 0.0);
            }
        }
    }
}

/// Gradients are kept on demand also where the plan applies them as they come.
#[test]
fn a_planned_step_keeps_gradients_on_demand() {
    for (index, (network, loss)) in networks().into_iter().enumerate() {
        let (rule, threads) = (rule("adam"), Threads::single());
        let case = Case::new(network.clone(), loss.clone(), 90, 30 + index as u64);
        let shape =
            StepShape { network: &network, rule: &rule, keeps_gradients: false, batch_size: 90, threads: 1 };
        let plain = TrainingStep::new(&network, &loss, None, 90).unwrap().keeping_gradients();
        let expected: Outcome<f32> = train(&case, &rule, plain, &threads, 3);
        let model = StepModel::new::<f32>(&shape, 1, None).unwrap();
        let planner = Planner::new(model.chain());
        for point in planner.curve() {
            let limit = model.fixed_bytes() + point.bytes;
            let plan = MemoryPlan::scheduled::<f32>(model.clone(), &planner, limit).unwrap();
            let step = plan.training_step(&loss, None).unwrap().keeping_gradients();
            let found = train(&case, &rule, step, &threads, 3);
            assert!(found.gradients.is_some());
            assert_same(&format!("{:?}, {limit} bytes", network.layers()), &found, &expected);
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let (network, loss) = networks().remove(1);
    let adam = rule("adam");
    let shape =
        StepShape { network: &network, rule: &adam, keeps_gradients: false, batch_size: 64, threads: 2 };
    let plan = MemoryPlan::unlimited::<f32>(&shape).unwrap();
    let message = |result: Result<TrainingStep<f32>>| result.err().unwrap().to_string();
    let clipping = Some(Clipping::Value(1.0));
    assert!(message(plan.training_step(&loss, clipping)).contains("for clipping"));
    let doubles = plan.training_step::<f64>(&loss, None);
    assert!(doubles.err().unwrap().to_string().contains("numbers of 8 bytes"));
    let case = Case::new(network.clone(), loss.clone(), 64, 1);
    let (mut parameters, data) = (case.parameters.cast::<f32>(), case.data.cast::<f32>());
    let mut optimizer = Optimizer::new(adam.clone(), &parameters).unwrap();
    let mut step = plan.training_step(&loss, None).unwrap();
    let error =
        step.run(&Threads::new(3), &mut parameters, &mut optimizer, data.samples(), Some(0)).unwrap_err();
    assert!(error.to_string().contains("at most 2, for which memory was planned"), "{error}");

    let text = |shape: &StepShape<'_>, limit: &MemoryLimit| {
        MemoryPlan::within::<f32>(shape, limit).unwrap_err().to_string()
    };
    let error = text(&shape, &MemoryLimit::of(1000));
    assert!(error.contains("the limit is 1000") && error.contains("adam keeps"), "{error}");
    let parts = MemoryLimit { microbatches: MicroBatches::Exactly(65), ..MemoryLimit::of(1000) };
    assert!(text(&shape, &parts).contains("micro-batches for 64 samples: expected 1 to 64, found 65"));
    let none = StepShape { batch_size: 0, ..shape };
    assert!(text(&none, &MemoryLimit::of(1000)).contains("no samples in a batch"));
    let huge = StepShape { batch_size: usize::MAX, ..shape };
    assert!(text(&huge, &MemoryLimit::of(u64::MAX)).contains("too large"));
    let wide = Network::builder(1 << 29).dense(1 << 29, Activation::Relu).build().unwrap();
    let wide = StepShape { network: &wide, ..shape };
    assert!(text(&wide, &MemoryLimit::of(u64::MAX)).contains("too many"));
    let costs =
        MemoryLimit { forward_costs: Some(vec![1, 2]), microbatches: MicroBatches::Exactly(1), bytes: 1000 };
    assert!(text(&shape, &costs).contains("2 forward costs"));
}
