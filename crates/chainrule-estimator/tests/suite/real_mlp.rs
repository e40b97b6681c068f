//! The default preset beside pytabkit's RealMLP: the inputs, and a run with its parameters and batches (`oracle/make_real_mlp.py`).

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use chainrule::{Batch, Parameters, SampleSource, Samples, Schedule, Threads, Trainer, TrainingEvent};
use chainrule_data::{Dataset, ReadOptions, read_csv_bytes};
use chainrule_estimator::{
    Estimator, EstimatorOptions, Ingredient, Part, Preparation, PreparedSamples, Preset,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Oracle {
    schedules: BTreeMap<String, Vec<f64>>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    csv: String,
    hidden: Vec<usize>,
    learning_rate: f64,
    /// By input; none where a number is missing.
    inputs: BTreeMap<String, Vec<Option<f64>>>,
    batches: Vec<Vec<usize>>,
    start: BTreeMap<String, Tensor>,
    losses: Vec<f64>,
    end: BTreeMap<String, Tensor>,
}

#[derive(Deserialize)]
struct Tensor {
    shape: Vec<usize>,
    values: Vec<f64>,
}

fn oracle() -> Oracle {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../oracle/real_mlp.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn prepared(case: &Case) -> (Dataset, Preparation) {
    let dataset = read_csv_bytes("table.csv", case.csv.as_bytes(), &ReadOptions::default()).unwrap();
    let options = EstimatorOptions {
        preset: Some(Preset::Default),
        without: vec![Ingredient::Dropout],
        validation: Some(Part::Share(0.0)),
        test: Some(Part::Share(0.0)),
        layers: Some(case.hidden.clone()),
        batch_size: Some(case.batches[0].len()),
        learning_rate: Some(case.learning_rate),
        epochs: Some(1),
        ..EstimatorOptions::default()
    };
    let preparation = Estimator::new(options).prepare(&dataset).unwrap();
    (dataset, preparation)
}

/// All rows as the preset prepares them, in double precision.
fn samples(dataset: &Dataset, preparation: &Preparation) -> PreparedSamples<f64> {
    let rows: Vec<usize> = (0..dataset.rows()).collect();
    PreparedSamples::new(preparation.preprocessing(), dataset, &rows, None, 1, &mut Vec::new()).unwrap()
}

#[test]
fn inputs_are_scaled_as_pytabkit_scales_them() {
    for case in oracle().cases {
        let (dataset, preparation) = prepared(&case);
        let samples = samples(&dataset, &preparation);
        let (inputs, names) = (samples.input_numbers(), preparation.preprocessing().input_names());
        let mut compared = 0;
        for (column, name) in names.iter().enumerate() {
            // Two colors are one input, which is named for the first; a city is an index.
            let name = if name.starts_with("color") { "color" } else { name };
            let Some(expected) = case.inputs.get(name) else {
                assert_eq!(name, "city");
                assert!((0..12).all(|row| inputs[(row, column)] == row as f64));
                continue;
            };
            compared += 1;
            for (row, expected) in expected.iter().enumerate() {
                let found = inputs[(row, column)];
                match expected {
                    None => assert!(found.is_nan(), "{name} of row {row}: {found}"),
                    // pytabkit computes in single precision.
                    Some(expected) => {
                        assert!((found - expected).abs() < 2e-6, "{name} of row {row}: {found}, {expected}");
                    }
                }
            }
        }
        assert_eq!(compared, case.inputs.len());
    }
}

/// The rows of given batches, one after the other.
struct InOrder<'a> {
    samples: Samples<'a, f64>,
    rows: Vec<usize>,
}

impl SampleSource<f64> for InOrder<'_> {
    fn rows(&self) -> usize {
        self.rows.len()
    }

    fn is_ordered(&self) -> bool {
        true
    }

    fn gather<'a>(
        &'a self,
        rows: &[usize],
        batch: &'a mut Batch<f64>,
    ) -> chainrule::Result<Samples<'a, f64>> {
        let rows: Vec<usize> = rows.iter().map(|&row| self.rows[row]).collect();
        self.samples.gather(&rows, batch)
    }
}

