//! Everything a run needs, made from a data set that it then does not need any more.

use chainrule::{Initialization, Model, Parameters};
use chainrule::{Loss, Network, Threads, TrainingOptions, TrainingPlan};
use chainrule_data::{Dataset, Preprocessing, choose_target, infer_task};
use serde_json::Value;
use std::path::PathBuf;

use crate::defaults::{self, Facts};
use crate::error::{EstimatorError, Result};
use crate::option_error::OptionError;
use crate::options::{EstimatorOptions, Part};
use crate::pool::Pool;
use crate::predictor::Predictor;
use crate::record::Origin;
use crate::rows::all_rows;
use crate::run::{Fitted, Observer, Run};
use crate::samples::PreparedSamples;
use crate::split::SplitRule;

/// Prepared samples, the network, and all that was chosen for a run. It does not borrow the data set.
///
/// ```
/// use chainrule_data::read;
/// use chainrule_estimator::{Estimator, EstimatorOptions, unobserved};
/// let dataset = read("digits")?;
/// let options = EstimatorOptions { layers: Some(vec![32]), epochs: Some(3), ..EstimatorOptions::default() };
/// let preparation = Estimator::new(options).prepare(&dataset)?;
/// drop(dataset);
/// assert_eq!((preparation.training_rows(), preparation.test_rows()), (1258, 359));
/// let fitted = preparation.fit(&mut unobserved)?;
/// assert_eq!((fitted.epochs, fitted.test.unwrap().rows), (3, 359));
/// # Ok::<(), chainrule_estimator::EstimatorError>(())
/// ```
#[derive(Debug)]
pub struct Preparation {
    pub(crate) origin: Origin,
    description: String,
    pub(crate) preprocessing: Preprocessing,
    notes: Vec<String>,
    pub(crate) training: PreparedSamples<f32>,
    pub(crate) validation: Option<PreparedSamples<f32>>,
    pub(crate) test: Option<PreparedSamples<f32>>,
    pub(crate) network: Network,
    pub(crate) loss: Loss,
    pub(crate) initialization: Option<Initialization>,
    pub(crate) plan: TrainingPlan,
    pub(crate) pool: Pool,
    pub(crate) resume: Option<PathBuf>,
    pub(crate) checkpoint: Option<PathBuf>,
}

impl Preparation {
    pub(crate) fn new(options: &EstimatorOptions, dataset: &Dataset) -> Result<Self> {
        let target = only_target(options)?;
        let task = infer_task(dataset, choose_target(dataset, target)?, options.task)?;
        let rule = SplitRule::new(options, dataset);
        let split = rule.split(dataset, target, task)?;
        let standardize = defaults::standardizes_target(options);
        let (preprocessing, notes) =
            Preprocessing::fit(dataset, target, Some(task), standardize, &split.training)?;
        if preprocessing.input_width() == 0 {
            return Err(EstimatorError::NoInputs { file: dataset.name.clone() });
        }
        let part = |part: &Option<Part>, rows: &[usize]| {
            if let Some(Part::Data(other)) = part {
                return PreparedSamples::new(&preprocessing, other, &all_rows(other)).map(Some);
            }
            let present = !rows.is_empty();
            present.then(|| PreparedSamples::new(&preprocessing, dataset, rows)).transpose()
        };
        let training = PreparedSamples::new(&preprocessing, dataset, &split.training)?;
        let validation = part(&options.validation, &split.validation)?;
        let test = part(&options.test, &split.test)?;

        let classes = preprocessing.class_names().map_or(0, <[String]>::len);
        let facts = Facts {
            rows: training.rows(),
            preprocessing: &preprocessing,
            class_counts: training.class_counts(classes),
            has_validation: validation.is_some(),
        };
        let loss = defaults::loss(options, &facts)?;
        let network = defaults::network(options, &facts, &loss)?;
        let training_options = defaults::training_options(options, &facts)?;
        let pool = Pool::new(options.threads);
        let rows =
            |prepared: &Option<PreparedSamples<f32>>| prepared.as_ref().map_or(0, PreparedSamples::rows);
        let plan = TrainingPlan::new(
            &network,
            &training_options,
            training.samples(),
            rows(&validation).max(rows(&test)),
            pool.threads().count(),
            options.memory.limit::<f32>(&network).as_ref(),
        )?;
        if !can_hold(plan.bytes()) {
            let (parameters, bytes) = (network.parameter_count(), plan.bytes());
            return Err(OptionError::TooLarge { parameters, bytes }.into());
        }
        let origin = Origin {
            data: dataset.name.clone(),
            rows: dataset.rows(),
            split: rule,
            options: training_options,
        };
        Ok(Preparation {
            origin,
            description: dataset.description.clone(),
            preprocessing,
            notes,
            training,
            validation,
            test,
            network,
            loss,
            initialization: options.initialization,
            plan,
            pool,
            resume: options.resume.clone(),
            checkpoint: options.checkpoint.clone(),
        })
    }

