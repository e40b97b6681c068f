//! The same data from a file, from slices and from Arrow record batches, given the same name, make the same model file.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Date32Array, Float64Array, Int32Array, RecordBatch, StringArray};
use chainrule_data::{Column, Dataset, Table, Task, read};
use chainrule_estimator::{Estimator, EstimatorOptions, SplitPart, unobserved};

use crate::place::{Place, small};

const ROWS: usize = 120;

/// The columns of the data, row by row: a number with gaps, a whole number, a category, a truth value, a number and a class
/// to learn.
struct Rows {
    load: Vec<Option<f64>>,
    age: Vec<i32>,
    city: Vec<&'static str>,
    paid: Vec<bool>,
    size: Vec<f64>,
    kind: Vec<&'static str>,
}

fn rows() -> Rows {
    let load = |i: usize| (i % 11 != 3).then_some((i * 37 % 101) as f64 / 8.0 - 3.0);
    let size: Vec<f64> = (0..ROWS).map(|i| 0.1 * (i * 13 % 57) as f64 + load(i).unwrap_or(0.0)).collect();
    Rows {
        load: (0..ROWS).map(load).collect(),
        age: (0..ROWS).map(|i| (20 + i * 7 % 50) as i32).collect(),
        city: (0..ROWS).map(|i| ["Oslo", "Bergen", "Bodø"][i * 5 % 7 % 3]).collect(),
        paid: (0..ROWS).map(|i| i * 3 % 5 < 2).collect(),
        kind: size.iter().map(|size| if *size > 4.0 { "large" } else { "little" }).collect(),
        size,
    }
}

fn csv(rows: &Rows) -> String {
    let mut text = String::from("load,age,city,paid,size,kind\n");
    for i in 0..ROWS {
        let Rows { load, age, city, paid, size, kind } = rows;
        let load = load[i].map_or(String::new(), |load| load.to_string());
        text += &format!("{load},{},{},{},{},{}\n", age[i], city[i], paid[i], size[i], kind[i]);
    }
    text
}

fn from_slices(name: &str, rows: &Rows) -> Dataset {
    let ages: Vec<f64> = rows.age.iter().map(|age| f64::from(*age)).collect();
    let columns = vec![
        Column::optional_numbers("load", rows.load.iter().copied()),
        Column::numbers("age", &ages),
        Column::texts("city", &rows.city),
        Column::texts("paid", rows.paid.iter().map(bool::to_string)),
        Column::numbers("size", &rows.size),
        Column::texts("kind", &rows.kind),
    ];
    Dataset::from_table(Table::new(name, columns).unwrap())
}

fn from_batches(name: &str, rows: &Rows) -> Dataset {
    let batch = |part: std::ops::Range<usize>| {
        let columns: [(&str, ArrayRef); 6] = [
            ("load", Arc::new(Float64Array::from(rows.load[part.clone()].to_vec()))),
            ("age", Arc::new(Int32Array::from(rows.age[part.clone()].to_vec()))),
            ("city", Arc::new(StringArray::from(rows.city[part.clone()].to_vec()))),
            ("paid", Arc::new(BooleanArray::from(rows.paid[part.clone()].to_vec()))),
            ("size", Arc::new(Float64Array::from(rows.size[part.clone()].to_vec()))),
            ("kind", Arc::new(StringArray::from(rows.kind[part].to_vec()))),
        ];
        let nullable = columns.map(|(name, column)| (name, column, true));
        RecordBatch::try_from_iter_with_nullable(nullable).unwrap()
    };
    Dataset::from_record_batches(name, &[batch(0..50), batch(50..51), batch(51..ROWS)]).unwrap()
}

