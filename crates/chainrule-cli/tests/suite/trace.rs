//! Traces through the program: the tensors, the events, and that they hold together.

use std::collections::BTreeMap;

use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

use crate::place::trained;

#[test]
fn a_trace_of_tensors_holds_the_five_steps() {
    let place = trained();
    place.good("trace model.safetensors table.csv --rows 3..10 --learning-rate 0.25 -o step.safetensors");
    let bytes = place.read("step.safetensors");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut tensors: BTreeMap<String, (Vec<usize>, Vec<f64>)> = BTreeMap::new();
    for (name, view) in file.tensors() {
        assert_eq!(view.dtype(), Dtype::F64);
        let values =
            view.data().chunks(8).map(|eight| f64::from_le_bytes(eight.try_into().unwrap())).collect();
        tensors.insert(name, (view.shape().to_vec(), values));
    }
    let shape = |name: String| tensors.get(&name).unwrap_or_else(|| panic!("{name} is there")).0.clone();
    let widths = [6, 6, 5, 2];
    assert_eq!(shape("a.0".into()), [7, 6]);
    for l in 1..=3 {
        for name in ["z", "a", "delta"] {
            assert_eq!(shape(format!("{name}.{l}")), [7, widths[l]]);
        }
        for name in ["weight_gradient", "updated_weight"] {
            assert_eq!(shape(format!("{name}.{l}")), [widths[l], widths[l - 1]]);
        }
        for name in ["bias_gradient", "updated_bias"] {
            assert_eq!(shape(format!("{name}.{l}")), [widths[l]]);
        }
    }
    assert_eq!(tensors["loss"].1.len(), 1);

    // The formulas, from the traced values and the model's parameters.
    let model = chainrule::Model::<f64>::load(&place.path("model.safetensors")).unwrap();
    let parameters: Vec<Vec<f64>> =
        model.parameters.tensors().iter().map(|tensor| model.parameters.tensor(tensor).to_vec()).collect();
    let value = |name: &str, l: usize| tensors[&format!("{name}.{l}")].1.as_slice();
    let near =
        |a: f64, b: f64, what: &str| assert!((a - b).abs() < 1e-12 * (1.0 + b.abs()), "{what}: {a} and {b}");
    for l in 1..=3 {
        let (n_in, n_out) = (widths[l - 1], widths[l]);
        let (weight, bias) = (&parameters[2 * l - 2], &parameters[2 * l - 1]);
        for j in 0..n_out {
            for b in 0..7 {
                let sum: f64 =
                    (0..n_in).map(|k| weight[j * n_in + k] * value("a", l - 1)[b * n_in + k]).sum();
                near(value("z", l)[b * n_out + j], sum + bias[j], "z");
            }
            let column: f64 = (0..7).map(|b| value("delta", l)[b * n_out + j]).sum();
            near(value("bias_gradient", l)[j], column, "db");
            near(value("updated_bias", l)[j], bias[j] - 0.25 * column, "b");
            for k in 0..n_in {
                let sum: f64 =
                    (0..7).map(|b| value("delta", l)[b * n_out + j] * value("a", l - 1)[b * n_in + k]).sum();
                near(value("weight_gradient", l)[j * n_in + k], sum, "dW");
                near(value("updated_weight", l)[j * n_in + k], weight[j * n_in + k] - 0.25 * sum, "W");
            }
        }
    }
}

#[test]
fn a_trace_as_json_is_6_events_for_each_layer() {
    let place = trained();
    place.good("trace model.safetensors table.csv --rows 0..3 --dtype f32 --optimizer adam -o step.json");
    let whole: Value = serde_json::from_str(&place.text("step.json")).unwrap();
    assert_eq!(whole["dtype"], "f32");
    assert_eq!(whole["rows"], serde_json::json!([0, 1, 2]));
    let events = whole["trace"]["events"].as_array().unwrap();
    assert_eq!(events.len(), 6 * 3);
    for event in events {
        for key in ["phase", "layer", "operation", "operands", "outputs", "live_bytes", "sentence"] {
            assert!(!event[key].is_null(), "{key} is in {event}");
        }
        for output in event["outputs"].as_array().unwrap() {
            let count: u64 =
                output["shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).product();
            assert_eq!(output["values"].as_array().unwrap().len() as u64, count, "{}", output["name"]);
        }
    }
    let summary = place.good("trace model.safetensors table.csv");
    for words in ["1. Forward", "2. Output error", "3. Backward", "4. Gradients", "5. Update"] {
        assert!(summary.contains(words), "{summary}");
    }
}
