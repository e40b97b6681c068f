//! Documents, edits and revisions: the numbers of the examples, and that every way back
//! leads to the same bits.

#[path = "../../chainrule-explorer/tests/contract/mod.rs"]
mod contract;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use chainrule_explorer_core::{
    Document, EXAMPLES, Edit, Held, KEPT_BYTES, Refusal, SharedDocument, Store, apply, example,
};
use serde_json::{Value, json};

use contract::{contract, fields};

static NEVER: AtomicBool = AtomicBool::new(false);

fn edit(value: Value) -> Edit {
    serde_json::from_value(value).unwrap()
}

fn set(name: &str, row: usize, column: usize, value: f64) -> Edit {
    edit(json!({ "kind": "set", "name": name, "row": row, "column": column, "value": value }))
}

fn layers(shapes: &[(usize, &str)]) -> Edit {
    let layers: Vec<_> = shapes
        .iter()
        .map(|(width, activation)| json!({ "width": width, "activation": activation, "bias": true }))
        .collect();
    edit(json!({ "kind": "layers", "layers": layers }))
}

fn opened(id: &str, kept_bytes: usize) -> (Store, Held) {
    let store = Store::new(kept_bytes);
    let held = store.add(example(id).unwrap(), format!("example {id}")).unwrap();
    (store, held)
}

fn edited(store: &Store, revision: usize, change: &Edit) -> Held {
    store.edit(revision, change, &NEVER).unwrap().0
}

fn refused(document: &Document, change: Value) -> String {
    match serde_json::from_value::<Edit>(change.clone()) {
        Err(error) => error.to_string(),
        Ok(change) => apply(&change, document).expect_err(&format!("{change:?}")).to_string(),
    }
}

fn numbers<'a>(held: &'a Held, name: &str) -> &'a [f64] {
    &held.step.trace.value(name.parse().unwrap()).unwrap_or_else(|| panic!("{name}")).values
}

fn view(held: &Held) -> Value {
    serde_json::to_value(held.view().unwrap()).unwrap()
}

/// Every number of a trace, as bits.
fn bits(held: &Held) -> Vec<u64> {
    held.step.trace.values().flat_map(|value| &value.values).map(|number| number.to_bits()).collect()
}

#[test]
fn mazur_has_the_published_numbers() {
    let (store, start) = opened("mazur", KEPT_BYTES);
    let is = |found: f64, expected: f64| {
        assert!((found - expected).abs() <= 4.0 * f64::EPSILON * expected.abs(), "{found} and {expected}");
    };
    is(start.step.trace.loss(), 0.2983711087600027);
    is(numbers(&start, "delta.2")[0], 0.13849856162855695);
    is(numbers(&start, "delta.2")[1], -0.038098236516556236);
    is(numbers(&start, "weight_gradient.2")[0], 0.08216704056423077);
    is(numbers(&start, "delta.1")[0], 0.00877135468948693);
    let mut after = edited(&store, start.revision, &edit(json!({ "kind": "iterate", "count": 1 })));
    is(after.step.trace.loss(), 0.28047144679143016);
    assert_eq!(after.label, "iteration 1");
    // Mazur leaves the biases as they are.
    for (name, bias) in [("bias.1", 0.35), ("bias.2", 0.60)] {
        for column in 0..2 {
            after = edited(&store, after.revision, &set(name, 0, column, bias));
        }
    }
    is(after.step.trace.loss(), 0.29102777369359933);
}

