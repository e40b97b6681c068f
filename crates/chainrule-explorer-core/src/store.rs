//! All revisions of a session: immutable, and rebuilt from their edits when their numbers were dropped to
//! save memory.
//!
//! Each revision remembers its parent and its edit, a few hundred bytes. Documents and traces are kept as
//! long as there is [room](crate::memory) for them. An edit is a pure function, so a document that is rebuilt
//! has the same bits. Work ends when its time is over: iterations that were done are revisions, and a document
//! that is being rebuilt is kept as far as it came.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chainrule::Loss;
use serde::Serialize;

use crate::deadline::{Clock, Deadline, system_clock};
use crate::document::Document;
use crate::edit::{Edit, apply, size_after};
use crate::limits;
use crate::memory::{Found, Memory, Room};
use crate::num::Num;
use crate::refusal::Refusal;
use crate::size::Size;
use crate::step::Step;
use crate::view::Held;

/// Documents that are opened in a session.
const ROOTS: usize = 1000;
/// Revisions of a session.
const REVISIONS: usize = 1_000_000;

/// A revision that an edit made.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Made {
    revision: usize,
    label: String,
    iteration: u64,
    loss: Num,
}

/// All revisions.
#[derive(Debug)]
pub struct Store {
    memory: Arc<Memory>,
    /// How long one piece of work may take.
    time: Duration,
    /// Revision r is `revisions[r - 1]`.
    revisions: Mutex<Vec<Revision>>,
}

#[derive(Debug)]
struct Revision {
    /// The parent and what was done to it; none for a root.
    made_by: Option<(usize, Edit)>,
    label: String,
    root: usize,
    facts: Facts,
}

/// What memory the revision and its work take, without the parts that are its root's.
#[derive(Clone, Copy, Debug)]
struct Facts {
    size: Size,
    /// Its document.
    document: usize,
    /// The most that exists at a time while its document is made from its root.
    rebuilding: usize,
}

impl Facts {
    /// What it takes to have the revision's document, when so much of it is kept.
    fn document(&self, found: &Found) -> usize {
        if found.document.is_some() { 0 } else { self.rebuilding.max(self.document) }
    }

    /// What the document and the step take, made or being made, when so much of them is kept; then an answer
    /// is made.
    fn held(&self, found: &Found, answer: usize) -> usize {
        let document = if found.document.is_some() { 0 } else { self.document };
        let (trace, tracing) = match found.step {
            Some(_) => (0, 0),
            None => (self.size.trace(), self.size.tracing()),
        };
        self.document(found).max(document + trace + tracing.max(answer))
    }

    /// The most that exists while the document is changed: by an iteration or by another edit, which takes
    /// `change` bytes beside the document.
    fn changing(&self, found: &Found, edit: &Edit, change: usize) -> usize {
        // Parts of the document live on in what is made of it, even when it is dropped meanwhile.
        let changed = self.document + change;
        match edit {
            Edit::Iterate { .. } => {
                let step = if found.step.is_some() { 0 } else { self.size.trace() };
                self.held(found, 0).max(changed + step)
            }
            _ => self.document(found).max(changed),
        }
    }
}

/// What an edit made.
struct Outcome {
    /// The last one has the document and the step.
    done: Vec<Done>,
    document: Arc<Document>,
    step: Arc<Step>,
}

/// A step of an edit that is done, and is no revision yet.
struct Done {
    label: String,
    iteration: u64,
    loss: f64,
    facts: Facts,
    /// As long as there is room for it.
    document: Option<Arc<Document>>,
}

impl Store {
    /// An empty store that takes so many bytes for documents and traces and the work on them.
    pub fn new(limit: usize) -> Store {
        Store::with_time(limit, limits::WORK_TIME, system_clock)
    }

    /// The same, where one piece of work may take so long on that clock.
    pub fn with_time(limit: usize, time: Duration, clock: Clock) -> Store {
        Store { memory: Memory::new(limit, clock), time, revisions: Mutex::default() }
    }

    /// Bytes that are kept or that work has reserved; never more than the limit, except for what a caller
    /// still holds.
    pub fn bytes(&self) -> usize {
        self.memory.bytes()
    }

