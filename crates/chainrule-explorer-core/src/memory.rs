//! The memory of a session: what is kept of revisions, and what work under way has reserved, together below
//! one limit.
//!
//! Work reserves all that it will hold before it starts, so that nobody who waits holds anything. For whoever
//! is next in the queue the least recently used traces are dropped, then the least recently used documents.
//! What somebody works with is kept until then, and so are roots, which nothing can rebuild.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::deadline::{Clock, check_cancelled};
use crate::document::Document;
use crate::ledger::Ledger;
use crate::refusal::Refusal;
use crate::step::Step;

/// How often whoever waits looks whether it is still waited for.
const LOOK: Duration = Duration::from_millis(20);
/// The allocator keeps what is freed; so many bytes are worth to be given back to the system.
const LARGE: usize = 4 << 20;

/// What is kept and what is reserved.
#[derive(Debug)]
pub(crate) struct Memory {
    limit: usize,
    clock: Clock,
    kept: Mutex<Kept>,
    changed: Condvar,
}

/// What is kept of a revision, and not dropped as long as this exists.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) document: Option<Arc<Document>>,
    pub(crate) step: Option<Arc<Step>>,
}

/// Bytes that only one piece of work counts on, until this is dropped.
#[derive(Debug)]
pub(crate) struct Room {
    memory: Arc<Memory>,
    bytes: usize,
    /// When the bytes were there, and work began.
    pub(crate) since: Duration,
}

/// Under the lock. A panic elsewhere leaves it whole: each change is completed or not begun.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    documents: Recent<Document>,
    steps: Recent<Step>,
    ledger: Ledger,
    /// Documents that are never dropped, by revision, and their parts once more.
    roots: HashMap<usize, Arc<Document>>,
    root_parts: Ledger,
    /// Bytes of what is remembered of every revision.
    list: usize,
    reserved: usize,
    /// How many have reserved something.
    rooms: usize,
    /// Who waits, first come first served: those who need little, who do not wait behind the others, and those.
    queues: [VecDeque<u64>; 2],
    tickets: u64,
}

/// What is kept for revisions, in the order of use.
#[derive(Debug)]
struct Recent<T> {
    /// By revision, with its place in `order`.
    what: HashMap<usize, (Arc<T>, u64)>,
    order: BTreeMap<u64, usize>,
    clock: u64,
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Recent { what: HashMap::new(), order: BTreeMap::new(), clock: 0 }
    }
}

impl<T> Recent<T> {
    /// Makes it the last one used.
    fn touch(&mut self, revision: usize) -> Option<Arc<T>> {
        let (what, used) = self.what.get_mut(&revision)?;
        self.order.remove(used);
        self.clock += 1;
        *used = self.clock;
        self.order.insert(self.clock, revision);
        Some(Arc::clone(what))
    }

    fn insert(&mut self, revision: usize, what: &Arc<T>) {
        self.clock += 1;
        self.order.insert(self.clock, revision);
        self.what.insert(revision, (Arc::clone(what), self.clock));
    }

    /// Takes the least recently used one that nobody works with.
    fn take_oldest(&mut self) -> Option<Arc<T>> {
        let is_free = |revision: &&usize| Arc::strong_count(&self.what[*revision].0) == 1;
        let revision = self.order.values().find(is_free).copied()?;
        let (what, used) = self.what.remove(&revision)?;
        self.order.remove(&used);
        Some(what)
    }
}

impl Kept {
    fn bytes(&self) -> usize {
        self.ledger.bytes() + self.list + self.reserved
    }

    fn find(&mut self, revision: usize) -> Found {
        let document = self.roots.get(&revision).cloned().or_else(|| self.documents.touch(revision));
        Found { document, step: self.steps.touch(revision) }
    }

    /// Keeps a document that is never dropped.
    pub(crate) fn add_root(&mut self, revision: usize, document: &Arc<Document>) {
        self.ledger.add(document.parts());
        self.root_parts.add(document.parts());
        self.roots.insert(revision, Arc::clone(document));
    }

    /// Keeps a document as long as there is room.
    pub(crate) fn add_document(&mut self, revision: usize, document: &Arc<Document>) {
        if self.roots.contains_key(&revision) || self.documents.touch(revision).is_some() {
            return;
        }
        self.ledger.add(document.parts());
        self.documents.insert(revision, document);
    }

    /// Keeps a trace as long as there is room.
    pub(crate) fn add_step(&mut self, revision: usize, step: &Arc<Step>) {
        if self.steps.touch(revision).is_some() {
            return;
        }
        self.ledger.add(step.parts());
        self.steps.insert(revision, step);
    }

    /// Bytes more of what is remembered of every revision.
    pub(crate) fn add_to_list(&mut self, bytes: usize) {
        self.list += bytes;
    }

    /// Drops what can be dropped until no more than `most` is held; the bytes that were.
    fn drop_down_to(&mut self, most: usize) -> usize {
        let before = self.ledger.bytes();
        while self.bytes() > most {
            if let Some(step) = self.steps.take_oldest() {
                self.ledger.remove(step.parts());
            } else if let Some(document) = self.documents.take_oldest() {
                self.ledger.remove(document.parts());
            } else {
                break;
            }
        }
        before - self.ledger.bytes()
    }
}

impl Memory {
    pub(crate) fn new(limit: usize, clock: Clock) -> Arc<Memory> {
        Arc::new(Memory { limit, clock, kept: Mutex::default(), changed: Condvar::new() })
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is kept and reserved, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.lock().bytes()
    }

    /// What is remembered of revisions, in bytes.
    pub(crate) fn list_bytes(&self) -> usize {
        self.lock().list
    }

