//! The presets: what each chooses for a table, that flags override it, and that a model of the default one does all that a model does.

use serde_json::Value;

use crate::place::Place;

/// Numbers with gaps, a truth value, few categories and many, and a class that depends on them.
fn table(rows: usize) -> String {
    let mut text = String::from("size,weight,open,color,city,kind\n");
    for i in 0..rows {
        let (size, weight) = ((i * 37 % 101) as f64 / 7.0, (i * 53 % 97) as f64 / 5.0);
        let weight = if i % 6 == 0 { String::new() } else { weight.to_string() };
        let (open, color) = (["yes", "no"][i * 7 % 5 % 2], ["red", "green", "blue"][i * 11 % 7 % 3]);
        let (city, kind) = (i * 13 % 12, if (size > 7.0) == (color == "red") { "a" } else { "b" });
        text += &format!("{size},{weight},{open},{color},city {city},{kind}\n");
    }
    text
}

fn layers(place: &Place, model: &str) -> Vec<String> {
    let inspected = place.json(&format!("inspect {model} --json"));
    let layers = inspected["network"]["layers"].as_array().unwrap().iter();
    layers.map(|layer| layer.as_object().unwrap().keys().next().unwrap().clone()).collect()
}

#[test]
fn a_table_gets_the_recipe_and_its_model_does_all_that_a_model_does() {
    let place = Place::with(&[("table.csv", &table(240))]);
    let run = place.json("train table.csv --preset default --layers 9,8 --epochs 200 -o model --json");
    assert!(run["test"]["accuracy"].as_f64().unwrap() > 0.7, "{run}");
    let hidden = ["dense", "learned_activation", "dropout"];
    assert_eq!(layers(&place, "model"), [&["columns", "scale"][..], &hidden, &hidden, &["dense"]].concat());
    let predicted = place.good("predict model table.csv");
    assert_eq!(predicted.lines().count(), 241);
    // A row alone, with a category and a gap that training did not have.
    place.write("new.csv", b"size,weight,open,color,city\n,3,,purple,city 99\n");
    assert_eq!(place.run("predict model new.csv").code, Some(0));
    assert!(place.json("check model table.csv --json")["passed"].as_bool().unwrap());
    let trace = place.json("trace model table.csv --rows 0..3 --json");
    assert!(trace["trace"]["events"].as_array().unwrap().len() > 20);
    place.good("explore model table.csv --export page.html");
    let resumed = "train table.csv --preset default --layers 9,8 --epochs 4 -o other --checkpoint run";
    place.good(resumed);
    place.good(&resumed.replace("--epochs 4", "--epochs 6 --resume run"));
}

#[test]
fn a_flag_overrides_a_preset_and_parts_can_be_left_out() {
    let place = Place::with(&[("table.csv", &table(120))]);
    let train = |flags: &str| {
        place.good(&format!("train table.csv --epochs 2 --layers 5 -o model {flags}"));
        layers(&place, "model")
    };
    assert_eq!(train("--preset fast"), ["dense", "dense"]);
    assert_eq!(train("--preset fast --dropout 0.2"), ["dense", "dropout", "dense"]);
    let without = "--preset default --without learned-activation,dropout,scale";
    assert_eq!(train(without), ["columns", "dense", "dense"]);
    let options = |flags: &str| -> Value {
        place.good(&format!("train table.csv --preset default --epochs 2 --layers 5 -o model {flags}"));
        place.json("inspect model --json")["training"]["options"].clone()
    };
    let usual = options("");
    assert_eq!(usual["optimizer"]["adamw"]["learning_rate"], 0.005);
    assert!(usual["tensors"]["layers.1.weight"]["rate"] == 6.0 && usual["average"].is_number(), "{usual}");
    assert_eq!(usual["temperature_scaling"], true);
    for flags in ["--without temperature", "--validation 0", "--output-activation sigmoid"] {
        assert!(options(flags)["temperature_scaling"].is_null(), "{flags}");
    }
    assert!(usual["patience"].is_null(), "who gives epochs gets them");
    let given = options("--learning-rate 0.01 --schedule constant --weight-decay 0.5 --batch-size 7");
    assert_eq!(given["optimizer"]["adamw"]["learning_rate"], 0.01);
    assert_eq!((&given["schedule"], &given["batch_size"]), (&"constant".into(), &7.into()));
    // The factors are those of the preset's own rule.
    assert!(options("--optimizer sgd").get("tensors").is_none());
    let whole = "train table.csv --preset default --layers 5 -o model --checkpoint run";
    let patience = |line: &str| {
        place.good(line);
        place.json("inspect model --json")["training"]["options"]["patience"].clone()
    };
    // A fifth of 512 epochs; a run that goes on to more epochs keeps its own.
    assert_eq!(patience(whole), 102);
    assert_eq!(place.json("inspect model --json")["training"]["options"]["epochs"], 512);
    assert_eq!(patience(&format!("{whole} --resume run --epochs 520")), 102);
    place.refused(&format!("{whole} --resume run --without patience"), &["training options"]);
    assert_eq!(patience(&format!("{whole} --patience 7")), 7);
    place.refused(&format!("{whole} --resume run"), &["training options"]);
    for flags in ["--without patience", "--validation 0"] {
        assert!(patience(&format!("{whole} {flags}")).is_null(), "{flags}");
    }
    place.refused("train table.csv --preset best", &["best", "fast", "default"]);
    place.refused("train table.csv --without luck", &["luck", "periodic"]);
}

#[test]
fn rows_and_kind_of_target_choose_the_rates() {
    let place = Place::with(&[("few.csv", &table(120)), ("many.csv", &table(3_000))]);
    let options = |flags: &str| -> Value {
        place.good(&format!("train {flags} --preset default --epochs 1 --layers 5 -o model"));
        place.json("inspect model --json")["training"]["options"].clone()
    };
    let rates = |options: &Value| {
        let periodic = options["tensors"]["layers.0.pieces.0.frequency"]["rate"].clone();
        (options["optimizer"]["adamw"]["learning_rate"].clone(), periodic)
    };
    // A constant one is not written but for the rate.
    let waves = |options: &Value| [options["schedule"] != "constant", !options["dropout_schedule"].is_null()];
    let (few, many) = (options("few.csv"), options("many.csv"));
    let numbers = options("few.csv --target size");
    assert_eq!(rates(&few), (0.005.into(), 0.1.into()));
    assert_eq!(rates(&many), (0.04.into(), 0.1.into()));
    assert_eq!(rates(&numbers), (0.2.into(), 1.0.into()));
    assert_eq!([waves(&few), waves(&many), waves(&numbers)], [[false; 2], [true; 2], [true; 2]]);
    assert_eq!(waves(&options("many.csv --without schedules")), [false; 2]);
}
