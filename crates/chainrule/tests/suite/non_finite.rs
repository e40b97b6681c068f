//! A step that diverges names the first value that is not finite, and changes nothing.

use crate::common::*;
use chainrule::optimizer::{Adam, Sgd};
use chainrule::*;

/// Takes one good step, one that must fail with this quantity and layer, and the good one again.
fn assert_diverges<T: Scalar>(
    network: NetworkBuilder,
    loss: Loss,
    good: (&Parameters<T>, &[T], &[T]),
    spoil: impl FnOnce(&mut Parameters<T>),
    (inputs, targets): (&[T], &[T]),
    expected: (&str, usize),
) {
    let network = network.build().unwrap();
    let mut parameters = good.0.clone();
    let rule = Rule::Adam(Adam { learning_rate: 1e-6, ..Adam::default() });
    let mut optimizer = Optimizer::new(rule, &parameters).unwrap();
    let mut step = TrainingStep::new(&network, &loss, Some(Clipping::GlobalNorm(1.0)), 2).unwrap();
    let mut run =
        |parameters: &mut Parameters<T>, optimizer: &mut Optimizer<T>, inputs: &[T], targets: &[T]| {
            let rows = inputs.len() / network.input_width();
            let samples = Samples {
                inputs: MatrixView::new(rows, network.input_width(), inputs).unwrap().into(),
                targets: Targets::Values(MatrixView::new(rows, network.output_width(), targets).unwrap()),
                sample_weights: None,
            };
            step.run(&Threads::single(), parameters, optimizer, samples, Some(0))
        };
    run(&mut parameters, &mut optimizer, good.1, good.2).unwrap();
    assert_ne!(&parameters, good.0, "the good step moves the parameters");

    let after_good = parameters.clone();
    let (mut undisturbed, mut undisturbed_optimizer) = (parameters.clone(), optimizer.clone());
    spoil(&mut parameters);
    let before = (parameters.clone(), optimizer.clone());
    let error = run(&mut parameters, &mut optimizer, inputs, targets).unwrap_err();
    let Error::NonFinite { quantity, layer, step, epoch } = &error else { panic!("{error}") };
    assert_eq!((*quantity, *layer), expected, "{error}");
    assert_eq!((*step, *epoch), (2, None));
    let message = error.to_string();
    assert!(message.contains(&format!("step 2: {quantity} of layer {layer}")), "{message}");

    // Bit for bit: NaN differs from itself in an ordinary comparison.
    assert_same_parameters("parameter", &parameters, &before.0);
    assert_eq!(optimizer.steps(), 1);
    assert_eq!(optimizer.state().len(), 2);
    for (state, before) in optimizer.state().iter().zip(before.1.state()) {
        assert_same_parameters("optimizer state", state, before);
    }
    // Nothing of the bad step is left in the buffers: training goes on as if it had not been tried.
    run(&mut undisturbed, &mut undisturbed_optimizer, good.1, good.2).unwrap();
    let mut parameters = after_good;
    run(&mut parameters, &mut optimizer, good.1, good.2).unwrap();
    assert_same_parameters("parameter after the next step", &parameters, &undisturbed);
}

/// Layers of one neuron each, with these activations and without biases.
fn chain(activations: &[Activation]) -> NetworkBuilder {
    activations
        .iter()
        .fold(Network::builder(1), |builder, &activation| builder.dense_without_bias(1, activation))
}

/// A chain whose weights become `weights` before the bad step.
fn assert_chain_diverges<T: Scalar>(
    activations: &[Activation],
    loss: Loss,
    weights: &[f64],
    (input, target): (f64, f64),
    expected: (&str, usize),
) {
    let number = T::from_f64;
    let network = chain(activations).build().unwrap();
    let mut good = network.zeros::<T>();
    (1..=network.depth()).for_each(|l| change_weight(&mut good, l, |w| w[0] = number(0.5)));
    let spoil = |parameters: &mut Parameters<T>| {
        weights
            .iter()
            .enumerate()
            .for_each(|(index, w)| change_weight(parameters, index + 1, |own| own[0] = number(*w)));
    };
    let good_data = [number(0.25)];
    assert_diverges(
        chain(activations),
        loss,
        (&good, &good_data, &[number(1.0)]),
        spoil,
        (&[number(input)], &[number(target)]),
        expected,
    );
}