    /// Bytes of the roots, with those of another one.
    pub(crate) fn root_bytes_with(&self, document: &Arc<Document>) -> usize {
        let mut kept = self.lock();
        kept.root_parts.add(document.parts());
        let bytes = kept.root_parts.bytes();
        kept.root_parts.remove(document.parts());
        bytes
    }

    /// The nearest of these revisions whose document is kept, by its place among them.
    pub(crate) fn nearest(&self, revisions: &[usize]) -> Option<(usize, Arc<Document>)> {
        let mut kept = self.lock();
        let find = |(place, &revision): (usize, &usize)| Some((place, kept.find(revision).document?));
        revisions.iter().enumerate().find_map(find)
    }

    /// Keeps a document as long as there is room.
    pub(crate) fn keep_document(&self, revision: usize, document: &Arc<Document>) {
        self.lock().add_document(revision, document);
    }

    /// Waits until there is room for work with a revision, which needs so many bytes when this much of it is
    /// kept.
    ///
    /// # Errors
    /// When there can never be room, and when `cancelled` is set meanwhile.
    pub(crate) fn reserve(
        self: &Arc<Self>,
        revision: usize,
        need: &dyn Fn(&Found) -> usize,
        cancelled: &AtomicBool,
    ) -> Result<(Room, Found), Refusal> {
        let mut kept = self.lock();
        let root = Found { document: kept.roots.get(&revision).cloned(), step: None };
        let (most, others) = (need(&root), kept.root_parts.bytes() + kept.list);
        drop(root);
        if most.saturating_add(others) > self.limit {
            let mib = |bytes: usize| bytes.div_ceil(1 << 20);
            return Err(Refusal::TooMuch(format!(
                "this takes {} MiB of memory and the documents that are open {} MiB, and the limit is {} MiB; \
                 take fewer samples or a smaller network",
                mib(most),
                mib(others),
                mib(self.limit),
            )));
        }
        kept.tickets += 1;
        let ticket = kept.tickets;
        let queue = usize::from(need(&kept.find(revision)) > self.limit / 8);
        kept.queues[queue].push_back(ticket);
        loop {
            let refused = check_cancelled(cancelled).err();
            let granted = match (&refused, kept.queues[queue].front()) {
                (None, Some(&first)) if first == ticket => self.grant(&mut kept, revision, need),
                _ => None,
            };
            if refused.is_some() || granted.is_some() {
                kept.queues[queue].retain(|&waiting| waiting != ticket);
                self.changed.notify_all();
            }
            match (refused, granted) {
                (Some(refusal), _) => return Err(refusal),
                (None, Some((bytes, found, dropped))) => {
                    kept.rooms += 1;
                    drop(kept);
                    if dropped >= LARGE {
                        chainrule::return_freed_memory();
                    }
                    return Ok((Room { memory: Arc::clone(self), bytes, since: (self.clock)() }, found));
                }
                (None, None) => {
                    let waited = self.changed.wait_timeout(kept, LOOK);
                    kept = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }

    /// Reserves the bytes if there is room, with what is kept of the revision or else without: the bytes, what
    /// was found, and the bytes that were dropped for it.
    fn grant(
        &self,
        kept: &mut Kept,
        revision: usize,
        need: &dyn Fn(&Found) -> usize,
    ) -> Option<(usize, Found, usize)> {
        let mut found = kept.find(revision);
        let mut dropped = 0;
        loop {
            let bytes = need(&found);
            dropped += kept.drop_down_to(self.limit.saturating_sub(bytes));
            if kept.bytes() + bytes <= self.limit {
                kept.reserved += bytes;
                return Some((bytes, found, dropped));
            }
            // As long as others work, there will be more room when they are done.
            if kept.rooms > 0 {
                return None;
            }
            // What is kept of this very revision may be in the way.
            let is_root = kept.roots.contains_key(&revision);
            if found.step.take().is_some() || (!is_root && found.document.take().is_some()) {
                continue;
            }
            // What is in the way without any work under way is a caller's, who may be waiting for this.
            kept.reserved += bytes;
            return Some((bytes, found, dropped));
        }
    }
}

impl Room {
    /// Gives back all but so many bytes, and lets `keep` keep what they became.
    pub(crate) fn keep(&mut self, bytes: usize, keep: impl FnOnce(&mut Kept)) {
        let mut kept = self.memory.lock();
        let less = self.bytes.saturating_sub(bytes);
        self.bytes -= less;
        kept.reserved -= less;
        keep(&mut kept);
        let dropped = kept.drop_down_to(self.memory.limit);
        drop(kept);
        self.memory.changed.notify_all();
        if less + dropped >= LARGE {
            chainrule::return_freed_memory();
        }
    }

    /// A part of the bytes, apart; as many as there are.
    pub(crate) fn split(&mut self, bytes: usize) -> Room {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.memory.lock().rooms += 1;
        Room { memory: Arc::clone(&self.memory), bytes, since: self.since }
    }

    /// Takes more bytes if nobody waits for them, without waiting.
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let mut kept = self.memory.lock();
        if kept.queues.iter().any(|queue| !queue.is_empty()) {
            return false;
        }
        let dropped = kept.drop_down_to(self.memory.limit.saturating_sub(bytes));
        let fits = kept.bytes() + bytes <= self.memory.limit;
        if fits {
            kept.reserved += bytes;
            self.bytes += bytes;
        }
        drop(kept);
        if dropped >= LARGE {
            chainrule::return_freed_memory();
        }
        fits
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.keep(0, |kept| kept.rooms -= 1);
    }
}