#[test]
fn examples_are_what_their_summaries_say() {
    for listed in serde_json::to_value(EXAMPLES).unwrap().as_array().unwrap() {
        let id = listed["id"].as_str().unwrap();
        let document = example(id).unwrap();
        document.check().unwrap_or_else(|refusal| panic!("{id}: {refusal}"));
        assert_eq!(document.title, listed["title"].as_str().unwrap());
    }
    assert!(matches!(example("4-3-2"), Err(Refusal::Missing(reason)) if reason.contains("3-4-2, mazur")));

    let first = example("3-4-2").unwrap();
    assert_eq!((first.inputs.rows(), first.pool.inputs.rows(), first.learning_rate), (1, 6, 0.5));
    let tensors = first.parameters.tensors();
    let weights = tensors.iter().flat_map(|tensor| first.parameters.tensor(tensor).to_vec());
    let written: BTreeSet<String> = weights.clone().map(|weight| format!("{:.2}", weight.abs())).collect();
    assert_eq!(written.len(), 26, "distinct, in two digits: {written:?}");
    assert!(weights.clone().all(|weight| weight != 0.0 && (weight * 100.0).round() / 100.0 == weight));

    let (_, dead) = opened("dead-relu", KEPT_BYTES);
    let column = |name: &str, k: usize, width: usize| -> Vec<f64> {
        numbers(&dead, name).chunks(width).map(|row| row[k]).collect()
    };
    assert!(column("z.1", 1, 3).iter().all(|&z| z < 0.0) && column("delta.1", 1, 3) == [0.0; 4]);
    for other in [0, 2] {
        assert!(column("delta.1", other, 3).iter().any(|&delta| delta != 0.0));
    }

    let (_, sure) = opened("saturated-sigmoid", KEPT_BYTES);
    let (loss, delta) = (sure.step.trace.loss(), numbers(&sure, "delta.2")[0].abs());
    assert!(loss > 0.49 && delta < 1e-3, "loss {loss}, delta {delta}");

    let (_, deep) = opened("deep-10", KEPT_BYTES);
    let largest = |name: &str| numbers(&deep, name).iter().fold(0.0f64, |most, x| most.max(x.abs()));
    assert!(largest("delta.1") < 1e-4 * largest("delta.10"));

    let (store, xor) = opened("xor", KEPT_BYTES);
    let trained = edited(&store, xor.revision, &edit(json!({ "kind": "iterate", "count": 1000 })));
    assert!(trained.step.trace.loss() < 0.05, "xor is learned: {}", trained.step.trace.loss());

    let digits = example("digits").unwrap();
    assert_eq!((digits.pool.inputs.rows(), digits.inputs.rows()), (1797, 8));
    assert!(digits.pool.inputs.as_slice().iter().all(|pixel| (0.0..=1.0).contains(pixel)));
    assert_eq!(digits.pool.inputs.as_slice().iter().fold(0.0f64, |most, &x| most.max(x)), 1.0);
}

#[test]
fn an_edit_says_what_it_did_and_leaves_its_parent_as_it_was() {
    let (store, start) = opened("3-4-2", KEPT_BYTES);
    let before = (bits(&start), view(&start));
    let mut last = start.clone();
    for (change, label) in [
        (set("weight.2", 0, 2, 0.6), "W(2)[1, 3]: 0.29 -> 0.6"),
        (set("bias.1", 0, 3, -0.5), "b(1)[4]: 0.14 -> -0.5"),
        (set("a.0", 0, 1, 0.25), "input 2: -0.5 -> 0.25"),
        (set("target", 0, 0, 1.0), "target 1: 0 -> 1"),
        (edit(json!({ "kind": "learning_rate", "value": 0.1 })), "learning rate 0.5 -> 0.1"),
        (
            edit(json!({
                "kind": "activation", "layer": 1,
                "activation": { "leaky_relu": { "negative_slope": 0.1 } },
            })),
            "layer 1: tanh -> leaky relu",
        ),
        (edit(json!({ "kind": "batch", "first": 2, "count": 3 })), "rows 3 to 5"),
        (set("a.0", 2, 1, 7.0), "input 2 of sample 3: 0.1 -> 7"),
        (edit(json!({ "kind": "batch", "first": 4, "count": 3 })), "rows 5 to 6, the last one repeated"),
        (
            edit(json!({ "kind": "loss", "loss": "half_squared_error", "suit_output": true })),
            "cross-entropy -> half squared error, layer 2: softmax -> identity",
        ),
        (
            edit(json!({ "kind": "initialize", "rule": "he_normal", "seed": 7 })),
            "new weights: he-normal, seed 7",
        ),
        (edit(json!({ "kind": "reset" })), "initial weights"),
        (layers(&[(4, "tanh"), (5, "relu"), (2, "identity")]), "3-4-2 -> 3-4-5-2"),
    ] {
        let next = edited(&store, last.revision, &change);
        assert_eq!(next.label, label);
        assert_eq!(next.parent, Some(last.revision));
        last = next;
    }
    let again = store.get(start.revision, &NEVER).unwrap();
    assert!((bits(&again), view(&again)) == before, "the root is what it was");
    // Another edit of the root is a branch.
    let branch = edited(&store, start.revision, &set("weight.1", 0, 0, 0.0));
    assert_eq!((branch.parent, branch.revision), (Some(1), last.revision + 1));
    assert_eq!(numbers(&branch, "weight.2"), numbers(&start, "weight.2"));
}

