//! How a request is read and answered: its path, query and body, work away from the connections, and errors
//! as JSON.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits::{self, ServerLimits};
use crate::memory::Room;
use crate::refusal::Refusal;
use crate::store::Store;

/// Of bodies that are larger than this there is one at a time.
const LARGE_BODY: usize = 16 * 1024;
/// Bytes that a byte of JSON becomes while it is read, at most: a digit and a comma are a value of an enum.
const READ: usize = 40;
/// Answers that are larger than this count as memory until they are sent.
const LARGE_ANSWER: usize = 64 * 1024;

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Session {
    /// Every revision.
    pub(crate) store: Store,
    /// What an address must start with.
    pub(crate) token: String,
    /// Where the server listens.
    pub(crate) port: u16,
    /// The revision that the page opens.
    pub(crate) start: usize,
    /// Who may work.
    pub(crate) turns: Turns,
    /// What is allowed.
    pub(crate) limits: ServerLimits,
}

/// How long a request works: questions need not wait for training.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// A step or less.
    Short,
    /// Many steps.
    Long,
}

/// As much work of each pace at a time, first come first served.
#[derive(Debug)]
pub(crate) struct Turns {
    short: Arc<Semaphore>,
    long: Arc<Semaphore>,
    large_bodies: Arc<Semaphore>,
}

impl Turns {
    /// So many of each pace.
    pub(crate) fn new(workers: usize) -> Turns {
        let turns = |count| Arc::new(Semaphore::new(count));
        Turns { short: turns(workers), long: turns(workers), large_bodies: turns(1) }
    }
}

/// An answer, or an error as one.
pub(crate) type Answer = Result<Response, Failure>;

/// A request that cannot be answered.
pub(crate) struct Failure(Box<Response>);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        *self.0
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal {
            Refusal::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Refusal::Missing(_) => StatusCode::NOT_FOUND,
            Refusal::TooMuch(_) => StatusCode::UNPROCESSABLE_ENTITY,
        };
        failure(status, &refusal.to_string())
    }
}

/// { error } with a status.
pub(crate) fn error(status: StatusCode, reason: &str) -> Response {
    json(status, serde_json::json!({ "error": reason }).to_string().into_bytes())
}

fn failure(status: StatusCode, reason: &str) -> Failure {
    Failure(Box::new(error(status, reason)))
}

fn json(status: StatusCode, bytes: impl Into<Body>) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], bytes.into()).into_response()
}

/// The JSON of a value, for the answer.
pub(crate) fn to_json(value: &impl Serialize) -> Result<Response, Refusal> {
    match serde_json::to_vec(value) {
        Ok(bytes) => Ok(json(StatusCode::OK, bytes)),
        Err(reason) => Err(Refusal::Invalid(reason.to_string())),
    }
}

/// The same, where the answer may be large: it takes its room until it is sent.
pub(crate) fn to_json_in(mut room: Room, value: &impl Serialize) -> Result<Response, Refusal> {
    let bytes = serde_json::to_vec(value).map_err(|reason| Refusal::Invalid(reason.to_string()))?;
    Ok(json(StatusCode::OK, sent_from(&mut room, bytes)))
}

/// Bytes that take their room until they are sent.
pub(crate) fn sent_from(room: &mut Room, bytes: Vec<u8>) -> Bytes {
    if bytes.len() < LARGE_ANSWER {
        return Bytes::from(bytes);
    }
    let room = room.split(bytes.len());
    Bytes::from_owner(Unsent { bytes, _room: room })
}

/// What waits to be sent.
struct Unsent {
    bytes: Vec<u8>,
    _room: Room,
}

impl AsRef<[u8]> for Unsent {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Computes an answer away from the connections, a few at a time. When the request is dropped because its
/// sender is gone, the flag that the work looks at is set.
pub(crate) async fn work(
    session: Arc<Session>,
    pace: Pace,
    compute: impl FnOnce(&Session, &AtomicBool) -> Result<Response, Refusal> + Send + 'static,
) -> Answer {
    let cancelled = Arc::new(AtomicBool::new(false));
    let _on_drop = CancelOnDrop(Arc::clone(&cancelled));
    let stopped = || failure(StatusCode::SERVICE_UNAVAILABLE, "the program ends");
    let turns = match pace {
        Pace::Short => &session.turns.short,
        Pace::Long => &session.turns.long,
    };
    let permit = Arc::clone(turns).acquire_owned().await.map_err(|_| stopped())?;
    let task = tokio::task::spawn_blocking(move || {
        // Held until the work is done, whether or not somebody still waits for it.
        let _permit = permit;
        compute(&session, &cancelled)
    });
    match task.await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(failure(StatusCode::INTERNAL_SERVER_ERROR, "a fault in the program")),
    }
}

struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The parameters of the path.
pub(crate) struct InPath<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for InPath<T> {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(place)) => Ok(InPath(place)),
            Err(rejection) => Err(failure(StatusCode::NOT_FOUND, &rejection.body_text())),
        }
    }
}

/// The query.
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(asked)) => Ok(Asked(asked)),
            Err(rejection) => Err(failure(StatusCode::BAD_REQUEST, &rejection.body_text())),
        }
    }
}

/// The JSON in the body, which arrives in time and is not too large; a large one with its turn.
pub(crate) struct Sent<T> {
    pub(crate) body: T,
    _turn: Option<OwnedSemaphorePermit>,
}

impl<T: DeserializeOwned + Send + 'static> FromRequest<Arc<Session>> for Sent<T> {
    type Rejection = Failure;
    async fn from_request(request: Request, session: &Arc<Session>) -> Result<Self, Failure> {
        let too_large = || {
            let reason = format!("the body is more than the limit of {} bytes", limits::BODY);
            failure(StatusCode::PAYLOAD_TOO_LARGE, &reason)
        };
        if !is_json(request.headers()) {
            let reason = "the content type of a POST is application/json";
            return Err(failure(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason));
        }
        let declared = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        let declared = declared.and_then(|length| length.parse::<u64>().ok());
        if declared.is_some_and(|length| length > limits::BODY as u64) {
            return Err(too_large());
        }
        let turn = match declared {
            Some(length) if length <= LARGE_BODY as u64 => None,
            _ => Arc::clone(&session.turns.large_bodies).acquire_owned().await.ok(),
        };
        let body = to_bytes(request.into_body(), limits::BODY);
        let bytes = match tokio::time::timeout(session.limits.body_time, body).await {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(_)) => return Err(too_large()),
            Err(_) => return Err(failure(StatusCode::REQUEST_TIMEOUT, "the body took too long to arrive")),
        };
        let parse = |bytes: &[u8]| {
            serde_json::from_slice(bytes).map_err(|reason| {
                failure(StatusCode::BAD_REQUEST, &format!("the body is not as expected: {reason}"))
            })
        };
        if turn.is_none() {
            return Ok(Sent { body: parse(&bytes)?, _turn: None });
        }
        let (store, cancelled) = (Arc::clone(session), Arc::new(AtomicBool::new(false)));
        let _on_drop = CancelOnDrop(Arc::clone(&cancelled));
        let parsing = tokio::task::spawn_blocking(move || {
            let _room = store.store.room(READ * bytes.len(), &cancelled)?;
            parse(&bytes)
        });
        match parsing.await {
            Ok(parsed) => Ok(Sent { body: parsed?, _turn: turn }),
            Err(_) => Err(failure(StatusCode::INTERNAL_SERVER_ERROR, "a fault in the program")),
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}
