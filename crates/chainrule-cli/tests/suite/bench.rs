//! `chainrule bench`: what it prints, and what it refuses. No test asks for a speed.

use chainrule::InstructionSet;
use serde_json::{Value, json};

use crate::place::{Place, Run, small_table};

const NAMES: [&str; 7] = ["playground", "digits", "tabular", "mnist", "wide", "deep", "huge"];
const SHORT: &str = "--rounds 2 --seconds 0.001";

fn number(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap_or_else(|| panic!("{key} is a number in {value}"))
}

/// What every JSON object of `bench` says of the machine.
fn check_machine(measured: &Value) {
    let (peak, burst) = (number(measured, "sustained_peak_gflops"), number(measured, "burst_peak_gflops"));
    assert!(peak > 0.0 && burst >= peak, "{measured}");
    assert_eq!(number(measured, "peak_gflops"), peak);
    let lowest = number(measured, "lowest_peak_fraction");
    assert!(lowest > 0.0 && lowest <= 1.0, "{measured}");
    assert_eq!(measured["disturbed"], json!(lowest < 0.9));
    assert!(measured["processor"].as_str().is_some_and(|name| !name.is_empty()), "{measured}");
    assert!(InstructionSet::available().any(|set| measured["instructions"] == set.name()), "{measured}");
}

#[test]
fn one_workload_is_one_flat_object() {
    let place = Place::new();
    let own = "bench --layers 5,7x2,3 --activation tanh --loss cross-entropy --batch 11 --threads 2 --json";
    let measured = place.json(&format!("{own} {SHORT}"));
    assert_eq!(measured["name"], "own");
    assert_eq!(measured["layers"], json!([5, 7, 7, 3]));
    assert_eq!((&measured["batch"], &measured["threads"]), (&json!(11), &json!(2)));
    assert_eq!((&measured["dtype"], &measured["optimizer"]), (&json!("f32"), &json!("sgd")));
    assert!(measured.get("workloads").is_none(), "{measured}");

    let microseconds = number(&measured, "microseconds_per_step");
    assert!(microseconds > 0.0 && number(&measured, "median_microseconds_per_step") >= microseconds);
    let flops = (2 * 11 * (2 * 5 * 7 + 3 * 7 * 7 + 3 * 7 * 3)) as f64;
    let close = |found: f64, expected: f64| {
        assert!((found / expected - 1.0).abs() < 1e-9, "{found}, {expected}: {measured}");
    };
    close(number(&measured, "gflops") * 1e3 * microseconds, flops);
    close(number(&measured, "rows_per_second") * microseconds, 11e6);
    close(
        number(&measured, "fraction_of_peak"),
        number(&measured, "gflops") / number(&measured, "peak_gflops"),
    );

    check_machine(&measured);

    // Adam keeps two numbers for each parameter, and an f64 is two f32 long.
    let parameters = (5 * 7 + 7 + 7 * 7 + 7 + 7 * 3 + 3) as f64;
    let (bytes, with_adam, in_f64) = (
        number(&measured, "bytes"),
        number(&place.json(&format!("{own} {SHORT} --optimizer adam")), "bytes"),
        number(&place.json(&format!("{own} {SHORT} --dtype f64")), "bytes"),
    );
    assert!(bytes > 4.0 * parameters);
    assert!(with_adam >= bytes + 2.0 * 4.0 * parameters, "{with_adam} {bytes}");
    assert!(in_f64 > 1.5 * bytes, "{in_f64} {bytes}");
}

#[test]
fn several_workloads_are_a_list() {
    let measured = Place::new().json(&format!("bench digits playground --json {SHORT} --dtype f64"));
    check_machine(&measured);
    assert_eq!(measured["dtype"], "f64");
    let entries = measured["workloads"].as_array().unwrap();
    assert_eq!(entries.iter().map(|entry| &entry["name"]).collect::<Vec<_>>(), ["digits", "playground"]);
    assert_eq!(entries[0]["layers"], json!([64, 64, 10]));
    for key in ["batch", "microseconds_per_step", "gflops", "fraction_of_peak", "rows_per_second", "bytes"] {
        assert!(entries.iter().all(|entry| number(entry, key) > 0.0), "{key}");
    }
}