use Activation::Identity;

#[test]
fn inputs() {
    let networks = [Activation::Relu, Activation::Tanh, Activation::Gelu, Identity];
    for (bad, hidden) in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].into_iter().zip(networks.iter().cycle())
    {
        let weights = [0.5, 0.5];
        let activations = [*hidden, Identity];
        assert_chain_diverges::<f64>(
            &activations,
            Loss::MeanSquaredError,
            &weights,
            (bad, 1.0),
            ("input", 0),
        );
        assert_chain_diverges::<f32>(
            &activations,
            Loss::MeanSquaredError,
            &weights,
            (bad, 1.0),
            ("input", 0),
        );
    }
    for hidden in hidden_activations() {
        let activations = [hidden, Identity];
        assert_chain_diverges::<f32>(
            &activations,
            Loss::MeanSquaredError,
            &[0.5, 0.5],
            (f64::NAN, 1.0),
            ("input", 0),
        );
    }
}

#[test]
fn one_bad_input_in_the_last_row_and_column() {
    let network = Network::builder(40).dense(3, Activation::Sigmoid).dense(2, Activation::Softmax);
    let good = network.clone().build().unwrap().initialize::<f32>(1);
    let mut inputs = vec![0.5; 80];
    let targets = [1.0, 0.0, 0.0, 1.0];
    let good_inputs = inputs.clone();
    inputs[79] = f32::NAN;
    let good = (&good, &good_inputs[..], &targets[..]);
    assert_diverges(network, Loss::cross_entropy(), good, |_| {}, (&inputs, &targets), ("input", 0));
}

#[test]
fn parameters() {
    for bad in [f64::NAN, f64::INFINITY] {
        let activations = [Activation::LeakyRelu { negative_slope: 0.1 }, Activation::Softplus, Identity];
        for l in 1..=3 {
            let mut weights = [0.5; 3];
            weights[l - 1] = bad;
            assert_chain_diverges::<f64>(
                &activations,
                Loss::HalfSquaredError,
                &weights,
                (0.5, 1.0),
                ("parameter", l),
            );
            assert_chain_diverges::<f32>(
                &activations,
                Loss::HalfSquaredError,
                &weights,
                (0.5, 1.0),
                ("parameter", l),
            );
        }
    }
    // A bias.
    let network = Network::builder(1).dense(2, Activation::Tanh).dense(3, Identity);
    let good = network.clone().build().unwrap().initialize::<f64>(1);
    let spoil = |parameters: &mut Parameters<f64>| change_bias(parameters, 2, |b| b[2] = f64::NAN);
    let data: (&[f64], &[f64]) = (&[0.5], &[1.0, 2.0, 3.0]);
    assert_diverges(network, Loss::HalfSquaredError, (&good, data.0, data.1), spoil, data, ("parameter", 2));
}

#[test]
fn pre_activations() {
    let loss = || Loss::MeanAbsoluteError;
    assert_chain_diverges::<f32>(&[Identity; 3], loss(), &[1.0, 1e20, 1.0], (1e20, 1.0), ("z", 2));
    assert_chain_diverges::<f32>(&[Identity; 3], loss(), &[1.0, -1e20, 1.0], (1e20, 1.0), ("z", 2));
    assert_chain_diverges::<f32>(&[Activation::Relu, Identity], loss(), &[1e20, 1.0], (1e20, 1.0), ("z", 1));
    assert_chain_diverges::<f64>(&[Identity; 3], loss(), &[1.0, 1e200, 1.0], (1e200, 1.0), ("z", 2));
    // Layers are counted with dropout.
    let network = Network::builder(1)
        .dropout(0.0)
        .dense_without_bias(1, Identity)
        .dropout(0.0)
        .dense_without_bias(1, Identity);
    let mut good = network.clone().build().unwrap().zeros::<f32>();
    change_weight(&mut good, 2, |w| w[0] = 0.5);
    change_weight(&mut good, 4, |w| w[0] = 0.5);
    let spoil = |parameters: &mut Parameters<f32>| change_weight(parameters, 4, |w| w[0] = 1e20);
    assert_diverges(network, loss(), (&good, &[0.25], &[1.0]), spoil, (&[1e20], &[1.0]), ("z", 4));
}

