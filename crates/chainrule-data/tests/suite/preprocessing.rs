//! Preprocessing: what is fitted, on which rows, and what inputs and targets become.

use crate::folder::{Folder, InputsOf, assert_error, codes, csv, csv_with, fit_rows};
use chainrule_data::{
    Dataset, InputColumn, InputPreprocessing, Note, Preprocessing, ReadOptions, TargetPreprocessing,
    TargetValues, Task, read,
};

fn all_rows(dataset: &Dataset) -> Vec<usize> {
    (0..dataset.rows()).collect()
}

fn fit(dataset: &Dataset) -> (Preprocessing, Vec<Note>) {
    let fitted = fit_rows(dataset, None, None, true, &all_rows(dataset)).unwrap();
    fitted.0.validate().unwrap();
    fitted
}

fn inputs(preprocessing: &Preprocessing, dataset: &Dataset) -> Vec<f64> {
    preprocessing.inputs_of(dataset, &all_rows(dataset)).unwrap()
}

/// Rows of one input column `x` and a target of two classes.
fn with_column<S: AsRef<str>>(cells: &[S]) -> Dataset {
    let rows: Vec<String> = (cells.iter().enumerate())
        .map(|(row, cell)| format!("\"{}\",{}\n", cell.as_ref(), ["no", "yes"][row % 2]))
        .collect();
    csv(&format!("x,y\n{}", rows.concat()))
}

fn categories(preprocessing: &Preprocessing) -> &[String] {
    match &preprocessing.inputs {
        InputPreprocessing::Columns(columns) => match &columns[..] {
            [InputColumn::Categorical(column)] => &column.categories,
            _ => panic!("not one column of categories"),
        },
        InputPreprocessing::Images(_) => panic!("images, not columns"),
    }
}

const PEOPLE: &str = "age,city,height,y\n\
    20,Oslo,1.5,no\n\
    40,Bergen,,yes\n\
    NA,Oslo,1.5,no\n\
    60,NA,1.5,yes\n";

#[test]
fn numbers_categories_and_missing_cells() {
    let people = csv(PEOPLE);
    let (preprocessing, notes) = fit(&people);
    assert_eq!(
        preprocessing.input_names(),
        ["age", "age (missing)", "city (missing)", "city=Bergen", "city=Oslo", "height (missing)"]
    );
    assert_eq!(preprocessing.input_width(), 6);
    // Mean 40, deviation sqrt(800 / 3).
    let z = 20.0 / (800.0_f64 / 3.0).sqrt();
    #[rustfmt::skip]
    let expected = [
        -z,  0.0, 0.0, 0.0, 1.0, 0.0,
        0.0, 0.0, 0.0, 1.0, 0.0, 1.0,
        0.0, 1.0, 0.0, 0.0, 1.0, 0.0,
        z,   0.0, 1.0, 0.0, 0.0, 0.0,
    ];
    for (found, expected) in inputs(&preprocessing, &people).iter().zip(expected) {
        assert!((found - expected).abs() < 1e-15, "{found} is not {expected}");
    }
    let single: Vec<f32> = preprocessing.inputs_of(&people, &[3, 0]).unwrap();
    assert_eq!((single[0], single[6]), (z as f32, -z as f32));
    assert_eq!(codes(&notes), ["missing_cells", "missing_cells", "constant_values"]);
    assert!(notes[0].message.starts_with("1 missing cell in 'age'"), "{notes:?}");
    assert!(notes[1].message.starts_with("1 missing cell in 'city'"), "{notes:?}");
    assert!(notes[2].message.contains("'height' has one value"), "{notes:?}");
}

#[test]
fn targets_are_class_positions() {
    let people = csv(PEOPLE);
    let (preprocessing, _) = fit(&people);
    assert_eq!(preprocessing.class_names().unwrap(), ["no", "yes"]);
    assert_eq!(preprocessing.target_names(), ["y"]);
    assert_eq!(preprocessing.target_scales(), None);
    assert_eq!(preprocessing.targets(&people, &[3, 0]).unwrap(), TargetValues::Classes(vec![1, 0]));
}

