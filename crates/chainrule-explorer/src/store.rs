//! All revisions of a session: immutable, and rebuilt from their edits when their numbers were dropped to
//! save memory.
//!
//! Each revision remembers its parent and its edit, a few hundred bytes. Documents and traces are kept as
//! long as they fit into a limit; beyond it the least recently used traces go first, then the least recently
//! used documents. An edit is a pure function, so a document that is rebuilt has the same bits. Roots, which
//! have no edit to be rebuilt from, are never dropped; their number and their bytes are bounded instead.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::document::Document;
use crate::edit::{Edit, apply};
use crate::limits;
use crate::num::Num;
use crate::refusal::Refusal;
use crate::step::Step;
use crate::view::Held;

/// Bytes of documents and traces that are kept, unless [`Store::new`] is told otherwise.
pub const KEPT_BYTES: usize = 512 * 1024 * 1024;
/// Documents that are opened in a session.
const ROOTS: usize = 1000;
/// Revisions of a session.
const REVISIONS: usize = 1_000_000;

/// A revision that an edit made.
#[derive(Clone, Debug, Serialize)]
pub struct Made {
    revision: usize,
    label: String,
    iteration: u64,
    loss: Num,
}

/// All revisions.
#[derive(Debug)]
pub struct Store {
    limit: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Revision r is `revisions[r - 1]`.
    revisions: Vec<Revision>,
    /// Which revisions' traces and documents are kept, the least recently used first.
    steps: BTreeMap<u64, usize>,
    documents: BTreeMap<u64, usize>,
    kept_bytes: usize,
    root_bytes: usize,
    roots: usize,
    clock: u64,
}

#[derive(Debug)]
struct Revision {
    /// The parent and what was done to it; none for a root.
    made_by: Option<(usize, Edit)>,
    label: String,
    document: Option<Kept<Document>>,
    step: Option<Kept<Step>>,
}

#[derive(Clone, Debug)]
struct Kept<T> {
    what: Arc<T>,
    bytes: usize,
    /// Its key among the kept ones; 0 for a root's document.
    used: u64,
}

impl Store {
    /// An empty store that keeps so many bytes of documents and traces.
    pub fn new(limit: usize) -> Store {
        Store { limit, inner: Mutex::default() }
    }

    /// A panic elsewhere leaves the revisions whole: each change under the lock is completed or not begun.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a document as a root.
    ///
    /// # Errors
    /// When its step cannot be traced, and when too many documents were opened.
    pub fn add(&self, document: Arc<Document>, label: String) -> Result<Held, Refusal> {
        let step = Arc::new(document.step()?);
        let bytes = document.bytes() + document.shared_bytes();
        let mut inner = self.lock();
        let again = "end `chainrule explore` and start it again";
        if inner.roots == ROOTS || inner.root_bytes + bytes > self.limit / 2 {
            return Err(Refusal::TooMuch(format!(
                "{} documents are open, {} MiB, and the limit is {ROOTS} of {} MiB together; {again}",
                inner.roots,
                inner.root_bytes >> 20,
                self.limit >> 21,
            )));
        }
        inner.check_room(1)?;
        inner.roots += 1;
        inner.root_bytes += bytes;
        inner.kept_bytes += bytes;
        let kept = Kept { what: Arc::clone(&document), bytes, used: 0 };
        inner.revisions.push(Revision {
            made_by: None,
            label: label.clone(),
            document: Some(kept),
            step: None,
        });
        let revision = inner.revisions.len();
        inner.keep_step(revision, &step);
        inner.evict(self.limit);
        Ok(Held { revision, parent: None, label, document, step })
    }

    /// A revision with its document and its trace, rebuilt where they were dropped.
    ///
    /// # Errors
    /// When there is no such revision, and when `cancelled` is set meanwhile.
    pub fn get(&self, revision: usize, cancelled: &AtomicBool) -> Result<Held, Refusal> {
        let document = self.document(revision, cancelled)?;
        let (parent, label, step) = {
            let mut inner = self.lock();
            let step = inner.touched_step(revision);
            let found = inner.revision(revision)?;
            (found.made_by.as_ref().map(|(parent, _)| *parent), found.label.clone(), step)
        };
        let step = match step {
            Some(step) => step,
            None => {
                let step = Arc::new(document.step()?);
                let mut inner = self.lock();
                inner.keep_step(revision, &step);
                inner.evict(self.limit);
                step
            }
        };
        Ok(Held { revision, parent, label, document, step })
    }

    /// A revision's document, rebuilt where it was dropped.
    ///
    /// # Errors
    /// When there is no such revision, and when `cancelled` is set meanwhile.
    pub fn document(&self, revision: usize, cancelled: &AtomicBool) -> Result<Arc<Document>, Refusal> {
        // The edits between the nearest kept ancestor and the revision, the last one first.
        let mut edits = Vec::new();
        let mut document = {
            let mut inner = self.lock();
            let mut at = revision;
            loop {
                inner.revision(at)?;
                if let Some(document) = inner.touched_document(at) {
                    break document;
                }
                let Some((parent, edit)) = inner.revision(at)?.made_by.clone() else {
                    return Err(Refusal::Missing(format!("revision {at} has no document")));
                };
                edits.push(edit);
                at = parent;
            }
        };
        if edits.is_empty() {
            return Ok(document);
        }
        for edit in edits.iter().rev() {
            check_cancelled(cancelled)?;
            document = Arc::new(apply(edit, &document)?.0);
        }
        let mut inner = self.lock();
        inner.keep_document(revision, &document);
        inner.evict(self.limit);
        Ok(document)
    }