#[test]
fn activations() {
    // SELU multiplies by 1.05.
    let loss = || Loss::MeanAbsoluteError;
    assert_chain_diverges::<f32>(&[Activation::Selu, Identity], loss(), &[1.0, 1.0], (3.4e38, 1.0), ("a", 1));
    assert_chain_diverges::<f64>(
        &[Activation::Selu, Identity],
        loss(),
        &[1.0, 1.0],
        (1.79e308, 1.0),
        ("a", 1),
    );
    let steep = Activation::LeakyRelu { negative_slope: 100.0 };
    assert_chain_diverges::<f32>(&[Identity, steep], loss(), &[1.0, -1.0], (1e37, 1.0), ("a", 2));
}

#[test]
fn losses_that_overflow() {
    assert_chain_diverges::<f32>(&[Identity; 2], Loss::Poisson, &[1.0, 1.0], (100.0, 1.0), ("loss", 2));
    assert_chain_diverges::<f64>(&[Identity; 2], Loss::Poisson, &[1.0, 1.0], (800.0, 1.0), ("loss", 2));
    assert_chain_diverges::<f32>(&[Identity; 3], Loss::MeanSquaredError, &[1.0; 3], (1e20, 1.0), ("loss", 3));
}

#[test]
fn deltas() {
    // z(2) = 1e15, delta(2) = 1e15, delta(1) = 1e40.
    let loss = || Loss::HalfSquaredError;
    assert_chain_diverges::<f32>(&[Identity; 2], loss(), &[1.0, 1e25], (1e-10, 1.0), ("delta", 1));
    assert_chain_diverges::<f32>(&[Identity; 3], loss(), &[1.0, 1.0, 1e25], (1e-10, 1.0), ("delta", 2));
    // In the output: a = -1e10, and the slope is 1e30.
    let steep = Activation::LeakyRelu { negative_slope: 1e30 };
    assert_chain_diverges::<f32>(&[Identity, steep], loss(), &[1.0, -1.0], (1e-20, 1.0), ("delta", 2));
}

#[test]
fn gradients_that_overflow() {
    // z(1) = 1, z(2) = 1e25, delta(2) = 1, delta(1) = 1e25, dW(1) = 1e25 x 1e20.
    let loss = || Loss::MeanAbsoluteError;
    assert_chain_diverges::<f32>(&[Identity; 2], loss(), &[1e-20, 1e25], (1e20, 1.0), ("gradient", 1));
    assert_chain_diverges::<f32>(&[Identity; 3], loss(), &[1e20, 1e-20, 1e25], (1.0, 1.0), ("gradient", 2));
}

/// Where gradients are applied as they come, one that overflows is left out, and is named just the same.
#[test]
fn gradients_that_overflow_while_others_are_applied() {
    // z(1) = 1, z(2) = 1e20, delta(2) = 1, delta(1) = 1e20, dW(1) = 1e20 x 1e20.
    let network = chain(&[Identity; 2]).build().unwrap();
    let mut parameters = network.zeros::<f32>();
    change_weight(&mut parameters, 1, |w| w[0] = 1e-20);
    change_weight(&mut parameters, 2, |w| w[0] = 1e20);
    let before = parameters.clone();
    let mut optimizer = Optimizer::new(Rule::Adam(Adam::default()), &parameters).unwrap();
    let mut step = TrainingStep::new(&network, &Loss::MeanAbsoluteError, None, 1).unwrap();
    let (x, y) = (Matrix::from_rows(&[[1e20]]), Matrix::from_rows(&[[1.0]]));
    let samples = Samples { inputs: x.view().into(), targets: (&y).into(), sample_weights: None };
    let error = step.run(&Threads::single(), &mut parameters, &mut optimizer, samples, Some(0)).unwrap_err();
    assert!(matches!(error, Error::NonFinite { quantity: "gradient", layer: 1, step: 1, .. }), "{error}");
    assert_eq!(parameters.weight(1), before.weight(1), "the gradient that overflowed is left out");
    assert!(parameters.first_not_finite().is_none());
    assert_eq!(optimizer.steps(), 0);
}

