//! The bytes of parts that several revisions share: each counts once, as long as anything holds it.

use std::collections::HashMap;
use std::sync::Arc;

/// A part that is shared: where it is, and its bytes.
pub(crate) type Part = (usize, usize);

/// The part behind an [`Arc`].
pub(crate) fn part<T>(what: &Arc<T>, bytes: usize) -> Part {
    (Arc::as_ptr(what).addr(), bytes)
}

/// Parts with the number of those that hold them.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    parts: HashMap<usize, (usize, usize)>,
    bytes: usize,
}

impl Ledger {
    /// Bytes of all parts.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Somebody holds these parts.
    pub(crate) fn add(&mut self, parts: impl IntoIterator<Item = Part>) {
        for (at, bytes) in parts {
            let (holders, _) = self.parts.entry(at).or_insert((0, bytes));
            *holders += 1;
            if *holders == 1 {
                self.bytes += bytes;
            }
        }
    }

    /// Who held these parts does not any more.
    pub(crate) fn remove(&mut self, parts: impl IntoIterator<Item = Part>) {
        for (at, _) in parts {
            let Some((holders, bytes)) = self.parts.get_mut(&at) else { continue };
            *holders -= 1;
            if *holders == 0 {
                self.bytes -= *bytes;
                self.parts.remove(&at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_part_counts_once_until_its_last_holder_is_gone() {
        let (one, other) = (Arc::new(1), Arc::new(2));
        let mut ledger = Ledger::default();
        ledger.add([part(&one, 100), part(&other, 10)]);
        ledger.add([part(&one, 100), part(&one, 100)]);
        assert_eq!(ledger.bytes(), 110);
        ledger.remove([part(&one, 100), part(&other, 10)]);
        assert_eq!(ledger.bytes(), 100);
        ledger.remove([part(&one, 100), part(&one, 100)]);
        assert_eq!(ledger.bytes(), 0);
    }
}