    /// A panic elsewhere leaves the revisions whole: each change under the lock is completed or not begun.
    fn lock(&self) -> MutexGuard<'_, Vec<Revision>> {
        self.revisions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the work for which there is room must end.
    pub(crate) fn deadline<'a>(&self, room: &Room, cancelled: &'a AtomicBool) -> Deadline<'a> {
        Deadline::new(self.memory.clock(), room.since, self.time, cancelled)
    }

    /// Room for so many bytes.
    pub(crate) fn room(&self, bytes: usize, cancelled: &AtomicBool) -> Result<Room, Refusal> {
        Ok(self.memory.reserve(0, &|_| bytes, cancelled)?.0)
    }

    /// Adds a document as a root.
    ///
    /// # Errors
    /// When its step cannot be traced, and when too many documents were opened.
    pub fn add(&self, document: Arc<Document>, label: String) -> Result<Held, Refusal> {
        Ok(self.add_for(document, label, Size::nothing, &AtomicBool::new(false))?.0)
    }

    /// The same, with room for an answer.
    pub(crate) fn add_for(
        &self,
        document: Arc<Document>,
        label: String,
        answer: fn(&Size) -> usize,
        cancelled: &AtomicBool,
    ) -> Result<(Held, Room), Refusal> {
        let size = Size::new(&document.network, document.inputs.rows());
        let of_document: usize = document.parts().map(|(_, bytes)| bytes).sum();
        let need = |_: &Found| of_document + size.trace() + size.tracing().max(answer(&size));
        // There is no revision 0, so that nothing is found.
        let (mut room, _) = self.memory.reserve(0, &need, cancelled)?;
        let step = Arc::new(document.step()?);
        let mut revisions = self.lock();
        let roots = revisions.iter().filter(|revision| revision.made_by.is_none()).count();
        let bytes = self.memory.root_bytes_with(&document);
        if roots == ROOTS || bytes > self.memory.limit() / 2 {
            return Err(Refusal::TooMuch(format!(
                "{roots} documents are open, {} MiB with this one, and the limit is {ROOTS} of {} MiB together; \
                 end `chainrule explore` and start it again",
                bytes >> 20,
                self.memory.limit() >> 21,
            )));
        }
        self.check_place(&revisions, 1)?;
        let facts = Facts { size, document: 0, rebuilding: 0 };
        let revision = revisions.len() + 1;
        let entry = Revision { made_by: None, label: label.clone(), root: revision, facts };
        let list = entry.bytes();
        revisions.push(entry);
        room.keep(answer(&size), |kept| {
            kept.add_to_list(list);
            kept.add_root(revision, &document);
            kept.add_step(revision, &step);
        });
        Ok((Held { revision, parent: None, label, document, step }, room))
    }

    /// A revision with its document and its trace, rebuilt where they were dropped.
    ///
    /// # Errors
    /// When there is no such revision, when it cannot be rebuilt in time, and when `cancelled` is set meanwhile.
    pub fn get(&self, revision: usize, cancelled: &AtomicBool) -> Result<Held, Refusal> {
        Ok(self.get_for(revision, Size::nothing, cancelled)?.0)
    }

    /// The same, with room for an answer.
    pub(crate) fn get_for(
        &self,
        revision: usize,
        answer: fn(&Size) -> usize,
        cancelled: &AtomicBool,
    ) -> Result<(Held, Room), Refusal> {
        let facts = self.facts(revision)?;
        let answer = answer(&facts.size);
        let need = |found: &Found| facts.held(found, answer);
        let (mut room, found) = self.memory.reserve(revision, &need, cancelled)?;
        let (document, step) = self.have(revision, found, &room, cancelled)?;
        let held = self.named(revision, document, step)?;
        room.keep(answer, |kept| held.keep(kept));
        Ok((held, room))
    }

    /// A revision's document, rebuilt where it was dropped.
    ///
    /// # Errors
    /// When there is no such revision, when it cannot be rebuilt in time, and when `cancelled` is set meanwhile.
    pub fn document(&self, revision: usize, cancelled: &AtomicBool) -> Result<Arc<Document>, Refusal> {
        let facts = self.facts(revision)?;
        let need = |found: &Found| facts.document(found);
        let (mut room, found) = self.memory.reserve(revision, &need, cancelled)?;
        let document = self.rebuilt(revision, found.document, &self.deadline(&room, cancelled))?;
        room.keep(0, |kept| kept.add_document(revision, &document));
        Ok(document)
    }

    /// Makes the revisions that an edit of `revision` gives: one, or one for each iteration. Iterations that
    /// are not done in time are left out.
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
        let (held, made, _) = self.edit_for(revision, edit, Size::nothing, cancelled)?;
        Ok((held, made))
    }

    /// The same, with room for an answer.
    pub(crate) fn edit_for(
        &self,
        revision: usize,
        edit: &Edit,
        answer: fn(&Size) -> usize,
        cancelled: &AtomicBool,
    ) -> Result<(Held, Vec<Made>, Room), Refusal> {
        let facts = self.facts(revision)?;
        // What comes of an edit depends on the document; it waits here and not with room.
        let (size, change) = size_after(edit, &*self.document(revision, cancelled)?);
        let need = |found: &Found| {
            let made = facts.document + change + size.trace();
            facts.changing(found, edit, change).max(made + size.tracing().max(answer(&size)))
        };
        let (mut room, found) = self.memory.reserve(revision, &need, cancelled)?;
        let deadline = self.deadline(&room, cancelled);
        let root = self.root(revision)?;
        let outcome = match edit {
            Edit::Iterate { count } => {
                let (document, step) = self.have(revision, found, &room, cancelled)?;
                limits::check_iterations(&document.network, document.inputs.rows(), *count)?;
                let most = self.memory.limit() / 8;
                iterate(&root, facts, document, step, *count, (&mut room, most), &deadline)?
            }
            _ => {
                let before = self.rebuilt(revision, found.document, &deadline)?;
                let (document, label) = apply(edit, &before)?;
                let document = Arc::new(document);
                let facts = facts.after(edit, change, &root, &document);
                let step = Arc::new(document.step()?);
                let (iteration, loss) = (document.iteration, step.trace.loss());
                let done = vec![Done { label, iteration, loss, facts, document: None }];
                Outcome { done, document, step }
            }
        };
        self.number(revision, edit, outcome, answer(&size), room)
    }

    /// Makes revisions of what is done.
    fn number(
        &self,
        mut parent: usize,
        edit: &Edit,
        outcome: Outcome,
        answer: usize,
        mut room: Room,
    ) -> Result<(Held, Vec<Made>, Room), Refusal> {
        let Outcome { done, document, step } = outcome;
        let single = match edit {
            Edit::Iterate { .. } => Edit::Iterate { count: 1 },
            other => other.clone(),
        };
        let mut revisions = self.lock();
        self.check_place(&revisions, done.len())?;
        let root = revisions[parent - 1].root;
        let (mut list, mut documents) = (0, Vec::new());
        let mut made = Vec::with_capacity(done.len());
        for Done { label, iteration, loss, facts, document } in done {
            let made_by = Some((parent, single.clone()));
            let entry = Revision { made_by, label: label.clone(), root, facts };
            list += entry.bytes();
            revisions.push(entry);
            parent = revisions.len();
            documents.extend(document.map(|document| (parent, document)));
            made.push(Made { revision: parent, label, iteration, loss: Num(loss) });
        }
        drop(revisions);
        let held = self.named(parent, document, step)?;
        room.keep(answer, |kept| {
            kept.add_to_list(list);
            documents.iter().for_each(|(revision, document)| kept.add_document(*revision, document));
            held.keep(kept);
            // Nobody works with the ones between.
            documents.clear();
        });
        Ok((held, made, room))
    }

    fn named(&self, revision: usize, document: Arc<Document>, step: Arc<Step>) -> Result<Held, Refusal> {
        let revisions = self.lock();
        let found = find(&revisions, revision)?;
        let parent = found.made_by.as_ref().map(|(parent, _)| *parent);
        Ok(Held { revision, parent, label: found.label.clone(), document, step })
    }

    fn facts(&self, revision: usize) -> Result<Facts, Refusal> {
        Ok(find(&self.lock(), revision)?.facts)
    }

    /// The document that the revision descends from.
    fn root(&self, revision: usize) -> Result<Arc<Document>, Refusal> {
        let root = find(&self.lock(), revision)?.root;
        let missing = || Refusal::Missing(format!("revision {root} has no document"));
        Ok(self.memory.nearest(&[root]).ok_or_else(missing)?.1)
    }

    /// The revision's document and step, within the room for them.
    fn have(
        &self,
        revision: usize,
        found: Found,
        room: &Room,
        cancelled: &AtomicBool,
    ) -> Result<(Arc<Document>, Arc<Step>), Refusal> {
        let document = self.rebuilt(revision, found.document, &self.deadline(room, cancelled))?;
        let step = match found.step {
            Some(step) => step,
            None => Arc::new(document.step()?),
        };
        Ok((document, step))
    }

    /// The revision's document, from the nearest ancestor that is kept.
    fn rebuilt(
        &self,
        revision: usize,
        found: Option<Arc<Document>>,
        deadline: &Deadline<'_>,
    ) -> Result<Arc<Document>, Refusal> {
        if let Some(document) = found {
            return Ok(document);
        }
        let line = self.line(revision)?;
        let missing = || Refusal::Missing(format!("revision {revision} has no document"));
        let (place, mut document) = self.memory.nearest(&line).ok_or_else(missing)?;
        for next in (0..place).rev() {
            let late = deadline.has_passed() && next + 1 < place;
            if let Some(refusal) = deadline.check_cancelled().err().or_else(|| {
                late.then(|| {
                    Refusal::TooMuch(format!(
                        "revision {revision} was dropped to save memory; {} of the {place} edits that lead to it \
                         were done again in {}; ask again to go on from there",
                        place - 1 - next,
                        deadline.in_words(),
                    ))
                })
            }) {
                self.memory.keep_document(line[next + 1], &document);
                return Err(refusal);
            }
            let edit = match &find(&self.lock(), line[next])?.made_by {
                Some((_, edit)) => edit.clone(),
                None => return Err(missing()),
            };
            document = Arc::new(apply(&edit, &document)?.0);
        }
        Ok(document)
    }

    /// The revision and its ancestors, up to the root.
    fn line(&self, revision: usize) -> Result<Vec<usize>, Refusal> {
        let revisions = self.lock();
        let mut line = vec![revision];
        while let Some((parent, _)) = &find(&revisions, line[line.len() - 1])?.made_by {
            line.push(*parent);
        }
        Ok(line)
    }

    fn check_place(&self, revisions: &[Revision], more: usize) -> Result<(), Refusal> {
        if revisions.len() + more <= REVISIONS && self.memory.list_bytes() <= self.memory.limit() / 4 {
            return Ok(());
        }
        Err(Refusal::TooMuch(format!(
            "there are {} revisions, and the limit is {REVISIONS} or {} MiB; share this one, end `chainrule \
             explore`, start it again and open the link",
            revisions.len(),
            self.memory.limit() >> 22,
        )))
    }
}

