//! Every activation against differences, against references of higher precision, in slices and alone.

use super::selu::{SCALE, SCALE_ALPHA};
use super::*;
use crate::kernel::functions::error_of;

const POINTS: [f64; 15] =
    [-30.0, -5.0, -3.5, -2.9, -1.0, -0.3, -1e-3, 1e-3, 0.2, 0.9, 1.7, 2.9, 3.4, 8.0, 30.0];

#[test]
fn derivatives_equal_central_differences() {
    for activation in Activation::ALL.iter().filter_map(Activation::elementwise) {
        for z in POINTS {
            let h = 1e-6;
            let numeric = (activation.value(z + h) - activation.value(z - h)) / (2.0 * h);
            let exact = activation.derivative(z, activation.value(z));
            assert!(
                (numeric - exact).abs() < 2e-8 * (1.0 + z.abs()),
                "{activation:?} at {z}: {exact} {numeric}"
            );
        }
    }
}

#[test]
fn slices_equal_single_numbers_and_nan_stays_nan() {
    let mut inputs = POINTS.to_vec();
    inputs.push(f64::NAN);
    for activation in Activation::ALL.iter().filter_map(Activation::elementwise) {
        let mut a = inputs.clone();
        activation.apply_in_place(&mut a);
        let mut delta: Vec<f64> = inputs.iter().map(|z| 1.0 + z * z).collect();
        activation.multiply_by_derivative(&inputs, &a, &mut delta);
        for (i, &z) in POINTS.iter().enumerate() {
            assert_eq!(a[i], activation.value(z));
            assert_eq!(delta[i], (1.0 + z * z) * activation.derivative(z, a[i]));
        }
        assert!(a.last().unwrap().is_nan() && delta.last().unwrap().is_nan(), "{activation:?}");
    }
}

#[test]
fn a_number_has_the_same_bits_in_a_slice_of_any_length_and_alone() {
    let inputs: Vec<f32> = (0..133).map(|i| (i as f32 * 0.618).fract() * 20.0 - 10.0).collect();
    for activation in Activation::ALL.iter().filter_map(Activation::elementwise) {
        for length in [1, 2, 7, 16, 31, 33, 64, 133] {
            let z = &inputs[..length];
            let mut a = z.to_vec();
            activation.apply_in_place(&mut a);
            let mut delta = vec![1.0; length];
            activation.multiply_by_derivative(z, &a, &mut delta);
            for i in 0..length {
                assert_eq!(a[i].to_bits(), activation.value(z[i]).to_bits(), "{activation:?}");
                let derivative = activation.derivative(z[i], a[i]);
                assert_eq!(delta[i].to_bits(), derivative.to_bits(), "{activation:?}");
            }
        }
    }
}

/// z Phi(z), with what rounding takes off z / sqrt(2) given back.
fn gelu_reference(z: f64) -> f64 {
    const SQRT_2_REST: f64 = -9.667_293_313_452_913e-17;
    let (x, root) = (z.abs().min(39.0), std::f64::consts::SQRT_2);
    let t = x / root;
    let rest = (x - t.mul_add(root, 0.0) - t.mul_add(root, -(t * root)) - t * SQRT_2_REST) / root;
    let slope = std::f64::consts::FRAC_2_SQRT_PI * (-t * t).exp();
    let tail = 0.5 * (libm::erfc(t) - rest * slope);
    z.max(0.0) - x * tail
}

#[test]
fn values_are_right_to_a_few_units_in_the_last_place() {
    fn sigmoid(z: f64) -> f64 {
        let e = libm::exp(-z.abs());
        if z < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) }
    }
    fn mish(z: f64) -> f64 {
        let e = libm::exp(-z.abs());
        let t = if z > 0.0 {
            (1.0 + 2.0 * e) / (1.0 + 2.0 * e * (1.0 + e))
        } else {
            e * (e + 2.0) / (e * (e + 2.0) + 2.0)
        };
        z * t
    }
    fn elu(z: f64) -> f64 {
        if z > 0.0 { z } else { libm::expm1(z) }
    }
    fn selu(z: f64) -> f64 {
        if z > 0.0 { SCALE * z } else { SCALE_ALPHA * libm::expm1(z) }
    }
    let silu = |z: f64| z * sigmoid(z);
    // Below the lowest z, exp(z) is subnormal, and z times its rounding is what remains of SiLU and Mish
    // (of GELU only in the reference).
    let all = (f64::NEG_INFINITY, f64::INFINITY);
    type Bounds = (f64, f64);
    type Case<'a> = (Elementwise, Bounds, Bounds, &'a dyn Fn(f64) -> f64, f64, f64);
    let cases: [Case; 5] = [
        (Elementwise::Elu(Elu::DEFAULT), all, all, &elu, 2.0, 2.0),
        (Elementwise::Selu(Selu), all, all, &selu, 2.0, 2.0),
        (Elementwise::Gelu(Gelu), all, (-37.0, f64::INFINITY), &gelu_reference, 6.0, 7.0),
        (Elementwise::Silu(Silu), (-87.0, 1e38), (-708.0, 1e308), &silu, 2.5, 4.0),
        (Elementwise::Mish(Mish), (-87.0, 1e38), (-708.0, 1e308), &mish, 4.0, 5.0),
    ];
    for (activation, single, double, reference, single_bound, double_bound) in cases {
        let range = single.0 as f32..=single.1 as f32;
        let single = error_of::single(range, |values| activation.apply_in_place(values), reference);
        let range = double.0..=double.1;
        let double = error_of::double(range, |values| activation.apply_in_place(values), reference);
        println!("{activation:?}: f32 {single:?}, f64 {double:?}");
        assert!(single.0 <= single_bound && double.0 <= double_bound, "{activation:?} {single:?} {double:?}");
    }
}

