//! The trace of a step: which events there are, in which order, and that their values are the five functions'.

use std::collections::BTreeMap;

use crate::common::*;
use chainrule::optimizer::{Adam, Sgd};
use chainrule::trace::{Computation, Quantity, Stage, Trace, TraceEvent, ValueId, trace};
use chainrule::*;

fn rule() -> Rule {
    Rule::Adam(Adam { learning_rate: 0.1, ..Adam::default() })
}

fn trace_of<T: Scalar>(case: &Case) -> Trace<T> {
    let (parameters, data) = (case.parameters.cast::<T>(), case.data.cast::<T>());
    trace(&case.network, &parameters, &case.loss, data.samples(), &rule(), case.mode).unwrap()
}

/// A network of `depth` dense layers, every second one without a bias.
fn plain(depth: usize) -> Case {
    let widths = [5, 2, 6, 3];
    let mut builder = Network::builder(4);
    for (index, &width) in widths[..depth - 1].iter().enumerate() {
        let dense = layer::Dense { width, activation: Activation::Silu, bias: index % 2 == 0 };
        builder = builder.layer(Layer::Dense(dense));
    }
    let network = builder.dense(2, Activation::Softmax).build().unwrap();
    Case::new(network, Loss::cross_entropy(), 7, depth as u64)
}

/// Dropout behind every hidden layer, behind one of them twice.
fn with_dropout() -> Case {
    let network = Network::builder(4)
        .dense(5, Activation::Tanh)
        .dropout(0.5)
        .dropout(0.1)
        .dense(6, Activation::Gelu)
        .dropout(0.3)
        .dense(3, Activation::Identity)
        .build()
        .unwrap();
    Case::new(network, Loss::Huber { delta: 0.5 }, 7, 100)
}

fn dropout_first() -> Case {
    let network = Network::builder(4).dropout(0.5).dense(5, Activation::Tanh).dense(3, Activation::Identity);
    Case::new(network.build().unwrap(), Loss::MeanSquaredError, 7, 101)
}

const TRAINING: Mode = Mode::Training { seed: 6, step: 2 };

fn in_training(mut case: Case) -> Case {
    case.mode = TRAINING;
    case
}

const DROPPED: Computation = Computation::Forward("dropout");
const DROPPED_BACK: Computation = Computation::Backward("dropout");

/// The value of that name, such as z.1.
fn named<T: Scalar>(trace: &Trace<T>, name: &str) -> trace::Value<T> {
    trace.value(name.parse().unwrap()).unwrap_or_else(|| panic!("there is no {name}")).clone()
}

fn operations<T: Scalar>(trace: &Trace<T>) -> Vec<(Computation, usize)> {
    trace.events.iter().map(|event| (event.operation, event.layer)).collect()
}

/// What holds for every trace, whatever the network.
fn assert_consistent<T: Scalar>(trace: &Trace<T>) {
    let mut known = BTreeMap::new();
    let mut bytes = 0;
    let mut add = |known: &mut BTreeMap<ValueId, Vec<usize>>, value: &trace::Value<T>| {
        let count: usize = value.shape.iter().product();
        assert_eq!(value.values.len(), count, "{}", value.id);
        assert!(known.insert(value.id, value.shape.clone()).is_none(), "{} comes twice", value.id);
        bytes += count * size_of::<T>();
        bytes
    };
    let mut live_bytes = 0;
    for value in &trace.given {
        live_bytes = add(&mut known, value);
    }
    let order = [Stage::Forward, Stage::OutputError, Stage::Backward, Stage::Gradients, Stage::Update];
    let place = |event: &TraceEvent<T>| order.iter().position(|stage| *stage == event.stage).unwrap();
    let mut phase = 0;
    for (index, event) in trace.events.iter().enumerate() {
        assert_eq!(event.id, index);
        assert!(place(event) >= phase, "{index}: {:?} after {:?}", event.stage, order[phase]);
        phase = place(event);
        assert!(!event.operands.is_empty() && !event.outputs.is_empty());
        for operand in &event.operands {
            assert!(known.contains_key(operand), "event {index} ({:?}) reads {operand}", event.operation);
        }
        assert_eq!(event.shape, event.outputs[0].shape);
        for output in &event.outputs {
            live_bytes = add(&mut known, output);
        }
        assert_eq!(event.live_bytes, live_bytes, "event {index}");
    }
    let sizes = trace.values().map(|value| size_of_val(&value.values[..]));
    assert_eq!(trace.events.last().unwrap().live_bytes, sizes.sum::<usize>());
    assert!(trace.events.windows(2).all(|pair| pair[0].live_bytes < pair[1].live_bytes));
}

