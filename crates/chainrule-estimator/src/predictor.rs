//! A model with all that is needed to use it on data.

use std::borrow::Cow;
use std::path::Path;

use chainrule::{Model, Scalar};
use chainrule_data::{
    ColumnType, Dataset, InputNumber, InputPreprocessing, Note, Objective, Preprocessing, ReadOptions,
    TargetPreprocessing, Task,
};

use crate::error::{EstimatorError, Result};
use crate::measure::{Measured, Measurement, measure};
use crate::option_error::OptionError;
use crate::plain::plain_preprocessing;
use crate::pool::Pool;
use crate::predictions::{Predictions, predict};
use crate::record;
use crate::rows::{all_rows, row_place, rows_with_targets};
use crate::samples::PreparedSamples;
use crate::split::SplitPart;

/// Predicts and measures: a trained model with its preprocessing. A fit gives one, or a model file. `T` is the type of
/// its numbers, f32 but for those who look at gradients.
///
/// ```
/// use chainrule_data::read;
/// use chainrule_estimator::{Estimator, EstimatorOptions, Predictions, Predictor, unobserved};
/// let dataset = read("digits")?;
/// let options = EstimatorOptions { layers: Some(vec![32]), epochs: Some(5), ..EstimatorOptions::default() };
/// let predictor = Estimator::new(options).fit(&dataset, &mut unobserved)?;
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("digits.safetensors");
/// # let path = path.as_path();
/// predictor.save(path)?;
///
/// let predictor = Predictor::load(path)?;
/// let Predictions::Classes(predicted) = predictor.predict(&dataset)? else { unreachable!("digits are classes") };
/// println!("the first image is a {}: {:?}", predicted.name(0), predicted.scores.row(0));
/// let measured = predictor.evaluate(&dataset)?;
/// assert_eq!(measured.rows, 1797);
/// # Ok::<(), chainrule_estimator::EstimatorError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Predictor<T = f32> {
    model: Model<T>,
    preprocessing: Option<Preprocessing>,
    pool: Pool,
    /// The class that F1 is for, where not the recorded one.
    positive: Option<String>,
    /// The column of sample weights.
    weight: Option<String>,
}

impl Predictor {
    /// Reads a model file, in 32 bits.
    ///
    /// # Errors
    /// As [`load_as`](Self::load_as).
    pub fn load(path: &Path) -> Result<Self> {
        Self::load_as(path)
    }
}

impl<T: Scalar + InputNumber> Predictor<T> {
    /// Reads a model file, with numbers of type `T`.
    ///
    /// ```no_run
    /// use chainrule_estimator::Predictor;
    /// let predictor = Predictor::<f64>::load_as("digits.safetensors".as_ref())?;
    /// # Ok::<(), chainrule_estimator::EstimatorError>(())
    /// ```
    ///
    /// # Errors
    /// When the file is not a complete model, and [`EstimatorError::Model`] when its preprocessing is not valid or does
    /// not fit its network.
    pub fn load_as(path: &Path) -> Result<Self> {
        Self::of_model(Model::<T>::load(path)?)
            .map_err(|problem| EstimatorError::Model { path: path.to_owned(), problem })
    }

    /// A predictor of this model, which says itself how inputs are prepared; or of one that does not: then inputs are
    /// taken as they are, from the first columns of a table, and classes are numbers.
    ///
    /// # Errors
    /// Says what is wrong with the model's preprocessing.
    pub fn of_model(model: Model<T>) -> Result<Self, String> {
        let not_valid = "the preprocessing in the model is not valid";
        let preprocessing: Option<Preprocessing> = match &model.preprocessing {
            None => None,
            Some(value) => {
                let read = serde_json::from_value(value.clone());
                Some(read.map_err(|error| format!("{not_valid}: {error}"))?)
            }
        };
        if let Some(preprocessing) = &preprocessing {
            preprocessing.validate().map_err(|error| format!("{not_valid}: {error}"))?;
            check_fit(&model, preprocessing)?;
        }
        Ok(Predictor { model, preprocessing, pool: Pool::default(), positive: None, weight: None })
    }

    /// The same predictor with so many threads, or as many as the machine runs at once. They change no result.
    pub fn with_threads(self, count: Option<usize>) -> Self {
        Predictor { pool: Pool::new(count), ..self }
    }

    /// Writes the model file aside and renames it into place.
    ///
    /// # Errors
    /// When the system refuses; what was there before is then still there.
    pub fn save(&self, path: &Path) -> Result<()> {
        Ok(self.model.save(path)?)
    }

    /// `options`, and how data were read in training: [`chainrule_data::read_with`] reads data for this model with them.
    pub fn read_options(&self, options: ReadOptions) -> ReadOptions {
        let Some(preprocessing) = &self.preprocessing else { return options };
        let mut options = preprocessing.read_options(options);
        // Files of older versions have the type of the classes' column in the record.
        let knows =
            matches!(&preprocessing.target, TargetPreprocessing::Classes(target) if target.kind.is_some());
        if !knows && let Ok(identity) = record::identity(self.model.training.as_ref()) {
            for target in &identity.targets {
                let print = identity.data.columns.iter().find(|column| column.name == *target);
                let kind = print.and_then(|print| ColumnType::from_name(&print.kind));
                options.learned.entry(target.clone()).or_default().kind = kind;
            }
        }
        options
    }

