//! A run on disk between two epochs, so that it can go on later with the same bits.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::kept::Kept;
use super::metrics::{SECOND_CLASS, check_positive_class};
use super::plausible::{Claims, first_negative, implausible};
use super::schedule::Plateau;
use super::{Trainer, TrainingOptions, temperature};
use crate::error::{Error, Result};
use crate::kernel::Scalar;
use crate::loss::Loss;
use crate::network::Network;
use crate::optimizer::Optimizer;
use crate::parameters::Parameters;
use crate::tensor_file::{NamedTensor, TensorFile, named, write};

const KEY: &str = "chainrule_training";

/// What the tensors do not say.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    network: Network,
    loss: Loss,
    options: TrainingOptions,
    number_type: String,
    epochs: usize,
    steps: u64,
    plateau: Plateau,
    /// The epoch of the parameters to keep.
    kept_epoch: usize,
    /// Their validation loss.
    kept_loss: Option<f64>,
    /// The first epoch with that loss, where it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kept_since: Option<usize>,
    /// The class that F1 is for where there are two, unless it is the second.
    #[serde(default = "second_class", skip_serializing_if = "is_second_class")]
    positive_class: u32,
    /// The caller's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    record: Option<serde_json::Value>,
}

fn second_class() -> u32 {
    SECOND_CLASS
}

fn is_second_class(class: &u32) -> bool {
    *class == SECOND_CLASS
}

impl<T: Scalar> Trainer<T> {
    /// Writes the run aside and renames it into place. For the moments between epochs: at the event
    /// [`TrainingEvent::Epoch`](crate::TrainingEvent::Epoch), or when [`Trainer::fit`] has run to its end.
    ///
    /// # Errors
    /// When the system refuses, and within an epoch.
    #[inline(never)]
    pub fn save(&self, path: &Path) -> Result<()> {
        if self.within_epoch {
            return Err(Error::WithinEpoch);
        }
        // A sum of squares can overflow where the parameters themselves do not.
        for (index, buffer) in self.optimizer.state().iter().enumerate() {
            if let Some(tensor) = buffer.first_not_finite() {
                let name = optimizer_prefix(index) + &tensor.name;
                let reason = format!("the optimizer's state {name} has a number that is not finite");
                return Err(Error::File { path: path.to_owned(), reason });
            }
        }
        let mut options = self.options.clone();
        // A run that was resumed for fewer epochs than it had.
        options.epochs = options.epochs.max(self.epochs);
        let description = Description {
            network: self.network.clone(),
            loss: self.loss.clone(),
            options,
            number_type: T::NAME.to_owned(),
            epochs: self.epochs,
            steps: self.optimizer.steps(),
            plateau: self.plateau,
            kept_epoch: self.kept.epoch,
            kept_loss: self.kept.loss,
            kept_since: Some(self.kept.since).filter(|since| *since != self.kept.epoch),
            positive_class: self.positive_class,
            record: self.record.clone(),
        };
        let text = serde_json::to_string(&description).expect("a description is plain data");
        let mut tensors: Vec<NamedTensor<'_, T>> = named("current.", &self.parameters).collect();
        for (index, buffer) in self.optimizer.state().iter().enumerate() {
            tensors.extend(named(&optimizer_prefix(index), buffer));
        }
        tensors.extend(named("kept.", &self.kept.parameters));
        if let Some(average) = &self.average {
            tensors.extend(named("average.", average));
        }
        write(path, tensors, Some((KEY, text)))
    }

    /// Reads a run that [`Trainer::save`] wrote, to go on with [`Trainer::fit`] on the same samples.
    /// `epochs`, if given, replaces the number of epochs to run in all.
    ///
    /// # Errors
    /// When the file is not complete or not of this number type, and when what it says cannot have come from a run.
    #[inline(never)]
    pub fn resume(path: &Path, epochs: Option<usize>) -> Result<Self> {
        let file = TensorFile::open(path, KEY, "a training checkpoint")?;
        let description: Description = file.metadata(KEY, "a training checkpoint")?;
        let scaled = match description.options.temperature_scaling {
            true => temperature::check(&description.network, &description.loss),
            false => Ok(()),
        };
        let checked =
            description.options.check().and(check_positive_class(description.positive_class)).and(scaled);
        if let Err(error) = checked.and(description.loss.check(description.network.output_width())) {
            return file.fail(error.to_string());
        }
        let claims = Claims {
            loss: &description.loss,
            options: &description.options,
            epochs: description.epochs,
            steps: description.steps,
            plateau: description.plateau,
            kept_epoch: description.kept_epoch,
            kept_loss: description.kept_loss,
            kept_since: description.kept_since,
        };
        if let Some(reason) = implausible(&claims) {
            return file.fail(format!("no run can have come to this: {reason}"));
        }
        let Description {
            network, loss, mut options, number_type, epochs: completed, steps, plateau, ..
        } = description;
        let (kept_epoch, kept_loss) = (description.kept_epoch, description.kept_loss);
        let since = description.kept_since.unwrap_or(kept_epoch);
        let (positive_class, record) = (description.positive_class, description.record);
        if number_type != T::NAME {
            return file.fail(format!("a run in {number_type}; {} is wanted here", T::NAME));
        }
        let mut prefixes = vec!["current.".to_owned()];
        prefixes.extend((0..options.optimizer.state_buffers()).map(optimizer_prefix));
        prefixes.push("kept.".to_owned());
        if options.average.is_some() {
            prefixes.push("average.".to_owned());
        }
        file.check_shapes(prefixes.iter().flat_map(|prefix| {
            network.tensors().iter().map(move |tensor| (format!("{prefix}{}", tensor.name), tensor))
        }))?;
        let tensors = file.read()?;
        let read = |prefix: &str| -> Result<Parameters<T>> {
            let mut parameters = network.zeros();
            tensors.fill(prefix, &mut parameters)?;
            Ok(parameters)
        };
        let state = (0..options.optimizer.state_buffers())
            .map(|index| read(&optimizer_prefix(index)))
            .collect::<Result<Vec<_>>>()?;
        if let Some(index) = options.optimizer.squares_buffer()
            && let Some(tensor) = first_negative(&state[index])
        {
            let name = format!("{}{}", optimizer_prefix(index), tensor.name);
            return tensors.fail(format!(
                "no run can have come to this: tensor \"{name}\" sums squares, and has a number below 0"
            ));
        }
        let kept = Kept { epoch: kept_epoch, since, loss: kept_loss, parameters: read("kept.")? };
        let parameters = read("current.")?;
        let average = options.average.map(|_| read("average.")).transpose()?;
        if let Err(error) = options.check_names(&parameters) {
            return tensors.fail(error.to_string());
        }
        let mut optimizer = Optimizer::restore(options.optimizer.clone(), &parameters, state, steps);
        optimizer.set_factors(&parameters, |tensor| options.factors_of(tensor))?;
        options.epochs = epochs.unwrap_or(options.epochs);
        Ok(Trainer {
            parameters,
            optimizer,
            average,
            epochs: completed,
            within_epoch: false,
            kept,
            plateau,
            positive_class,
            record,
            plan: None,
            network,
            loss,
            options,
        })
    }
}

fn optimizer_prefix(index: usize) -> String {
    format!("optimizer.{index}.")
}
