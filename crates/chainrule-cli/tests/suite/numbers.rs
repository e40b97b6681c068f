//! Every number says what it is: no infinity passes for one, and files and flags that cannot be meant are refused.

use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use serde_json::{Value, json};

use crate::place::{Place, small_table, trained};

/// A file of tensors with one entry of its metadata changed.
fn changed(bytes: &[u8], key: &str, change: impl Fn(&mut Value)) -> Vec<u8> {
    let (_, header) = SafeTensors::read_metadata(bytes).unwrap();
    let mut metadata = header.metadata().clone().unwrap();
    let mut description: Value = serde_json::from_str(&metadata[key]).unwrap();
    change(&mut description);
    metadata.insert(key.to_owned(), description.to_string());
    safetensors::serialize(SafeTensors::deserialize(bytes).unwrap().tensors(), Some(metadata)).unwrap()
}

/// The same with the numbers of one tensor changed.
fn with_numbers(bytes: &[u8], name: &str, change: impl Fn(f32) -> f32) -> Vec<u8> {
    let (_, header) = SafeTensors::read_metadata(bytes).unwrap();
    let tensors = SafeTensors::deserialize(bytes).unwrap();
    let numbers = |data: &[u8]| -> Vec<u8> {
        let numbers = data.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()));
        numbers.flat_map(|number| change(number).to_le_bytes()).collect()
    };
    let new = numbers(tensors.tensor(name).unwrap().data());
    let views = tensors.tensors().into_iter().map(|(found, view)| match found == name {
        true => (found, TensorView::new(view.dtype(), view.shape().to_vec(), &new).unwrap()),
        false => (found, view),
    });
    safetensors::serialize(views, header.metadata().clone()).unwrap()
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[test]
fn what_is_called_a_probability_is_one() {
    let place = Place::with(&[("table.csv", &small_table(60))]);
    for (flags, word) in [
        ("", "probability"),
        ("--loss binary-cross-entropy", "probability"),
        ("--loss mean-squared-error --output-activation softmax", "probability"),
        ("--loss binary-cross-entropy --output-activation sigmoid", "probability"),
        ("--loss cross-entropy --output-activation sigmoid", "score"),
        ("--loss mean-squared-error --output-activation sigmoid", "score"),
        ("--loss half-squared-error", "score"),
        ("--loss mean-absolute-error", "score"),
        ("--loss huber", "score"),
        ("--loss quantile", "score"),
        ("--loss poisson", "score"),
        ("--loss poisson --output-activation softmax", "score"),
    ] {
        place.good(&format!("train table.csv --layers 5 --epochs 3 -o model {flags}"));
        let predicted = place.good("predict model table.csv");
        assert_eq!(first_line(&predicted), format!("prediction,{word} tall,{word} wide"), "{flags}");
        let sums: Vec<f64> = predicted
            .lines()
            .skip(1)
            .map(|line| line.split(',').skip(1).map(|cell| cell.parse::<f64>().unwrap()).sum())
            .collect();
        let is_one = sums.iter().all(|sum| (sum - 1.0).abs() < 1e-5);
        assert_eq!(is_one, word == "probability", "{flags}: {sums:?}");
        let predicted = place.json("predict model table.csv --json");
        assert!(predicted["predictions"][0][format!("{word} wide")].is_f64(), "{flags}: {predicted}");
    }
}

/// Targets so large that their squares are no numbers, and errors on them that are.
#[test]
fn large_targets_are_measured_or_refused_and_never_inf() {
    for exponent in [40, 160, 300] {
        let rows = |row: usize| format!("{},{}.{row:02}e{exponent}\n", row % 7, row % 7 + row % 2);
        let table: String = ["x,y\n".to_owned()].into_iter().chain((0..60).map(rows)).collect();
        let place = Place::with(&[("table.csv", &table)]);
        let trained = place.json("train table.csv --layers 8 --epochs 10 -o model --json");
        let measured = place.json("evaluate model table.csv --json");
        for rmse in [&trained["test"]["rmse"], &trained["validation"]["rmse"], &measured["rmse"]] {
            let rmse = rmse.as_f64().unwrap() / 10f64.powi(exponent);
            assert!(rmse > 0.01 && rmse < 10.0, "1e{exponent}: {rmse}");
        }
        assert!(measured["r2"].as_f64().unwrap().abs() < 10.0, "{measured}");
    }
}

