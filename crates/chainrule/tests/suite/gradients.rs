//! A step that stops at the gradients, with the optimizer's update behind it, is the fused step bit for bit, and tells of
//! each layer's gradient when it is final.

use chainrule::checkpoint::Planner;
use chainrule::optimizer::{Adam, Lamb, RmsProp};
use chainrule::plan::{MemoryLimit, MemoryPlan, MicroBatches, StepModel, StepShape};
use chainrule::*;

use crate::common::*;

/// The layers that an observer was told of, in order, with a copy of the gradients as they were then.
type Told<T> = Vec<(usize, Gradients<T>)>;

fn gradients_observed<T: Scalar>(
    step: &mut TrainingStep<T>,
    threads: &Threads,
    parameters: &Parameters<T>,
    data: &Data<T>,
    mode: Mode,
) -> (WeightedSum, Gradients<T>, Told<T>) {
    let mut told = Vec::new();
    let mut observer = |layer: usize, gradients: &Gradients<T>| told.push((layer, gradients.clone()));
    let computed = step.gradients_observed(threads, parameters, data.samples(), mode, &mut observer).unwrap();
    let (loss, gradients) = (computed.loss, computed.gradients.clone());
    (loss, gradients, told)
}

/// Five steps both ways, on one thread and on three; `make` makes a step, the same each time.
fn assert_same_both_ways<T: Scalar>(
    what: &str,
    case: &Case,
    rule: &Rule,
    make: &dyn Fn() -> TrainingStep<T>,
) {
    let (network, data) = (&case.network, case.data.cast::<T>());
    for threads in [1, 3].map(Threads::new) {
        let (mut fused, mut stopping) = (make(), make());
        let mut expected = case.parameters.cast::<T>();
        let mut parameters = expected.clone();
        let mut expected_optimizer = Optimizer::new(rule.clone(), &expected).unwrap();
        let mut optimizer = expected_optimizer.clone();
        for number in 0..5 {
            let sum =
                fused.run(&threads, &mut expected, &mut expected_optimizer, data.samples(), Some(5)).unwrap();
            let mode = Mode::Training { seed: 5, step: number };
            let (loss, gradients, told) =
                gradients_observed(&mut stopping, &threads, &parameters, &data, mode);
            assert_eq!(loss, sum, "{what}");
            let layers: Vec<usize> = told.iter().map(|(layer, _)| *layer).collect();
            let with_parameters =
                (1..=network.depth()).rev().filter(|&l| !network.layer_tensors(l).is_empty());
            assert_eq!(layers, with_parameters.collect::<Vec<_>>(), "{what}");
            for (layer, then) in told {
                for tensor in network.layer_tensors(layer) {
                    let name = format!("{what}: {} when told", tensor.name);
                    assert_same_bits(
                        &name,
                        &then.tensor(tensor).to_vec(),
                        &gradients.tensor(tensor).to_vec(),
                    );
                }
            }
            optimizer.update(&threads, &mut parameters, &gradients).unwrap();
            assert_same_parameters(what, &parameters, &expected);
        }
        assert_eq!(optimizer.steps(), expected_optimizer.steps());
        for (state, expected) in optimizer.state().iter().zip(expected_optimizer.state()) {
            assert_same_parameters(&format!("{what}: state"), state, expected);
        }
    }
}

fn cases() -> Vec<(&'static str, Case)> {
    let small = Network::builder(5)
        .dropout(0.1)
        .dense(9, Activation::Tanh)
        .dropout(0.3)
        .dense(6, Activation::Gelu)
        .dense(3, Activation::Softmax);
    // So large that the gradients of each layer are a phase of their own.
    let large = (0..3).fold(Network::builder(40), |network, _| network.dense(700, Activation::Relu));
    let large = large.dropout(0.2).dense(4, Activation::Softmax);
    let case = |network: NetworkBuilder, rows: usize| {
        Case::new(network.build().unwrap(), Loss::cross_entropy(), rows, 3)
    };
    vec![("small", case(small, 21)), ("large", case(large, 37))]
}