fn parameters(preparation: &Preparation, tensors: &BTreeMap<String, Tensor>) -> Parameters<f64> {
    let mut parameters = preparation.network().zeros::<f64>();
    let all: Vec<_> = parameters.tensors().to_vec();
    assert_eq!(all.len(), tensors.len());
    for tensor in &all {
        let expected = &tensors[&tensor.name];
        assert_eq!(tensor.shape(), expected.shape, "{}", tensor.name);
        parameters.set_tensor(tensor, &expected.values).unwrap();
    }
    parameters
}

#[test]
fn a_run_is_pytabkits_step_for_step() {
    for case in oracle().cases {
        let (dataset, preparation) = prepared(&case);
        let samples = samples(&dataset, &preparation);
        let source = InOrder { samples: samples.samples(), rows: case.batches.concat() };
        let mut options = preparation.training_options().clone();
        // Where the preset has gone its own way: pytabkit has no average, its schedules are those of few rows too, and its periodic
        // embeddings learn at a tenth of the rate with numbers too.
        options.average = None;
        options.schedule = Schedule::LogCosine { cycles: 4 };
        options.decay_schedule = Schedule::FlatCosine { flat_fraction: 0.5 };
        for (name, factors) in &mut options.tensors {
            // Those of a table of categories have a decay of 1.
            if name.starts_with("layers.0.pieces.") && factors.decay == 0.1 {
                factors.rate = 0.1;
            }
        }
        let start = parameters(&preparation, &case.start);
        let mut trainer = Trainer::new(preparation.network(), preparation.loss(), start, options).unwrap();
        let (mut sum, mut seen, mut losses) = (0.0, 0, Vec::new());
        let mut observer = |event: &TrainingEvent<'_, f64>| {
            if let TrainingEvent::Step { samples, loss, .. } = event {
                // The mean of the epoch so far.
                let now = loss * *samples as f64;
                losses.push((now - sum) / (samples - seen) as f64);
                (sum, seen) = (now, *samples);
            }
            ControlFlow::Continue(())
        };
        trainer.fit_from(&Threads::single(), &source, None, &mut observer).unwrap();
        assert_eq!(losses.len(), case.losses.len());
        for (step, (found, expected)) in losses.iter().zip(&case.losses).enumerate() {
            assert!(
                (found - expected).abs() <= 1e-10 * expected.abs(),
                "{}, loss of step {step}: {found} instead of {expected}",
                case.name
            );
        }
        let mut moved = 0;
        for tensor in trainer.parameters().tensors() {
            let (found, expected) = (trainer.parameters().tensor(tensor).to_vec(), &case.end[&tensor.name]);
            let start = &case.start[&tensor.name];
            let largest = expected.values.iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
            for (index, (found, expected)) in found.iter().zip(&expected.values).enumerate() {
                assert!(
                    (found - expected).abs() <= 1e-10 * largest,
                    "{}, {}[{index}]: {found} instead of {expected}",
                    case.name,
                    tensor.name
                );
            }
            moved += usize::from(start.values != expected.values);
        }
        assert_eq!(moved, case.end.len(), "every tensor is learned");
    }
}

#[test]
fn schedules_are_pytabkits_at_20_points() {
    let oracle = oracle();
    for (name, schedule) in [
        ("coslog4", Schedule::LogCosine { cycles: 4 }),
        ("flat_cos", Schedule::FlatCosine { flat_fraction: 0.5 }),
    ] {
        let expected = &oracle.schedules[name];
        assert_eq!(expected.len(), 20);
        for (step, expected) in expected.iter().enumerate() {
            let found = schedule.rate(0.7, step as u64, 20, 0);
            assert!((found - 0.7 * expected).abs() < 1e-12, "{name} {step}: {found} instead of {expected}");
        }
    }
}
