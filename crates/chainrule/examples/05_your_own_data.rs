//! Your own data: numbers in, a model file out, and predictions from the file. Replace `measurements` by yours.

use std::ops::ControlFlow;

use chainrule::*;

/// The fuel consumption of invented cars by weight (tonnes) and speed (100 km/h).
fn measurements() -> (Matrix<f32>, Matrix<f32>) {
    let (mut inputs, mut targets) = (Vec::new(), Vec::new());
    for i in 0..20 {
        for j in 0..20 {
            let (weight, speed) = (0.8 + 0.08 * i as f32, 0.3 + 0.06 * j as f32);
            inputs.extend([weight, speed]);
            targets.push(1.5 + 2.0 * weight + 3.0 * weight * (speed - 0.7).powi(2));
        }
    }
    let rows = targets.len();
    (
        Matrix::from_vec(rows, 2, inputs).expect("two inputs a row"),
        Matrix::from_vec(rows, 1, targets).expect("one target a row"),
    )
}

fn samples((inputs, targets): &(Matrix<f32>, Matrix<f32>)) -> Samples<'_, f32> {
    Samples { inputs: inputs.view().into(), targets: targets.into(), sample_weights: None }
}

fn main() -> Result<()> {
    let (inputs, targets) = measurements();
    // Every fifth row is kept for validation; the trainer restores the best weights on them.
    let (mut training, mut validation) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()));
    for row in 0..inputs.rows() {
        let (to_inputs, to_targets) = if row % 5 == 0 { &mut validation } else { &mut training };
        to_inputs.extend_from_slice(inputs.row(row));
        to_targets.extend_from_slice(targets.row(row));
    }
    let matrices = |(inputs, targets): (Vec<f32>, Vec<f32>)| {
        let rows = targets.len();
        Ok::<_, Error>((Matrix::from_vec(rows, 2, inputs)?, Matrix::from_vec(rows, 1, targets)?))
    };
    let (training, validation) = (matrices(training)?, matrices(validation)?);

    let network = Network::builder(2)
        .dense(32, Activation::Silu)
        .dense(32, Activation::Silu)
        .dense(1, Activation::Identity)
        .build()?;
    let loss = Loss::HalfSquaredError;
    let mut optimizer = Rule::from_name("adam")?;
    optimizer.set_learning_rate(0.01);
    let options = TrainingOptions {
        epochs: 200,
        optimizer,
        schedule: Schedule::from_name("one-cycle")?,
        ..TrainingOptions::default()
    };
    let mut trainer = Trainer::new(&network, &loss, network.initialize(0), options)?;
    let threads = Threads::available();
    let observer = &mut |_: &TrainingEvent<'_, f32>| ControlFlow::Continue(());
    let ending = trainer.fit(&threads, samples(&training), Some(samples(&validation)), observer)?;
    let evaluation = evaluate(&threads, &network, trainer.parameters(), &loss, samples(&validation))?;
    println!("on the validation rows: {:?}", evaluation.metrics);
    println!("{ending:?} after {} epochs, best epoch {}", trainer.epochs(), trainer.best_epoch());

    // The model file is all that is needed to predict.
    let path = std::env::temp_dir().join(format!("consumption-{}.safetensors", std::process::id()));
    let parameters = trainer.parameters().clone();
    Model { network, loss, parameters, preprocessing: None, training: None }.save(&path)?;
    let model = Model::<f32>::load(&path)?;
    let car = Matrix::from_rows(&[[1.4, 1.2]]);
    let prediction = infer(&threads, &model.network, &model.parameters, car.view())?[(0, 0)];
    let truth = 1.5 + 2.0 * 1.4 + 3.0 * 1.4 * 0.5f32.powi(2);
    println!("a car of 1.4 t at 120 km/h: {prediction:.2} predicted, {truth:.2} by the formula");
    assert!((prediction - truth).abs() < 0.1);
    std::fs::remove_file(&path).map_err(|source| Error::Io { path, source })
}