#[test]
fn the_last_row_is_repeated_beyond_the_end_of_the_data() {
    let document = example("3-4-2").unwrap().batch(4, 4).unwrap();
    let rows: Vec<&[f64]> = (0..4).map(|i| document.inputs.row(i)).collect();
    let last = [-0.3, 0.4, 0.5];
    assert_eq!(rows, [&[0.9, 0.1, -0.7], &last, &last, &last]);
    assert_eq!(document.targets.row(3), [1.0, 0.0]);
}

#[test]
fn layers_whose_shape_stays_keep_their_weights() {
    let (store, start) = opened("3-4-2", KEPT_BYTES);
    let trained = edited(&store, start.revision, &edit(json!({ "kind": "iterate", "count": 3 })));
    let deeper =
        edited(&store, trained.revision, &layers(&[(4, "relu"), (6, "tanh"), (4, "relu"), (2, "softmax")]));
    assert_eq!(numbers(&deeper, "weight.1"), numbers(&trained, "weight.1"));
    assert_eq!(numbers(&deeper, "weight.4"), numbers(&trained, "weight.2"));
    assert_eq!(numbers(&deeper, "bias.4"), numbers(&trained, "bias.2"));
    assert!(numbers(&deeper, "weight.2").iter().all(|&weight| weight != 0.0), "drawn");
    // Going back to the weights that were drawn goes back to the first layer's too.
    let reset = edited(&store, deeper.revision, &edit(json!({ "kind": "reset" })));
    assert_eq!(numbers(&reset, "weight.1"), numbers(&start, "weight.1"));
    assert_eq!(numbers(&reset, "weight.2"), numbers(&deeper, "weight.2"));
    assert_eq!((reset.document.iteration, deeper.document.iteration), (0, 3));
}

#[test]
fn another_number_of_outputs_gets_sensible_targets() {
    let start = example("3-4-2").unwrap().batch(0, 3).unwrap();
    let after = |document: &Document, change: &Edit| apply(change, document).unwrap().0;
    let rows = |document: &Document| -> Vec<Vec<f64>> {
        (0..document.targets.rows()).map(|i| document.targets.row(i).to_vec()).collect()
    };
    // Classes stay what they are, also in the rows to choose from.
    let wider = after(&start, &layers(&[(4, "tanh"), (3, "softmax")]));
    assert_eq!(rows(&wider), [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]);
    assert_eq!(wider.pool.targets.row(3), [0.0, 1.0, 0.0]);
    wider.check().unwrap();
    assert_eq!(rows(&after(&wider, &layers(&[(4, "tanh"), (2, "softmax")]))), rows(&start));
    // With one output a class is a number.
    let reason = refused(
        &start,
        json!({ "kind": "layers", "layers": [
        { "width": 1, "activation": "sigmoid", "bias": true }] }),
    );
    assert!(reason.contains("at least 2 outputs"), "{reason}");
    let binary = edit(json!({ "kind": "loss", "loss": "binary_cross_entropy", "suit_output": true }));
    let single = after(&after(&start, &binary), &layers(&[(4, "tanh"), (1, "sigmoid")]));
    assert_eq!(rows(&single), [[1.0], [0.0], [0.0]]);
    assert_eq!(rows(&after(&single, &layers(&[(4, "tanh"), (2, "sigmoid")]))), rows(&start));
    // A class without an output becomes the last one; names follow.
    let digits = example("digits").unwrap();
    let five = after(&digits, &layers(&[(16, "relu"), (5, "softmax")]));
    let class = |row: &[f64]| row.iter().position(|&y| y == 1.0).unwrap();
    for i in 0..8 {
        assert_eq!(class(five.targets.row(i)), class(digits.targets.row(i)).min(4));
    }
    assert_eq!(five.output_names.as_ref().unwrap().len(), 5);
    // Numbers stay; outputs that are new aim at 0.
    let mazur = example("mazur").unwrap();
    let three = after(&mazur, &layers(&[(2, "sigmoid"), (3, "sigmoid")]));
    assert_eq!(rows(&three), [[0.01, 0.99, 0.0]]);
    assert_eq!(rows(&after(&three, &layers(&[(2, "sigmoid"), (1, "sigmoid")]))), [[0.01]]);
}

