//! The kinds of layers that can stand anywhere, other than dense and dropout: beside their plain loops, finite differences, every memory plan, any number
//! of threads, and their model file.

use chainrule::layer::{LayerNorm, LearnedActivation, Scale};
use chainrule::reference::compute;
use chainrule::trace::{Computation, Quantity, trace};
use chainrule::*;
use tempfile::TempDir;

use crate::common::*;

/// Each kind in every place: first, behind a layer that keeps its z and one that keeps its a, twice, with dropout around.
fn networks(layer: &Layer, n: usize) -> Vec<NetworkBuilder> {
    let of = Network::builder;
    vec![
        of(n).layer(layer.clone()).dense(3, Activation::Softmax),
        of(5).dense(n, Activation::Gelu).layer(layer.clone()).dense(3, Activation::Softmax),
        of(5).dense(n, Activation::Tanh).layer(layer.clone()).dense(3, Activation::Softmax),
        of(n)
            .layer(layer.clone())
            .dense(n, Activation::Mish)
            .layer(layer.clone())
            .layer(layer.clone())
            .dense(3, Activation::Softmax),
        of(n)
            .dropout(0.2)
            .layer(layer.clone())
            .dropout(0.3)
            .dense(n, Activation::Identity)
            .dropout(0.1)
            .layer(layer.clone())
            .dense(3, Activation::Softmax),
    ]
}

fn kinds() -> [Layer; 4] {
    let learned = |activation| LearnedActivation { activation }.into();
    [
        Scale {}.into(),
        LayerNorm { epsilon: 1e-3 }.into(),
        learned(Activation::Mish),
        // Its derivative comes from a.
        learned(Activation::Tanh),
    ]
}

fn cases(n: usize, rows: usize) -> impl Iterator<Item = (String, Case)> {
    kinds().into_iter().flat_map(move |layer| {
        networks(&layer, n).into_iter().enumerate().map(move |(index, network)| {
            let mut case = Case::new(network.build().unwrap(), Loss::cross_entropy(), rows, index as u64);
            case.mode = Mode::Training { seed: 9, step: 0 };
            (format!("{} {index}, {n} wide, {rows} rows", layer.name()), case)
        })
    })
}

fn assert_near_the_loops<T: Scalar>(what: &str, case: &Case, bound: f64) {
    let expected =
        compute(&case.network, &case.parameters, &case.loss, case.data.samples(), case.mode, None).unwrap();
    let (parameters, data) = (case.parameters.cast::<T>(), case.data.cast::<T>());
    let found = five_steps(&case.network, &parameters, &case.loss, data.samples(), case.mode);
    assert!(distance(&[T::from_f64(found.loss)], &[expected.loss]) <= bound, "{what}: loss");
    let check = |name: &str, found: &[T], expected: &[f64]| {
        let distance = distance(found, expected);
        assert!(distance <= bound, "{what}, {}: {name} is {distance:e} away", T::NAME);
    };
    for l in 1..=case.network.depth() {
        check(&format!("z({l})"), found.cache.pre_activation(l).as_slice(), expected.z[l].as_slice());
        check(&format!("a({l})"), found.cache.activation(l).as_slice(), expected.a[l].as_slice());
        check(&format!("delta({l})"), found.deltas.delta(l).as_slice(), expected.delta[l].as_slice());
    }
    for tensor in case.network.tensors() {
        check(
            &tensor.name,
            &found.gradients.tensor(tensor).to_vec(),
            &expected.gradients.tensor(tensor).to_vec(),
        );
    }
}

#[test]
fn they_are_their_plain_loops() {
    for n in [1, 2, 15, 16, 17, 31, 32, 33, 127, 129] {
        for rows in [1, 7, 8, 9, 33] {
            for (what, case) in cases(n, rows) {
                // Of one number only the mean is left, and of two the sign: rounding is all there is to compare.
                if n > 2 {
                    assert_near_the_loops::<f64>(&what, &case, 1e-12);
                    assert_near_the_loops::<f32>(&what, &case, 1e-4);
                }
            }
        }
    }
}

#[test]
fn their_gradients_are_finite_differences_under_every_memory_plan() {
    for (n, rows) in [(5, 7), (6, 1)] {
        let mut checked = Checked::default();
        for (_, case) in cases(n, rows) {
            checked.add(case.check());
        }
        checked.assert_meaningful();
    }
}

#[test]
fn the_fused_step_and_any_number_of_threads_give_the_same_bits() {
    fn check<T: Scalar>(what: &str, case: &Case) {
        let (parameters, data) = (case.parameters.cast::<T>(), case.data.cast::<T>());
        let five = five_steps(&case.network, &parameters, &case.loss, data.samples(), case.mode);
        for threads in [1, 2, 5].map(Threads::new) {
            let mut step = TrainingStep::new(&case.network, &case.loss, None, data.len()).unwrap();
            let computed = step.gradients(&threads, &parameters, data.samples(), case.mode).unwrap();
            assert_same_parameters(what, computed.gradients, &five.gradients);
        }
        // A row alone.
        let whole = infer(&Threads::new(2), &case.network, &parameters, data.inputs.view()).unwrap();
        let last = data.len() - 1;
        let alone = data.select(&[last]);
        let alone = infer(&Threads::single(), &case.network, &parameters, alone.inputs.view()).unwrap();
        assert_same_bits(what, alone.row(0), whole.row(last));
    }
    // The second is so large that it is cut into blocks, and gradients are phases of their own.
    for (n, rows) in [(33, 41), (300, 700)] {
        for (what, case) in cases(n, rows) {
            check::<f32>(&what, &case);
            if n < 100 {
                check::<f64>(&what, &case);
            }
        }
    }
}