/// A wrong batch is an error before anything is computed, and it changes nothing either.
#[test]
fn batches_that_do_not_fit() {
    let network = Network::builder(2).dense(3, Activation::Tanh).dense(2, Identity).build().unwrap();
    let mut parameters = network.initialize::<f64>(1);
    let before = parameters.clone();
    let mut optimizer = Optimizer::new(Rule::Adam(Adam::default()), &parameters).unwrap();
    let mut step = TrainingStep::new(&network, &Loss::MeanSquaredError, None, 4).unwrap();
    let good = Numbers::new(1).data(&network, &Loss::MeanSquaredError, 3);
    let mut cases = vec![Numbers::new(1).data(&network, &Loss::MeanSquaredError, 5)];
    cases.extend([good.clone(), good.clone(), good.clone(), good.clone(), good.clone()]);
    cases[1].inputs = Matrix::zeros(3, 3);
    cases[2].targets = OwnedTargets::Values(Matrix::zeros(2, 2));
    cases[3].targets = OwnedTargets::Classes(vec![0, 2, 1]);
    cases[4].weights = Some(vec![0.0; 3]);
    cases[5] = good.select(&[]);
    for (data, part) in
        cases.iter().zip(["at most 4", "expected 2 columns", "3 rows", "class 2", "are 0", "no samples"])
    {
        let error =
            step.run(&Threads::single(), &mut parameters, &mut optimizer, data.samples(), None).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
        assert_eq!((&parameters, optimizer.steps()), (&before, 0));
    }
}

/// Nothing is computed with the state of another network, and there is no batch of nothing.
#[test]
fn arguments_that_do_not_fit() {
    let network = Network::builder(2).dense(3, Activation::Tanh).dense(2, Identity).build().unwrap();
    let other = Network::builder(2).dense(40, Activation::Tanh).dense(2, Identity).build().unwrap();
    let mut parameters = network.initialize::<f64>(1);
    let before = parameters.clone();
    let mut step = TrainingStep::new(&network, &Loss::MeanSquaredError, None, 4).unwrap();
    let data = Numbers::new(1).data(&network, &Loss::MeanSquaredError, 3);
    let threads = Threads::single();
    // The first has no state.
    for rule in [Rule::Sgd(Sgd::default()), Rule::Adam(Adam::default())] {
        let mut optimizer = Optimizer::new(rule, &other.zeros()).unwrap();
        let error = step.run(&threads, &mut parameters, &mut optimizer, data.samples(), None).unwrap_err();
        assert!(error.to_string().starts_with("optimizer"), "{error}");
        assert_eq!((&parameters, optimizer.steps()), (&before, 0));
    }
    let mut optimizer = Optimizer::new(Rule::Adam(Adam::default()), &other.zeros()).unwrap();
    let error = step.run(&threads, &mut other.zeros(), &mut optimizer, data.samples(), None).unwrap_err();
    assert!(error.to_string().contains("parameters"), "{error}");

    let nothing = data.select(&[]);
    let outcome = forward(&network, &parameters, nothing.inputs.view(), Mode::Inference);
    assert!(outcome.is_err_and(|error| error.to_string().contains("no samples")));
}

/// Clipping neither hides a NaN nor makes a number of it.
#[test]
fn clipping_keeps_what_is_not_a_number() {
    let network = Network::builder(2).dense(3, Identity).build().unwrap();
    for clipping in [Clipping::Value(0.5), Clipping::GlobalNorm(0.5)] {
        let mut gradients = network.zeros::<f32>();
        change_weight(&mut gradients, 1, |w| w.copy_from_slice(&[1.0, f32::NAN, -2.0, 0.25, 4.0, -0.125]));
        clip(&mut gradients, clipping);
        assert!(gradients.weight(1).element(0, 1).is_nan(), "{clipping:?}: {:?}", gradients.weight(1));
    }
}