#[test]
fn a_table_is_printed_without_a_terminal() {
    let output = Place::new().good(&format!("bench digits playground --threads 1 {SHORT}"));
    let lines: Vec<&str> = output.lines().collect();
    let best = InstructionSet::available().next().unwrap().name();
    assert!(lines[0].starts_with("training steps in f32 with sgd; "), "{output}");
    check_heading(lines[0], &format!(", {best}, 1 thread; peak of fused multiply-adds: "));
    assert!(lines[1].contains("µs/step") && lines[1].contains("of peak"), "{output}");
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(lines[3])[..3], ["digits", "64x2,10", "64"]);
    assert_eq!(words(lines[4])[..3], ["playground", "2,8x2,1", "32"]);
    assert!(!output.contains('\u{1b}') && !output.contains('\r'), "{output:?}");
}

/// A heading that names the machine and both of its peaks.
fn check_heading(heading: &str, words: &str) {
    for words in [words, " GFLOP/s sustained, ", " in bursts"] {
        assert!(heading.contains(words), "{words}: {heading}");
    }
}

#[test]
fn inference_of_one_workload_is_one_flat_object() {
    let place = Place::new();
    let own = "bench --inference --layers 5,7x2,3 --loss cross-entropy --batch 200 --threads 2 --json";
    let measured = place.json(&format!("{own} {SHORT}"));
    check_machine(&measured);
    assert_eq!((&measured["name"], &measured["dtype"]), (&json!("own"), &json!("f32")));
    assert_eq!(measured["layers"], json!([5, 7, 7, 3]));
    assert_eq!((&measured["batch"], &measured["threads"]), (&json!(200), &json!(2)));
    let microseconds = number(&measured, "microseconds_per_batch");
    assert!(microseconds > 0.0 && number(&measured, "median_microseconds_per_batch") >= microseconds);
    let one_row = number(&measured, "one_row_microseconds");
    assert!(one_row > 0.0 && number(&measured, "one_row_median_microseconds") >= one_row);
    let close = |found: f64, expected: f64| {
        assert!((found / expected - 1.0).abs() < 1e-9, "{found}, {expected}: {measured}");
    };
    close(number(&measured, "rows_per_second") * microseconds, 200e6);
    let flops = (2 * 200 * (5 * 7 + 7 * 7 + 7 * 3)) as f64;
    close(number(&measured, "gflops") * 1e3 * microseconds, flops);
    close(
        number(&measured, "fraction_of_peak"),
        number(&measured, "gflops") / number(&measured, "peak_gflops"),
    );
    for key in ["optimizer", "bytes", "microbatches", "microseconds_per_step"] {
        assert!(measured.get(key).is_none(), "{key}: {measured}");
    }
}

#[test]
fn inference_is_of_mnist_if_no_workload_is_named_and_of_4096_rows_if_none_are_given() {
    let place = Place::new();
    let measured = place.json("bench --inference --json --rounds 1 --seconds 0");
    assert_eq!((&measured["name"], &measured["batch"]), (&json!("mnist"), &json!(4096)));
    assert_eq!(measured["layers"], json!([784, 512, 256, 10]));
    let measured = place.json(&format!("bench digits playground --inference --batch 9 --json {SHORT}"));
    check_machine(&measured);
    let entries = measured["workloads"].as_array().unwrap();
    assert_eq!(entries.iter().map(|entry| &entry["name"]).collect::<Vec<_>>(), ["digits", "playground"]);
    assert!(entries.iter().all(|entry| entry["batch"] == 9), "{measured}");
}

#[test]
fn a_table_of_inference_is_printed_without_a_terminal() {
    let line = format!("bench digits playground --inference --threads 1 --dtype f64 {SHORT}");
    let output = Place::new().good(&line);
    let lines: Vec<&str> = output.lines().collect();
    assert!(lines[0].starts_with("inference in f64; "), "{output}");
    check_heading(lines[0], ", 1 thread; peak of fused multiply-adds: ");
    for header in ["rows/s", "µs/batch", "of peak", "µs/one row"] {
        assert!(lines[1].contains(header), "{output}");
    }
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(lines[3])[..3], ["digits", "64x2,10", "4,096"]);
    assert_eq!(words(lines[4])[..3], ["playground", "2,8x2,1", "4,096"]);
    assert!(!output.contains('\u{1b}') && !output.contains('\r'), "{output:?}");
}