impl Facts {
    /// Those of the document that an edit makes, which takes `change` bytes.
    fn after(self, edit: &Edit, change: usize, root: &Arc<Document>, made: &Arc<Document>) -> Facts {
        Facts {
            size: Size::new(&made.network, made.inputs.rows()),
            document: made.bytes_beside(root),
            rebuilding: self.rebuilding.max(self.changing(&Found::default(), edit, change)),
        }
    }
}

impl Revision {
    /// Bytes of what is remembered of it.
    fn bytes(&self) -> usize {
        let of_edit = match &self.made_by {
            Some((_, Edit::Layers { layers })) => size_of_val(&layers[..]),
            Some((_, Edit::Loss { loss: Loss::CrossEntropy { class_weights: Some(weights), .. }, .. })) => {
                size_of_val(&weights[..])
            }
            _ => 64,
        };
        // The list grows by doubling.
        2 * size_of::<Revision>() + self.label.len() + of_edit
    }
}

fn find(revisions: &[Revision], revision: usize) -> Result<&Revision, Refusal> {
    let found = revision.checked_sub(1).and_then(|index| revisions.get(index));
    found.ok_or_else(|| Refusal::Missing(format!("there is no revision {revision}")))
}

/// As many iterations as there is time for, and at least one. Documents between take so much more room at most.
fn iterate(
    root: &Arc<Document>,
    mut facts: Facts,
    mut document: Arc<Document>,
    mut step: Arc<Step>,
    count: usize,
    (room, most): (&mut Room, usize),
    deadline: &Deadline<'_>,
) -> Result<Outcome, Refusal> {
    let mut done: Vec<Done> = Vec::new();
    let mut between = 0;
    for number in 1..=count {
        deadline.check_cancelled()?;
        if number > 1 && deadline.has_passed() {
            if let Some(last) = done.last_mut() {
                let (of, time) = (format!("{} of {count} iterations", number - 1), deadline.in_words());
                last.label = format!("stopped after {of}: {time} had passed");
            }
            break;
        }
        // The document before stays with its revision where there is room; the first one's is not its own.
        if let Some(last) = done.last_mut() {
            let bytes = facts.size.parameters();
            if between + bytes <= most && room.grow(bytes) {
                between += bytes;
                last.document = Some(Arc::clone(&document));
            }
        }
        document = Arc::new(document.advanced(&step)?);
        facts = facts.after(&Edit::Iterate { count: 1 }, facts.size.parameters(), root, &document);
        // Not beside the one that is made.
        drop(step);
        step = Arc::new(document.step()?);
        let label = format!("iteration {}", document.iteration);
        let (iteration, loss) = (document.iteration, step.trace.loss());
        done.push(Done { label, iteration, loss, facts, document: None });
    }
    Ok(Outcome { done, document, step })
}
