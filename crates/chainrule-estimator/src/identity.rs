//! What identifies a run's data and what was made of them, so that a checkpoint goes on, and a model is tested, with the
//! data they belong to and no others.

use chainrule_data::{Dataset, Fingerprint, Objective, Task};
use serde::{Deserialize, Serialize};

use crate::options::{EstimatorOptions, Part};
use crate::split::SplitRule;

/// What identifies data and the way they are used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// The data, without the columns that are ignored.
    #[serde(flatten)]
    pub(crate) data: Fingerprint,
    pub(crate) targets: Vec<String>,
    /// `classification` or `regression`.
    pub(crate) task: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) classes: Vec<String>,
    pub(crate) split: SplitRule,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) weight: Option<String>,
    /// Validation data of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) validation: Option<Fingerprint>,
    /// Test data of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) test: Option<Fingerprint>,
}

impl Identity {
    pub(crate) fn new(
        options: &EstimatorOptions,
        dataset: &Dataset,
        objective: &Objective,
        split: &SplitRule,
    ) -> Self {
        let print = |dataset: &Dataset| {
            let mut print = dataset.fingerprint();
            print.columns.retain(|column| !options.ignore.contains(&column.name));
            print
        };
        let of_part = |part: &Option<Part>| match part {
            Some(Part::Data(other)) => Some(print(other)),
            _ => None,
        };
        Identity {
            data: print(dataset),
            targets: objective.target_names().to_vec(),
            task: match objective.task() {
                Task::Classification => "classification".to_owned(),
                Task::Regression => "regression".to_owned(),
            },
            classes: objective.classes().to_vec(),
            split: split.clone(),
            weight: options.weight.clone(),
            validation: of_part(&options.validation),
            test: of_part(&options.test),
        }
    }

    /// What differs in `found` from what is here, in words.
    pub(crate) fn difference(&self, found: &Self) -> Option<String> {
        if let Some(difference) = self.data.difference(&found.data, None) {
            return Some(format!("the data: {difference}"));
        }
        let targets = |identity: &Self| format!("'{}'", identity.targets.join("', '"));
        if self.targets != found.targets {
            return Some(format!("the target: {} instead of {}", targets(found), targets(self)));
        }
        if self.task != found.task {
            return Some(format!("the task: {} instead of {}", found.task, self.task));
        }
        if self.classes != found.classes {
            return Some("the classes".to_owned());
        }
        if self.split != found.split {
            return Some("how the rows are split (shares, seed, group or time column)".to_owned());
        }
        if self.weight != found.weight {
            return Some("the column of sample weights".to_owned());
        }
        for (name, mine, theirs) in
            [("validation", &self.validation, &found.validation), ("test", &self.test, &found.test)]
        {
            match (mine, theirs) {
                (Some(mine), Some(theirs)) => {
                    if let Some(difference) = mine.difference(theirs, None) {
                        return Some(format!("the {name} data: {difference}"));
                    }
                }
                (None, None) => {}
                _ => return Some(format!("whether there are {name} data of their own")),
            }
        }
        None
    }
}