#[test]
fn gradients_and_an_update_are_the_fused_step() {
    let rules = [
        Rule::Adam(Adam { learning_rate: 0.01, ..Adam::default() }),
        Rule::RmsProp(RmsProp { momentum: 0.5, centered: true, ..RmsProp::default() }),
        Rule::Lamb(Lamb { learning_rate: 0.02, ..Lamb::default() }),
    ];
    for (name, case) in cases() {
        for rule in &rules {
            let step = || TrainingStep::<f32>::new(&case.network, &case.loss, None, case.data.len()).unwrap();
            assert_same_both_ways(&format!("{name}, {}", rule.name()), &case, rule, &step);
        }
        let step = || TrainingStep::<f64>::new(&case.network, &case.loss, None, case.data.len()).unwrap();
        assert_same_both_ways(name, &case, &rules[0], &step);
    }
}

#[test]
fn so_they_are_in_micro_batches_and_with_states_that_are_computed_again() {
    let rule = Rule::Adam(Adam { learning_rate: 0.01, ..Adam::default() });
    for (name, case) in cases() {
        let (network, batch_size) = (&case.network, case.data.len());
        let shape = StepShape { network, rule: &rule, keeps_gradients: true, batch_size, threads: 3 };
        for parts in [1, 3] {
            let model = StepModel::new::<f32>(&shape, parts, None).unwrap();
            let least = model.minimum_bytes(&Planner::new(model.chain()));
            let limit =
                MemoryLimit { bytes: least, microbatches: MicroBatches::Exactly(parts), forward_costs: None };
            let plan = MemoryPlan::within::<f32>(&shape, &limit).unwrap();
            let step = || plan.training_step::<f32>(&case.loss, None).unwrap();
            assert_same_both_ways(&format!("{name} in {parts} parts"), &case, &rule, &step);
        }
    }
}

#[test]
fn clipping_follows_when_all_gradients_are_there() {
    let (_, case) = cases().swap_remove(0);
    let (threads, clipping) = (Threads::single(), Clipping::GlobalNorm(1e-3));
    let step = |clipping| TrainingStep::<f64>::new(&case.network, &case.loss, clipping, 21).unwrap();
    let parameters = &case.parameters;
    let (_, clipped, told) =
        gradients_observed(&mut step(Some(clipping)), &threads, parameters, &case.data, Mode::Inference);
    let (_, mut whole, _) =
        gradients_observed(&mut step(None), &threads, parameters, &case.data, Mode::Inference);
    assert_same_parameters("told before clipping", &told.last().unwrap().1, &whole);
    clip(&mut whole, clipping);
    assert_same_parameters("clipped", &clipped, &whole);
    assert!((clipped.norm() - 1e-3).abs() < 1e-6);
}

#[test]
fn a_plan_without_a_place_for_gradients_refuses_and_nothing_is_changed_by_a_value_that_is_not_finite() {
    let (_, case) = cases().swap_remove(0);
    let rule = Rule::from_name("sgd").unwrap();
    let shape =
        StepShape { network: &case.network, rule: &rule, keeps_gradients: false, batch_size: 21, threads: 1 };
    let mut planned =
        MemoryPlan::unlimited::<f64>(&shape).unwrap().training_step::<f64>(&case.loss, None).unwrap();
    let (threads, samples) = (Threads::single(), case.data.samples());
    let error = planned.gradients(&threads, &case.parameters, samples, Mode::Inference).unwrap_err();
    assert!(error.to_string().contains("keeps the gradients"), "{error}");

    let mut step = TrainingStep::new(&case.network, &case.loss, None, 21).unwrap();
    let mut parameters = case.parameters.clone();
    change_weight(&mut parameters, 4, |w| w[0] = f64::INFINITY);
    let mode = Mode::Training { seed: 1, step: 6 };
    let error = step.gradients(&threads, &parameters, samples, mode).unwrap_err().to_string();
    assert!(error.contains("step 7") && error.contains("layer 4"), "{error}");
    assert!(step.gradients(&threads, &case.parameters, samples, mode).is_ok());
}