    /// What is predicted for every row of a data set, which needs no target.
    ///
    /// # Errors
    /// A column that is not there, a text where numbers were learned, images of another size; an input so far away that
    /// the prediction is not finite. Each with its place.
    pub fn predict(&self, dataset: &Dataset) -> Result<Predictions<T>> {
        self.predict_rows(dataset, &all_rows(dataset), &mut Vec::new())
    }

    /// What is predicted for these rows, in this order. The notes tell of categories and gaps that were not learned.
    ///
    /// # Errors
    /// As [`predict`](Self::predict); and for a row that is not there.
    pub fn predict_rows(
        &self,
        dataset: &Dataset,
        rows: &[usize],
        notes: &mut Vec<Note>,
    ) -> Result<Predictions<T>> {
        let preprocessing = self.preprocessing_of(dataset)?;
        predict(self.pool.threads(), &self.model, &preprocessing, dataset, rows, notes)
    }

    /// The loss and the metrics on every row of a data set that has the target.
    ///
    /// # Errors
    /// As [`predict`](Self::predict); and for a class that was not learned, a target that the loss cannot use, or one
    /// so far from the prediction that the loss or a metric is not finite.
    pub fn evaluate(&self, dataset: &Dataset) -> Result<Measurement> {
        let mut notes = Vec::new();
        let rows = self.rows_with_targets(dataset, &mut notes)?;
        self.evaluate_rows(dataset, &rows, &mut notes)
    }

    /// The rows of a data set that have every target; a note counts the others.
    ///
    /// # Errors
    /// A target that is not there, or in no row.
    pub fn rows_with_targets(&self, dataset: &Dataset, notes: &mut Vec<Note>) -> Result<Vec<usize>> {
        rows_with_targets(&*self.preprocessing_of(dataset)?, dataset, notes)
    }

    /// The loss and the metrics on these rows.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate); for a target that is missing, and for a row that is not there.
    pub fn evaluate_rows(
        &self,
        dataset: &Dataset,
        rows: &[usize],
        notes: &mut Vec<Note>,
    ) -> Result<Measurement> {
        let preprocessing = self.preprocessing_of(dataset)?;
        let prepared = self.prepare(dataset, rows, notes)?;
        let of = Measured {
            model: &self.model,
            prepared: &prepared,
            preprocessing: &preprocessing,
            positive: self.positive_class(&preprocessing),
        };
        measure(self.pool.threads(), &of, &|row| row_place(dataset, rows[row]))
    }

    /// These rows as the engine's samples: inputs, targets, and weights where the model was trained with some.
    ///
    /// # Errors
    /// As [`evaluate_rows`](Self::evaluate_rows).
    pub fn prepare(
        &self,
        dataset: &Dataset,
        rows: &[usize],
        notes: &mut Vec<Note>,
    ) -> Result<PreparedSamples<T>> {
        let preprocessing = self.preprocessing_of(dataset)?;
        let threads = self.pool.threads().count();
        let prepared =
            PreparedSamples::new(&preprocessing, dataset, rows, self.weight.as_deref(), threads, notes)?;
        let Model { loss, network, .. } = &self.model;
        prepared.check_targets(loss, network.output_width(), &preprocessing, dataset, rows)?;
        Ok(prepared)
    }

    /// The rows that were this part of the data when the model was trained.
    ///
    /// # Errors
    /// When the model does not know, when the data are others, and when the part has no rows.
    pub fn rows_of_part(&self, dataset: &Dataset, part: SplitPart) -> Result<Vec<usize>> {
        let identity = record::identity(self.model.training.as_ref())?;
        let preprocessing = self.preprocessing_of(dataset)?;
        let mut names: Vec<&str> = identity.targets.iter().map(String::as_str).collect();
        if let InputPreprocessing::Columns(columns) = &preprocessing.inputs {
            names.extend(columns.iter().map(|column| column.name()));
        }
        names.extend([&identity.split.group, &identity.split.time].into_iter().flatten().map(String::as_str));
        let is_table = dataset.table().is_some();
        let difference = identity.data.difference(&dataset.fingerprint(), is_table.then_some(&names));
        if let Some(difference) = difference {
            return Err(OptionError::PartOfOtherData { file: dataset.name.clone(), difference }.into());
        }
        let task = match identity.task.as_str() {
            "classification" => Task::Classification,
            _ => Task::Regression,
        };
        let objective = Objective::find(dataset, &identity.targets, Some(task), &mut Vec::new())?;
        let split = identity.split.split(dataset, &objective)?;
        let rows = match part {
            SplitPart::Training => split.training,
            SplitPart::Validation => split.validation,
            SplitPart::Test => split.test,
        };
        if rows.is_empty() {
            return Err(OptionError::EmptyPart { file: dataset.name.clone() }.into());
        }
        Ok(rows)
    }