/// Every value of the trace beside that of the five functions, bit for bit.
fn assert_values<T: Scalar>(case: &Case) {
    let trace = trace_of::<T>(case);
    assert_consistent(&trace);
    let (network, mode) = (&case.network, case.mode);
    let (parameters, data) = (case.parameters.cast::<T>(), case.data.cast::<T>());
    let five = five_steps(network, &parameters, &case.loss, data.samples(), mode);
    let mut updated = parameters.clone();
    update(&mut Optimizer::new(rule(), &parameters).unwrap(), &mut updated, &five.gradients).unwrap();

    let mut seen = vec![];
    let mut assert_value = |id: ValueId, expected: &[T]| {
        let value = trace.value(id).unwrap_or_else(|| panic!("there is no {id}"));
        assert_same_bits(&id.to_string(), &value.values, expected);
        seen.push(id);
    };
    assert_value(Quantity::Activation.of(0), data.inputs.as_slice());
    assert_value(ValueId::LOSS, &[T::from_f64(five.loss)]);
    for l in 1..=network.depth() {
        let layer = &network.layers()[l - 1];
        if mode != TRAINING && layer.is_for_training_only() {
            continue;
        }
        assert_value(Quantity::Activation.of(l), five.cache.activation(l).as_slice());
        if layer.activation().is_some() {
            assert_value(Quantity::PreActivation.of(l), five.cache.pre_activation(l).as_slice());
            assert_value(Quantity::Delta.of(l), five.deltas.delta(l).as_slice());
        }
        let sources = [
            ([Quantity::WEIGHT, Quantity::BIAS], &parameters),
            ([Quantity::WEIGHT_GRADIENT, Quantity::BIAS_GRADIENT], &five.gradients),
            ([Quantity::UPDATED_WEIGHT, Quantity::UPDATED_BIAS], &updated),
        ];
        for (quantities, source) in sources {
            let tensors = network.layer_tensors(l);
            for (tensor, quantity) in tensors.iter().zip(quantities) {
                assert_value(quantity.of(l), &source.tensor(tensor).to_vec());
            }
            for quantity in &quantities[tensors.len()..] {
                assert!(trace.value(quantity.of(l)).is_none(), "{quantity:?} {l}");
            }
        }
    }
    assert_eq!(trace.loss(), T::from_f64(five.loss).as_f64());
    // What is left: the targets, the errors between two layers, and the slopes.
    for value in trace.values().filter(|value| !seen.contains(&value.id)) {
        let known = [Quantity::Target, Quantity::Error, Quantity::Slope];
        assert!(known.contains(&value.id.quantity), "{}", value.id);
    }
}

/// error.l times sigma' is delta.l, and error.l is delta.(l+1) times the weights.
#[test]
fn errors_lie_between_two_deltas() {
    let case = plain(3);
    let trace = trace_of::<f64>(&case);
    let silu = Activation::Silu.elementwise().unwrap();
    for l in 1..3 {
        let get = |name: &str| named(&trace, &format!("{name}.{l}")).values;
        let (z, a, error, delta) = (get("z"), get("a"), get("error"), get("delta"));
        for i in 0..z.len() {
            let expected = error[i] * silu.derivative(z[i], a[i]);
            assert!((delta[i] - expected).abs() <= 1e-15, "delta.{l}[{i}]");
        }
        let above = named(&trace, &format!("delta.{}", l + 1));
        let (weight, columns) = (case.parameters.weight(l + 1), case.network.width(l));
        for (index, error) in error.iter().enumerate() {
            let (i, k) = (index / columns, index % columns);
            let n = above.shape[1];
            let expected: f64 = (0..n).map(|j| above.values[i * n + j] * weight.element(j, k)).sum();
            assert!((error - expected).abs() <= 1e-15, "error.{l}[{index}]");
        }
    }
}

