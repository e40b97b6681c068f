//! Who is connected: so many slots, and when all are taken the oldest stranger gives way.
//!
//! A stranger is a connection over which nobody has shown the session's token. A browser's connection is one
//! for the moment until its first request is read; whoever came before it and has shown nothing goes first.
//! Who has shown the token is never sent away.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// All slots.
#[derive(Debug)]
pub(crate) struct ConnectionSlots {
    most: usize,
    taken: Mutex<Taken>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Taken {
    /// In the order in which they came.
    visitors: BTreeMap<u64, (Visitor, Arc<Notify>)>,
    last: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Visitor {
    Stranger,
    Known,
}

/// A slot of one connection, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct ConnectionSlot {
    slots: Arc<ConnectionSlots>,
    number: u64,
    gives_way: Arc<Notify>,
}

impl Taken {
    fn oldest_stranger(&self) -> Option<u64> {
        let mut visitors = self.visitors.iter();
        visitors.find(|(_, (kind, _))| *kind == Visitor::Stranger).map(|(number, _)| *number)
    }
}

impl ConnectionSlots {
    pub(crate) fn new(most: usize) -> Arc<ConnectionSlots> {
        Arc::new(ConnectionSlots { most, taken: Mutex::default(), changed: Notify::new() })
    }

    /// Each change under the lock is completed or not begun.
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until somebody can come: there is a slot, or a stranger who gives way.
    pub(crate) async fn ready(&self) {
        loop {
            let changed = self.changed.notified();
            let can_come = {
                let taken = self.lock();
                taken.visitors.len() < self.most || taken.oldest_stranger().is_some()
            };
            if can_come {
                return;
            }
            changed.await;
        }
    }

    /// A slot for who has come; the oldest stranger makes room for it.
    pub(crate) fn take(self: &Arc<Self>) -> ConnectionSlot {
        let mut taken = self.lock();
        if taken.visitors.len() >= self.most {
            let oldest = taken.oldest_stranger();
            if let Some((_, gives_way)) = oldest.and_then(|number| taken.visitors.remove(&number)) {
                gives_way.notify_one();
            }
        }
        taken.last += 1;
        let (number, gives_way) = (taken.last, Arc::<Notify>::default());
        taken.visitors.insert(number, (Visitor::Stranger, Arc::clone(&gives_way)));
        ConnectionSlot { slots: Arc::clone(self), number, gives_way }
    }
}

impl ConnectionSlot {
    /// The token was shown.
    pub(crate) fn is_known(&self) {
        if let Some((kind, _)) = self.slots.lock().visitors.get_mut(&self.number) {
            *kind = Visitor::Known;
        }
    }

    /// Waits until the connection must end for another one.
    pub(crate) async fn gives_way(&self) {
        self.gives_way.notified().await;
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.slots.lock().visitors.remove(&self.number);
        self.slots.changed.notify_one();
    }
}
