//! Twenty short runs, trained in memory: all that they need is in the engine.

// The runs' files are written by one of those who use this, their parameters are compared by another.
#![allow(dead_code)]

use std::ops::ControlFlow;

use crate::common::*;
use chainrule::optimizer::{Adagrad, Adam, AdamW, RmsProp, Sgd};
use chainrule::plan::{MemoryLimit, MicroBatches};
use chainrule::*;

/// FNV-1a (Fowler, Noll, Vo), 64 bits.
pub(crate) struct Digest(pub(crate) u64);

impl Digest {
    pub(crate) fn new() -> Self {
        Digest(0xcbf2_9ce4_8422_2325)
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn number(&mut self, number: f64) {
        self.bytes(&number.to_bits().to_le_bytes());
    }

    fn of_numbers<T: Scalar>(numbers: &[T]) -> u64 {
        let mut digest = Digest::new();
        numbers.iter().for_each(|number| digest.number(number.as_f64()));
        digest.0
    }
}

/// What a run depends on.
pub(crate) struct Run {
    pub(crate) name: &'static str,
    network: NetworkBuilder,
    loss: Loss,
    options: TrainingOptions,
    rows: usize,
    classes: bool,
    weighted: bool,
    threads: usize,
    /// Bytes of the plain step's that the run may hold, in percent, and into how many parts it may cut a batch.
    limit: Option<(u64, MicroBatches)>,
}

impl Run {
    fn new(name: &'static str, network: NetworkBuilder, loss: Loss, optimizer: Rule) -> Self {
        let options = TrainingOptions {
            epochs: 3,
            batch_size: 16,
            optimizer,
            seed: name.len() as u64,
            ..TrainingOptions::default()
        };
        Run {
            name,
            network,
            loss,
            options,
            rows: 53,
            classes: false,
            weighted: false,
            threads: 2,
            limit: None,
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Run)) -> Self {
        change(&mut self);
        self
    }