/// slope.l is the derivative of sigma by differences, and times error.l it is delta.l.
fn assert_slopes(trace: &Trace<f64>, l: usize, sigma: Activation) {
    let get = |name: &str| named(trace, &format!("{name}.{l}")).values;
    let (z, error, slope, delta) = (get("z"), get("error"), get("slope"), get("delta"));
    let function = sigma.elementwise().unwrap();
    assert_eq!(z.len(), slope.len());
    for i in 0..z.len() {
        let h = 1e-5;
        if sigma.kinks().iter().all(|kink| (z[i] - kink).abs() > h) {
            let numerical = (function.value(z[i] + h) - function.value(z[i] - h)) / (2.0 * h);
            assert!((slope[i] - numerical).abs() < 1e-9, "slope.{l}[{i}]: {} {numerical}", slope[i]);
        }
        let product = error[i] * slope[i];
        assert!((delta[i] - product).abs() <= 4.0 * f64::EPSILON * product.abs(), "delta.{l}[{i}]");
    }
}

#[test]
fn slopes_come_with_every_hidden_delta() {
    for sigma in hidden_activations() {
        let builder = Network::builder(4).dense(5, sigma).dropout(0.3).dense_without_bias(4, sigma);
        let network = builder.dense(3, Activation::Softmax).build().unwrap();
        let case = Case::new(network, Loss::cross_entropy(), 7, 11);
        for trace in [trace_of::<f64>(&case), trace_of::<f64>(&in_training(case))] {
            assert_slopes(&trace, 3, sigma);
            // Dropout lies between error.1 and delta.1 in training, but the slope is the layer's own.
            let slope = |l: usize| trace.value(Quantity::Slope.of(l));
            assert!(slope(1).is_some() && slope(2).is_none() && slope(4).is_none());
            let events: Vec<_> = trace.events.iter().filter(|e| e.operation == Computation::Delta).collect();
            assert_eq!(events.len(), 2);
            for event in events {
                let names: Vec<_> = event.outputs.iter().map(|value| value.id.to_string()).collect();
                assert_eq!(names, [format!("delta.{}", event.layer), format!("slope.{}", event.layer)]);
            }
        }
    }
}

/// At the output: error and slope where delta is their product, and neither where it is not.
#[test]
fn the_output_error_has_its_factors_where_it_is_a_product() {
    let mut products = 0;
    for loss in losses() {
        for &output in Activation::ALL {
            let network = Network::builder(4).dense(5, Activation::Tanh).dense(3, output).build().unwrap();
            let case = Case::new(network, loss.clone(), 7, 12);
            let trace = trace_of::<f64>(&case);
            let event =
                trace.events.iter().find(|event| event.operation == Computation::OutputDelta).unwrap();
            let names: Vec<_> = event.outputs.iter().map(|value| value.id.to_string()).collect();
            let by_logits = matches!(loss, Loss::BinaryCrossEntropy | Loss::CrossEntropy { .. })
                && output == Activation::Sigmoid;
            if loss.has_short_form(output) || output == Activation::Softmax || by_logits {
                assert_eq!(names, ["delta.2"], "{loss:?} {output:?}");
                continue;
            }
            assert_eq!(names, ["delta.2", "error.2", "slope.2"], "{loss:?} {output:?}");
            products += 1;
            assert_slopes(&trace, 2, output);
            // error.2 beside the loss of an identity output, moved by one a at a time.
            assert_eq!(named(&trace, "error.2").shape, [7, 3]);
            let reads_logits = !output.yields_probabilities();
            let is_of_classes = matches!(loss, Loss::BinaryCrossEntropy | Loss::CrossEntropy { .. });
            if is_of_classes && !reads_logits {
                continue;
            }
            let (a, error) = (named(&trace, "a.2").values, named(&trace, "error.2").values);
            let same = Network::builder(3).dense(3, Activation::Identity).build().unwrap();
            let mut parameters = same.zeros::<f64>();
            change_weight(&mut parameters, 1, |w| (0..3).for_each(|k| w[4 * k] = 1.0));
            let loss_at = |a: Vec<f64>| {
                let a = Matrix::from_vec(7, 3, a).unwrap();
                let cache = forward(&same, &parameters, a.view(), Mode::Inference).unwrap();
                output_error(&same, &cache, &loss, case.data.samples().targets, None).unwrap().loss
            };
            for i in 0..a.len() {
                let moved = |h: f64| {
                    let mut a = a.clone();
                    a[i] += h;
                    loss_at(a)
                };
                let h = 1e-6;
                let numerical = (moved(h) - moved(-h)) / (2.0 * h);
                let near = (error[i] - numerical).abs() < 1e-8 * (1.0 + numerical.abs());
                assert!(near, "{loss:?} {output:?} error.2[{i}]: {} {numerical}", error[i]);
            }
        }
    }
    // 8 losses and 12 outputs without softmax, less the pairs left out above.
    assert_eq!(products, 8 * (Activation::ALL.len() - 1) - 3);
}

