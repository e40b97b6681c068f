//! Every loss with every output: rows alone and together, extreme logits, parameters, names.

use super::rows::CHUNK;
use super::*;
use crate::activation::OutputActivation;
use crate::matrix::{Matrix, MatrixView};

fn value(loss: &Loss, activation: Activation, z: &[f64], y: &[f64]) -> (f64, Vec<f64>) {
    let mut a = z.to_vec();
    OutputActivation::from(activation).apply_in_place(z.len(), &mut a);
    let mut delta = vec![0.0; z.len()];
    let output = Output { activation, width: z.len(), z, a: &a };
    let y = MatrixView::new(1, y.len(), y).unwrap();
    let sum = loss.output_error(output, Targets::Values(y), None, &mut delta).unwrap();
    (sum.mean(), delta)
}

#[test]
fn standard_pairs_give_prediction_minus_target() {
    let (z, y) = ([0.3, -1.2, 2.0], [0.0, 1.0, 0.0]);
    for (loss, activation) in [
        (Loss::HalfSquaredError, Activation::Identity),
        (Loss::BinaryCrossEntropy, Activation::Sigmoid),
        (Loss::cross_entropy(), Activation::Softmax),
    ] {
        let mut a = z;
        OutputActivation::from(activation).apply_in_place(3, &mut a);
        let (_, delta) = value(&loss, activation, &z, &y);
        for k in 0..3 {
            assert!((delta[k] - (a[k] - y[k])).abs() < 1e-15);
        }
    }
}

#[test]
fn a_row_has_the_same_bits_whichever_rows_are_with_it() {
    let rows = 11;
    let weights: Vec<f32> = (0..rows).map(|i| (i % 4) as f32 * 0.75).collect();
    let smoothed = Loss::CrossEntropy { label_smoothing: 0.1, class_weights: None };
    for width in [1, 3, 10, 40, CHUNK + 44] {
        let z: Vec<f32> = (0..rows * width).map(|i| (i as f32 * 0.618).fract() * 9.0 - 4.5).collect();
        let values: Vec<f32> = (0..rows * width).map(|i| (i as f32 * 0.414).fract()).collect();
        let classes: Vec<u32> = (0..rows).map(|i| (i * 7 % width.max(2)) as u32).collect();
        let both =
            [Targets::Values(MatrixView::new(rows, width, &values).unwrap()), Targets::Classes(&classes)];
        for loss in Loss::all().iter().chain([&smoothed]).filter(|loss| loss.check(width).is_ok()) {
            for &activation in Activation::ALL {
                if width == 1 && activation == Activation::Softmax {
                    continue;
                }
                let mut a = z.clone();
                OutputActivation::from(activation).apply_in_place(width, &mut a);
                for targets in both {
                    for weights in [None, Some(&weights[..])] {
                        let in_blocks = |size: usize| {
                            let (mut delta, mut losses) =
                                (vec![f32::NAN; rows * width], vec![f64::NAN; rows]);
                            for first in (0..rows).step_by(size) {
                                let range = first..(first + size).min(rows);
                                let numbers = range.start * width..range.end * width;
                                let (z, a) = (&z[numbers.clone()], &a[numbers.clone()]);
                                loss.output_error_rows(
                                    Output { activation, width, z, a },
                                    targets.slice(range.clone()),
                                    weights.map(|weights| &weights[range.clone()]),
                                    8.25,
                                    &mut delta[numbers],
                                    &mut losses[range],
                                );
                            }
                            let bits: Vec<u32> = delta.iter().map(|d| d.to_bits()).collect();
                            (bits, losses.iter().map(|l| l.to_bits()).collect::<Vec<_>>())
                        };
                        let whole = in_blocks(rows);
                        assert!(
                            whole.1.iter().all(|&loss| f64::from_bits(loss).is_finite()),
                            "{loss:?} {activation:?}"
                        );
                        assert_eq!(whole, in_blocks(1), "{loss:?} {activation:?} {width}");
                        assert_eq!(whole, in_blocks(3), "{loss:?} {activation:?} {width}");
                    }
                }
            }
        }
    }
}

