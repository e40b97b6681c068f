//! Bad input: an error that names the place and the way out, exit code 2, nothing written over.

use crate::place::{Place, earlier_model, small_table, trained};

/// A table with its last lines replaced.
fn table_with(lines: &str) -> Place {
    Place::with(&[("table.csv", &(small_table(30) + lines)), ("table.safetensors", &earlier_model())])
}

#[test]
fn a_missing_or_empty_file() {
    let place = Place::with(&[("empty.csv", ""), ("header.csv", "a,b\n"), ("blank.csv", "\n \n")]);
    place.refused("train nowhere.csv", &["'nowhere.csv'", "no file or directory"]);
    place.refused("train digit", &["'digit'", "did you mean 'digits'"]);
    place.refused("train empty.csv", &["empty.csv is empty", "header line"]);
    place.refused("train blank.csv", &["blank.csv is empty"]);
    place.refused("train header.csv", &["header.csv", "no rows", "add at least one row"]);
    for command in ["evaluate", "predict", "check", "trace"] {
        place.refused(&format!("{command} nowhere.safetensors digits"), &["nowhere.safetensors"]);
        place.refused(
            &format!("{command} empty.csv digits"),
            &["empty.csv", "not a complete safetensors file"],
        );
    }
    place.refused("inspect nowhere.safetensors", &["nowhere.safetensors"]);
    let place = trained();
    for command in ["evaluate", "predict", "check", "trace"] {
        place.refused(&format!("{command} model.safetensors nowhere.csv"), &["'nowhere.csv'"]);
    }
    place.refused("train table.csv --test nowhere.csv", &["'nowhere.csv'"]);
    place.refused("train table.csv --validation nowhere.csv", &["'nowhere.csv'"]);
    place.refused("train table.csv --resume nowhere.run", &["nowhere.run"]);
}

#[test]
fn a_ragged_row() {
    let place = table_with("1,2,red,100\n");
    place.refused("train table.csv", &["table.csv, line 32", "expected 5 fields", "found 4"]);
    let place = table_with("1,2,red,100,tall,extra\n");
    place.refused("train table.csv", &["table.csv, line 32", "expected 5 fields", "found 6"]);
}

#[test]
fn an_absent_target() {
    let place = table_with("");
    place.refused(
        "train table.csv --target kidn",
        &["no column 'kidn'", "did you mean 'kind'", "'width', 'height'"],
    );
    place.refused("train digits --target kind", &["digits", "'kind'", "leave the target out"]);
}

#[test]
fn text_where_numbers_were_learned() {
    let place = trained();
    place.write("new.csv", b"width,height,color,size\n1,2,red,100\n1,much,red,100\n");
    for command in ["predict model.safetensors new.csv", "predict model.safetensors new.csv -o table.csv"] {
        place.refused(
            command,
            &["new.csv, line 3, column 'height'", "'much' is not a number", "write a number"],
        );
    }
}

#[test]
fn a_column_missing_at_prediction() {
    let place = trained();
    place.write("new.csv", b"width,heigth,color,size\n1,2,red,100\n");
    place.refused(
        "predict model.safetensors new.csv",
        &["new.csv", "no column 'height'", "did you mean 'heigth'"],
    );
    place.write("new.csv", b"width,height,color,size\n1,2,red,100\n");
    place.refused("evaluate model.safetensors new.csv", &["new.csv", "no column 'kind'"]);
}

#[test]
fn data_that_are_not_finite() {
    // A cell is shown as the number that it was read as.
    for (cell, shown) in [("inf", "'inf'"), ("-Infinity", "'-inf'"), ("1e999", "'inf'")] {
        let place = table_with(&format!("1,{cell},red,100,tall\n"));
        let wanted =
            ["table.csv, line 32, column 'height'", shown, "not a finite number", "leave the cell empty"];
        place.refused("train table.csv", &wanted);
        let place = table_with(&format!("1,2,red,{cell},tall\n"));
        place.refused("train table.csv --target size", &["table.csv, line 32, column 'size'", shown]);
        let place = trained();
        place.write("new.csv", format!("width,height,color,size\n1,2,red,{cell}\n").as_bytes());
        place.refused("predict model.safetensors new.csv", &["new.csv, line 2, column 'size'", shown]);
    }
    // What pandas writes for a missing value is one.
    for cell in ["nan", "NaN", "-nan"] {
        let place = table_with(&format!("1,{cell},red,100,tall\n"));
        let described = place.json("describe table.csv --json");
        assert_eq!(described["columns"][1]["missing"], 1, "{cell}: {described}");
    }
}