#[test]
fn impossible_edits_are_refused_in_words() {
    let start = example("3-4-2").unwrap();
    for (change, words) in [
        (json!({ "kind": "set", "name": "a.0", "row": 0, "column": 1, "value": "NaN" }), "input 2: NaN"),
        (json!({ "kind": "set", "name": "weight.1", "row": 0, "column": 0, "value": "Infinity" }), "inf"),
        (json!({ "kind": "set", "name": "weight.1", "row": 4, "column": 0, "value": 1 }), "4 x 3"),
        (json!({ "kind": "set", "name": "weight.3", "row": 0, "column": 0, "value": 1 }), "cannot be set"),
        (json!({ "kind": "set", "name": "weight.0", "row": 0, "column": 0, "value": 1 }), "cannot be set"),
        (json!({ "kind": "set", "name": "z.1", "row": 0, "column": 0, "value": 1 }), "cannot be set"),
        (json!({ "kind": "set", "name": "bias.1", "row": 1, "column": 0, "value": 1 }), "vector of 4"),
        (json!({ "kind": "set", "name": "target", "row": 0, "column": 0, "value": 1.5 }), "0..=1"),
        (json!({ "kind": "learning_rate", "value": -1 }), "at least 0"),
        (json!({ "kind": "activation", "layer": 1, "activation": "softmax" }), "layer 1 is hidden"),
        (json!({ "kind": "activation", "layer": 3, "activation": "relu" }), "layers 1 to 2"),
        (json!({ "kind": "activation", "layer": 1, "activation": { "elu": { "alpha": 0 } } }), "alpha"),
        (json!({ "kind": "layers", "layers": [] }), "at least one layer"),
        (json!({ "kind": "initialize", "rule": "xavier", "seed": 1 }), "suited"),
        (json!({ "kind": "initialize", "rule": "suited", "seed": 1u64 << 60 }), "seed"),
        (json!({ "kind": "batch", "first": 6, "count": 1 }), "there are 6 rows"),
        (json!({ "kind": "batch", "first": 0, "count": 0 }), "at least 1 row"),
        (json!({ "kind": "batch", "first": 0, "count": 257 }), "limit of 256"),
        (json!({ "kind": "reset", "more": 1 }), "unknown field"),
        (json!({ "kind": "batch", "first": 0, "count": 1, "more": 1 }), "unknown field"),
        (json!({ "kind": "rename" }), "unknown variant"),
    ] {
        let reason = refused(&start, change.clone());
        assert!(reason.contains(words), "{change}: '{words}' is not in: {reason}");
    }
    let mazur = example("mazur").unwrap();
    let (far, _) = apply(&set("target", 0, 0, 3.0), &mazur).unwrap();
    let reason =
        refused(&far, json!({ "kind": "loss", "loss": "binary_cross_entropy", "suit_output": true }));
    assert!(reason.contains("does not accept the targets of the batch"), "{reason}");
    let xor = example("xor").unwrap();
    let reason = refused(&xor, json!({ "kind": "loss", "loss": "cross_entropy", "suit_output": true }));
    let reason_of_null =
        refused(&xor, json!({ "kind": "loss", "loss": { "cross_entropy": {} }, "suit_output": true }));
    assert!(reason_of_null.contains("at least 2 outputs"), "{reason} {reason_of_null}");
}