    /// A run from the start, or from the checkpoint that the options name.
    ///
    /// # Errors
    /// When the checkpoint cannot be read, and [`OptionError::OtherRun`] when it is of another run.
    pub fn start(&self) -> Result<Run<'_>> {
        Run::new(self)
    }

    /// Trains to the end, or until the observer breaks off, and measures the best model.
    ///
    /// # Errors
    /// As [`start`](Self::start) and [`Run::fit`].
    pub fn fit(&self, observer: &mut Observer<'_>) -> Result<Fitted> {
        self.start()?.fit(observer)
    }

    /// The data's name: what the user called them.
    pub fn data(&self) -> &str {
        &self.origin.data
    }

    /// One line on what was read.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// How inputs and targets are made, fitted on the training rows.
    pub fn preprocessing(&self) -> &Preprocessing {
        &self.preprocessing
    }

    /// What the user should know of the data: columns left out and why, missing cells.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// How the rows were split.
    pub fn split_rule(&self) -> &SplitRule {
        &self.origin.split
    }

    /// Rows that gradients are computed from.
    pub fn training_rows(&self) -> usize {
        self.training.rows()
    }

    /// Rows that choose the best epoch.
    pub fn validation_rows(&self) -> usize {
        self.validation.as_ref().map_or(0, PreparedSamples::rows)
    }

    /// Rows that are looked at once, at the end.
    pub fn test_rows(&self) -> usize {
        self.test.as_ref().map_or(0, PreparedSamples::rows)
    }

    /// The network that will be trained.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// What will be made small.
    pub fn loss(&self) -> &Loss {
        &self.loss
    }

    /// How it will be trained.
    pub fn training_options(&self) -> &TrainingOptions {
        &self.origin.options
    }

    /// What training will hold.
    pub fn plan(&self) -> &TrainingPlan {
        &self.plan
    }

    /// The threads that will train.
    pub fn threads(&self) -> &Threads {
        self.pool.threads()
    }

    /// A predictor with these parameters and this record.
    pub(crate) fn predictor(&self, parameters: Parameters<f32>, record: Option<Value>) -> Predictor {
        let preprocessing = serde_json::to_value(&self.preprocessing).expect("preprocessing is plain data");
        let model = Model {
            network: self.network.clone(),
            loss: self.loss.clone(),
            parameters,
            preprocessing: Some(preprocessing),
            training: record,
        };
        Predictor::of_fit(model, self.preprocessing.clone(), self.pool.clone())
    }
}

fn only_target(options: &EstimatorOptions) -> Result<Option<&str>> {
    match options.targets.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        several => Err(OptionError::SeveralTargets { count: several.len() }.into()),
    }
}

/// Whether the system would give this many bytes.
pub fn can_hold(bytes: u64) -> bool {
    usize::try_from(bytes).is_ok_and(|bytes| Vec::<u8>::new().try_reserve_exact(bytes).is_ok())
}