    /// The class that F1 is for, where there are two.
    fn positive_class(&self, preprocessing: &Preprocessing) -> u32 {
        let learned = match &preprocessing.target {
            TargetPreprocessing::Classes(target) => target.positive.as_deref(),
            TargetPreprocessing::Numbers(_) => None,
        };
        // Files of older versions have it in the record.
        let recorded = || record::positive(self.model.training.as_ref());
        let named = self.positive.as_deref().or(learned).or_else(recorded);
        let classes = preprocessing.class_names().unwrap_or_default();
        let found = classes.iter().take(2).position(|class| Some(class.as_str()) == named);
        found.map_or(1, |class| class as u32)
    }

    /// The same predictor, which measures F1 for this class.
    ///
    /// # Errors
    /// A class that is none of two.
    pub fn with_positive(self, positive: Option<String>) -> Result<Self> {
        let classes = self.preprocessing.as_ref().and_then(Preprocessing::class_names).unwrap_or_default();
        if let Some(given) = &positive {
            if classes.len() != 2 {
                return Err(OptionError::PositiveOfMany { classes: classes.len() }.into());
            }
            if !classes.contains(given) {
                let (given, classes) = (given.clone(), classes.to_vec());
                return Err(OptionError::NoSuchClass { given, classes }.into());
            }
        }
        Ok(Predictor { positive, ..self })
    }

    /// The column of sample weights that the model was trained with, if there was one.
    pub fn recorded_weight(&self) -> Option<String> {
        record::identity(self.model.training.as_ref()).ok()?.weight
    }

    /// The same predictor, which weighs samples by this column, in loss and metrics.
    pub fn with_weight(self, weight: Option<String>) -> Self {
        Predictor { weight, ..self }
    }

    /// Whether the model's record says that it was trained on this data set.
    pub fn was_trained_on(&self, dataset: &Dataset) -> bool {
        record::is_of_data(self.model.training.as_ref(), &dataset.name, dataset.rows())
    }

    /// The model: network, loss, parameters, and what its file says beside them.
    pub fn model(&self) -> &Model<T> {
        &self.model
    }

    /// How inputs are made and outputs read, where the model says so.
    pub fn preprocessing(&self) -> Option<&Preprocessing> {
        self.preprocessing.as_ref()
    }

    /// How inputs are made and outputs read for this data set: what the model says, or, where it says nothing, inputs as
    /// they are.
    ///
    /// # Errors
    /// [`EstimatorError::TooFewColumns`] and [`EstimatorError::Model`] where the model says nothing and the data do not
    /// fit.
    pub fn preprocessing_of(&self, dataset: &Dataset) -> Result<Cow<'_, Preprocessing>> {
        if let Some(preprocessing) = &self.preprocessing {
            return Ok(Cow::Borrowed(preprocessing));
        }
        let plain = plain_preprocessing(&self.model, dataset)?;
        plain.validate()?;
        let misfit = |problem| EstimatorError::Model { path: dataset.name.clone().into(), problem };
        check_fit(&self.model, &plain).map_err(misfit)?;
        Ok(Cow::Owned(plain))
    }

    /// A name for each output: the class, or the target. None where the outputs have no names.
    pub fn output_names(&self, dataset: &Dataset) -> Result<Option<Vec<String>>> {
        let preprocessing = self.preprocessing_of(dataset)?;
        let outputs = self.model.network.output_width();
        Ok(match preprocessing.class_names() {
            Some(names) if names.len() == outputs => Some(names.to_vec()),
            // Of two classes a single output is the second one's probability.
            Some([_, second]) => Some(vec![second.clone()]),
            Some(_) => None,
            None => {
                let names = preprocessing.target_names();
                (names.len() == outputs).then(|| names.into_iter().map(str::to_owned).collect())
            }
        })
    }
}

impl<T> Predictor<T> {
    /// A predictor whose preprocessing is known to fit.
    pub(crate) fn of_fit(model: Model<T>, preprocessing: Preprocessing, pool: Pool) -> Self {
        Predictor { model, preprocessing: Some(preprocessing), pool, positive: None, weight: None }
    }

    pub(crate) fn set_record(&mut self, record: serde_json::Value) {
        self.model.training = Some(record);
    }
}

/// Whether a preprocessing gives what a network takes, and names what it puts out.
fn check_fit<T>(model: &Model<T>, preprocessing: &Preprocessing) -> Result<(), String> {
    let (given, wanted) = (preprocessing.input_width(), model.network.input_width());
    if given != wanted {
        return Err(format!("the preprocessing gives {given} inputs, but the network takes {wanted}"));
    }
    let outputs = model.network.output_width();
    match preprocessing.class_names().map(<[String]>::len) {
        Some(classes) if classes != outputs && (classes, outputs) != (2, 1) => {
            Err(format!("there are {classes} classes, but the network has {outputs} outputs"))
        }
        _ => Ok(()),
    }
}