#[test]
fn each_iteration_is_a_revision() {
    let (store, start) = opened("3-4-2", KEPT_BYTES);
    let (last, made) =
        store.edit(start.revision, &edit(json!({ "kind": "iterate", "count": 4 })), &NEVER).unwrap();
    let made = serde_json::to_value(made).unwrap();
    let made = made.as_array().unwrap();
    assert_eq!(made.len(), 4);
    for (index, one) in made.iter().enumerate() {
        assert_eq!(one["revision"], json!(index + 2));
        assert_eq!(one["label"], json!(format!("iteration {}", index + 1)));
        let held = store.get(index + 2, &NEVER).unwrap();
        assert_eq!(one["loss"].as_f64().unwrap(), held.step.trace.loss());
        assert_eq!(held.parent, Some(index + 1));
        let before = store.get(index + 1, &NEVER).unwrap();
        for name in ["weight.1", "bias.1", "weight.2", "bias.2"] {
            assert_eq!(numbers(&held, name), numbers(&before, &format!("updated_{name}")));
        }
    }
    assert_eq!((last.revision, last.document.iteration), (5, 4));
    let cancelled = AtomicBool::new(true);
    assert!(store.edit(5, &edit(json!({ "kind": "iterate", "count": 4 })), &cancelled).is_err());
    assert!(matches!(store.get(6, &NEVER), Err(Refusal::Missing(_))), "a cancelled edit makes nothing");
    let too_many = store.edit(5, &edit(json!({ "kind": "iterate", "count": 1001 })), &NEVER);
    assert!(too_many.unwrap_err().to_string().contains("1001 is more than the limit of 1000"));
}

/// A chain of every kind of edit, and the traces and views it had when it was made.
fn chain(kept_bytes: usize) -> (Store, Vec<(Vec<u64>, String)>) {
    let (store, start) = opened("3-4-2", kept_bytes);
    let mut last = start;
    let mut seen = vec![(bits(&last), view(&last).to_string())];
    for change in [
        set("weight.2", 0, 2, 0.6),
        edit(json!({ "kind": "batch", "first": 1, "count": 5 })),
        edit(json!({ "kind": "iterate", "count": 1 })),
        set("a.0", 3, 1, -2.5),
        layers(&[(4, "tanh"), (7, "gelu"), (3, "softmax")]),
        edit(json!({ "kind": "iterate", "count": 1 })),
        edit(json!({ "kind": "loss", "loss": "half_squared_error", "suit_output": true })),
        edit(json!({ "kind": "initialize", "rule": "orthogonal", "seed": 3 })),
        edit(json!({ "kind": "iterate", "count": 1 })),
        edit(json!({ "kind": "learning_rate", "value": 0.01 })),
        edit(json!({ "kind": "iterate", "count": 1 })),
    ] {
        last = edited(&store, last.revision, &change);
        seen.push((bits(&last), view(&last).to_string()));
    }
    (store, seen)
}

#[test]
fn what_was_dropped_is_rebuilt_with_the_same_bits() {
    // What holds the work on one of twelve revisions, and hardly more.
    for kept_bytes in [60_000, 100_000, KEPT_BYTES] {
        let (store, seen) = chain(kept_bytes);
        for revision in [12, 1, 7, 12, 3, 2, 9, 5, 5, 11, 4, 6, 8, 10] {
            let again = store.get(revision, &NEVER).unwrap();
            let expected = &seen[revision - 1];
            assert!(bits(&again) == expected.0, "revision {revision}, {kept_bytes} bytes kept");
            assert_eq!(view(&again).to_string(), expected.1, "revision {revision}");
        }
    }
    let (store, _) = chain(60_000);
    let cancelled = AtomicBool::new(true);
    let rebuilt = store.get(7, &cancelled);
    assert!(
        rebuilt.is_err_and(|error| error.to_string().contains("given up")),
        "there was nothing to rebuild"
    );
}