    /// Makes the revisions that an edit of `revision` gives: one, or one for each iteration.
    ///
    /// # Errors
    /// When there is no such revision, when the edit is impossible, and when `cancelled` is set meanwhile;
    /// then no revision was made.
    pub fn edit(
        &self,
        revision: usize,
        edit: &Edit,
        cancelled: &AtomicBool,
    ) -> Result<(Held, Vec<Made>), Refusal> {
        let start = self.get(revision, cancelled)?;
        let (count, single) = match edit {
            Edit::Iterate { count } => {
                let document = &start.document;
                limits::check_iterations(&document.network, document.inputs.rows(), *count)?;
                (*count, Edit::Iterate { count: 1 })
            }
            other => (1, other.clone()),
        };
        // What was made but not yet given a number: label, loss, iteration, and the document as long as
        // memory lasts.
        let mut made = Vec::with_capacity(count);
        let (mut document, mut step) = (start.document, start.step);
        let mut bytes = 0;
        for _ in 0..count {
            check_cancelled(cancelled)?;
            let label;
            (document, label) = match &single {
                Edit::Iterate { .. } => {
                    let after = document.advanced(&step)?;
                    let label = format!("iteration {}", after.iteration);
                    (Arc::new(after), label)
                }
                other => {
                    let (after, label) = apply(other, &document)?;
                    (Arc::new(after), label)
                }
            };
            step = Arc::new(document.step()?);
            bytes += document.bytes();
            let kept = (bytes < self.limit / 4).then(|| Arc::clone(&document));
            made.push((label, document.iteration, step.trace.loss(), kept));
        }

        let mut inner = self.lock();
        inner.check_room(count)?;
        let mut parent = revision;
        let mut list = Vec::with_capacity(count);
        for (label, iteration, loss, kept) in made {
            let made_by = Some((parent, single.clone()));
            inner.revisions.push(Revision { made_by, label: label.clone(), document: None, step: None });
            parent = inner.revisions.len();
            if let Some(document) = kept {
                inner.keep_document(parent, &document);
            }
            list.push(Made { revision: parent, label, iteration, loss: Num(loss) });
        }
        inner.keep_document(parent, &document);
        inner.keep_step(parent, &step);
        inner.evict(self.limit);
        let made_from = inner.revision(parent)?.made_by.as_ref().map(|(from, _)| *from);
        let label = inner.revision(parent)?.label.clone();
        Ok((Held { revision: parent, parent: made_from, label, document, step }, list))
    }
}

fn check_cancelled(cancelled: &AtomicBool) -> Result<(), Refusal> {
    if cancelled.load(Ordering::Relaxed) {
        return Err(Refusal::Invalid("the request was given up".to_owned()));
    }
    Ok(())
}

impl Inner {
    fn revision(&self, revision: usize) -> Result<&Revision, Refusal> {
        let found = revision.checked_sub(1).and_then(|index| self.revisions.get(index));
        found.ok_or_else(|| Refusal::Missing(format!("there is no revision {revision}")))
    }

    fn check_room(&self, more: usize) -> Result<(), Refusal> {
        if self.revisions.len() + more <= REVISIONS {
            return Ok(());
        }
        Err(Refusal::TooMuch(format!(
            "there are {} revisions, and the limit is {REVISIONS}; share this one, end `chainrule \
             explore`, start it again and open the link",
            self.revisions.len(),
        )))
    }

    fn touched_document(&mut self, revision: usize) -> Option<Arc<Document>> {
        let kept = self.revisions[revision - 1].document.as_mut()?;
        if kept.used > 0 {
            self.documents.remove(&kept.used);
            self.clock += 1;
            kept.used = self.clock;
            self.documents.insert(kept.used, revision);
        }
        Some(Arc::clone(&kept.what))
    }

    fn touched_step(&mut self, revision: usize) -> Option<Arc<Step>> {
        let kept = self.revisions.get_mut(revision.checked_sub(1)?)?.step.as_mut()?;
        self.steps.remove(&kept.used);
        self.clock += 1;
        kept.used = self.clock;
        self.steps.insert(kept.used, revision);
        Some(Arc::clone(&kept.what))
    }

    fn keep_document(&mut self, revision: usize, document: &Arc<Document>) {
        if self.touched_document(revision).is_some() {
            return;
        }
        self.clock += 1;
        let (bytes, used) = (document.bytes(), self.clock);
        self.revisions[revision - 1].document = Some(Kept { what: Arc::clone(document), bytes, used });
        self.documents.insert(used, revision);
        self.kept_bytes += bytes;
    }

    fn keep_step(&mut self, revision: usize, step: &Arc<Step>) {
        if self.touched_step(revision).is_some() {
            return;
        }
        self.clock += 1;
        let (bytes, used) = (step_bytes(step), self.clock);
        self.revisions[revision - 1].step = Some(Kept { what: Arc::clone(step), bytes, used });
        self.steps.insert(used, revision);
        self.kept_bytes += bytes;
    }

    /// Drops what was used least recently until the rest fits; the last one used stays, however large.
    fn evict(&mut self, limit: usize) {
        while self.kept_bytes > limit && self.steps.len() > 1 {
            let Some((_, revision)) = self.steps.pop_first() else { break };
            let step = self.revisions[revision - 1].step.take();
            self.kept_bytes -= step.map_or(0, |step| step.bytes);
        }
        while self.kept_bytes > limit && self.documents.len() > 1 {
            let Some((_, revision)) = self.documents.pop_first() else { break };
            let document = self.revisions[revision - 1].document.take();
            self.kept_bytes -= document.map_or(0, |document| document.bytes);
        }
    }
}

/// Bytes of a trace, about; its parameters and inputs are the document's.
fn step_bytes(step: &Step) -> usize {
    let numbers: usize = step.trace.values().map(|value| 200 + size_of_val(&value.values[..])).sum();
    numbers + 400 * step.trace.events.len()
}
