//! The five steps on a network of two layers: watch each matrix appear, and its shape.

use chainrule::*;

fn main() -> Result<()> {
    let network = Network::builder(3).dense(4, Activation::Tanh).dense(2, Activation::Softmax).build()?;
    let mut parameters = network.initialize::<f64>(1);
    // Five samples: one row each. Three classes would need three outputs; here there are two.
    let inputs = Matrix::from_rows(&[
        [0.5, -1.0, 2.0],
        [1.5, 0.3, -0.7],
        [-0.2, 0.8, 0.1],
        [0.9, -0.4, 1.1],
        [-1.3, 0.6, -0.5],
    ]);
    let targets = Targets::Classes(&[0, 1, 1, 0, 1]);
    let loss = Loss::cross_entropy();

    // 1. Forward: each layer keeps its z and its a.
    let cache = forward(&network, &parameters, inputs.view(), Mode::Inference)?;
    for l in 1..=2 {
        show(&format!("z({l})"), cache.pre_activation(l));
        show(&format!("a({l})"), cache.activation(l));
    }

    // 2. Output error: for softmax with cross-entropy it is (prediction - target) / B.
    let error = output_error(&network, &cache, &loss, targets, None)?;
    println!("loss = {:.4}\n", error.loss);
    show("delta(2)", &error.delta);

    // 3. Backward: delta(1) = (delta(2) W(2)) * tanh'(z(1)).
    let deltas = backward(&network, &parameters, &cache, error.delta)?;
    show("delta(1)", deltas.delta(1));

    // 4. Gradients: dW(l) = delta(l)^T a(l-1) has the shape of W(l).
    let gradients = gradients(&network, &parameters, &cache, &deltas)?;
    for l in 1..=2 {
        show(&format!("dW({l})"), &gradients.weight(l).to_matrix());
    }

    // 5. Update: W(l) = W(l) - learning_rate dW(l), the same for b(l).
    let mut optimizer = Optimizer::new(Rule::from_name("sgd")?, &parameters)?;
    optimizer.set_learning_rate(0.5);
    update(&mut optimizer, &mut parameters, &gradients)?;

    let cache = forward(&network, &parameters, inputs.view(), Mode::Inference)?;
    let after = output_error(&network, &cache, &loss, targets, None)?.loss;
    println!("loss after the update = {after:.4}");
    assert!(after < error.loss);
    Ok(())
}

fn show(name: &str, matrix: &Matrix<f64>) {
    println!("{name}, {} x {}:", matrix.rows(), matrix.columns());
    for i in 0..matrix.rows() {
        let row: Vec<String> = matrix.row(i).iter().map(|value| format!("{value:8.4}")).collect();
        println!("  {}", row.join(" "));
    }
    println!();
}