#[test]
fn outputs_that_overflow_are_refused_with_their_place() {
    let place = trained();
    place.good("train table.csv --target size --layers 6,5 --epochs 3 -o size.safetensors");
    for (model, output) in [("model.safetensors", "tall"), ("size.safetensors", "size")] {
        let bytes = place.read(model);
        place.write("huge", &with_numbers(&bytes, "layers.2.weight", |weight| weight.signum() * 3e38));
        for command in ["evaluate huge table.csv", "predict huge table.csv", "predict huge table.csv -o new"]
        {
            let error = place.refused(command, &["table.csv, line ", "output "]);
            assert!(error.contains(output) || error.contains("wide"), "{error}");
        }
        // Products of numbers that 64 bits hold are numbers in 64 bits.
        for command in ["trace huge table.csv --dtype f32", "trace huge table.csv --dtype f32 -o new.json"] {
            place.refused(command, &["table.csv, line 2: z.3[", "of the row (counted from 0) is "]);
        }
    }
    // A test row far from what was learned: the model is kept, and the row is named.
    let place = Place::new();
    let table = |rows: usize, far: usize| -> String {
        let row = |row: usize| match row == far {
            true => "1e30,1\n".to_owned(),
            false => format!("{},{}.5\n", row % 7, row % 5),
        };
        ["x,y\n".to_owned()].into_iter().chain((0..rows).map(row)).collect()
    };
    place.write("test.csv", table(20, 7).as_bytes());
    place.write("table.csv", table(60, 60).as_bytes());
    let line = "train table.csv --test test.csv --layers 8x3 --activation relu --epochs 3 -o model";
    for flag in ["", " --json"] {
        let run = place.run(&format!("{line}{flag}"));
        assert_eq!(run.code, Some(2), "{}", run.errors);
        assert!(run.errors.contains("row 8 of the 20 test rows: output y is "), "{}", run.errors);
        assert!(!run.output.contains("inf") && !run.output.contains("NaN"), "{}", run.output);
    }
    place.good("inspect model");
}

#[test]
fn after_resume_the_speed_is_that_of_the_run() {
    let place = Place::with(&[("table.csv", &small_table(100))]);
    let line = "train table.csv --layers 8 --schedule constant";
    place.good(&format!("{line} --epochs 300 --checkpoint run -o model"));
    let summary = place.json(&format!("{line} --epochs 302 --resume run -o model --json"));
    let (rows, seconds) = (summary["training_rows"].as_f64().unwrap(), summary["seconds"].as_f64().unwrap());
    assert_eq!((summary["epochs"].as_u64(), summary["epochs_before"].as_u64()), (Some(302), Some(300)));
    let speed = summary["rows_per_second"].as_f64().unwrap();
    assert!((speed - 2.0 * rows / seconds).abs() <= 1e-6 * speed, "{summary}");
    let told = place.good(&format!("{line} --epochs 303 --resume run -o model"));
    assert!(told.contains("\ntrained 303 epochs, 3 of them in this run, in "), "{told}");
    let nothing = place.good(&format!("{line} --epochs 300 --resume run -o model"));
    assert!(nothing.contains("\ntrained 300 epochs, 0 of them in this run, in "), "{nothing}");
    assert!(!nothing.contains("rows/s"), "{nothing}");
}

