//! What a server allows whoever is connected.

use std::time::Duration;

use chainrule_explorer_core::limits::{KEPT_BYTES, WORK_TIME};

/// What a server allows. A test may have less patience than a person.
#[derive(Clone, Copy, Debug)]
pub struct ServerLimits {
    /// Connections at a time; a browser opens six. 64.
    pub connections: usize,
    /// How long the head of a request may take to arrive, and how long a connection may be idle. 10 s.
    pub head_time: Duration,
    /// How long a body may take to arrive. 10 s.
    pub body_time: Duration,
    /// How long nothing of an answer may be taken by whoever asked. 10 s.
    pub write_time: Duration,
    /// How long one piece of work may take. [`WORK_TIME`].
    pub work_time: Duration,
    /// Bytes of all revisions, the work under way and the answers that wait to be sent.
    /// [`KEPT_BYTES`].
    pub memory: usize,
}

impl Default for ServerLimits {
    fn default() -> Self {
        let time = Duration::from_secs(10);
        ServerLimits {
            connections: 64,
            head_time: time,
            body_time: time,
            write_time: time,
            work_time: WORK_TIME,
            memory: KEPT_BYTES,
        }
    }
}
