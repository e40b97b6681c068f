//! Signals that ask the program to end: at once, or, while training, after the step that is being taken.
//!
//! Ctrl-C (SIGINT), SIGTERM and SIGHUP are alike. What ends at once leaves no half file. A signal that the program was
//! started with ignored, as `nohup` does with SIGHUP and shells do with Ctrl-C for what runs in the background, stays so.

use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use chainrule::abandon_output_files;

/// What to do with a signal; says whether that was all there was to do. Else the program ends.
type Handler = Box<dyn FnMut(i32) -> bool + Send>;

static HANDLER: Mutex<Option<Handler>> = Mutex::new(None);

/// The exit code of a program that a signal ended.
pub(crate) fn exit_code(signal: i32) -> u8 {
    u8::try_from(128 + signal).unwrap_or(u8::MAX)
}

/// Has signals end the program from now on, and [`handle`] say otherwise.
pub(crate) fn watch() -> Result<()> {
    system::watch(received).context("signals cannot be caught")
}

/// Has signals handled in this way from now on.
pub(crate) fn handle(handler: impl FnMut(i32) -> bool + Send + 'static) {
    *HANDLER.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(handler));
}

fn received(signal: i32) {
    let mut handler = HANDLER.lock().unwrap_or_else(PoisonError::into_inner);
    if !handler.as_mut().is_some_and(|handler| handler(signal)) {
        abandon_output_files();
        std::process::exit(i32::from(exit_code(signal)));
    }
}

#[cfg(unix)]
mod system {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    pub(super) fn watch(received: fn(i32)) -> std::io::Result<()> {
        let watched = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|&signal| !is_ignored(signal));
        let mut signals = Signals::new(watched)?;
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || signals.forever().for_each(received))?;
        Ok(())
    }

    fn is_ignored(signal: i32) -> bool {
        // SAFETY: all zeros is a value of this type, and the call, which is given no new action, only fills it in.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            libc::sigaction(signal, std::ptr::null(), &mut action) == 0
                && action.sa_sigaction == libc::SIG_IGN
        }
    }
}

#[cfg(not(unix))]
mod system {
    /// The number of SIGINT, which stands for Ctrl-C.
    const CTRL_C: i32 = 2;

    pub(super) fn watch(received: fn(i32)) -> Result<(), ctrlc::Error> {
        ctrlc::set_handler(move || received(CTRL_C))
    }
}
