//! The classic mistakes in backpropagation, planted in the reference, make the gradient check fail.

use crate::common::*;
use chainrule::reference::{Mistake, compute};
use chainrule::*;

/// Networks of at least two layers with slopes other than 1, on more than one sample.
fn cases() -> Vec<Case> {
    use Activation::*;
    let deep =
        Network::builder(4).dense(6, Sigmoid).dense(3, Elu { alpha: 0.5 }).dense(5, Mish).dense(2, Identity);
    let mut cases = vec![
        Case::new(
            Network::builder(2).dense(5, Tanh).dense(3, Softmax).build().unwrap(),
            Loss::cross_entropy(),
            7,
            1,
        ),
        Case::new(
            Network::builder(3).dense(6, Relu).dense(5, Relu).dense(2, Identity).build().unwrap(),
            Loss::HalfSquaredError,
            4,
            2,
        ),
        Case::new(
            Network::builder(3).dense(5, Gelu).dense(4, Softplus).dense(2, Sigmoid).build().unwrap(),
            Loss::BinaryCrossEntropy,
            6,
            3,
        ),
        Case::new(deep.build().unwrap(), Loss::Huber { delta: 0.5 }, 8, 4),
        // Square: a missing transpose has the right shapes.
        Case::new(
            Network::builder(4).dense(4, Tanh).dense(4, Silu).dense(4, Softmax).build().unwrap(),
            Loss::CrossEntropy { label_smoothing: 0.1, class_weights: None },
            4,
            5,
        ),
        Case::new(
            Network::builder(3)
                .dense_without_bias(5, Selu)
                .dropout(0.3)
                .dense(4, Tanh)
                .dense_without_bias(2, Tanh)
                .build()
                .unwrap(),
            Loss::MeanSquaredError,
            7,
            6,
        ),
        Case::new(
            Network::builder(2).dense(5, HardSigmoid).dense(3, Identity).build().unwrap(),
            Loss::Poisson,
            6,
            7,
        ),
    ];
    cases[5].mode = Mode::Training { seed: 1, step: 1 };
    cases[1].data.weights = Some(vec![1.0, 3.0, 0.5, 2.0]);
    cases
}

/// Which tensors pass the gradient check, by name.
fn verdicts(case: &Case, mistake: Option<Mistake>) -> Vec<(String, bool)> {
    let Case { network, parameters, loss, data, mode } = case;
    let values = compute(network, parameters, loss, data.samples(), *mode, mistake).unwrap();
    let right = compute(network, parameters, loss, data.samples(), *mode, None).unwrap();
    assert_eq!(values.loss, right.loss, "the mistakes are in the gradients alone");
    let report = case.report(&values.gradients);
    assert_eq!(report.passed(), report.tensors.iter().all(|tensor| tensor.passed));
    report.tensors.iter().map(|tensor| (tensor.tensor.name.clone(), tensor.passed)).collect()
}

#[test]
fn without_a_mistake_the_reference_passes() {
    for case in cases() {
        assert!(verdicts(&case, None).iter().all(|(_, passed)| *passed));
        case.check();
    }
}

/// Each mistake fails in every tensor that it spoils, and in no other.
#[test]
fn every_mistake_is_caught_where_it_was_made() {
    for mistake in Mistake::ALL {
        for (index, case) in cases().iter().enumerate() {
            let verdicts = verdicts(case, Some(mistake));
            let last = &case.network.tensors().last().unwrap().layer;
            assert!(verdicts.iter().any(|(_, passed)| !passed), "{mistake:?} in case {index} was not caught");
            for (tensor, (name, passed)) in case.network.tensors().iter().zip(&verdicts) {
                let expected = match mistake {
                    // The output error is right, what comes before is not.
                    Mistake::WeightNotTransposed
                    | Mistake::NoActivationDerivative
                    | Mistake::UpdateBeforePropagating => tensor.layer == *last,
                    // Deltas are right, and so are the biases.
                    Mistake::OwnActivation => tensor.is_vector,
                    Mistake::SumForMean => false,
                };
                assert_eq!(*passed, expected, "{mistake:?} in case {index}: {name}");
            }
        }
    }
}

#[test]
fn one_layer_hides_what_happens_between_layers() {
    let network = Network::builder(3).dense(2, Activation::Tanh).build().unwrap();
    let case = Case::new(network, Loss::HalfSquaredError, 5, 8);
    for mistake in Mistake::ALL {
        let passed = verdicts(&case, Some(mistake)).iter().all(|(_, passed)| *passed);
        let between = !matches!(mistake, Mistake::OwnActivation | Mistake::SumForMean);
        assert_eq!(passed, between, "{mistake:?}");
    }
}
