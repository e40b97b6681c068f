//! A run that diverges: where it happened is said, and what was good is kept.

use crate::place::{Place, earlier_model, small_table, trained};

#[test]
fn a_diverging_run_says_where_and_keeps_the_last_good_model() {
    let place = Place::with(&[("table.csv", &small_table(200)), ("table.safetensors", &earlier_model())]);
    let line = "train table.csv --target size --optimizer sgd --learning-rate 3 --schedule constant --warmup 100 \
                --activation relu --layers 20x4 --batch-size 20 --epochs 200";
    let run = place.run(line);
    assert_eq!(run.code, Some(2), "{}{}", run.output, run.errors);
    for word in [
        "step",
        "layer",
        "learning rate",
        "the best model so far, of epoch ",
        " is in table.last-good.safetensors",
    ] {
        assert!(run.errors.contains(word), "'{word}' is not in: {}", run.errors);
    }
    assert!(
        ["z", "a ", "delta", "gradient"].iter().any(|first| run.errors.contains(first)),
        "{}",
        run.errors
    );
    assert_eq!(place.text("table.safetensors"), earlier_model());
    assert_eq!(place.names(), ["table.csv", "table.last-good.safetensors", "table.safetensors"]);
    let measured = place.json("evaluate table.last-good.safetensors table.csv --json");
    assert!(measured["rmse"].as_f64().unwrap().is_finite());
}

#[test]
fn a_run_that_diverges_at_once_writes_nothing() {
    let place = Place::with(&[("table.csv", &small_table(30)), ("table.safetensors", &earlier_model())]);
    let line = "train table.csv --target size --optimizer sgd --learning-rate 1e30 --schedule constant --layers 20x6 --activation relu --batch-size 4";
    let run = place.run(line);
    assert_eq!(run.code, Some(2), "{}{}", run.output, run.errors);
    assert!(
        ["step", "layer", "learning rate"].iter().all(|word| run.errors.contains(word)),
        "{}",
        run.errors
    );
    assert_eq!(place.names(), ["table.csv", "table.safetensors"]);
    assert_eq!(place.text("table.safetensors"), earlier_model());
}

#[test]
fn inputs_that_a_model_cannot_take_are_an_error_not_a_number() {
    let place = trained();
    place.write("far.csv", b"width,height,color,size\n1,2,red,100\n1e38,2,red,1e38\n");
    let run = place.run("predict model.safetensors far.csv");
    match run.code {
        Some(0) => assert!(!run.output.contains("NaN") && !run.output.contains("inf"), "{}", run.output),
        Some(2) => assert!(run.errors.contains("row") || run.errors.contains("line 3"), "{}", run.errors),
        other => panic!("exit code {other:?}: {}", run.errors),
    }
}
