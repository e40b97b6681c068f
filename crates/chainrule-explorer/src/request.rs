//! How a request is read and answered: its path, query and body, work away from the connections, and errors
//! as JSON.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use crate::limits;
use crate::refusal::Refusal;
use crate::store::Store;

/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(10);

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
    /// As much work at a time.
    pub(crate) permits: Arc<Semaphore>,
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

fn json(status: StatusCode, bytes: Vec<u8>) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], Body::from(bytes)).into_response()
}

/// The JSON of a value, for the answer.
pub(crate) fn to_json(value: &impl Serialize) -> Result<Response, Refusal> {
    match serde_json::to_vec(value) {
        Ok(bytes) => Ok(json(StatusCode::OK, bytes)),
        Err(reason) => Err(Refusal::Invalid(reason.to_string())),
    }
}

/// Computes an answer away from the connections, a few at a time. When the request is dropped because its
/// sender is gone, the flag that the work looks at is set.
pub(crate) async fn work(
    session: Arc<Session>,
    compute: impl FnOnce(&Session, &AtomicBool) -> Result<Response, Refusal> + Send + 'static,
) -> Answer {
    let cancelled = Arc::new(AtomicBool::new(false));
    let _on_drop = CancelOnDrop(Arc::clone(&cancelled));
    let stopped = || failure(StatusCode::SERVICE_UNAVAILABLE, "the program ends");
    let permit = Arc::clone(&session.permits).acquire_owned().await.map_err(|_| stopped())?;
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
pub(crate) struct Place<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Place<T> {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(place)) => Ok(Place(place)),
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

/// The JSON in the body, which arrives in time and is not too large.
pub(crate) struct Sent<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Sent<T> {
    type Rejection = Failure;
    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        let too_large = || {
            let reason = format!("the body is more than the limit of {} bytes", limits::BODY);
            failure(StatusCode::PAYLOAD_TOO_LARGE, &reason)
        };
        if !is_json(request.headers()) {
            let reason = "the content type of a POST is application/json";
            return Err(failure(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason));
        }
        let declared = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        if declared.is_some_and(|length| length.parse().is_ok_and(|length: u64| length > limits::BODY as u64))
        {
            return Err(too_large());
        }
        let bytes = match tokio::time::timeout(BODY_TIME, to_bytes(request.into_body(), limits::BODY)).await {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(_)) => return Err(too_large()),
            Err(_) => return Err(failure(StatusCode::REQUEST_TIMEOUT, "the body took too long to arrive")),
        };
        serde_json::from_slice(&bytes).map(Sent).map_err(|reason| {
            failure(StatusCode::BAD_REQUEST, &format!("the body is not as expected: {reason}"))
        })
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}
