//! A gradient check: is backpropagation right? Ask finite differences, first of the library and then of
//! the classic mistakes.

use chainrule::gradient_check::{CheckOptions, check_gradients};
use chainrule::reference::{Mistake, compute};
use chainrule::*;

fn main() -> Result<()> {
    let network = Network::builder(5)
        .dense(4, Activation::Gelu)
        .dense(3, Activation::Tanh)
        .dense(2, Activation::Softmax)
        .build()?;
    let parameters = network.initialize::<f64>(3);
    let inputs = Matrix::from_rows(&[
        [0.1, -0.6, 1.2, 0.4, -0.9],
        [0.7, 0.2, -0.3, 1.5, 0.8],
        [-1.1, 0.5, 0.6, -0.2, 0.3],
    ]);
    let samples =
        Samples { inputs: inputs.view().into(), targets: Targets::Classes(&[1, 0, 1]), sample_weights: None };
    let (loss, options) = (Loss::cross_entropy(), CheckOptions::default());

    let report = gradient_check(&network, &parameters, &loss, samples, &options)?;
    for entry in &report.tensors {
        let worst = entry.worst.as_ref().map_or(0.0, |worst| worst.relative_error);
        println!(
            "{:<16} {:>3} derivatives, largest relative error {worst:.1e}",
            entry.tensor.name, entry.compared
        );
    }
    assert!(report.passed());

    println!("\nWith a mistake planted on purpose:");
    for mistake in Mistake::ALL {
        let wrong = compute(&network, &parameters, &loss, samples, Mode::Inference, Some(mistake))?;
        let report = check_gradients(&network, &parameters, &loss, samples, &wrong.gradients, &options)?;
        let verdict = if report.passed() { "not noticed" } else { "noticed" };
        println!(
            "{:<24} {verdict}, largest relative error {:.1e}",
            format!("{mistake:?}"),
            report.worst_error()
        );
        assert!(!report.passed());
    }
    Ok(())
}