    /// Trains, and tells of the end of each epoch.
    pub(crate) fn train<T: Scalar>(&self, after_epoch: &mut dyn FnMut(&Trainer<T>)) -> Outcome<T> {
        let network = self.network.clone().build().unwrap();
        let mut numbers = Numbers::new(self.name.bytes().map(u64::from).sum());
        let mut data = |rows: usize| {
            let mut data = numbers.data(&network, &self.loss, rows);
            if self.classes {
                data.targets = numbers.classes(rows, network.output_width().max(2));
            }
            if self.weighted {
                data.weights = Some((0..rows).map(|_| 0.25 + numbers.unit()).collect());
            }
            data.cast::<T>()
        };
        let (training, validation) = (data(self.rows), data(19));
        let threads = Threads::new(self.threads);
        let parameters = network.initialize::<T>(self.options.seed);
        let mut trainer = Trainer::new(&network, &self.loss, parameters, self.options.clone()).unwrap();
        if let Some((percent, microbatches)) = self.limit {
            let plan = |limit: Option<&MemoryLimit>| {
                let samples = training.samples();
                TrainingPlan::new::<T>(&network, &self.options, samples, 19, self.threads, limit)
            };
            let plain = plan(None).unwrap().bytes();
            let limit = MemoryLimit { bytes: plain * percent / 100, microbatches, forward_costs: None };
            trainer.set_plan(plan(Some(&limit)).unwrap());
        }
        let mut losses = Digest::new();
        trainer
            .fit(&threads, training.samples(), Some(validation.samples()), &mut |event| {
                match event {
                    TrainingEvent::Step { loss, .. } => losses.number(*loss),
                    TrainingEvent::Epoch { report, run } => {
                        losses.number(report.training_loss);
                        losses.number(report.validation.as_ref().unwrap().loss);
                        losses.number(report.learning_rate);
                        after_epoch(run);
                    }
                    _ => {}
                }
                ControlFlow::Continue(())
            })
            .unwrap();
        let parameters = trainer.parameters().clone();
        let predictions = infer(&threads, &network, &parameters, validation.inputs.view()).unwrap();
        assert!(predictions.as_slice().iter().all(|value| value.is_finite()), "{}", self.name);
        let predictions = Digest::of_numbers(predictions.as_slice());
        let model =
            Model { network, loss: self.loss.clone(), parameters, preprocessing: None, training: None };
        Outcome { losses: losses.0, model, predictions }
    }
}

/// What a run comes to: its model, and digests of its losses and predictions.
pub(crate) struct Outcome<T> {
    pub(crate) losses: u64,
    pub(crate) model: Model<T>,
    pub(crate) predictions: u64,
}

impl<T: Scalar> Outcome<T> {
    /// Digests of losses, parameters and predictions.
    pub(crate) fn digests(&self) -> [u64; 3] {
        let parameters = &self.model.parameters;
        let numbers: Vec<T> =
            parameters.tensors().iter().flat_map(|tensor| parameters.tensor(tensor).to_vec()).collect();
        [self.losses, Digest::of_numbers(&numbers), self.predictions]
    }
}

pub(crate) fn runs() -> Vec<Run> {
    use Activation::*;
    let (cross_entropy, squared) = (Loss::cross_entropy, || Loss::MeanSquaredError);
    let network = Network::builder;
    let sgd = |momentum: f64, nesterov: bool| {
        Rule::Sgd(Sgd { learning_rate: 0.05, momentum, nesterov, ..Sgd::default() })
    };
    let adam = || Rule::Adam(Adam { learning_rate: 0.01, ..Adam::default() });
    let one_cycle = Schedule::OneCycle { warmup_fraction: 0.3, initial_divisor: 25.0, final_divisor: 1e4 };
    vec![
        Run::new("plain", network(3).dense(5, Tanh).dense(2, Identity), squared(), sgd(0.0, false)),
        Run::new("classes", network(7).dense(17, Relu).dense(4, Softmax), cross_entropy(), adam())
            .with(|run| run.classes = true),
        Run::new(
            "wide",
            network(33).dense(129, Relu).dense(65, Tanh).dense(3, Softmax),
            cross_entropy(),
            adam(),
        )
        .with(|run| (run.rows, run.options.batch_size) = (301, 128)),
        Run::new(
            "kept-z",
            network(5).dense(31, Gelu).dense(16, Silu).dense(9, Mish).dense(2, Identity),
            squared(),
            adam(),
        ),
        Run::new(
            "gelu-tanh",
            network(5).dense(12, GeluTanh).dense(1, Identity),
            Loss::HalfSquaredError,
            sgd(0.9, true),
        ),
        Run::new(
            "slopes",
            network(6)
                .dense(10, LeakyRelu { negative_slope: 0.1 })
                .dense(8, Elu { alpha: 0.7 })
                .dense(7, Selu)
                .dense(3, Identity),
            Loss::MeanAbsoluteError,
            sgd(0.9, false),
        ),
        Run::new(
            "saturating",
            network(4).dense(11, Sigmoid).dense(6, HardSigmoid).dense(5, Softplus).dense(1, Sigmoid),
            Loss::BinaryCrossEntropy,
            Rule::RmsProp(RmsProp { momentum: 0.5, centered: true, ..RmsProp::default() }),
        )
        .with(|run| run.classes = true),
        Run::new(
            "dropout",
            network(8)
                .dropout(0.2)
                .dense(24, Relu)
                .dropout(0.5)
                .dense(13, Tanh)
                .dropout(0.1)
                .dense(5, Softmax),
            cross_entropy(),
            adam(),
        )
        .with(|run| run.weighted = true),
        Run::new(
            "no-bias",
            network(9).dense_without_bias(15, Tanh).dense_without_bias(4, Sigmoid),
            Loss::BinaryCrossEntropy,
            adam(),
        ),
        Run::new(
            "smoothed",
            network(5).dense(14, Silu).dense(3, Softmax),
            Loss::CrossEntropy { label_smoothing: 0.1, class_weights: Some(vec![1.0, 2.0, 0.5]) },
            Rule::AdamW(AdamW::default()),
        )
        .with(|run| (run.classes, run.weighted) = (true, true)),
        Run::new("logits", network(5).dense(14, Relu).dense(3, Identity), cross_entropy(), adam()),
        Run::new("counts", network(4).dense(9, Softplus).dense(2, Identity), Loss::Poisson, adam()),
        Run::new(
            "huber",
            network(4).dense(9, Tanh).dense(2, Identity),
            Loss::Huber { delta: 0.5 },
            Rule::Adagrad(Adagrad::default()),
        ),
        Run::new(
            "quantile",
            network(4).dense(9, Tanh).dense(2, Identity),
            Loss::Quantile { quantile: 0.9 },
            adam(),
        ),
        Run::new(
            "softmax-labels",
            network(4).dense(9, Tanh).dense(3, Softmax),
            Loss::BinaryCrossEntropy,
            adam(),
        ),
        Run::new("clipped", network(6).dense(20, Relu).dense(3, Softmax), cross_entropy(), adam()).with(
            |run| {
                run.options.clipping = Some(Clipping::GlobalNorm(0.1));
                run.options.schedule = one_cycle;
            },
        ),
        Run::new("scheduled", network(6).dense(20, Relu).dense(1, Identity), squared(), sgd(0.9, false))
            .with(|run| {
                run.options.clipping = Some(Clipping::Value(0.05));
                run.options.schedule =
                    Schedule::ReduceOnPlateau { factor: 0.5, patience: 0, threshold: 1e-4 };
                run.options.warmup_epochs = 0.5;
                run.options.epochs = 6;
            }),
        Run::new(
            "limited",
            (0..12)
                .fold(network(10), |builder, l| builder.dense(20 + l, if l % 3 == 0 { Gelu } else { Tanh }))
                .dropout(0.3)
                .dense(4, Softmax),
            cross_entropy(),
            adam(),
        )
        .with(|run| {
            (run.limit, run.options.batch_size, run.rows) = (Some((70, MicroBatches::Exactly(1))), 96, 200)
        }),
        Run::new(
            "cut-up",
            (0..5).fold(network(10), |builder, _| builder.dense(40, Relu)).dense(4, Softmax),
            cross_entropy(),
            adam(),
        )
        .with(|run| {
            (run.limit, run.options.batch_size, run.rows) = (Some((75, MicroBatches::Exactly(3))), 100, 230)
        }),
        Run::new(
            "alone",
            network(40).dense(300, Relu).dense(50, Elu { alpha: 1.0 }).dense(10, Softmax),
            cross_entropy(),
            adam(),
        )
        .with(|run| {
            (run.classes, run.threads, run.rows, run.options.batch_size) = (true, 1, 500, 256);
            run.options.schedule = Schedule::Cosine { minimum: 1e-4 };
        }),
    ]
}
