//! What a server allows of memory: counted where it is taken and given back, over real connections.

mod client;

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chainrule_explorer::ServerLimits;

use client::Server;

const MIB: usize = 1 << 20;

/// The system's allocator, which counts.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn count(bytes: usize) {
    let live = LIVE.fetch_add(bytes, Ordering::Relaxed) + bytes;
    PEAK.fetch_max(live, Ordering::Relaxed);
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as the caller's.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as the caller's.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller's.
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller's.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One measurement at a time.
static MEASURING: Mutex<()> = Mutex::new(());

/// The most that was taken beside what was there before, in MiB.
fn peak_of(work: impl FnOnce()) -> usize {
    let before = LIVE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    work();
    (PEAK.load(Ordering::Relaxed) - before) / MIB
}

#[test]
fn iterations_side_by_side_stay_below_the_limit() {
    let _alone = MEASURING.lock().unwrap_or_else(PoisonError::into_inner);
    let server = Server::start(ServerLimits { memory: 28 * MIB, ..ServerLimits::default() });
    let peak = peak_of(|| {
        // 2.4 MB of parameters: a step and the work on it are some 20 MB.
        let revision = server.with_layers(&[300; 4]);
        let address = format!("api/revisions/{revision}/edits");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let (status, reply) = server.json(&address, Some(r#"{"kind":"iterate","count":30}"#));
                    assert_eq!(status, 200, "{reply}");
                });
                scope.spawn(|| {
                    let edit = r#"{"kind":"initialize","rule":"he-normal","seed":5}"#;
                    let (status, reply) = server.json(&address, Some(edit));
                    assert_eq!(status, 200, "{reply}");
                });
            }
        });
    });
    // Connections, and what a client of this test holds.
    assert!(peak <= 28 + 8, "{peak} MiB");
}

#[test]
fn answers_that_nobody_reads_count() {
    let _alone = MEASURING.lock().unwrap_or_else(PoisonError::into_inner);
    let write_time = Duration::from_millis(300);
    let server = Server::start(ServerLimits { memory: 128 * MIB, write_time, ..ServerLimits::default() });
    let revision = server.with_layers(&[1000, 1000, 2]);
    let address = server.at(&format!("api/revisions/{revision}/values/weight.2"));
    let request = server.request(&address, None, "keep-alive");
    let peak = peak_of(|| {
        let unread: Vec<TcpStream> = (0..30)
            .map(|_| {
                let mut stream = server.connect();
                stream.write_all(request.as_bytes()).unwrap();
                stream
            })
            .collect();
        // 8 MB each; when nobody takes them they are dropped, and the next ones come.
        let (status, body) = server.ask(&format!("api/revisions/{revision}/values/weight.2"), None);
        assert_eq!((status, body.len()), (200, 8_000_000));
        drop(unread);
    });
    assert!(peak <= 128 + 24, "{peak} MiB");
}

#[test]
fn what_can_never_fit_is_refused_at_once_and_says_the_limit() {
    let _alone = MEASURING.lock().unwrap_or_else(PoisonError::into_inner);
    let server = Server::start(ServerLimits { memory: 16 * MIB, ..ServerLimits::default() });
    let layers = r#"{"kind":"layers","layers":[{"width":1000,"activation":"tanh","bias":true},
        {"width":1000,"activation":"tanh","bias":true},{"width":2,"activation":"softmax","bias":true}]}"#;
    let (status, reply) = server.json("api/revisions/1/edits", Some(layers));
    let reason = reply["error"].as_str().unwrap();
    assert_eq!(status, 422);
    assert!(reason.contains("the limit is 16 MiB; take fewer samples"), "{reason}");
    assert_eq!(server.json("api/revisions/1", None).0, 200, "nothing was made, and the page goes on");
}