#[test]
fn six_events_for_each_dense_layer_in_order() {
    for depth in 1..=5 {
        let case = plain(depth);
        let mut expected = vec![];
        for l in 1..=depth {
            expected.extend([(Computation::AFFINE, l), (Computation::Activation, l)]);
        }
        expected.extend([(Computation::Loss, depth), (Computation::OutputDelta, depth)]);
        for l in (1..depth).rev() {
            expected.extend([(Computation::CARRY_BACK, l), (Computation::Delta, l)]);
        }
        expected.extend((1..=depth).map(|l| (Computation::Gradients, l)));
        expected.extend((1..=depth).map(|l| (Computation::Update, l)));
        assert_eq!(expected.len(), 6 * depth);
        assert_eq!(operations(&trace_of::<f64>(&case)), expected);
        assert_eq!(operations(&trace_of::<f32>(&in_training(case))), expected);
    }
}

#[test]
fn values_are_those_of_the_five_functions() {
    for case in (1..=5).map(plain).chain([with_dropout(), dropout_first()]) {
        for case in [case.clone(), in_training(case)] {
            assert_values::<f32>(&case);
            assert_values::<f64>(&case);
        }
    }
    let mut classes = plain(2);
    classes.data.targets = OwnedTargets::Classes(vec![0, 1, 1, 0, 1, 0, 0]);
    classes.data.weights = Some(vec![1.0, 2.0, 0.0, 1.0, 0.5, 1.0, 1.0]);
    assert_values::<f64>(&classes);
    let target = named(&trace_of::<f64>(&classes), "target");
    assert_eq!((target.shape, target.values), (vec![7], vec![0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0]));
}

#[test]
fn operands_are_those_of_the_formulas() {
    let trace = trace_of::<f64>(&in_training(with_dropout()));
    let operands = |operation: Computation, layer: usize| -> Vec<Vec<String>> {
        let events = trace.events.iter().filter(|event| (event.operation, event.layer) == (operation, layer));
        events.map(|event| event.operands.iter().map(ValueId::to_string).collect()).collect()
    };
    assert_eq!(operands(Computation::AFFINE, 1), [["a.0", "weight.1", "bias.1"]]);
    assert_eq!(operands(DROPPED, 2), [["a.1"]]);
    assert_eq!(operands(DROPPED, 3), [["a.2"]]);
    assert_eq!(operands(Computation::AFFINE, 4), [["a.3", "weight.4", "bias.4"]]);
    assert_eq!(operands(Computation::Activation, 4), [["z.4"]]);
    assert_eq!(operands(Computation::Loss, 6), [["z.6", "a.6", "target"]]);
    assert_eq!(operands(Computation::CARRY_BACK, 3), [["delta.4", "weight.4"]]);
    assert_eq!(operands(Computation::CARRY_BACK, 5), [["delta.6", "weight.6"]]);
    assert_eq!(operands(DROPPED_BACK, 2), [["error.3"]]);
    assert_eq!(operands(DROPPED_BACK, 1), [["error.2"]]);
    assert_eq!(operands(DROPPED_BACK, 4), [["error.5"]]);
    assert_eq!(operands(Computation::Delta, 1), [["error.1", "z.1"]]);
    assert_eq!(operands(Computation::Gradients, 4), [["delta.4", "a.3"]]);
    assert_eq!(
        operands(Computation::Update, 6),
        [["weight.6", "bias.6", "weight_gradient.6", "bias_gradient.6"]]
    );
}

#[test]
fn without_training_the_layers_beside_dropout_are_named_as_neighbours() {
    let trace = trace_of::<f64>(&with_dropout());
    let operands = |operation: Computation, layer: usize| -> Vec<String> {
        let event = trace.events.iter().find(|event| (event.operation, event.layer) == (operation, layer));
        event.unwrap().operands.iter().map(ValueId::to_string).collect()
    };
    assert_eq!(operands(Computation::AFFINE, 4), ["a.1", "weight.4", "bias.4"]);
    assert_eq!(operands(Computation::CARRY_BACK, 1), ["delta.4", "weight.4"]);
    assert_eq!(operands(Computation::Delta, 1), ["error.1", "z.1"]);
    assert_eq!(operands(Computation::Gradients, 4), ["delta.4", "a.1"]);
}