#[test]
fn layer_norm_has_mean_0_and_variance_1_and_scale_starts_as_nothing() {
    let network = Network::builder(50).layer(LayerNorm::default().into()).dense(1, Activation::Identity);
    let network = network.build().unwrap();
    let inputs = Numbers::new(4).matrix(3, 50, 100.0);
    let cache = forward(&network, &network.initialize(1), inputs.view(), Mode::Inference).unwrap();
    for i in 0..3 {
        let row = cache.activation(1).row(i);
        let mean = row.iter().sum::<f64>() / 50.0;
        let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 50.0;
        assert!(mean.abs() < 1e-14 && (variance - 1.0).abs() < 1e-7, "{mean} {variance}");
    }
    let network = Network::builder(50).layer(Scale {}.into()).dense(1, Activation::Identity).build().unwrap();
    for rule in Initialization::NAMED.map(|(_, rule)| rule) {
        let parameters = network.initialize_with(rule, 1);
        let cache = forward(&network, &parameters, inputs.view(), Mode::Inference).unwrap();
        assert_eq!(cache.activation(1), &inputs, "{rule:?}");
    }
}

#[test]
fn they_are_trained_written_down_and_read_back() {
    for (what, case) in cases(9, 40) {
        let options = TrainingOptions { epochs: 3, batch_size: 16, ..TrainingOptions::default() };
        let parameters = case.network.initialize::<f32>(1);
        let mut trainer = Trainer::new(&case.network, &case.loss, parameters.clone(), options).unwrap();
        let data = case.data.cast::<f32>();
        let go_on = &mut |_: &TrainingEvent<'_, f32>| std::ops::ControlFlow::Continue(());
        trainer.fit(&Threads::single(), data.samples(), None, go_on).unwrap();
        for tensor in case.network.tensors() {
            let moved = trainer.parameters().tensor(tensor) != parameters.tensor(tensor);
            assert!(moved, "{what}: {} has not moved", tensor.name);
        }
        let model = Model {
            network: case.network.clone(),
            loss: case.loss.clone(),
            parameters: trainer.parameters().clone(),
            preprocessing: None,
            training: None,
        };
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("model");
        model.save(&path).unwrap();
        assert_eq!(Model::<f32>::load(&path).unwrap(), model, "{what}");
    }
}

#[test]
fn their_description_is_checked() {
    let layers = |text: &str| {
        let text = format!(
            r#"{{"input_width":3,"layers":[{text},{{"dense":{{"width":2,"activation":"softmax"}}}}]}}"#
        );
        serde_json::from_str::<Network>(&text).map_err(|error| error.to_string())
    };
    assert_eq!(layers(r#"{"scale":{}}"#).unwrap().layers()[0], Scale {}.into());
    assert_eq!(layers(r#"{"layer_norm":{}}"#).unwrap().layers()[0], LayerNorm::default().into());
    assert!(layers(r#"{"scale":{"by":2}}"#).is_err());
    let learned = LearnedActivation { activation: Activation::Elu { alpha: 0.5 } };
    let text = r#"{"learned_activation":{"activation":{"elu":{"alpha":0.5}}}}"#;
    assert_eq!(layers(text).unwrap().layers()[0], learned.into());
    let error = layers(r#"{"learned_activation":{"activation":"softmax"}}"#).unwrap_err();
    assert!(error.contains("layer 1 (learned_activation)") && error.contains("row"), "{error}");
    for bad in ["0.0", "-1.0"] {
        let error = layers(&format!(r#"{{"layer_norm":{{"epsilon":{bad}}}}}"#)).unwrap_err();
        assert!(error.contains("layer 1 (layer_norm)") && error.contains("epsilon"), "{error}");
    }
    let last = Network::builder(2).dense(3, Activation::Relu).layer(Scale {}.into()).build();
    assert!(last.unwrap_err().to_string().contains("layer 2 (scale)"));
}

#[test]
fn a_trace_shows_one_event_forward_and_one_backward() {
    for (layer, name) in kinds().iter().zip(["scale", "layer_norm", "learned_activation"]) {
        let network = Network::builder(4).dense(5, Activation::Gelu).layer(layer.clone());
        let network = network.dense(3, Activation::Softmax).build().unwrap();
        let case = Case::new(network, Loss::cross_entropy(), 7, 3);
        let rule = Rule::from_name("sgd").unwrap();
        let trace =
            trace(&case.network, &case.parameters, &case.loss, case.data.samples(), &rule, Mode::Inference);
        let trace = trace.unwrap();
        let five = case.five_steps();
        let operands = |operation: Computation| -> Vec<String> {
            let event = trace.events.iter().find(|event| event.operation == operation).unwrap();
            event.operands.iter().map(|id| id.to_string()).collect()
        };
        let tensors = case.network.layer_tensors(2).len();
        let expected = ["a.1", "weight.2", "bias.2"];
        assert_eq!(operands(Computation::Forward(name)), expected[..1 + tensors]);
        let backward = operands(Computation::Backward(name));
        assert_eq!(backward[..2], ["error.2", "weight.2"]);
        assert_eq!(backward.len(), if name == "scale" { 2 } else { 3 });
        let value = |quantity: Quantity, l| &trace.value(quantity.of(l)).unwrap().values;
        assert_same_bits(name, value(Quantity::Activation, 2), five.cache.activation(2).as_slice());
        assert_same_bits(name, value(Quantity::Error, 2), five.deltas.delta(2).as_slice());
        assert_same_bits(name, value(Quantity::Delta, 1), five.deltas.delta(1).as_slice());
        let weight = case.network.layer_tensors(2)[0].clone();
        assert_same_bits(name, value(Quantity::WEIGHT_GRADIENT, 2), &five.gradients.tensor(&weight).to_vec());
        assert!(trace.value(Quantity::PreActivation.of(2)).is_none());
    }
}