#[test]
fn a_missing_or_unknown_target_value() {
    let place = table_with("1,2,red,100,\n");
    let run = place.run("train table.csv --epochs 1 -o model.safetensors");
    assert!(
        run.errors.starts_with("note: 1 row without 'kind' is left out, the first on line 32"),
        "{}",
        run.errors
    );
    let words = ["table.csv, line 32, column 'kind'", "the target is missing"];
    for command in ["check", "trace"] {
        place.refused(&format!("{command} model.safetensors table.csv --rows 30..31"), &words);
    }
    let place = trained();
    place.write("new.csv", b"width,height,color,size,kind\n1,2,red,100,tall\n1,2,red,100,round\n");
    for command in ["evaluate", "check", "trace --rows 0..2"] {
        let (command, flags) = command.split_once(' ').unwrap_or((command, ""));
        let wanted = ["new.csv, line 3, column 'kind'", "'round'", "'tall', 'wide'"];
        place.refused(&format!("{command} model.safetensors new.csv {flags}"), &wanted);
    }
}

#[test]
fn constant_columns_are_fine() {
    let place = Place::new();
    let mut text = String::from("same,word,useful,kind\n");
    (0..40).for_each(|i| text += &format!("7,hello,{},{}\n", i % 9, ["few", "many"][usize::from(i % 9 > 4)]));
    place.write("table.csv", text.as_bytes());
    let run = place.run("train table.csv --epochs 200");
    assert!(
        run.errors.contains("'same' is left out") && run.errors.contains("'word' is left out"),
        "{}",
        run.errors
    );
    assert!(place.json("evaluate table.safetensors table.csv --json")["accuracy"].as_f64().unwrap() > 0.9);
    // A constant target is learned as well.
    let mut text = String::from("x,y\n");
    (0..40).for_each(|i| text += &format!("{i},2.5\n"));
    place.write("flat.csv", text.as_bytes());
    place.good("train flat.csv --task regression --epochs 5");
    place.write("few.csv", b"x\n3\n");
    let prediction = place.good("predict flat.safetensors few.csv");
    let value: f64 = prediction.lines().nth(1).unwrap().parse().unwrap();
    assert!((value - 2.5).abs() < 0.5, "{prediction}");
    // Nothing can be learned from constants alone.
    place.write("nothing.csv", b"a,b,kind\n1,x,u\n1,x,v\n1,x,u\n1,x,v\n1,x,u\n1,x,u\n");
    place.refused("train nothing.csv", &["nothing.csv", "no column is left to learn from", "'a'", "'b'"]);
}

#[test]
fn one_class_only() {
    let place = Place::with(&[("table.csv", "x,kind\n1,tall\n2,tall\n3,tall\n4,tall\n")]);
    place.refused(
        "train table.csv",
        &["table.csv", "only one class, 'tall'", "column 'kind'", "choose another"],
    );
}

#[test]
fn one_row() {
    let place = Place::with(&[("table.csv", "x,y\n1,2.5\n")]);
    place.refused("train table.csv", &["only one row", "add rows"]);
    // In a single row everything is constant.
    let line = "train table.csv --task regression --validation 0 --test 0 --epochs 2";
    place.refused(line, &["table.csv", "no column is left to learn from", "'x'"]);
    place.write("table.csv", b"x,y\n1,2.5\n2,3.5\n");
    place.good(line);
    place.write("table.csv", b"x,y\n1,2.5\n");
    assert_eq!(place.good("predict table.safetensors table.csv").lines().count(), 2);
}

#[test]
fn a_batch_larger_than_the_data_is_fine() {
    let place = Place::with(&[("table.csv", &small_table(30))]);
    let summary = place.json("train table.csv --batch-size 1000 --epochs 3 --json");
    assert_eq!(summary["epochs"], 3);
}

#[test]
fn a_layer_without_width() {
    let place = table_with("");
    for widths in ["8,0", "0", "5x2,0x3"] {
        place.refused(&format!("train table.csv --layers {widths}"), &["--layers", "at least 1 neuron"]);
    }
    place.refused("train table.csv --layers 8,many", &["--layers", "'many' is not a width", "128,64"]);
    place
        .refused("train table.csv --layers 99999999999", &["more than this machine has", "smaller --layers"]);
}

