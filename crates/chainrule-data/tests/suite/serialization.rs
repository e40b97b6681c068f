//! The stored form of a preprocessing: its exact JSON, and how damaged ones are refused.

use crate::folder::{assert_error, csv, fit_rows};
use chainrule_data::{Preprocessing, read};
use serde_json::{Value, json};

fn table_json() -> Value {
    json!({
        "inputs": {"columns": [
            {"numeric": {"name": "a", "mean": 2.0, "standard_deviation": 1.0, "missing": false}},
            {"categorical": {"name": "b", "categories": ["u", "v"]}},
        ]},
        "target": {"classes": {"name": "y", "classes": ["no", "yes"], "type": "truth"}},
    })
}

/// Files of older versions do not say the type of the classes' column.
#[test]
fn classes_without_a_type_are_read() {
    let mut older = table_json();
    older["target"]["classes"].as_object_mut().unwrap().remove("type");
    let read = parse(&older).unwrap();
    read.validate().unwrap();
    assert!(!read.read_options(Default::default()).learned.contains_key("y"));
    assert!(parse(&table_json()).unwrap().read_options(Default::default()).learned["y"].kind.is_some());
}

fn images_json() -> Value {
    json!({
        "inputs": {"images": {
            "height": 2, "width": 3, "maximum": 255, "mean": 0.25, "standard_deviation": 0.5,
        }},
        "target": {"numbers": {"name": "label", "mean": 4.5, "standard_deviation": 2.0}},
    })
}

fn parse(json: &Value) -> serde_json::Result<Preprocessing> {
    serde_json::from_str(&json.to_string())
}

#[test]
fn the_stored_form() {
    let dataset = csv("a,b,y\n1,u,no\n3,v,yes\n1,u,no\n3,v,yes\n");
    let (fitted, _) = fit_rows(&dataset, None, None, true, &[0, 1, 2, 3]).unwrap();
    assert_eq!(serde_json::to_value(&fitted).unwrap(), table_json());
    assert_eq!(parse(&table_json()).unwrap(), fitted);
    parse(&images_json()).unwrap().validate().unwrap();
}

#[test]
fn numbers_survive_to_the_last_bit() {
    let digits = read("digits").unwrap();
    let rows: Vec<usize> = (0..1000).collect();
    let (fitted, _) = fit_rows(&digits, None, None, true, &rows).unwrap();
    let text = serde_json::to_string(&fitted).unwrap();
    assert_eq!(serde_json::from_str::<Preprocessing>(&text).unwrap(), fitted);
}

#[test]
fn numbers_and_constant_pixels_are_stored_where_there_are_any() {
    assert_eq!(serde_json::to_value(parse(&images_json()).unwrap()).unwrap(), images_json());
    let mut json = images_json();
    json["inputs"]["images"]["numbers"] = json!(true);
    json["inputs"]["images"]["constant"] = json!([[0, 0.1], [5, -3.0]]);
    let preprocessing = parse(&json).unwrap();
    preprocessing.validate().unwrap();
    assert_eq!(serde_json::to_value(preprocessing).unwrap(), json);
    for (constant, problem) in [
        (json!([[6, 0.0]]), "no pixel 6"),
        (json!([[2, 0.0], [1, 0.0]]), "in their order"),
        (json!([[2, 0.0], [2, 0.0]]), "in their order"),
    ] {
        assert_invalid(json.clone(), "/inputs/images/constant", constant, problem);
    }
}

#[test]
fn unknown_and_absent_fields_are_refused() {
    for (json, places) in [
        (
            table_json(),
            &["", "/inputs/columns/0/numeric", "/inputs/columns/1/categorical", "/target/classes"][..],
        ),
        (images_json(), &["", "/inputs/images", "/target/numbers"][..]),
    ] {
        for place in places {
            let mut unknown = json.clone();
            let object = unknown.pointer_mut(place).unwrap().as_object_mut().unwrap();
            object.insert("extra".to_owned(), json!(1));
            let error = parse(&unknown).unwrap_err().to_string();
            assert!(error.contains("unknown field `extra`"), "{place}: {error}");

            let fields: Vec<String> =
                (json.pointer(place).unwrap().as_object().unwrap()).keys().cloned().collect();
            for field in fields {
                let mut absent = json.clone();
                let object = absent.pointer_mut(place).unwrap().as_object_mut().unwrap();
                object.remove(&field);
                // Older files have none.
                if field == "type" {
                    continue;
                }
                assert!(parse(&absent).is_err(), "{place}/{field}");
            }
        }
    }
}

#[test]
fn a_stored_form_that_contradicts_itself() {
    let numeric = "/inputs/columns/0/numeric";
    let categorical = "/inputs/columns/1/categorical";
    for (place, value, problem) in [
        ("/inputs/columns".to_owned(), json!([]), "no input columns"),
        (format!("{numeric}/name"), json!(""), "has no name"),
        (format!("{numeric}/name"), json!("b"), "'b' occurs twice"),
        (format!("{numeric}/name"), json!("y"), "'y' occurs twice"),
        (format!("{numeric}/standard_deviation"), json!(0.0), "deviation of 'a' is 0"),
        (format!("{numeric}/standard_deviation"), json!(-1.0), "deviation of 'a' is -1"),
        (format!("{categorical}/categories"), json!([]), "no categories"),
        (format!("{categorical}/categories"), json!(["u", "u"]), "category twice"),
        ("/target/classes/name".to_owned(), json!(""), "target has no name"),
        ("/target/classes/classes".to_owned(), json!(["a"]), "fewer than two"),
        ("/target/classes/classes".to_owned(), json!(["a", "a"]), "class twice"),
        ("/target/classes/classes".to_owned(), json!(["1", "1.0"]), "class twice"),
        ("/target/classes/classes".to_owned(), json!(["a", ""]), "no name"),
        ("/target/classes/positive".to_owned(), json!("maybe"), "'maybe', which F1 is for, is no class"),
    ] {
        assert_invalid(table_json(), &place, value, problem);
    }
    for (place, value, problem) in [
        ("/inputs/images/height", json!(0), "no pixels"),
        ("/inputs/images/width", json!(0), "no pixels"),
        ("/inputs/images/height", json!(usize::MAX), "too many pixels"),
        ("/inputs/images/maximum", json!(0), "maximum"),
        ("/inputs/images/standard_deviation", json!(0), "deviation of 'pixels'"),
        ("/target/numbers/standard_deviation", json!(0), "deviation of 'label'"),
    ] {
        assert_invalid(images_json(), place, value, problem);
    }
    let mut not_finite = parse(&images_json()).unwrap();
    if let chainrule_data::TargetPreprocessing::Numbers(target) = &mut not_finite.target {
        target[0].mean = f64::NAN;
    }
    assert_error(not_finite.validate(), &["mean of 'label' is NaN"]);
}

#[track_caller]
fn assert_invalid(mut json: Value, place: &str, value: Value, problem: &str) {
    let (object, field) = place.rsplit_once('/').unwrap();
    json.pointer_mut(object).unwrap()[field] = value;
    assert_error(parse(&json).unwrap().validate(), &["stored preprocessing", problem]);
}