#[test]
fn only_training_rows_count() {
    let text = |test_row: &str| format!("a,b,y\n1,u,1.5\n3,u,2.5\n5,v,4.5\n{test_row}\n");
    let fit = |text: &str| fit_rows(&csv(text), None, None, true, &[0, 1, 2]).unwrap();
    let expected = fit(&text("7,u,8.5"));
    assert_eq!(fit(&text("1000,w,-50")), expected);
    assert_eq!(fit(&text(",,1.5")), expected);
    let all_rows = fit_rows(&csv(&text("7,u,8.5")), None, None, true, &[0, 1, 2, 3]);
    assert_ne!(all_rows.unwrap().0, expected.0);
}

#[test]
fn classes_come_from_all_rows_and_numbers_sort_by_value() {
    let dataset = csv("x,y\n1,10\n2,2\n3,-1\n4,2\n5,2.5\n");
    let classification = Some(Task::Classification);
    let (preprocessing, _) = fit_rows(&dataset, None, classification, true, &[0, 1]).unwrap();
    assert_eq!(preprocessing.class_names().unwrap(), ["-1", "2", "2.5", "10"]);
    // Another way to write the same number is the same class.
    let other = csv("x,y\n1,2.0\n1,+10\n1,-1\n");
    assert_eq!(preprocessing.targets(&other, &[0, 1, 2]).unwrap(), TargetValues::Classes(vec![1, 3, 0]));
    let texts = csv("x,y\n1,b\n2,10\n3,9\n4,b\n");
    assert_eq!(fit(&texts).0.class_names().unwrap(), ["10", "9", "b"]);
}

#[test]
fn regression_targets_are_standardized_and_back() {
    let dataset = csv("x,y\n1,10\n2,30\n3,50\n");
    let (preprocessing, _) = fit(&dataset);
    let TargetValues::Numbers(values) = preprocessing.targets(&dataset, &[0, 1, 2]).unwrap() else {
        panic!("classes, not numbers");
    };
    let z = 1.5_f64.sqrt();
    for (found, expected) in values.iter().zip([-z, 0.0, z]) {
        assert!((found - expected).abs() < 1e-15, "{found} is not {expected}");
    }
    let scale = preprocessing.target_scales().unwrap()[0];
    assert!((scale.undo(values[2]) - 50.0).abs() < 1e-13);
    assert_eq!(preprocessing.class_names(), None);

    let (raw, _) = fit_rows(&dataset, None, None, false, &[0, 1, 2]).unwrap();
    assert_eq!(raw.targets(&dataset, &[2, 0]).unwrap(), TargetValues::Numbers(vec![50.0, 10.0]));
}

#[test]
fn a_named_target_leaves_the_last_column_as_an_input() {
    let dataset = csv("y,x\na,1\nb,2\na,4\n");
    let (preprocessing, _) = fit_rows(&dataset, Some("y"), None, true, &[0, 1, 2]).unwrap();
    assert_eq!(preprocessing.input_names(), ["x"]);
    assert_eq!(preprocessing.class_names().unwrap(), ["a", "b"]);
}