#[test]
fn unknown_values_of_flags() {
    let place = table_with("");
    let cases = [
        ("activation", "rleu", "'relu'", "hard-sigmoid"),
        ("output-activation", "softmx", "'softmax'", "identity"),
        ("loss", "mse", "half-squared-error", "quantile"),
        ("optimizer", "adan", "'adam'", "adagrad"),
        ("schedule", "cosin", "'cosine'", "one-cycle"),
        ("initialization", "heuniform", "'he-uniform'", "orthogonal"),
        ("task", "ranking", "classification", "regression"),
        ("seed", "first", "--seed", "invalid digit"),
        ("threads", "0", "--threads", "1..=1024"),
        ("validation", "1.5", "--validation", "less than 1"),
        ("test", "-0.1", "--test", "at least 0"),
    ];
    for (flag, value, first, second) in cases {
        place.refused(&format!("train table.csv --{flag} {value}"), &[value, first, second]);
    }
    let place = trained();
    place.refused("evaluate model.safetensors table.csv --part tets", &["training, validation, test"]);
    place.refused("trace model.safetensors table.csv --dtype f16", &["f64", "f32"]);
    place.refused("trace model.safetensors table.csv -o step.txt", &["step.txt", ".json or .safetensors"]);
    for rows in ["5..2", "a..b", "3..3"] {
        place.refused(&format!("trace model.safetensors table.csv --rows {rows}"), &[rows]);
    }
    place
        .refused("trace model.safetensors table.csv --rows 50..61", &["table.csv", "50..61", "there are 60"]);
    place
        .refused("check model.safetensors table.csv --rows 60..61", &["table.csv", "60..61", "there are 60"]);
}

#[test]
fn numbers_out_of_range() {
    let place = table_with("");
    for value in ["nan", "-1", "-0.001", "inf", "fast"] {
        place.refused(&format!("train table.csv --learning-rate {value}"), &["--learning-rate", value]);
    }
    for (flags, words) in [
        ("--epochs 0", ["epochs", "at least 1"]),
        ("--batch-size 0", ["batch_size", "at least 1"]),
        ("--patience 0", ["patience", "at least 1"]),
        ("--dropout 1", ["dropout", "less than 1"]),
        ("--dropout -0.5", ["--dropout", "at least 0"]),
        ("--weight-decay -1", ["--weight-decay", "at least 0"]),
        ("--optimizer sgd --momentum 1.5", ["momentum", "less than 1"]),
        ("--label-smoothing 1.5", ["label_smoothing", "less than 1"]),
        ("--loss quantile --target size --quantile 2", ["quantile", "1"]),
        ("--loss huber --target size --huber-delta 0", ["delta", "greater than 0"]),
        ("--clip-norm 0", ["clip", "greater than 0"]),
        ("--validation 0.6 --test 0.5", ["0.6", "0.5"]),
    ] {
        place.refused(&format!("train table.csv {flags}"), &words);
    }
}

#[test]
fn flags_that_do_not_go_together() {
    let place = table_with("");
    for (flags, words) in [
        ("--momentum 0.9", ["--momentum", "sgd"]),
        ("--quantile 0.9", ["--quantile", "quantile"]),
        ("--huber-delta 2", ["--huber-delta", "huber"]),
        ("--target size --label-smoothing 0.1", ["cross-entropy", "half-squared-error"]),
        ("--target size --loss cross-entropy", ["cross-entropy", "--task classification"]),
        ("--patience 3 --validation 0", ["--patience", "validation rows"]),
        ("--clip-norm 1 --clip-value 1", ["--clip-norm", "--clip-value"]),
    ] {
        place.refused(&format!("train table.csv {flags}"), &words);
    }
}

