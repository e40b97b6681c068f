//! Training: two interleaved spirals, which no straight line separates, with the trainer.

use std::f32::consts::PI;
use std::ops::ControlFlow;

use chainrule::*;

/// Points on two arms, `count` on each; arm `k` is turned by half a circle.
fn spirals(count: usize, shift: f32) -> (Matrix<f32>, Vec<u32>) {
    let (mut points, mut arms) = (Vec::new(), Vec::new());
    for i in 0..count {
        for arm in 0..2 {
            let t = ((i as f32 + shift) / count as f32).sqrt();
            let angle = 3.5 * PI * t + PI * arm as f32;
            points.extend([2.0 * t * angle.cos(), 2.0 * t * angle.sin()]);
            arms.push(arm);
        }
    }
    (Matrix::from_vec(2 * count, 2, points).expect("two numbers a point"), arms)
}

fn main() -> Result<()> {
    let (inputs, classes) = spirals(400, 0.0);
    // Points between those of training.
    let (test_inputs, test_classes) = spirals(400, 0.5);
    let training =
        Samples { inputs: inputs.view().into(), targets: Targets::Classes(&classes), sample_weights: None };
    let test = Samples {
        inputs: test_inputs.view().into(),
        targets: Targets::Classes(&test_classes),
        sample_weights: None,
    };

    let network = Network::builder(2)
        .dense(64, Activation::Silu)
        .dense(64, Activation::Silu)
        .dense(2, Activation::Softmax)
        .build()?;
    let mut optimizer = Rule::from_name("adamw")?;
    optimizer.set_learning_rate(5e-3);
    let options = TrainingOptions {
        epochs: 100,
        optimizer,
        schedule: Schedule::from_name("one-cycle")?,
        ..TrainingOptions::default()
    };
    let loss = Loss::cross_entropy();
    let mut trainer = Trainer::new(&network, &loss, network.initialize(0), options)?;
    let threads = Threads::available();
    trainer.fit(&threads, training, None, &mut |event| {
        if let TrainingEvent::Epoch { report, .. } = event
            && report.epoch % 10 == 0
        {
            println!("epoch {:>3}: loss {:.5}", report.epoch, report.training_loss);
        }
        ControlFlow::Continue(())
    })?;

    let evaluation = evaluate(&threads, &network, trainer.parameters(), &loss, test)?;
    let (name, value) = evaluation.metrics.headline();
    println!("on points between those of training: {name} {value:.4}");
    assert!(value >= 0.99);
    Ok(())
}
