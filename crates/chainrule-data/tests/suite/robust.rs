//! The encoding of the default preset: robust scales, gaps that stay gaps, categories as scaled inputs or as indices.

use chainrule_data::{
    Dataset, FitOptions, InputColumn, InputEncoding, InputPreprocessing, Note, Objective, Preprocessing,
    TargetPreprocessing,
};

use crate::folder::{InputsOf, assert_error, codes, csv};

fn fit(dataset: &Dataset) -> (Preprocessing, Vec<Note>) {
    let objective = Objective::find(dataset, &[], None, &mut Vec::new()).unwrap();
    let options = FitOptions { encoding: InputEncoding::Robust, clamp_target: true, ..FitOptions::default() };
    let rows: Vec<usize> = (0..dataset.rows()).collect();
    let fitted = Preprocessing::fit(dataset, &objective, &options, &rows).unwrap();
    fitted.0.validate().unwrap();
    // A file has all of it.
    let text = serde_json::to_string(&fitted.0).unwrap();
    assert_eq!(serde_json::from_str::<Preprocessing>(&text).unwrap(), fitted.0);
    fitted
}

fn inputs(preprocessing: &Preprocessing, dataset: &Dataset) -> Vec<f64> {
    let rows: Vec<usize> = (0..dataset.rows()).collect();
    preprocessing.inputs_of(dataset, &rows).unwrap()
}

fn clipped(x: f64) -> f64 {
    x / (1.0 + (x / 3.0).powi(2)).sqrt()
}

const PEOPLE: &str = "city,age,smokes,height,pet,y\n\
    Oslo,20,yes,1,cat,3.5\n\
    Bergen,,no,2,dog,1.5\n\
    Oslo,40,no,3,cat,2.5\n\
    Voss,60,,4,cat,0.5\n\
    ,80,no,5,dog,9.5\n";

#[test]
fn columns_stand_by_their_kinds_and_gaps_stay_gaps() {
    let people = csv(PEOPLE);
    let (preprocessing, notes) = fit(&people);
    let names = preprocessing.input_names();
    assert_eq!(names, ["age", "height", "city=Bergen", "city=Oslo", "city=Voss", "smokes", "pet=cat"]);
    let found = inputs(&preprocessing, &people);
    let column = |name: &str| -> Vec<f64> {
        let index = names.iter().position(|known| known == name).unwrap();
        found.iter().skip(index).step_by(names.len()).copied().collect()
    };
    // Of 20, 40, 60, 80: median 50, quartiles 35 and 65.
    let ages = column("age");
    assert!(ages[1].is_nan());
    for (found, age) in ages.iter().zip([20.0, f64::NAN, 40.0, 60.0, 80.0]).filter(|(_, age)| !age.is_nan()) {
        assert!((found - clipped((age - 50.0) / 30.0)).abs() < 1e-15);
    }
    // Two of five: the quartiles of 0, 0, 0, 1, 1 are 0 and 1.
    assert_eq!(column("city=Oslo"), [1.0, 0.0, 1.0, 0.0, 0.0].map(clipped));
    // One of five: the quartiles are equal, and half of the distance of 0 and 1 is 1/2.
    assert_eq!(column("city=Voss"), [0.0, 0.0, 0.0, 2.0, 0.0].map(clipped));
    // Of 0, 0, 0, 1/2, 1: median 0, quartiles 0 and 1/2.
    assert_eq!(column("smokes"), [2.0, 0.0, 0.0, 1.0, 0.0].map(clipped));
    // Three of 1 and two of -1: median 1, quartiles -1 and 1.
    assert_eq!(column("pet=cat"), [0.0, -1.0, 0.0, 0.0, -1.0].map(clipped));
    assert_eq!(codes(&notes), ["missing_cells", "missing_cells", "missing_cells"]);
    assert!(notes.iter().any(|note| note.message.contains("'age'") && note.message.contains("learns")));
}