#[test]
fn damaged_model_files() {
    let place = trained();
    let model = place.read("model.safetensors");
    let header_end = 8 + u64::from_le_bytes(model[..8].try_into().unwrap()) as usize;
    let commands = [
        "evaluate bad.safetensors table.csv",
        "inspect bad.safetensors",
        "predict bad.safetensors table.csv -o model.safetensors.csv",
    ];
    let refused = |what: &str, bytes: Vec<u8>, words: &[&str]| {
        place.write("bad.safetensors", &bytes);
        for command in commands {
            let message = place.refused(command, &["bad.safetensors"]);
            assert!(
                words.iter().all(|word| message.contains(word)),
                "{what}: {words:?} are not in: {message}"
            );
        }
    };
    for kept in [1, 7, 8, 20, header_end - 1, header_end, header_end + 5, model.len() - 1] {
        refused("truncated", model[..kept].to_vec(), &[]);
    }
    let mut longer = model.clone();
    longer.extend([0; 4]);
    refused("longer", longer, &[]);
    let mut huge = model.clone();
    huge[..8].copy_from_slice(&(1_u64 << 62).to_le_bytes());
    refused("a header of 2^62 bytes", huge, &[]);

    let header = String::from_utf8(model[8..header_end].to_vec()).unwrap();
    let with_header = |from: &str, to: &str| {
        assert!(header.contains(from), "{from} is in {header}");
        let header = header.replacen(from, to, 1);
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend(&model[header_end..]);
        bytes
    };
    let cases: [(&str, &str, &str, &[&str]); 9] = [
        ("a tensor of huge shape", r#""shape":[6,6]"#, r#""shape":[6,4611686018427387904]"#, &[]),
        ("a tensor of another shape", r#""shape":[6,6]"#, r#""shape":[4,9]"#, &["layers.0.weight", "4", "9"]),
        ("a tensor of another name", "layers.1.bias", "layers.7.bias", &["layers."]),
        ("another width", r#"\"width\":5"#, r#"\"width\":4"#, &["layers.1.weight"]),
        ("no width", r#"\"width\":5"#, r#"\"width\":0"#, &["0"]),
        ("a huge width", r#"\"width\":5"#, r#"\"width\":4611686018427387904"#, &[]),
        ("an unknown activation", r#"\"silu\""#, r#"\"sliu\""#, &["sliu", "relu"]),
        ("an unknown field", r#"\"bias\":true"#, r#"\"bais\":true"#, &["bais", "bias"]),
        ("another format", r#"\"format\":1"#, r#"\"format\":9"#, &["format", "9"]),
    ];
    for (what, from, to, words) in cases {
        refused(what, with_header(from, to), words);
    }
    let mut not_a_number = model.clone();
    not_a_number[header_end..header_end + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    refused("a weight that is not a number", not_a_number, &["layers.0.bias", "NaN"]);
}

#[test]
fn preprocessing_that_does_not_fit_the_network() {
    let place = trained();
    let model = place.read("model.safetensors");
    let header_end = 8 + u64::from_le_bytes(model[..8].try_into().unwrap()) as usize;
    let header = String::from_utf8(model[8..header_end].to_vec()).unwrap();
    for (from, to, word) in [
        (r#"[\"blue\",\"green\",\"red\"]"#, r#"[\"blue\",\"green\"]"#, "6"),
        (r#"[\"tall\",\"wide\"]"#, r#"[\"tall\",\"wide\",\"round\"]"#, "3 classes"),
        (r#"[\"tall\",\"wide\"]"#, r#"[\"tall\",\"tall\"]"#, "preprocessing"),
    ] {
        assert!(header.contains(from), "{from} is in {header}");
        let header = header.replacen(from, to, 1);
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend(&model[header_end..]);
        place.write("bad.safetensors", &bytes);
        place.refused("predict bad.safetensors table.csv", &["bad.safetensors", word]);
    }
}

#[test]
fn outputs_that_cannot_be_written() {
    let place = trained();
    std::fs::create_dir(place.path("folder")).unwrap();
    for command in
        ["train table.csv", "predict model.safetensors table.csv", "trace model.safetensors table.csv"]
    {
        let name = if command.starts_with("trace") { "step.json" } else { "out.csv" };
        place.refused(&format!("{command} -o nowhere/{name}"), &["nowhere"]);
    }
    place.refused("train table.csv -o folder", &["folder"]);
    place.refused("train table.csv --checkpoint nowhere/run", &["nowhere/run", "does not exist"]);
}

#[test]
fn nothing_is_written_over_what_was_read() {
    let place = trained();
    place.write("other.csv", place.text("table.csv").as_bytes());
    for command in [
        "train table.csv -o table.csv",
        "train table.csv -o ./table.csv",
        "train table.csv --test other.csv -o other.csv",
        "train table.csv --checkpoint table.csv",
        "predict model.safetensors table.csv -o table.csv",
        "predict model.safetensors table.csv -o model.safetensors",
        "trace model.safetensors table.csv -o model.safetensors",
    ] {
        place.refused(command, &["would be written over", "another name"]);
    }
    place.refused("train table.csv --checkpoint run -o run", &["run", "another name"]);
}
