//! How a request is read and answered: its body, work away from the connections, and errors as JSON.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chainrule_explorer_core::{Address, Answer, Answers, Question, Refusal, error_in_json, limits};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::server_limits::ServerLimits;

/// Of bodies that are larger than this there is one at a time.
const LARGE_BODY: usize = 16 * 1024;
/// Bytes that a byte of JSON becomes while it is read, at most: a digit and a comma are a value of an enum.
const READ: usize = 40;

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Session {
    /// Every revision.
    pub(crate) answers: Answers,
    /// What an address must start with.
    pub(crate) token: String,
    /// Where the server listens.
    pub(crate) port: u16,
    /// Who may work.
    pub(crate) turns: Turns,
    /// What is allowed.
    pub(crate) limits: ServerLimits,
}

/// As much work of each pace at a time, first come first served: questions need not wait for training.
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

/// A request that cannot be answered.
pub(crate) struct Failure(Box<Response>);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        *self.0
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
        failure(status, &refusal.to_string())
    }
}

/// { error } with a status.
pub(crate) fn error(status: StatusCode, reason: &str) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], error_in_json(reason)).into_response()
}

fn failure(status: StatusCode, reason: &str) -> Failure {
    Failure(Box::new(error(status, reason)))
}

fn fault() -> Failure {
    failure(StatusCode::INTERNAL_SERVER_ERROR, "a fault in the program")
}

/// Computes an answer away from the connections, a few at a time. When the request is dropped because its
/// sender is gone, the flag that the work looks at is set.
pub(crate) async fn work(session: Arc<Session>, question: Question) -> Result<Answer, Failure> {
    let cancelled = Arc::new(AtomicBool::new(false));
    let _on_drop = CancelOnDrop(Arc::clone(&cancelled));
    let stopped = || failure(StatusCode::SERVICE_UNAVAILABLE, "the program ends");
    let turns = if question.is_long() { &session.turns.long } else { &session.turns.short };
    let permit = Arc::clone(turns).acquire_owned().await.map_err(|_| stopped())?;
    let task = tokio::task::spawn_blocking(move || {
        // Held until the work is done, whether or not somebody still waits for it.
        let _permit = permit;
        session.answers.answer(question, &cancelled)
    });
    Ok(task.await.map_err(|_| fault())??)
}

struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The question that the JSON in the body asks at this address. The body arrives in time and is not too large; a
/// large one waits for its turn, which is kept until the question is answered.
pub(crate) async fn with_body(
    address: Address,
    request: Request,
    session: &Arc<Session>,
) -> Result<(Question, Option<OwnedSemaphorePermit>), Failure> {
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
    if turn.is_none() {
        return Ok((address.question(&bytes)?, None));
    }
    let (session, cancelled) = (Arc::clone(session), Arc::new(AtomicBool::new(false)));
    let _on_drop = CancelOnDrop(Arc::clone(&cancelled));
    let reading = tokio::task::spawn_blocking(move || {
        let room = READ * bytes.len();
        session.answers.with_room(room, &cancelled, || address.question(&bytes))
    });
    Ok((reading.await.map_err(|_| fault())???, turn))
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}
