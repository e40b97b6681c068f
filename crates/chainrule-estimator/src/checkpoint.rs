//! The checkpoint of a run: claimed before the run, written after each epoch. Where it cannot be written, the run goes on.

use std::path::{Path, PathBuf};

use chainrule::{FileLock, OutputFile, Trainer};
use chainrule_data::Note;

use crate::error::Result;

/// A file that no other run writes to.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    path: PathBuf,
    _lock: FileLock,
    /// The epoch that the file is of, if this run wrote it.
    written: Option<usize>,
    fails: bool,
}

impl Checkpoint {
    /// Claims the file.
    ///
    /// # Errors
    /// When another run writes to it, when it is no regular file, and when the system refuses to write there.
    pub(crate) fn claim(path: &Path) -> Result<Self> {
        let output = OutputFile::at(path)?;
        let lock = output.lock()?;
        output.check()?;
        Ok(Checkpoint { path: path.to_owned(), _lock: lock, written: None, fails: false })
    }

    /// Writes the run down; a note where that has begun to fail, or works again.
    pub(crate) fn write(&mut self, run: &Trainer<f32>) -> Option<Note> {
        let epoch = run.epochs();
        match run.save(&self.path) {
            Ok(()) => {
                self.written = Some(epoch);
                std::mem::take(&mut self.fails).then(|| {
                    let path = self.path.display();
                    Note::new("checkpoint_written", format!("{path}: was written again after epoch {epoch}"))
                })
            }
            Err(error) => (!std::mem::replace(&mut self.fails, true)).then(|| {
                let message = format!(
                    "the checkpoint of epoch {epoch} could not be written: {error}; training goes on"
                );
                Note::new("checkpoint_not_written", message)
            }),
        }
    }

    /// At the end: a note where the file is not that of the last epoch.
    pub(crate) fn behind(&self) -> Option<Note> {
        let path = self.path.display();
        let state = match self.written {
            Some(epoch) => format!("is of epoch {epoch}, the last one that could be written"),
            None => "was not written".to_owned(),
        };
        self.fails.then(|| Note::new("checkpoint_behind", format!("{path}: {state}")))
    }
}