#[test]
fn dates_from_arrow_are_those_of_a_file() {
    let place = Place::new();
    let days: Vec<i32> = (0..ROWS).map(|i| 19_000 + (i * 37 % 400) as i32).collect();
    let sizes: Vec<f64> = days.iter().map(|day| f64::from(day % 7)).collect();
    let dates = Date32Array::from(days.clone());
    let text: String =
        (0..ROWS).map(|i| format!("{},{}\n", dates.value_as_date(i).unwrap(), sizes[i])).collect();
    let file = place.data("dates.csv", &format!("when,size\n{text}"));
    let columns: [(&str, ArrayRef); 2] =
        [("when", Arc::new(dates)), ("size", Arc::new(Float64Array::from(sizes)))];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let memory = Dataset::from_record_batches(&file.name, &[batch]).unwrap();
    let options = EstimatorOptions { task: Some(Task::Regression), ..small() };
    let predictor = Estimator::new(options.clone()).fit(&file, &mut unobserved).unwrap();
    let from_memory = Estimator::new(options).fit(&memory, &mut unobserved).unwrap();
    let predicted = predictor.predict(&file).unwrap();
    for (model, dataset) in [(&predictor, &memory), (&from_memory, &file), (&from_memory, &memory)] {
        assert_eq!(model.predict(dataset).unwrap(), predicted);
        assert_eq!(
            model.rows_of_part(dataset, SplitPart::Test).unwrap(),
            predictor.rows_of_part(&file, SplitPart::Test).unwrap()
        );
    }
    predictor.save(&place.path("one")).unwrap();
    from_memory.save(&place.path("two")).unwrap();
    assert!(place.bytes("one") == place.bytes("two"));
}

#[test]
fn the_same_data_make_the_same_model_file_wherever_they_come_from() {
    let place = Place::new();
    let rows = rows();
    std::fs::write(place.path("data.csv"), csv(&rows)).unwrap();
    let name = place.path("data.csv").to_str().unwrap().to_owned();
    let sources = [
        ("file", read(&name).unwrap()),
        ("slices", from_slices(&name, &rows)),
        ("batches", from_batches(&name, &rows)),
    ];
    let options = [
        EstimatorOptions { targets: vec!["kind".to_owned()], ..small() },
        EstimatorOptions { targets: vec!["size".to_owned()], ..small() },
        EstimatorOptions { targets: vec!["size".to_owned(), "age".to_owned()], ..small() },
        EstimatorOptions { targets: vec!["paid".to_owned()], group: Some("city".to_owned()), ..small() },
        EstimatorOptions { targets: vec!["size".to_owned()], time: Some("age".to_owned()), ..small() },
        EstimatorOptions { targets: vec!["kind".to_owned()], weight: Some("age".to_owned()), ..small() },
    ];
    for (number, options) in options.into_iter().enumerate() {
        let mut predictors = Vec::new();
        for (source, dataset) in &sources {
            let predictor = Estimator::new(options.clone()).fit(dataset, &mut unobserved).unwrap();
            predictor.save(&place.path(source)).unwrap();
            predictors.push(predictor);
        }
        let file = place.bytes("file");
        for (source, _) in &sources[1..] {
            assert!(place.bytes(source) == file, "{source}, options {number}");
        }
        // So each is tested on what the others were not trained on.
        for (source, dataset) in &sources {
            let rows = predictors[0].rows_of_part(dataset, SplitPart::Test).unwrap();
            assert_eq!(rows, predictors[2].rows_of_part(&sources[0].1, SplitPart::Test).unwrap(), "{source}");
            assert_eq!(
                predictors[1].predict(dataset).unwrap(),
                predictors[0].predict(&sources[0].1).unwrap()
            );
        }
    }
    let other = read(&name).unwrap();
    let mut renamed = other.clone();
    renamed.name = "other".to_owned();
    Estimator::new(small()).fit(&other, &mut unobserved).unwrap().save(&place.path("one")).unwrap();
    Estimator::new(small()).fit(&renamed, &mut unobserved).unwrap().save(&place.path("two")).unwrap();
    assert!(place.bytes("one") != place.bytes("two"), "the name is recorded");
}
