//! The server: listens on this machine alone, for as many connections as it can serve.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use chainrule_explorer_core::{Answers, Document, Refusal, Store, system_clock};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

use crate::connection_slots::ConnectionSlots;
use crate::request::{Session, Turns};
use crate::routes::routes;
use crate::server_limits::ServerLimits;
use crate::timed::Timed;

/// Where the page is, unless the port is taken.
pub const DEFAULT_PORT: u16 = 7878;
/// Bytes of the head of a request.
const HEAD_BYTES: usize = 32 * 1024;

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Somebody else listens there.
    #[error("port {0} is taken; give another one, or 0 for any that is free")]
    PortTaken(u16),
    /// The system refuses.
    #[error("cannot listen on port {port} of 127.0.0.1: {source}")]
    Listen {
        /// The port.
        port: u16,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The system refuses threads or random numbers.
    #[error("cannot start: {0}")]
    System(String),
    /// The document that the page is to open.
    #[error(transparent)]
    Document(#[from] Refusal),
}

/// A server that listens; [`Explorer::run`] answers.
#[derive(Debug)]
pub struct Explorer {
    runtime: Runtime,
    listener: TcpListener,
    session: Arc<Session>,
    stop: Arc<Notify>,
}

/// Ends a running [`Explorer`], from any thread.
#[derive(Clone, Debug)]
pub struct Stopper(Arc<Notify>);

impl Stopper {
    /// Ends it.
    pub fn stop(&self) {
        self.0.notify_one();
    }
}

impl Explorer {
    /// Listens on 127.0.0.1 at `port`, 0 being any that is free; without one at [`DEFAULT_PORT`], or any
    /// other if that is taken. The page opens `document`, whose first revision is called `label`.
    ///
    /// # Errors
    /// When the port is taken or the system refuses, and when the document is too large or does not fit
    /// together.
    pub fn bind(document: Arc<Document>, label: String, port: Option<u16>) -> Result<Explorer, StartError> {
        Explorer::bind_with(document, label, port, ServerLimits::default())
    }

    /// The same with other limits than a person needs.
    ///
    /// # Errors
    /// As [`Explorer::bind`].
    pub fn bind_with(
        document: Arc<Document>,
        label: String,
        port: Option<u16>,
        limits: ServerLimits,
    ) -> Result<Explorer, StartError> {
        let store = Store::with_time(limits.memory, limits.work_time, system_clock);
        let answers = Answers::new(store, document, label)?;
        let system = |error: std::io::Error| StartError::System(error.to_string());
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(system)?;
        let bound = runtime.block_on(async {
            match TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(DEFAULT_PORT))).await {
                Err(_) if port.is_none() => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await,
                bound => bound,
            }
        });
        let asked = port.unwrap_or_default();
        let listener = bound.map_err(|source| match source.kind() {
            std::io::ErrorKind::AddrInUse => StartError::PortTaken(asked),
            _ => StartError::Listen { port: asked, source },
        })?;
        let port = listener.local_addr().map_err(system)?.port();
        let workers = std::thread::available_parallelism().map_or(2, |count| count.get().clamp(2, 8));
        let turns = Turns::new(workers);
        let session = Arc::new(Session { answers, token: token()?, port, turns, limits });
        Ok(Explorer { runtime, listener, session, stop: Arc::default() })
    }

    /// The page's address, with the token that opens it.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}/{}/", self.session.port, self.session.token)
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.session.port
    }

    /// What ends [`Explorer::run`].
    pub fn stopper(&self) -> Stopper {
        Stopper(Arc::clone(&self.stop))
    }

    /// Answers until it is stopped.
    pub fn run(self) {
        let Explorer { runtime, listener, session, stop } = self;
        let slots = ConnectionSlots::new(session.limits.connections);
        let ServerLimits { head_time, write_time, .. } = session.limits;
        let service = TowerToHyperService::new(routes(session));
        let serve = async {
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    // Out of file handles, say: others will end.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                };
                // Where who has the token has all slots, this one waits, and others in the system's queue.
                slots.ready().await;
                let slot = Arc::new(slots.take());
                let (service, visitor) = (service.clone(), Arc::clone(&slot));
                // The guard tells the slot whether the token was shown.
                let service = service_fn(move |mut request: hyper::Request<_>| {
                    request.extensions_mut().insert(Arc::clone(&visitor));
                    service.call(request)
                });
                tokio::spawn(async move {
                    let mut connection = http1::Builder::new();
                    connection
                        .timer(TokioTimer::new())
                        .header_read_timeout(head_time)
                        .max_buf_size(HEAD_BYTES);
                    let stream = TokioIo::new(Timed::new(stream, write_time));
                    tokio::select! {
                        // A connection that ends with an error has nobody left to be told.
                        _ = connection.serve_connection(stream, service) => {}
                        () = slot.gives_way() => {}
                    }
                });
            }
        };
        runtime.block_on(async {
            tokio::select! {
                () = serve => {}
                () = stop.notified() => {}
            }
        });
        runtime.shutdown_background();
    }
}

/// 128 bits from the operating system, in hexadecimal.
fn token() -> Result<String, StartError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| StartError::System(error.to_string()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