#[test]
fn every_loss_and_every_rule_can_be_timed() {
    let place = Place::new();
    for loss in ["half-squared-error", "mean-squared-error", "mean-absolute-error", "huber", "poisson"]
        .into_iter()
        .chain(["binary-cross-entropy", "cross-entropy", "quantile"])
    {
        place.good(&format!("bench --layers 3,2 --loss {loss} --rounds 1 --seconds 0 --threads 1"));
    }
    for rule in ["adam", "adamw", "rmsprop", "adagrad"] {
        place.good(&format!("bench playground --optimizer {rule} --rounds 1 --seconds 0 --threads 2"));
    }
}

#[test]
fn bad_input_is_refused() {
    let place = Place::new();
    let message = place.refused("bench mnst", &["'mnst'", "'mnist'"]);
    assert!(message.contains(&NAMES.join(", ")), "{message}");
    for widths in ["5", "none"] {
        place.refused(&format!("bench --layers {widths}"), &["--layers", "at least two widths", "784,512"]);
    }
    for (flags, words) in [
        ("--layers 8,0", ["--layers", "at least 1 neuron"]),
        ("--layers 3,2 mnist", ["--layers", "cannot be used with"]),
        ("--loss huber", ["--layers", "--loss"]),
        ("mnist --batch 5", ["--batch", "cannot be used with"]),
        ("--batch 5", ["--batch", "give --layers"]),
        ("--inference --optimizer adam", ["--inference", "--optimizer"]),
        ("--inference --memory 1MiB", ["--inference", "--memory"]),
        ("--inference --microbatches 2", ["--inference", "--microbatches"]),
        ("--inference --cost flops", ["--inference", "--cost"]),
        ("--inference --periodic 2", ["--inference", "--periodic"]),
        ("--inference mnist --loss huber", ["cannot be used with", "--loss"]),
        ("--inference --batch 0", ["--batch", "1..="]),
        (
            "--inference --layers 1000000,2 --batch 4294967295",
            ["more than this machine has", "smaller --batch"],
        ),
        ("--layers 3,2 --batch 0", ["--batch", "1..="]),
        ("--layers 3,1 --loss cross-entropy", ["--loss", "at least 2 outputs"]),
        ("--layers 3,2,2 --activation softmax", ["layer 1", "last layer only"]),
        ("--layers 3,99999999999", ["more than this machine has", "smaller --layers"]),
        ("--layers 99999999999x3", ["--layers", "too large"]),
        ("--layers 1000000,2 --batch 4294967295", ["more than this machine has", "smaller --batch"]),
        ("--threads 0", ["--threads", "1..=1024"]),
        ("--rounds 0", ["--rounds", "1..="]),
        ("--seconds nan", ["--seconds", "finite"]),
        ("--seconds -1", ["--seconds", "at least 0"]),
        ("--dtype f16", ["f16", "f64"]),
        ("--optimizer adan", ["'adan'", "'adam'"]),
    ] {
        place.refused(&format!("bench {flags}"), &words);
    }
}

#[test]
fn an_instruction_set_is_run_by_its_name_and_refused_where_there_is_none() {
    let place = Place::with(&[("table.csv", &small_table(60))]);
    let mut models = Vec::new();
    for name in ["avx512", "avx2", "plain", "sse9", ""] {
        let run = |line: &str| {
            let mut command = place.command(line);
            Run::of(line, command.env("CHAINRULE_INSTRUCTIONS", name).output().unwrap())
        };
        let run_bench = run(&format!("bench playground --json --threads 1 {SHORT}"));
        if InstructionSet::available().any(|set| set.name() == name) {
            let measured: Value = serde_json::from_str(&run_bench.output).unwrap();
            assert_eq!(measured["instructions"], name);
            let trained = run("train table.csv --layers 6,5 --epochs 3 --dropout 0.1 -o model");
            assert_eq!(trained.code, Some(0), "{}", trained.errors);
            models.push(place.read("model"));
        } else {
            assert_eq!((run_bench.code, run_bench.output.as_str()), (Some(2), ""), "{name}");
            let message = format!("error: CHAINRULE_INSTRUCTIONS = {name:?}: this processor has ");
            assert!(run_bench.errors.starts_with(&message), "{}", run_bench.errors);
            assert!(run_bench.errors.contains("plain"), "{}", run_bench.errors);
        }
    }
    assert_eq!(models.len(), InstructionSet::available().count());
    assert!(models.iter().all(|model| *model == models[0]), "a set gives another model");
}