#[test]
fn too_many_documents_are_refused() {
    let store = Store::new(KEPT_BYTES);
    let document = example("3-4-2").unwrap();
    for _ in 0..1000 {
        store.add(Arc::clone(&document), "example".to_owned()).unwrap();
    }
    let refusal = store.add(document, "example".to_owned()).unwrap_err().to_string();
    assert!(refusal.contains("1000 documents are open") && refusal.contains("start it again"), "{refusal}");
}

#[test]
fn a_shared_document_is_read_back_bit_for_bit() {
    let (store, seen) = chain(KEPT_BYTES);
    for revision in 1..=seen.len() {
        let held = store.get(revision, &NEVER).unwrap();
        let text = serde_json::to_string(&SharedDocument::of(&held.document).unwrap()).unwrap();
        let shared: SharedDocument = serde_json::from_str(&text).unwrap();
        let opened =
            Store::new(KEPT_BYTES).add(Arc::new(shared.open().unwrap()), held.label.clone()).unwrap();
        assert!(bits(&opened) == bits(&held), "revision {revision}");
        let (mut one, mut other) = (view(&opened), view(&held));
        for view in [&mut one, &mut other] {
            view["revision"] = Value::Null;
            view["parent"] = Value::Null;
        }
        assert_eq!(one, other, "revision {revision}");
        // And what can be gone back to.
        let initial = |held: &Held| {
            let (reset, _) = apply(&edit(json!({ "kind": "reset" })), &held.document).unwrap();
            reset.parameters
        };
        assert_eq!(initial(&opened), initial(&held));
        assert_eq!(opened.document.pool.inputs, held.document.pool.inputs);
        assert_eq!(opened.document.pool.targets, held.document.pool.targets);
    }
    let digits = SharedDocument::of(&example("digits").unwrap()).unwrap();
    assert_eq!(digits.open().unwrap().pool.inputs.rows(), 1797);
}

#[test]
fn a_shared_document_is_checked() {
    let good = serde_json::to_value(SharedDocument::of(&example("3-4-2").unwrap()).unwrap()).unwrap();
    let opened = |value: &Value| -> Result<(), String> {
        let shared: SharedDocument = serde_json::from_value(value.clone()).map_err(|e| e.to_string())?;
        shared.open().map(drop).map_err(|e| e.to_string())
    };
    opened(&good).unwrap();
    for (field, value, words) in [
        ("format", json!(2), "format 2"),
        ("extra", json!(1), "unknown field"),
        ("parameters", json!([[1.0]]), "network's shapes"),
        ("parameters", json!([[1.0, "NaN"]]), "expected f64"),
        ("initial", json!([[1.0], [1.0], [1.0], [1.0]]), "network's shapes"),
        ("samples", json!(2), "expected 2 x 3 numbers"),
        ("samples", json!(1_000_000_000_000_000_000u64), "limit of 256"),
        ("inputs", json!(vec![0.5; 20_001]), "limit of 20000"),
        ("targets", json!([0.0, 3.0]), "0..=1"),
        ("learning_rate", json!(-0.5), "at least 0"),
        ("initialization", json!("xavier"), "unknown initialization"),
        ("seed", json!(u64::MAX), "seed"),
        ("pool", json!({ "example": "nothing" }), "no example"),
        ("pool", json!({ "example": "digits" }), "takes 3 inputs"),
        ("pool", json!({ "rows": { "count": 1, "inputs": [1.0], "targets": [1.0] } }), "1 x 3 numbers"),
        ("first_row", json!(6), "first row"),
        ("input_names", json!(["a"]), "not as many names"),
        ("title", json!("x".repeat(1001)), "limit of 1000"),
        ("image", json!({ "height": 2, "width": 2 }), "not 3 inputs"),
        ("loss", json!("nothing"), "unknown variant"),
        ("network", json!({ "input_width": 3, "layers": [] }), "at least one layer"),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        let reason = opened(&bad).expect_err(field);
        assert!(reason.contains(words), "{field}: '{words}' is not in: {reason}");
    }
}

