//! Model files: what comes back is what was saved; models of other programs; models that do not fit.

use chainrule::{Activation, Loss, Model, Network};
use chainrule_estimator::{
    Estimator, EstimatorError, OptionError, Predictions, Predictor, SplitPart, unobserved,
};

use crate::place::{Place, small, small_table};

#[test]
fn a_saved_predictor_predicts_the_same() {
    let place = Place::new();
    let dataset = place.data("table.csv", &small_table(60));
    let predictor = Estimator::new(small()).fit(&dataset, &mut unobserved).unwrap();
    let path = place.path("model");
    predictor.save(&path).unwrap();
    let loaded = Predictor::load(&path).unwrap().with_threads(Some(2));
    assert_eq!(loaded.predict(&dataset).unwrap(), predictor.predict(&dataset).unwrap());
    assert_eq!(loaded.evaluate(&dataset).unwrap(), predictor.evaluate(&dataset).unwrap());
    assert_eq!(loaded.model(), predictor.model());

    let precise = Predictor::<f64>::load_as(&path).unwrap().predict(&dataset).unwrap();
    let (Predictions::Classes(precise), Predictions::Classes(plain)) =
        (precise, loaded.predict(&dataset).unwrap())
    else {
        panic!()
    };
    for (precise, plain) in precise.scores.as_slice().iter().zip(plain.scores.as_slice()) {
        assert!((precise - f64::from(*plain)).abs() < 1e-5, "{precise} and {plain}");
    }
    // The target is not needed to predict, and a file of predictions alone has no lines to spare.
    let without = place.data("new.csv", "size,color,height,width\n101.5,red,10,2\n");
    assert_eq!(loaded.predict(&without).unwrap().rows(), 1);
    let error = loaded.evaluate(&without).unwrap_err().to_string();
    assert!(error.contains("new.csv") && error.contains("'kind'"), "{error}");
}

/// 3 inputs and one or two outputs, which nothing is said of.
fn bare(loss: Loss, outputs: usize) -> Model<f32> {
    let activation = loss.natural_output();
    let network = Network::builder(3).dense(outputs, activation).build().unwrap();
    let parameters = network.initialize(5);
    Model { network, loss, parameters, preprocessing: None, training: None }
}

#[test]
fn a_model_that_says_nothing_of_preprocessing_takes_columns_as_they_are() {
    let place = Place::new();
    let dataset = place.data("table.csv", "a,b,c,y\n1,2,3,0\n-1,0.5,2,1\n");
    let model = bare(Loss::HalfSquaredError, 1);
    let (weight, bias) = (model.parameters.weight(1).to_vec(), model.parameters.bias(1).unwrap().to_vec());
    let predictor = Predictor::of_model(model).unwrap();
    assert!(predictor.preprocessing().is_none());
    let Predictions::Numbers(numbers) = predictor.predict(&dataset).unwrap() else { panic!() };
    assert_eq!(numbers.names, ["y"]);
    for (row, inputs) in [[1.0, 2.0, 3.0], [-1.0, 0.5, 2.0]].iter().enumerate() {
        let z = f64::from(bias[0]) + weight.iter().zip(inputs).map(|(w, x)| f64::from(*w) * x).sum::<f64>();
        assert!((numbers.values[(row, 0)] - z).abs() < 1e-6, "row {row}");
    }
    let Predictions::Classes(classes) =
        Predictor::of_model(bare(Loss::cross_entropy(), 2)).unwrap().predict(&dataset).unwrap()
    else {
        panic!()
    };
    assert_eq!(classes.names, ["0", "1"]);

    let narrow = place.data("narrow.csv", "a,y\n1,2\n");
    let error = predictor.predict(&narrow).unwrap_err().to_string();
    assert!(
        error.contains("narrow.csv") && error.contains("2 columns") && error.contains("3 inputs"),
        "{error}"
    );
    let digits = chainrule_data::read("digits").unwrap();
    let error = predictor.predict(&digits).unwrap_err().to_string();
    assert!(error.contains("digits") && error.contains("64 inputs"), "{error}");
    let error = predictor.rows_of_part(&dataset, SplitPart::Test).unwrap_err();
    assert!(matches!(error, EstimatorError::Option(OptionError::PartWithoutRecord)), "{error}");
}

#[test]
fn a_model_whose_preprocessing_does_not_fit_is_refused() {
    let place = Place::new();
    let dataset = place.data("table.csv", &small_table(60));
    let predictor = Estimator::new(small()).fit(&dataset, &mut unobserved).unwrap();
    let model = predictor.model().clone();
    let with = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut model = model.clone();
        change(model.preprocessing.as_mut().unwrap());
        model.save(&place.path("bad")).unwrap();
        let error = Predictor::load(&place.path("bad")).unwrap_err();
        assert!(matches!(error, EstimatorError::Model { .. }), "{error}");
        error.to_string()
    };
    let classes = |value: &mut serde_json::Value, names: &[&str]| {
        value["target"]["classes"]["classes"] = serde_json::json!(names);
    };
    let error = with(&|value| classes(value, &["tall", "wide", "round"]));
    assert!(error.contains("bad: there are 3 classes, but the network has 2 outputs"), "{error}");
    let error = with(&|value| classes(value, &["tall", "tall"]));
    assert!(error.contains("bad: the preprocessing in the model is not valid"), "{error}");
    let error = with(&|value| *value = serde_json::json!({ "inputs": 3 }));
    assert!(error.contains("bad: the preprocessing in the model is not valid"), "{error}");
    let mut model = model.clone();
    model.network = Network::builder(5).dense(2, Activation::Softmax).build().unwrap();
    model.parameters = model.network.initialize(1);
    let error = Predictor::of_model(model).unwrap_err();
    assert!(error.contains("gives 6 inputs, but the network takes 5"), "{error}");
}

#[test]
fn parts_of_other_data_are_refused() {
    let place = Place::new();
    let dataset = place.data("table.csv", &small_table(60));
    let predictor = Estimator::new(small()).fit(&dataset, &mut unobserved).unwrap();
    let other = place.data("other.csv", &small_table(61));
    let error = predictor.rows_of_part(&other, SplitPart::Test).unwrap_err();
    assert!(
        error.to_string().contains("is not what the model was trained on: 61 rows instead of 60 rows"),
        "{error}"
    );
    assert!(!predictor.was_trained_on(&other));
}

#[test]
fn an_input_far_outside_is_an_error_with_its_line() {
    let place = Place::new();
    let dataset = place.data("table.csv", &small_table(60));
    let options = chainrule_estimator::EstimatorOptions { targets: vec!["size".to_owned()], ..small() };
    let predictor = Estimator::new(options).fit(&dataset, &mut unobserved).unwrap();
    let far = place.data("far.csv", "width,height,color,kind\n1,10,red,tall\n1e38,1e38,red,tall\n");
    match predictor.predict(&far) {
        Err(error) => assert!(error.to_string().contains("far.csv, line 3"), "{error}"),
        Ok(Predictions::Numbers(numbers)) => {
            assert!(numbers.values.as_slice().iter().all(|value| value.is_finite()));
        }
        Ok(Predictions::Classes(_)) => panic!("numbers are predicted"),
    }
}