#[test]
fn checkpoints_that_no_run_comes_to_are_refused_in_the_words_of_the_file() {
    let place = Place::with(&[("table.csv", &small_table(150))]);
    let line = "train table.csv --layers 9 --schedule reduce-on-plateau --optimizer adam";
    place.good(&format!("{line} --epochs 4 --checkpoint run -o model"));
    let whole = place.read("run");
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 15] = [
        ("epochs", |d| d["epochs"] = json!(1_000_000_000_000_000_000u64)),
        ("must be at least 1", |d| d["options"]["epochs"] = json!(1_000_000_000_000_000_000u64)),
        ("epochs", |d| d["epochs"] = json!(5)),
        ("steps", |d| d["steps"] = json!(0)),
        ("steps", |d| d["steps"] = json!(1_000_000_000_000_000_000u64)),
        ("\"steps\" is 16, but 3 epochs of 4 steps are 12", |d| {
            d["epochs"] = json!(3);
            d["kept_epoch"] = json!(3);
        }),
        ("kept_epoch", |d| d["kept_epoch"] = json!(1_000_000)),
        ("kept_loss", |d| d["kept_loss"] = json!(-1e308)),
        ("kept_loss", |d| d["kept_loss"] = json!(1e-3)),
        ("kept_loss", |d| d["kept_epoch"] = json!(0)),
        ("there is no \"kept_loss\" to choose by", |d| {
            d["kept_epoch"] = json!(2);
            d["kept_loss"] = Value::Null;
        }),
        ("there is no \"kept_loss\", but there are validation rows", |d| {
            d["kept_epoch"] = json!(4);
            d["kept_loss"] = Value::Null;
        }),
        ("scale", |d| d["plateau"]["scale"] = json!(-0.5)),
        ("scale", |d| d["plateau"]["scale"] = json!(0.77)),
        ("waited", |d| d["plateau"]["waited"] = json!(77)),
    ];
    for (word, change) in changes {
        place.write("run", &changed(&whole, "chainrule_training", change));
        let error = place.refused(&format!("{line} --epochs 6 --resume run -o new"), &["run: ", word]);
        assert!(!error.contains("diverged"), "{error}");
    }
    place.write("run", &with_numbers(&whole, "optimizer.1.layers.0.weight", |v| -v - 1e-9));
    place.refused(
        &format!("{line} --epochs 6 --resume run -o new"),
        &["run: ", "tensor \"optimizer.1.layers.0.weight\" sums squares, and has a number below 0"],
    );
    // A loss that is no number is not close to any other.
    place.write("run", &with_numbers(&whole, "kept.layers.1.weight", |weight| weight.signum() * 3e38));
    let error = place.refused(&format!("{line} --epochs 6 --resume run -o new"), &["run: ", "kept_loss"]);
    assert!(error.contains("have a validation loss of "), "{error}");
    place.write("run", &whole);
    place.good(&format!("{line} --epochs 6 --resume run -o new"));

    let line = format!("{line} --validation 0");
    place.good(&format!("{line} --epochs 2 --checkpoint run -o model"));
    let whole = place.read("run");
    place.write("run", &changed(&whole, "chainrule_training", |d| d["kept_loss"] = json!(0.5)));
    place.refused(
        &format!("{line} --epochs 4 --resume run -o new"),
        &["run: ", "\"kept_loss\" is there, but there are no validation rows"],
    );
    place.write("run", &whole);
    place.good(&format!("{line} --epochs 4 --resume run -o new"));
}

#[test]
fn a_model_that_learned_nothing_is_not_the_last_good_one() {
    let place = Place::with(&[("table.csv", &small_table(60)), ("valid.csv", "width,size\n1,2\n1e38,3\n")]);
    let good = crate::place::earlier_model();
    place.write("model.last-good.safetensors", good.as_bytes());
    // The first epoch ends, but its validation loss is no number.
    let line = "train table.csv --target size --ignore height,color,kind --validation valid.csv --layers 8x4 --activation \
                relu --epochs 3 -o model.safetensors";
    let run = place.run(line);
    assert_eq!(run.code, Some(2), "{}{}", run.output, run.errors);
    assert!(run.errors.contains("epoch 1"), "{}", run.errors);
    assert!(!run.errors.contains("the best model so far"), "{}", run.errors);
    assert_eq!(place.text("model.last-good.safetensors"), good);
}

/// Numbers that 64 bits hold, though not their squares.
#[test]
fn a_trace_of_large_numbers_shows_their_size() {
    let place = trained();
    place.good("train table.csv --target size --layers 6 --epochs 1 -o size.safetensors");
    for model in ["model.safetensors", "size.safetensors"] {
        // Inputs are then taken as they are.
        let plain = changed(&place.read(model), "chainrule", |d| {
            d.as_object_mut().unwrap().remove("preprocessing");
        });
        place.write(model, &plain);
    }
    place.write("six.csv", b"a,b,c,d,e,f,class\n1e200,1e200,1e200,1e200,1e200,1e200,0\n");
    let told = place.good("trace model.safetensors six.csv --dtype f64");
    let size = told.lines().find_map(|line| line.split("z.1 [1 x 6], root mean square ").nth(1)).unwrap();
    assert!(size.contains("e200;") && !told.contains("inf"), "{told}");
    place.write("seven.csv", b"a,b,c,d,e,f,g,size\n1e200,1e200,1e200,1e200,1e200,1e200,1e200,0\n");
    place.refused("trace size.safetensors seven.csv --dtype f64", &["seven.csv: loss is inf, and with it"]);
}