#[test]
fn enormous_logits_give_finite_losses() {
    for z in [[800.0, -800.0, 5.0], [-900.0, 900.0, 899.0]] {
        for y in [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]] {
            for activation in
                [Activation::Softmax, Activation::Sigmoid, Activation::Identity, Activation::HardSigmoid]
            {
                for loss in [Loss::BinaryCrossEntropy, Loss::cross_entropy()] {
                    let (loss_value, delta) = value(&loss, activation, &z, &y);
                    assert!(
                        loss_value.is_finite() && loss_value >= 0.0,
                        "{loss:?} {activation:?} {loss_value}"
                    );
                    assert!(delta.iter().all(|d| d.is_finite()) || activation == Activation::Softmax);
                }
            }
        }
    }
    let (wrong, _) = value(&Loss::cross_entropy(), Activation::Softmax, &[800.0, -800.0], &[0.0, 1.0]);
    assert_eq!(wrong, 1600.0);
}

#[test]
fn parameters_out_of_range_are_refused() {
    let weights =
        |weights: &[f64]| Loss::CrossEntropy { label_smoothing: 0.0, class_weights: Some(weights.to_vec()) };
    for loss in [
        Loss::Huber { delta: 0.0 },
        Loss::Quantile { quantile: 1.0 },
        Loss::Quantile { quantile: f64::NAN },
        Loss::CrossEntropy { label_smoothing: 1.0, class_weights: None },
        weights(&[1.0]),
        weights(&[1.0, -1.0]),
        weights(&[0.0, 0.0]),
    ] {
        assert!(loss.check(2).is_err(), "{loss:?}");
    }
    assert!(Loss::cross_entropy().check(1).is_err());
    assert!(Loss::all().iter().all(|loss| loss.check(2).is_ok()));
}

#[test]
fn names_are_read_back_and_unknown_fields_refused() {
    let json = |loss: &Loss| serde_json::to_string(loss).unwrap();
    for loss in Loss::all() {
        assert_eq!(serde_json::from_str::<Loss>(&json(&loss)).unwrap(), loss);
        assert!(json(&loss).contains(&format!("\"{}\"", loss.name())), "{loss:?}");
        assert_eq!(loss.to_string(), loss.name());
        let spellings = [loss.name().to_owned(), loss.name().replace('_', "-").to_uppercase()];
        for spelling in spellings {
            assert_eq!(Loss::from_name(&spelling).unwrap(), loss);
            assert_eq!(spelling.parse::<Loss>().unwrap(), loss);
        }
    }
    assert_eq!(json(&Loss::MeanSquaredError), r#""mean_squared_error""#);
    assert_eq!(json(&Loss::Huber { delta: 2.0 }), r#"{"huber":{"delta":2.0}}"#);
    assert_eq!(
        json(&Loss::cross_entropy()),
        r#"{"cross_entropy":{"label_smoothing":0.0,"class_weights":null}}"#
    );
    for (short, full) in [
        (r#"{"huber":{}}"#, Loss::Huber { delta: 1.0 }),
        (r#"{"quantile":{}}"#, Loss::Quantile { quantile: 0.5 }),
        (r#"{"cross_entropy":{}}"#, Loss::cross_entropy()),
    ] {
        assert_eq!(serde_json::from_str::<Loss>(short).unwrap(), full);
    }
    for refused in [r#"{"huber":{"delta":1.0,"beta":1.0}}"#, r#""Poisson""#, r#""mean-squared-error""#] {
        assert!(serde_json::from_str::<Loss>(refused).is_err(), "{refused}");
    }
    assert!(Loss::from_name("mse").unwrap_err().to_string().contains("mean-squared-error"));
}

#[test]
fn outputs_of_no_width_are_refused() {
    let nothing = Matrix::<f64>::zeros(2, 0);
    for loss in Loss::all() {
        assert!(loss.value(Activation::Identity, nothing.view(), (&nothing).into(), None).is_err());
    }
}