#[test]
fn what_training_did_not_have_is_zero_or_no_category() {
    let (preprocessing, _) = fit(&csv("a,b,y\n1,x,no\n2,y,yes\n3,z,no\n4,x,yes\n"));
    let other = csv("a,b,y\n,w,no\n1e300,,yes\n");
    let mut notes = Vec::new();
    let found: Vec<f32> = preprocessing.inputs(&other, &[0, 1], 1, &mut notes).unwrap();
    let none = clipped(-0.0) as f32;
    assert_eq!(found[0], 0.0, "the median");
    assert!((found[4] - 3.0).abs() < 1e-6, "as far as a number can be");
    assert_eq!(found[2..4], [none; 2]);
    let codes = codes(&notes);
    assert!(codes.contains(&"unlearned_gaps") && codes.contains(&"unseen_categories"), "{notes:?}");
    assert!(notes.iter().any(|note| note.message.contains("the median stands for them")), "{notes:?}");
}

#[test]
fn many_categories_are_indices() {
    let rows: Vec<String> = (0..40)
        .map(|row| format!("{},{}\n", (b'a' + (row % 10) as u8) as char, ["no", "yes"][row % 2]))
        .collect();
    let (preprocessing, _) = fit(&csv(&format!("x,y\n{}", rows.concat())));
    let InputPreprocessing::Columns(columns) = &preprocessing.inputs else { panic!() };
    let [InputColumn::Index(column)] = &columns[..] else { panic!("{columns:?}") };
    assert_eq!((column.table_rows(), preprocessing.input_width()), (10, 1));
    let found = inputs(&preprocessing, &csv("x,y\nc,no\nj,no\nunseen,no\n,yes\n"));
    assert_eq!(found[..2], [2.0, 9.0]);
    assert!(found[2].is_nan() && found[3].is_nan());
    // Where gaps were there in training, they are a category, the first.
    let (preprocessing, _) = fit(&csv(&format!("x,y\n{},no\n", rows.concat())));
    assert_eq!(inputs(&preprocessing, &csv("x,y\n,no\na,no\n")), [0.0, 1.0]);
}

#[test]
fn predictions_of_numbers_stay_within_those_of_training() {
    let (preprocessing, _) = fit(&csv(PEOPLE));
    let scale = preprocessing.target_scales().unwrap()[0];
    assert_eq!((scale.undo(-100.0), scale.undo(100.0)), (0.5, 9.5));
    assert!((scale.undo(0.0) - 3.5).abs() < 1e-15);
    assert!(scale.undo(f64::INFINITY).is_infinite(), "what is no number is not hidden");
}

#[test]
fn damaged_entries_are_refused() {
    let (preprocessing, _) = fit(&csv(PEOPLE));
    let changed = |change: &dyn Fn(&mut Preprocessing)| {
        let mut changed = preprocessing.clone();
        change(&mut changed);
        changed.validate()
    };
    let columns = |preprocessing: &mut Preprocessing, change: &dyn Fn(&mut InputColumn)| {
        if let InputPreprocessing::Columns(columns) = &mut preprocessing.inputs {
            columns.iter_mut().for_each(change);
        }
    };
    assert_error(
        changed(&|p| {
            columns(p, &|c| {
                if let InputColumn::Robust(c) = c {
                    c.scale.range = 0.0
                }
            })
        }),
        &["range of 'age' is 0"],
    );
    assert_error(
        changed(&|p| {
            columns(p, &|c| {
                if let InputColumn::RobustTruth(c) = c {
                    c.scale.median = f64::NAN
                }
            })
        }),
        &["median of 'smokes' is NaN"],
    );
    assert_error(
        changed(&|p| {
            columns(p, &|c| {
                if let InputColumn::OneHot(c) = c {
                    c.scales.truncate(0)
                }
            })
        }),
        &["'city' has 0 scales for 3 inputs"],
    );
    assert_error(
        changed(&|p| {
            if let TargetPreprocessing::Numbers(targets) = &mut p.target {
                targets[0].within = Some((2.0, 1.0));
            }
        }),
        &["'y' is kept within 2 and 1"],
    );
}