#[test]
fn weights_that_are_too_large_have_a_place() {
    let place = trained();
    place.write(
        "weighted.csv",
        b"width,height,color,size,kind,weight\n1,2,red,100,tall,1\n1,2,red,100,wide,1e300\n",
    );
    let words = ["weighted.csv, line 3", "weight", "is 1e300, too large for 32 bits"];
    place.refused("evaluate model.safetensors weighted.csv --weight weight", &words);
    let rows = small_table(40).replace('\n', ",1e300\n").replacen("1e300", "weight", 1);
    place.write("all.csv", rows.as_bytes());
    place.refused("train all.csv --weight weight -o new", &["all.csv, line ", "too large for 32 bits"]);
}

#[test]
fn inspect_refuses_what_predict_refuses_and_says_what_it_does_not_understand() {
    let place = trained();
    let whole = place.read("model.safetensors");
    type Change = fn(&mut Value);
    let refused: [Change; 5] = [
        |d| d["preprocessing"]["inputs"]["columns"][0]["numeric"]["standard_deviation"] = json!(-1),
        |d| d["preprocessing"]["target"]["classes"]["classes"] = json!(["tall"]),
        |d| d["preprocessing"]["target"]["classes"]["positive"] = json!("blue"),
        |d| d["preprocessing"]["inputs"] = json!("pictures"),
        |d| d["preprocessing"]["inputs"]["columns"].as_array_mut().unwrap().truncate(1),
    ];
    for change in refused {
        place.write("changed", &changed(&whole, "chainrule", change));
        let error = place.refused("predict changed table.csv", &["changed"]);
        for line in
            ["inspect changed", "inspect changed --json", "evaluate changed table.csv", "plan changed"]
        {
            if !line.starts_with("plan") {
                assert_eq!(place.refused(line, &["changed"]), error, "{line}");
            }
        }
    }
    // Nothing but `evaluate --part` needs the record.
    let predicted = place.good("predict model.safetensors table.csv");
    let measured = place.run("evaluate model.safetensors table.csv --json").output;
    let metrics = |text: &str| -> Value {
        let mut value: Value = serde_json::from_str(text).unwrap();
        for other in ["model", "notes"] {
            value.as_object_mut().unwrap().remove(other);
        }
        value
    };
    let records: [Change; 6] = [
        |d| d["training"] = json!("none"),
        |d| d["training"] = json!({ "epochs": 1e18, "data": [] }),
        |d| d["training"]["best_epoch"] = json!(12),
        |d| d["training"]["options"]["batch_size"] = json!(1_000_000_000_000_000_000u64),
        |d| d["training"]["options"]["optimizer"] = json!("magic"),
        |d| {
            d.as_object_mut().unwrap().remove("training");
        },
    ];
    for (index, change) in records.into_iter().enumerate() {
        place.write("changed", &changed(&whole, "chainrule", change));
        assert_eq!(place.good("predict changed table.csv"), predicted, "{index}");
        let found = place.run("evaluate changed table.csv --json").output;
        assert_eq!(metrics(&found), metrics(&measured), "{index}");
        let told = place.good("inspect changed");
        assert_eq!(told.contains("that this program does not understand"), index < 4, "{index}: {told}");
        assert!(!told.contains("1,000,000,000,000"), "{told}");
        place.good("inspect changed --json");
        place.good("plan changed");
        place.good("check changed table.csv");
    }
}

#[test]
fn text_from_files_reaches_the_terminal_without_control_characters() {
    let name = "a\u{1b}[31m\u{7}\u{9b}b";
    let rows: String = (0..40)
        .map(|row| format!("{},{},{}\n", row % 7, row % 5, ["x\u{1b}]0;t\u{7}", "y"][row % 2]))
        .collect();
    let place = Place::with(&[("table.csv", &format!("{name},n,kind\u{1b}c\n{rows}"))]);
    let is_control = |c: char| c.is_control() && c != '\n';
    let mut seen = String::new();
    for line in [
        "describe table.csv",
        "describe table.csv --json",
        "train table.csv --layers 3 --epochs 2 -o model",
        "train table.csv --layers 3 --epochs 2 -o model --json",
        "inspect model",
        "inspect model --json",
        "evaluate model table.csv",
        "predict model table.csv --json",
        "trace model table.csv",
        "check model table.csv",
        "predict model other.csv",
        "train table.csv --target none -o model",
        "train table.csv --comment=a\u{9b}31m",
        "train table.csv --layers \u{1b}[31m",
        "inspect no\u{1b}[31mfile",
    ] {
        place.write("other.csv", format!("{name}\u{1b},n\n1,2\n").as_bytes());
        let run = place.run(line);
        let text = run.output + &run.errors;
        assert_eq!(text.chars().find(|&c| is_control(c)), None, "{line}: {text:?}");
        seen += &text;
    }
    assert!(seen.contains("a\\u{1b}[31m\\u{7}\\u{9b}b") && seen.contains("\\u009b"), "{seen}");
    // Another program gets the very bytes, a terminal does not.
    assert!(place.good("predict model table.csv").contains("\u{1b}]0;t\u{7}"));
    #[cfg(target_os = "linux")]
    {
        let run = place.script("script -qec \"$CHAINRULE predict model table.csv\" /dev/null < /dev/null");
        assert!(run.output.contains("x\\u{1b}]0;t\\u{7}"), "{}", run.output);
        assert!(!run.output.contains('\u{1b}'), "{:?}", run.output);
    }
}

