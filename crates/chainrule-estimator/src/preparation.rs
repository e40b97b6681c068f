//! Everything a run needs, made from a data set that it then does not need any more.

use chainrule::{Initialization, Loss, Model, Network, Parameters, Threads, TrainingOptions, TrainingPlan};
use chainrule_data::{
    Dataset, FitOptions, InputEncoding, Note, Objective, Preprocessing, TargetPreprocessing,
};
use serde_json::Value;
use std::path::PathBuf;

use crate::defaults;
use crate::error::{EstimatorError, Result};
use crate::facts::Facts;
use crate::identity::Identity;
use crate::option_error::OptionError;
use crate::options::{EstimatorOptions, Ingredient, Part, Preset};
use crate::pool::Pool;
use crate::predictor::Predictor;
use crate::record::Origin;
use crate::rows::rows_with_targets;
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
    notes: Vec<Note>,
    /// The class that F1 is for, where there are two.
    pub(crate) positive: Option<u32>,
    pub(crate) training: PreparedSamples<f32>,
    pub(crate) validation: Option<PreparedSamples<f32>>,
    pub(crate) test: Option<PreparedSamples<f32>>,
    pub(crate) network: Network,
    pub(crate) loss: Loss,
    pub(crate) initialization: Option<Initialization>,
    /// Whether dense layers start from the first batch, unless a rule is given.
    pub(crate) starts_from_batch: bool,
    pub(crate) plan: TrainingPlan,
    pub(crate) pool: Pool,
    pub(crate) resume: Option<PathBuf>,
    /// What the preset has for patience where neither that nor epochs are given: a run that is gone on with may have it, or none.
    pub(crate) usual_patience: Option<usize>,
    pub(crate) checkpoint: Option<PathBuf>,
}

impl Preparation {
    /// The notes are there also where it fails.
    pub(crate) fn new(options: &EstimatorOptions, dataset: &Dataset, notes: &mut Vec<Note>) -> Result<Self> {
        notes.extend(dataset.notes.iter().cloned());
        check_options(options, dataset)?;
        let ignored = ignored(options);
        let objective = Objective::find_beside(dataset, &options.targets, &ignored, options.task, notes)?;
        let rule = SplitRule::new(options, dataset);
        let split = rule.split(dataset, &objective)?;
        if let Some(time) = &options.time {
            notes.push(Note::new(
                "time_column",
                format!("'{time}' divides the rows and is no input, since later rows have instants that were not seen"),
            ));
        }
        let pool = Pool::new(options.threads);
        let threads = pool.count();
        let is_recipe = dataset.table().is_some() && options.preset != Some(Preset::Fast);
        let fit_options = FitOptions {
            standardize_target: defaults::standardizes_target(options),
            clamp_target: is_recipe && defaults::standardizes_target(options),
            encoding: if is_recipe { InputEncoding::Robust } else { InputEncoding::Standardized },
            ignore: ignored,
            missing: options.missing.clone(),
            threads,
        };
        let (mut preprocessing, more) =
            Preprocessing::fit(dataset, &objective, &fit_options, &split.training)?;
        notes.extend(more);
        if preprocessing.input_width() == 0 {
            return Err(EstimatorError::NoInputs { file: dataset.name.clone() });
        }

        let facts = Facts {
            rows: split.training.len(),
            preprocessing: &preprocessing,
            class_counts: objective.class_counts(&split.training),
            has_validation: matches!(options.validation, Some(Part::Data(_))) || !split.validation.is_empty(),
        };
        let positive = positive_class(options, objective.classes(), &facts.class_counts)?;
        let positive_name = positive.map(|class| objective.classes()[class as usize].clone());
        let loss = defaults::loss(options, &facts)?;
        let network = defaults::network(options, &facts, &loss)?;
        notes.extend(defaults::layers_note(options, &facts, &network));
        let training_options = defaults::training_options(options, &facts, &network, &loss)?;
        let usual_patience = match options.patience {
            Some(_) => None,
            None => {
                let without_epochs = EstimatorOptions { epochs: None, ..options.clone() };
                defaults::training_options(&without_epochs, &facts, &network, &loss)?.patience
            }
        };
        if let TargetPreprocessing::Classes(target) = &mut preprocessing.target {
            target.positive.clone_from(&positive_name);
        }
        let (outputs, weight) = (network.output_width(), options.weight.as_deref());
        let parts = Parts { preprocessing: &preprocessing, loss: &loss, outputs, weight, threads };
        let training = parts.prepare(dataset, &split.training, &mut Vec::new())?;
        let validation = parts.part("validation", &options.validation, dataset, &split.validation, notes)?;
        let test = parts.part("test", &options.test, dataset, &split.test, notes)?;

        let rows =
            |prepared: &Option<PreparedSamples<f32>>| prepared.as_ref().map_or(0, PreparedSamples::rows);
        let plan = TrainingPlan::new(
            &network,
            &training_options,
            training.samples(),
            rows(&validation).max(rows(&test)),
            threads,
            options.memory.limit::<f32>(&network).as_ref(),
        )?;
        if !can_hold(plan.bytes()) {
            let (parameters, bytes) = (network.parameter_count(), plan.bytes());
            return Err(OptionError::TooLarge { parameters, bytes }.into());
        }
        let origin = Origin {
            data: dataset.name.clone(),
            rows: dataset.rows(),
            identity: Identity::new(options, dataset, &objective, &rule),
            options: training_options,
            positive: positive_name,
        };
        Ok(Preparation {
            origin,
            description: dataset.description.clone(),
            preprocessing,
            notes: notes.clone(),
            positive,
            training,
            validation,
            test,
            network,
            loss,
            initialization: options.initialization,
            starts_from_batch: is_recipe && !options.without.contains(&Ingredient::FirstBatch),
            plan,
            pool,
            resume: options.resume.clone(),
            usual_patience,
            checkpoint: options.checkpoint.clone(),
        })
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
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// How the rows were split.
    pub fn split_rule(&self) -> &SplitRule {
        &self.origin.identity.split
    }

    /// Bytes that the prepared samples hold: those of training, of validation, and of the test.
    pub fn data_bytes(&self) -> [u64; 3] {
        let of_part = |part: &Option<PreparedSamples<f32>>| part.as_ref().map_or(0, PreparedSamples::bytes);
        [self.training.bytes(), of_part(&self.validation), of_part(&self.test)]
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

    /// A model with these parameters and this record.
    pub(crate) fn model(&self, parameters: Parameters<f32>, record: Option<Value>) -> Model<f32> {
        let preprocessing = serde_json::to_value(&self.preprocessing).expect("preprocessing is plain data");
        Model {
            network: self.network.clone(),
            loss: self.loss.clone(),
            parameters,
            preprocessing: Some(preprocessing),
            training: record,
        }
    }

    /// A predictor with these parameters and this record.
    pub(crate) fn predictor(&self, parameters: Parameters<f32>, record: Option<Value>) -> Predictor {
        let model = self.model(parameters, record);
        Predictor::of_fit(model, self.preprocessing.clone(), self.pool.clone())
    }
}

/// What rows of every part are prepared with.
struct Parts<'a> {
    preprocessing: &'a Preprocessing,
    loss: &'a Loss,
    outputs: usize,
    weight: Option<&'a str>,
    threads: usize,
}

impl Parts<'_> {
    /// These rows, whose targets the loss can use.
    fn prepare(
        &self,
        dataset: &Dataset,
        rows: &[usize],
        notes: &mut Vec<Note>,
    ) -> Result<PreparedSamples<f32>> {
        let preprocessing = self.preprocessing;
        let prepared = PreparedSamples::new(preprocessing, dataset, rows, self.weight, self.threads, notes)?;
        prepared.check_targets(self.loss, self.outputs, preprocessing, dataset, rows)?;
        Ok(prepared)
    }