#[test]
fn single_precision_derivatives_are_right_to_a_few_units_of_one() {
    for activation in Activation::ALL.iter().filter_map(Activation::elementwise) {
        for step in -4000..4000 {
            let z = step as f32 * 0.005 + 0.0025;
            let single = activation.derivative(z, activation.value(z));
            let double = activation.derivative(f64::from(z), activation.value(f64::from(z)));
            assert!((f64::from(single) - double).abs() < 2e-6, "{activation:?} at {z}: {single} {double}");
        }
    }
}

#[test]
fn infinities_have_their_limits() {
    for (activation, low, high) in [
        (Elementwise::Relu(Relu), 0.0, f32::INFINITY),
        (Elementwise::Elu(Elu::DEFAULT), -1.0, f32::INFINITY),
        (Elementwise::Sigmoid(Sigmoid), 0.0, 1.0),
        (Elementwise::Tanh(Tanh), -1.0, 1.0),
        (Elementwise::Softplus(Softplus), 0.0, f32::INFINITY),
        (Elementwise::Gelu(Gelu), 0.0, f32::INFINITY),
    ] {
        assert_eq!(activation.value(f32::NEG_INFINITY), low, "{activation:?}");
        assert_eq!(activation.value(f32::INFINITY), high, "{activation:?}");
    }
}

#[test]
fn kinks_are_where_the_derivative_jumps_and_nowhere_else() {
    for activation in Activation::ALL.iter().filter_map(Activation::elementwise) {
        let slope = |z: f64| activation.derivative(z, activation.value(z));
        // ELU with alpha 1 is smooth; its kink is that of other alphas.
        if !matches!(activation, Elementwise::Elu(_)) {
            for &kink in activation.facts().kinks {
                assert!((slope(kink + 1e-9) - slope(kink - 1e-9)).abs() > 0.1);
                let flatter = if kink < 3.0 { slope(kink - 1e-9) } else { 0.0 };
                assert!((slope(kink) - flatter).abs() < 1e-8, "{activation:?}");
            }
        }
        for step in -60..60 {
            let z = f64::from(step) / 10.0 + 0.05;
            assert!((slope(z + 1e-7) - slope(z - 1e-7)).abs() < 1e-5, "{activation:?} at {z}");
        }
    }
}

#[test]
fn names_are_read_back_and_unknown_fields_refused() {
    for activation in Activation::ALL {
        let json = serde_json::to_string(activation).unwrap();
        assert_eq!(serde_json::from_str::<Activation>(&json).unwrap(), *activation);
        assert!(json.contains(&format!("\"{}\"", activation.name())), "{json}");
        assert_eq!(activation.to_string(), activation.name());
        let spellings = [activation.name().to_owned(), activation.name().replace('_', "-").to_uppercase()];
        for spelling in spellings {
            assert_eq!(Activation::from_name(&spelling).unwrap(), *activation);
            assert_eq!(spelling.parse::<Activation>().unwrap(), *activation);
        }
    }
    let leaky = Activation::LeakyRelu { negative_slope: 0.01 };
    assert_eq!(serde_json::to_string(&leaky).unwrap(), r#"{"leaky_relu":{"negative_slope":0.01}}"#);
    assert_eq!(serde_json::to_string(&Activation::GeluTanh).unwrap(), r#""gelu_tanh""#);
    assert_eq!(format!("{:>6}", Activation::Relu), "  relu");
    for refused in [r#"{"elu":{"alpha":1.0,"beta":2.0}}"#, r#"{"elu":{}}"#, r#""Relu""#, r#""hard-sigmoid""#]
    {
        assert!(serde_json::from_str::<Activation>(refused).is_err(), "{refused}");
    }
    assert!(Activation::from_name("rellu").unwrap_err().to_string().contains("leaky-relu"));
}

#[test]
fn parameters_out_of_range_are_refused() {
    for negative_slope in [-0.1, f64::NAN, f64::INFINITY] {
        assert!(Activation::LeakyRelu { negative_slope }.check().is_err(), "{negative_slope}");
    }
    for alpha in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(Activation::Elu { alpha }.check().is_err(), "{alpha}");
    }
    assert!(Activation::LeakyRelu { negative_slope: 0.0 }.check().is_ok());
    assert!(Activation::ALL.iter().all(|activation| activation.check().is_ok()));
}