#[test]
fn rows_and_layers_are_taken_at_their_word() {
    let place = trained();
    for command in ["check", "trace"] {
        place.refused(
            &format!("{command} model.safetensors table.csv --rows 0..61"),
            &["rows 0..61 are asked for, but there are 60"],
        );
        place.write("few.csv", small_table(3).as_bytes());
        place.good(&format!("{command} model.safetensors few.csv"));
        place.good(&format!("{command} model.safetensors table.csv --rows 0..60"));
    }
    for layers in ["4x0", "8,4x0,2"] {
        place.refused(&format!("train table.csv --layers {layers}"), &["4x0", "at least 1"]);
        place.refused(&format!("plan --layers {layers}"), &["4x0"]);
    }
    // The table has 4 columns to learn from, 6 inputs and 2 classes.
    let note = |layers: &str| {
        let run = place.run(&format!("train table.csv --layers {layers} --epochs 1 -o new"));
        assert_eq!(run.code, Some(0), "{}", run.errors);
        run.errors
    };
    for layers in ["6,8", "4,8,2", "8,2", "4,2"] {
        let told = note(layers);
        let expected = format!(
            "note: the layers {layers} are all hidden ones, between 6 inputs and 2 outputs; a list of all widths begins with 6 and ends with 2\n"
        );
        assert_eq!(told, expected);
    }
    for layers in ["6,8,2", "8,7", "6", "2", "none", "6,2"] {
        assert_eq!(note(layers), "", "{layers}");
    }
    let told = place.run("train table.csv --target size --layers 8,1 --epochs 1 -o new").errors;
    assert!(
        told.contains("between 7 inputs and 1 output; a list of all widths begins with 7 and ends with 1"),
        "{told}"
    );
}

#[test]
fn a_systems_error_is_said_once() {
    let place = trained();
    for line in [
        "predict nothing table.csv",
        "check model.safetensors /proc/self/mem",
        "train table.csv --resume nothing",
    ] {
        let error = place.refused(line, &["(os error "]);
        assert_eq!(error.matches("(os error ").count(), 1, "{error}");
    }
}

#[test]
fn options_that_let_nothing_move_are_refused() {
    let place = Place::with(&[("table.csv", &small_table(60))]);
    let line = "train table.csv --layers 8 --epochs 2 -o model";
    for flags in [
        "--clip-norm 1e-300",
        "--clip-norm 1e-30",
        "--clip-value 1e-20",
        "--optimizer sgd --clip-norm 1e-6",
        "--optimizer rmsprop --clip-value 1e-25",
        "--optimizer adagrad --clip-norm 1e-25",
    ] {
        place.refused(&format!("{line} {flags}"), &["clip", "lets no weight change", "give a larger one"]);
    }
    place.refused(&format!("{line} --learning-rate 1e-30"), &["learning_rate = ", "lets no weight change"]);
    place.refused(&format!("{line} --warmup 1e300"), &["warmup_epochs = ", "give a shorter warm-up"]);
    // Each alone is enough, and the one is named that alone is.
    place.refused(&format!("{line} --warmup 100 --clip-norm 1e-30"), &["clip_norm = "]);
    for flags in [
        "--clip-norm 1e-3",
        "--clip-value 0.1",
        "--optimizer sgd --learning-rate 0.1 --clip-norm 0.01",
        "--warmup 100",
        "--learning-rate 1e-5",
        "--learning-rate 0",
    ] {
        place.good(&format!("{line} {flags}"));
    }
}

#[test]
fn epochs_that_nobody_waits_for_are_refused() {
    let place = Place::with(&[("table.csv", &small_table(60))]);
    place.refused("train table.csv --epochs 18446744073709551615", &["epochs", "at most 1,000,000,000"]);
}