#[test]
fn dropout_adds_two_events_in_training_and_none_otherwise() {
    let case = with_dropout();
    assert_eq!(trace_of::<f64>(&case).events.len(), 6 * 3);
    let trace = trace_of::<f64>(&in_training(case));
    assert_eq!(trace.events.len(), 6 * 3 + 2 * 3);
    let count = |operation| trace.events.iter().filter(|event| event.operation == operation).count();
    assert_eq!((count(DROPPED), count(DROPPED_BACK)), (3, 3));
}

/// The error has nowhere to go before the first layer with parameters.
#[test]
fn dropout_of_the_inputs_adds_one_event() {
    let case = dropout_first();
    assert_eq!(trace_of::<f64>(&case).events.len(), 6 * 2);
    let trace = trace_of::<f64>(&in_training(case.clone()));
    assert_eq!(trace.events.len(), 6 * 2 + 1);
    assert_eq!(operations(&trace)[..2], [(DROPPED, 1), (Computation::AFFINE, 2)]);
    assert_eq!(trace.events[1].operands[0].to_string(), "a.1");

    let network = Network::builder(4).dropout(0.5).dropout(0.5).dense(3, Activation::Tanh).build().unwrap();
    let case = Case::new(network, Loss::MeanSquaredError, 7, 102);
    assert_eq!(trace_of::<f64>(&case).events.len(), 6);
    assert_eq!(trace_of::<f64>(&in_training(case)).events.len(), 6 + 2);
}

#[test]
fn numbers_in_json_are_exact_and_the_others_are_words() {
    fn values(json: &serde_json::Value, name: &str) -> Vec<serde_json::Value> {
        let events = json["events"].as_array().unwrap();
        let outputs = events.iter().flat_map(|event| event["outputs"].as_array().unwrap());
        let mut all = json["given"].as_array().unwrap().iter().chain(outputs);
        all.find(|value| value["name"] == name).unwrap()["values"].as_array().unwrap().clone()
    }
    fn check<T: Scalar + serde::Serialize>() {
        let mut case = plain(2);
        let json: serde_json::Value =
            serde_json::from_str(&serde_json::to_string(&trace_of::<T>(&case)).unwrap()).unwrap();
        let trace = trace_of::<T>(&case);
        for value in trace.values() {
            let found: Vec<T> = values(&json, &value.id.to_string())
                .iter()
                .map(|x| T::from_f64(x.as_f64().unwrap()))
                .collect();
            assert_same_bits(&value.id.to_string(), &found, &value.values);
        }
        let first = &json["events"][0];
        assert_eq!((&first["phase"], &first["operation"]), (&"forward".into(), &"affine".into()));
        assert_eq!(first["shape"], serde_json::json!([7, 5]));
        assert_eq!(json["events"][11]["phase"], "update");

        // Three samples: NaN, infinity and minus infinity come in.
        case.data.inputs[(0, 0)] = f64::NAN;
        case.data.inputs[(1, 1)] = f64::INFINITY;
        case.data.inputs[(2, 2)] = f64::NEG_INFINITY;
        let trace = trace_of::<T>(&case);
        assert_consistent(&trace);
        let json: serde_json::Value = serde_json::from_str(&serde_json::to_string(&trace).unwrap()).unwrap();
        let inputs = values(&json, "a.0");
        assert_eq!([&inputs[0], &inputs[5], &inputs[10]], ["NaN", "Infinity", "-Infinity"]);
        assert!(inputs[1].is_number());
        assert_eq!(values(&json, "loss"), ["NaN"]);
        let z = values(&json, "z.1");
        assert_eq!(z[0], "NaN");
        assert!(z[5].is_string() && z[10].is_string() && z[15].is_number());
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn what_does_not_fit_is_an_error() {
    let case = plain(2);
    let samples = case.data.samples();
    let trace =
        |rule: &Rule, samples| trace(&case.network, &case.parameters, &case.loss, samples, rule, case.mode);
    let bad = Rule::Sgd(Sgd { learning_rate: -1.0, ..Sgd::default() });
    assert!(trace(&bad, samples).unwrap_err().to_string().contains("learning_rate"));
    let narrow = Matrix::zeros(7, 3);
    let narrow = Samples { inputs: narrow.view().into(), ..samples };
    assert!(trace(&rule(), narrow).unwrap_err().to_string().contains("4 columns"));
    let few = Samples { targets: samples.targets.slice(0..3), ..samples };
    assert!(trace(&rule(), few).unwrap_err().to_string().contains("7 rows"));
}