#[test]
fn a_missing_input_stays_missing_where_something_is_learned_for_it() {
    let mut value = serde_json::to_value(SharedDocument::of(&example("3-4-2").unwrap()).unwrap()).unwrap();
    let pieces = json!([{ "as_is": { "width": 2, "missing": true } }, { "as_is": { "width": 1 } }]);
    let layers = value["network"]["layers"].as_array_mut().unwrap();
    layers.insert(0, json!({ "columns": { "pieces": pieces } }));
    value["parameters"].as_array_mut().unwrap().insert(0, json!([0.5, -0.5]));
    value.as_object_mut().unwrap().remove("initial");
    (value["pool"], value["first_row"]) = (json!("batch"), json!(0));
    let open = |value: &Value| serde_json::from_value::<SharedDocument>(value.clone()).unwrap().open();
    value["inputs"][0] = Value::Null;
    let document = open(&value).unwrap();
    let step = document.step().unwrap();
    let learned = step.trace.value("a.1".parse().unwrap()).unwrap();
    assert_eq!(learned.values[0], 0.5);
    assert!(step.trace.value("loss".parse().unwrap()).unwrap().values[0].is_finite());
    let again = serde_json::to_value(SharedDocument::of(&document).unwrap()).unwrap();
    assert_eq!(again["inputs"], value["inputs"]);
    value["inputs"][2] = Value::Null;
    let reason = open(&value).unwrap_err().to_string();
    assert!(reason.contains("input 3 of row 1 is not a finite number"), "{reason}");
}

#[test]
fn a_view_has_the_fields_of_the_contract() {
    let (store, start) = opened("digits", KEPT_BYTES);
    let shown = view(&start);
    assert_eq!(fields(&shown), contract("View"));
    assert!(contract("View").len() > 20, "the contract was read");
    for (list, name) in [("layers", "Layer"), ("values", "Value"), ("events", "TraceEvent")] {
        for entry in shown[list].as_array().unwrap() {
            assert_eq!(fields(entry), contract(name));
        }
    }
    assert_eq!(fields(&shown["output_rule"]), contract("OutputRule"));
    assert_eq!(fields(&shown["orders"]["lesson"]), contract("Order"));
    assert_eq!(shown["widths"], json!([64, 16, 10]));
    assert_eq!((&shown["available_rows"], &shown["image"]["height"]), (&json!(1797), &json!(8)));
    let shapes: Vec<_> = shown["values"].as_array().unwrap().iter().map(|value| &value["shape"]).collect();
    assert!(
        shapes.contains(&&json!([])) && shapes.contains(&&json!([16])) && shapes.contains(&&json!([16, 64]))
    );

    // More than 4,096 numbers are left out; what is not finite is a string.
    let wide = edited(&store, start.revision, &layers(&[(65, "relu"), (10, "softmax")]));
    let value = |shown: &Value, name: &str| {
        shown["values"].as_array().unwrap().iter().find(|value| value["name"] == name).unwrap().clone()
    };
    assert_eq!(value(&view(&wide), "weight.1")["values"], Value::Null);
    assert_eq!(value(&view(&start), "weight.1")["values"].as_array().unwrap().len(), 1024);
    let mut huge = set("weight.1", 0, 0, f64::MAX);
    let mut held = start;
    for column in 0..64 {
        if let Edit::Set { column: place, .. } = &mut huge {
            *place = column;
        }
        held = edited(&store, held.revision, &huge);
    }
    let z = value(&view(&held), "z.1");
    assert!(z["non_finite"].as_u64().unwrap() > 0);
    assert!(z["values"].as_array().unwrap().contains(&json!("Infinity")), "{z}");
    assert!(z["scale"].as_f64().unwrap().is_finite());
}

