//! One neuron by hand: every number of one step, with nothing but arithmetic, beside what the library says.

use chainrule::*;

fn main() -> Result<()> {
    // A neuron with two inputs: z = w1 x1 + w2 x2 + b, a = sigmoid(z), loss = (a - y)^2 / 2.
    let (x, y) = ([1.0, -2.0], 1.0);
    let (w, b, learning_rate) = ([0.4, 0.3], 0.1, 0.5);

    // Forward.
    let z: f64 = w[0] * x[0] + w[1] * x[1] + b;
    let a = 1.0 / (1.0 + (-z).exp());
    let loss = (a - y).powi(2) / 2.0;
    println!("z     = {} * {} + {} * {} + {b} = {z:.4}", w[0], x[0], w[1], x[1]);
    println!("a     = sigmoid(z) = {a:.4}");
    println!("loss  = (a - y)^2 / 2 = {loss:.4}");

    // Backward. By the chain rule dLoss/dz = dLoss/da * da/dz = (a - y) * sigmoid'(z),
    // and for the sigmoid, sigmoid'(z) = a (1 - a).
    let delta = (a - y) * a * (1.0 - a);
    let (dw, db) = ([delta * x[0], delta * x[1]], delta);
    println!("delta = (a - y) * a (1 - a) = {delta:.4}");
    println!("dw    = delta * x = [{:.4}, {:.4}], db = {db:.4}", dw[0], dw[1]);

    // Update: against the gradient.
    let new_w = [w[0] - learning_rate * dw[0], w[1] - learning_rate * dw[1]];
    println!("w     = w - {learning_rate} * dw = [{:.4}, {:.4}]", new_w[0], new_w[1]);

    // The library, on the same neuron.
    let network = Network::builder(2).dense(1, Activation::Sigmoid).build()?;
    let mut parameters = network.zeros::<f64>();
    parameters.set(1, &Matrix::from_rows(&[w]), &[b])?;
    let (inputs, targets) = (Matrix::from_rows(&[x]), Matrix::from_rows(&[[y]]));
    let cache = forward(&network, &parameters, inputs.view(), Mode::Inference)?;
    let error = output_error(&network, &cache, &Loss::HalfSquaredError, (&targets).into(), None)?;
    let library_delta = error.delta[(0, 0)];
    println!("\nThe library says: loss {:.4}, delta {library_delta:.4}", error.loss);
    assert!((error.loss - loss).abs() < 1e-15 && (library_delta - delta).abs() < 1e-15);
    Ok(())
}