    /// A part with data of its own, or these rows; `None` where there are none.
    fn part(
        &self,
        name: &str,
        part: &Option<Part>,
        dataset: &Dataset,
        rows: &[usize],
        notes: &mut Vec<Note>,
    ) -> Result<Option<PreparedSamples<f32>>> {
        let Some(Part::Data(other)) = part else {
            // Categories that only these rows have are no news: they were set aside from the same data.
            let prepare = || self.prepare(dataset, rows, &mut Vec::new());
            return (!rows.is_empty()).then(prepare).transpose();
        };
        let mut of_part = other.notes.clone();
        let rows = rows_with_targets(self.preprocessing, other, &mut of_part)?;
        let prepared = self.prepare(other, &rows, &mut of_part)?;
        let named = |note: Note| Note::new(note.code, format!("{name} data: {}", note.message));
        notes.extend(of_part.into_iter().map(named));
        Ok(Some(prepared))
    }
}

/// Refuses options that do not suit each other, or images.
fn check_options(options: &EstimatorOptions, dataset: &Dataset) -> Result<()> {
    if options.group.is_some() && options.time.is_some() {
        return Err(OptionError::GroupAndTime.into());
    }
    if options.resume.is_some() && options.initialization.is_some() {
        return Err(OptionError::InitializationOfResumed.into());
    }
    if dataset.table().is_none() {
        let for_tables = [
            ("ignore", !options.ignore.is_empty()),
            ("weight", options.weight.is_some()),
            ("group", options.group.is_some()),
            ("time", options.time.is_some()),
        ];
        if let Some((option, _)) = for_tables.into_iter().find(|(_, given)| *given) {
            return Err(OptionError::ForTables { option }.into());
        }
    }
    Ok(())
}

/// The columns that are no inputs, whatever they hold.
fn ignored(options: &EstimatorOptions) -> Vec<String> {
    let of_rows = [&options.weight, &options.group, &options.time];
    options.ignore.iter().chain(of_rows.into_iter().flatten()).cloned().collect()
}

/// The class that F1 is for, of two: the one that is named, else the rarer one among the training rows.
fn positive_class(options: &EstimatorOptions, classes: &[String], counts: &[usize]) -> Result<Option<u32>> {
    match (&options.positive, classes) {
        (None, [_, _]) => Ok(Some(u32::from(counts[1] <= counts[0]))),
        (None, _) => Ok(None),
        (Some(given), [_, _]) => match classes.iter().position(|class| class == given) {
            Some(class) => Ok(Some(class as u32)),
            None => Err(OptionError::NoSuchClass { given: given.clone(), classes: classes.to_vec() }.into()),
        },
        (Some(_), _) => Err(OptionError::PositiveOfMany { classes: classes.len() }.into()),
    }
}

/// Whether the system would give this many bytes.
pub fn can_hold(bytes: u64) -> bool {
    usize::try_from(bytes).is_ok_and(|bytes| Vec::<u8>::new().try_reserve_exact(bytes).is_ok())
}