#[test]
fn unseen_categories_are_all_zeros() {
    let (preprocessing, _) = fit(&with_column(&["red", "blue", "red", "blue"]));
    let other = with_column(&["green", "blue", ""]);
    assert_eq!(inputs(&preprocessing, &other), [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
}

#[test]
fn categories_are_matched_by_their_text() {
    let (preprocessing, _) = fit(&with_column(&["01", "1", "x", "01", "1", "x"]));
    assert_eq!(categories(&preprocessing), ["01", "1", "x"]);
    // Here the column holds numbers only, and still 01 is not 1.
    let other = with_column(&["1", "01", "1.0"]);
    assert_eq!(inputs(&preprocessing, &other), [0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn the_most_frequent_categories_have_inputs() {
    // c00 to c69, the first three once and the others twice; one cell is missing.
    let mut cells: Vec<String> = (0..70).map(|i| format!("c{i:02}")).collect();
    cells.extend((3..70).map(|i| format!("c{i:02}")));
    cells.extend((0..20).map(|_| "c69".to_owned()));
    cells.push(String::new());
    let (preprocessing, notes) = fit(&with_column(&cells));
    let found = categories(&preprocessing);
    assert_eq!(found.len(), 64);
    assert_eq!((found[0].as_str(), found[1].as_str()), ("", "c03"));
    assert!(found.contains(&"c69".to_owned()) && !found.contains(&"c02".to_owned()));
    assert!(found.is_sorted());
    assert!(
        notes.iter().any(|note| note.code == "many_categories" && note.message.contains("70 categories")),
        "{notes:?}"
    );
}

#[test]
fn identifiers_are_left_out() {
    let text = |distinct: usize, rows: usize| -> String {
        let rows = (0..rows).map(|i| format!("n{},{},{}\n", i % distinct, i, ["a", "b"][i % 2]));
        format!("name,x,y\n{}", rows.collect::<String>())
    };
    let (preprocessing, notes) = fit(&csv(&text(65, 129)));
    assert_eq!(preprocessing.input_names(), ["x"]);
    assert_eq!(codes(&notes), ["text_column"]);
    assert!(
        notes[0].message.contains("'name' is left out: it has 65 different texts in 129 cells"),
        "{notes:?}"
    );
    // Not more than 64 different, or not more than half: no identifier.
    for (distinct, rows, width) in [(64, 70, 64 + 1), (65, 130, 64 + 1 + 1)] {
        let (preprocessing, _) = fit(&csv(&text(distinct, rows)));
        assert_eq!(preprocessing.input_width(), width, "{distinct} in {rows}");
    }
}

#[test]
fn columns_without_values_are_left_out() {
    let dataset = csv("a,b,c,d,y\n,,NA,1,u\n,,NA,2,v\n,3,k,3,u\n");
    let (preprocessing, notes) = fit_rows(&dataset, None, None, true, &[0, 1]).unwrap();
    assert_eq!(preprocessing.input_names(), ["d"]);
    for (note, column) in notes.iter().zip(["'a'", "'b'", "'c'"]) {
        assert!(note.message.contains(column) && note.message.contains("left out"), "{note}");
    }
    assert_eq!(codes(&notes), ["empty_column"; 3]);
}

#[test]
fn a_table_with_nothing_to_learn_from() {
    assert_error(
        fit_rows(&csv("y\n1\n2\n4.5\n"), None, None, true, &[0, 1]),
        &["t.csv", "besides the target 'y' no column is left"],
    );
    assert_error(
        fit_rows(&csv("a,y\n,1\n,2.5\n"), None, None, true, &[0, 1]),
        &["no column is left", "'a' is left out"],
    );
}

#[test]
fn words_among_numbers_are_missing_and_told_of() {
    let cells: Vec<String> =
        (0..40).map(|i| if i == 7 { "3o".to_owned() } else { format!("{i}.5") }).collect();
    let data = with_column(&cells);
    let (preprocessing, notes) = fit(&data);
    assert_eq!(codes(&notes), ["odd_words", "missing_cells"]);
    assert!(
        notes[0].message.contains("taken for missing: '3o'") && notes[0].message.contains("on line 9"),
        "{notes:?}"
    );
    assert_eq!(preprocessing.input_names(), ["x", "x (missing)"]);
    let inputs = inputs(&preprocessing, &data);
    assert_eq!(inputs[14..16], [0.0, 1.0]);
    // The word is known from training; another one is not.
    let options = preprocessing.read_options(ReadOptions::default());
    let new = |word: &str| csv_with(format!("x\n{}{word}\n", "1.5\n".repeat(12)), &options).unwrap();
    assert_eq!(preprocessing.inputs_of::<f64>(&new("3o"), &[12]).unwrap(), [0.0, 1.0]);
    assert_error(
        preprocessing.inputs_of::<f64>(&new("3p"), &[12]),
        &["t.csv, line 14, column 'x'", "'3p' is not a number"],
    );
}

#[test]
fn categories_that_are_mostly_numbers_are_told_of() {
    let (preprocessing, notes) = fit(&with_column(&["1", "2", "3o", "4"]));
    assert_eq!(categories(&preprocessing), ["1", "2", "3o", "4"]);
    assert_eq!(codes(&notes), ["mostly_numbers"]);
    assert!(notes[0].message.contains("not read as numbers, although 3 of its 4 cells are"), "{notes:?}");
    assert!(notes[0].message.contains("'3o', on line 4"), "{notes:?}");
    let (_, notes) = fit(&with_column(&["red", "blue", "red", "blue"]));
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn huge_numbers() {
    assert_error(
        fit_rows(&with_column(&["1.7e308", "1.6e308", "0"]), None, None, true, &[0, 1]),
        &["t.csv, column 'x'", "too large"],
    );
    let (preprocessing, _) = fit(&with_column(&["1e200", "-1e200", "1e200", "-1e200"]));
    assert_eq!(inputs(&preprocessing, &with_column(&["1e200"])), [1.0]);

    // Representable in f64 but not in f32: an error in f32, never infinity.
    let (preprocessing, _) = fit(&with_column(&["1", "2", "3"]));
    let far = with_column(&["2", "1e100"]);
    assert!(preprocessing.inputs_of::<f64>(&far, &[1]).unwrap()[0] > 1e99);
    assert_error(
        preprocessing.inputs_of::<f32>(&far, &[0, 1]),
        &["t.csv, line 3, column 'x'", "'1e100'", "too far"],
    );
}

#[test]
fn cells_that_are_not_finite_are_refused_in_fit_and_in_use() {
    let not_finite = with_column(&["1", "2", "inf"]);
    assert_error(fit_rows(&not_finite, None, None, true, &[0, 1]), &["t.csv, line 4, column 'x'", "'inf'"]);
    let (preprocessing, _) = fit(&with_column(&["1", "2", "3"]));
    assert_error(
        preprocessing.inputs_of::<f32>(&not_finite, &[2]),
        &["t.csv, line 4, column 'x'", "'inf'", "remove the row"],
    );
    assert!(preprocessing.inputs_of::<f32>(&not_finite, &[0, 1]).is_ok());
}

#[test]
fn missing_cells_that_training_did_not_have_become_the_mean() {
    let (preprocessing, _) = fit(&with_column(&["1", "3", "1", "3"]));
    assert_eq!(preprocessing.input_names(), ["x"]);
    assert_eq!(inputs(&preprocessing, &with_column(&["", "3"])), [0.0, 1.0]);
}

#[test]
fn prediction_needs_the_columns_by_name_only() {
    let (preprocessing, _) = fit(&csv("age,size,y\n1,5,a\n3,7,b\n1,5,a\n3,7,b\n"));
    // Another order, another column more (with a nan in it), and no target.
    let other = csv("size,extra,age\n7,nan,1\n");
    assert_eq!(inputs(&preprocessing, &other), [-1.0, 1.0]);
    assert_error(preprocessing.targets(&other, &[0]), &["no column 'y'"]);
    assert_error(
        preprocessing.inputs_of::<f32>(&csv("Age,size\n1,2\n"), &[0]),
        &["t.csv has no column 'age'", "training", "did you mean 'Age'", "'Age', 'size'"],
    );
    assert_error(
        preprocessing.inputs_of::<f32>(&csv("age,size\n1,2\n1,big\n"), &[0, 1]),
        &["t.csv, line 3, column 'size'", "'big' is not a number"],
    );
}

#[test]
fn targets_that_training_did_not_have() {
    let (preprocessing, _) = fit(&csv(PEOPLE));
    let other = csv("y\nno\nmaybe\n\"\"\nNA\n");
    assert_error(
        preprocessing.targets(&other, &[0, 1]),
        &["t.csv, line 3, column 'y'", "'maybe'", "'no', 'yes'"],
    );
    assert_error(preprocessing.targets(&other, &[3]), &["t.csv, line 5, column 'y'", "target is missing"]);
    let (preprocessing, _) = fit(&csv("x,y\n1,10\n2,30\n3,50\n"));
    assert_error(
        preprocessing.targets(&csv("y\n1\nfew\n"), &[1]),
        &["t.csv, line 3, column 'y'", "'few' is not a number"],
    );
    assert_error(
        preprocessing.targets(&csv("y,z\n1,1\n,1\n"), &[1]),
        &["t.csv, line 3, column 'y'", "target is missing"],
    );
}

#[test]
fn rows_that_are_not_there() {
    let people = csv(PEOPLE);
    let (preprocessing, _) = fit(&people);
    for result in [
        fit_rows(&people, None, None, true, &[4]).map(drop),
        preprocessing.inputs_of::<f32>(&people, &[0, 4]).map(drop),
        preprocessing.targets(&people, &[4]).map(drop),
    ] {
        assert_error(result, &["row 4", "t.csv", "4 rows"]);
    }
    assert_error(fit_rows(&people, None, None, true, &[]), &["no training rows"]);
    assert!(preprocessing.inputs_of::<f32>(&people, &[]).unwrap().is_empty());
}

/// A directory with two images of 1 x 2 pixels.
fn tiny_images(pixels: [u8; 4], labels: [u8; 2]) -> Dataset {
    let folder = Folder::new();
    let header = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2];
    folder.write("train-images-idx3-ubyte", [&header[..], &pixels].concat());
    let header = [0, 0, 8, 1, 0, 0, 0, 2];
    folder.write("train-labels-idx1-ubyte", [&header[..], &labels].concat());
    read(folder.path()).unwrap()
}

#[test]
fn images_are_scaled_and_standardized() {
    let dataset = tiny_images([0, 255, 0, 51], [3, 8]);
    let (preprocessing, notes) = fit_rows(&dataset, None, None, true, &[0]).unwrap();
    assert!(notes.is_empty());
    let InputPreprocessing::Images(images) = &preprocessing.inputs else {
        panic!("columns, not images");
    };
    assert_eq!((images.height, images.width, images.maximum), (1, 2, 255));
    assert_eq!((images.mean, images.standard_deviation), (0.5, 0.5));
    assert_eq!(preprocessing.input_names(), ["pixel 0,0", "pixel 0,1"]);
    let found: Vec<f64> = preprocessing.inputs_of(&dataset, &[1, 0]).unwrap();
    assert_eq!(found, [-1.0, (0.2 - 0.5) / 0.5, -1.0, 1.0]);
    assert_eq!(preprocessing.class_names().unwrap(), ["3", "8"]);
    assert_eq!(preprocessing.targets(&dataset, &[1, 0]).unwrap(), TargetValues::Classes(vec![1, 0]));
}

#[test]
fn images_with_a_number_as_target_and_of_one_brightness() {
    let dataset = tiny_images([7; 4], [3, 5]);
    let (preprocessing, _) = fit_rows(&dataset, None, Some(Task::Regression), true, &[0, 1]).unwrap();
    preprocessing.validate().unwrap();
    assert_eq!(preprocessing.inputs_of::<f32>(&dataset, &[0]).unwrap(), [0.0, 0.0]);
    assert!(matches!(preprocessing.target, TargetPreprocessing::Numbers(_)));
    assert_eq!(preprocessing.targets(&dataset, &[0, 1]).unwrap(), TargetValues::Numbers(vec![-1.0, 1.0]));
    assert_error(fit_rows(&tiny_images([7; 4], [3, 3]), None, None, true, &[0, 1]), &["only one class, '3'"]);
}

#[test]
fn digits_have_mean_zero_and_deviation_one() {
    let digits = read("digits").unwrap();
    let (preprocessing, _) = fit(&digits);
    let inputs = inputs(&preprocessing, &digits);
    let count = inputs.len() as f64;
    let mean = inputs.iter().sum::<f64>() / count;
    let variance = inputs.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
    assert!(mean.abs() < 1e-12 && (variance - 1.0).abs() < 1e-12);
}

#[test]
fn data_of_another_kind() {
    let digits = read("digits").unwrap();
    let tiny = tiny_images([0, 255, 0, 51], [3, 42]);
    let people = csv(PEOPLE);
    let (of_digits, _) = fit(&digits);
    let (of_people, _) = fit(&people);
    assert_error(of_digits.inputs_of::<f32>(&tiny, &[0]), &["1 x 2", "8 x 8"]);
    assert_error(of_digits.inputs_of::<f32>(&people, &[0]), &["t.csv holds a table", "were images"]);
    assert_error(of_people.inputs_of::<f32>(&digits, &[0]), &["digits holds images", "were a table"]);
    assert_error(of_people.targets(&digits, &[0]), &["digits holds images"]);
    assert_error(of_digits.targets(&people, &[0]), &["no column 'label'"]);
    assert_error(of_digits.targets(&tiny, &[0, 1]), &["label of image 1", "'42'", "'0', '1'"]);
}