#[test]
fn the_statistics_of_a_value_are_right() {
    let (store, start) = opened("3-4-2", KEPT_BYTES);
    let held = edited(&store, start.revision, &set("a.0", 0, 0, -2.0));
    let held = edited(&store, held.revision, &set("a.0", 0, 1, 0.0));
    let held = edited(&store, held.revision, &set("a.0", 0, 2, 1.5));
    let shown = view(&held);
    let input = &shown["values"][0];
    assert_eq!((&input["name"], &input["bytes"], &input["zeros"]), (&json!("a.0"), &json!(24), &json!(1)));
    assert_eq!((&input["scale"], &input["non_finite"]), (&json!(2.0), &json!(0)));
    let expected = ((4.0 + 0.0 + 2.25) / 3.0f64).sqrt();
    assert!((input["root_mean_square"].as_f64().unwrap() - expected).abs() < 1e-15);
}

#[test]
fn both_orders_list_every_event_and_the_bytes_that_are_alive() {
    let (_, held) = opened("deep-10", KEPT_BYTES);
    let shown = view(&held);
    let events = shown["events"].as_array().unwrap();
    let ids = |order: &str| -> Vec<usize> {
        let ids = shown["orders"][order]["events"].as_array().unwrap();
        ids.iter().map(|id| id.as_u64().unwrap() as usize).collect()
    };
    assert_eq!(ids("lesson"), (0..60).collect::<Vec<_>>());
    let mut sorted = ids("framework");
    let named: Vec<String> = sorted
        .iter()
        .map(|&id| format!("{} {}", events[id]["operation"].as_str().unwrap(), events[id]["layer"]))
        .collect();
    sorted.sort_unstable();
    assert_eq!(sorted, ids("lesson"));
    let backward = [
        "loss 10",
        "output_delta 10",
        "gradients 10",
        "carry_back 9",
        "delta 9",
        "gradients 9",
        "carry_back 8",
    ];
    assert_eq!(named[20..27], backward);
    assert_eq!(named[48..52], ["delta 1", "gradients 1", "update 1", "update 2"]);
    for order in ["lesson", "framework"] {
        let bytes_of = |name: &Value| -> u64 {
            let values = shown["values"].as_array().unwrap();
            values.iter().find(|value| value["name"] == *name).unwrap()["bytes"].as_u64().unwrap()
        };
        let mut live: u64 = shown["given"].as_array().unwrap().iter().map(bytes_of).sum();
        let listed = shown["orders"][order]["live_bytes"].as_array().unwrap();
        for (id, bytes) in ids(order).into_iter().zip(listed) {
            live += events[id]["outputs"].as_array().unwrap().iter().map(bytes_of).sum::<u64>();
            assert_eq!(bytes.as_u64(), Some(live), "{order}, event {id}");
        }
        assert_eq!(listed.last().unwrap().as_u64().unwrap() as usize, held.step.trace.events[59].live_bytes);
    }
}

/// Documents of earlier versions kept dropout layers, which do nothing on the page.
#[test]
fn a_shared_document_with_dropout_opens_without_it() {
    let document = example("3-4-2").unwrap();
    let mut shared = serde_json::to_value(SharedDocument::of(&document).unwrap()).unwrap();
    let layers = shared["network"]["layers"].as_array_mut().unwrap();
    layers.insert(1, serde_json::json!({ "dropout": { "rate": 0.5 } }));
    let opened = serde_json::from_value::<SharedDocument>(shared).unwrap().open().unwrap();
    assert_eq!(opened.network, document.network);
    assert_eq!(opened.parameters, document.parameters);
    assert_eq!(opened.step().unwrap().trace.loss(), document.step().unwrap().trace.loss());
}
