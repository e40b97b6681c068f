//! The explorer's answers as a WebAssembly module, for a page that needs no server.
//!
//! Words go in and bytes come out through two buffers of the module's memory. The page writes the words where
//! `words` says, calls `open` once and `answer` for each question, and reads the reply where `reply` says.
//! A status is that of HTTP, so that the page need not know which face answers. Only one thing is asked of the page:
//! the time, for work that must end. After a panic the module must be made anew; the reply says what it was.

#![cfg(target_family = "wasm")]

use std::cell::RefCell;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use chainrule_explorer_core::{Answers, Refusal, Store, error_in_json, limits};

thread_local! {
    static ANSWERS: RefCell<Option<Answers>> = const { RefCell::new(None) };
    static WORDS: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static REPLY: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

#[link(wasm_import_module = "page")]
unsafe extern "C" {
    /// Milliseconds since some moment that stays.
    safe fn now() -> f64;
}

fn clock() -> Duration {
    Duration::from_secs_f64(now().max(0.0) / 1000.0)
}

/// The place for so many bytes of words.
#[unsafe(no_mangle)]
pub extern "C" fn words(length: usize) -> *mut u8 {
    WORDS.with_borrow_mut(|words| {
        words.clear();
        words.resize(length, 0);
        words.as_mut_ptr()
    })
}

/// Where the reply is.
#[unsafe(no_mangle)]
pub extern "C" fn reply() -> *const u8 {
    REPLY.with_borrow(|reply| reply.as_ptr())
}

/// How many bytes the reply has.
#[unsafe(no_mangle)]
pub extern "C" fn reply_length() -> usize {
    REPLY.with_borrow(Vec::len)
}

/// Where the hash of the sources that the module was built from stands: 16 hexadecimal digits.
#[unsafe(no_mangle)]
pub extern "C" fn sources() -> *const u8 {
    concat!("built from sources ", env!("SOURCES")).as_ptr()
}

/// Starts a session that opens what the words say, as `Answers::opening` reads them.
#[unsafe(no_mangle)]
pub extern "C" fn open() -> u32 {
    std::panic::set_hook(Box::new(|panic| {
        let reason = panic.payload_as_str().unwrap_or("a fault in the program");
        replied(500, error_in_json(reason));
    }));
    let store = Store::with_time(limits::KEPT_BYTES, limits::WORK_TIME, clock);
    match Answers::opening(store, &WORDS.take()) {
        Ok(answers) => {
            ANSWERS.set(Some(answers));
            replied(200, b"{}".to_vec())
        }
        Err(refusal) => refused(&refusal),
    }
}

/// Answers the words, of which the first `address` bytes are the address with its query, and the others the body,
/// if `has_body`.
#[unsafe(no_mangle)]
pub extern "C" fn answer(address: usize, has_body: bool) -> u32 {
    let words = WORDS.take();
    let (address, body) = words.split_at(address.min(words.len()));
    let address = String::from_utf8_lossy(address);
    ANSWERS.with_borrow(|answers| {
        let Some(answers) = answers else { return replied(503, error_in_json("no document is open")) };
        match answers.ask(&address, has_body.then_some(body), &AtomicBool::new(false)) {
            Ok(answer) => replied(200, answer.bytes.as_ref().to_vec()),
            Err(refusal) => refused(&refusal),
        }
    })
}

fn refused(refusal: &Refusal) -> u32 {
    replied(refusal.status().into(), error_in_json(&refusal.to_string()))
}

fn replied(status: u32, bytes: Vec<u8>) -> u32 {
    REPLY.set(bytes);
    status
}
