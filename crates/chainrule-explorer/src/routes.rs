//! Every address: the page's files, and the questions, which the core answers.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, get};
use chainrule_explorer_core::{Address, Answer, Format, Refusal};

use crate::guard::guard;
use crate::page;
use crate::request::{self, Failure, Session, error, work};

/// All routes under the session's token, behind the guard.
pub(crate) fn routes(session: Arc<Session>) -> Router {
    let at = |address: &str| format!("/{}/{address}", session.token);
    let mut router = Router::new().route(&at("api/{*question}"), any(question));
    for file in &page::FILES {
        let content_type = [(header::CONTENT_TYPE, file.content_type)];
        router = router.route(&at(file.name), get(move || async move { (content_type, file.bytes) }));
    }
    // The page's addresses are relative, and so need the slash.
    let home = at("");
    let to_home = get(move || async move { Redirect::permanent(&home) });
    router
        .route(&format!("/{}", session.token), to_home)
        .fallback(|| async { error(StatusCode::NOT_FOUND, "there is nothing at this address") })
        .method_not_allowed_fallback(|| async {
            error(StatusCode::METHOD_NOT_ALLOWED, &Refusal::OtherMethod.to_string())
        })
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&session), guard))
        .with_state(session)
}

/// A question in the words of the contract: a GET with its query, or a POST with its body.
async fn question(State(session): State<Arc<Session>>, request: Request) -> Result<Response, Failure> {
    // As it was sent: an address has no letters that would be escaped.
    let path = request.uri().path().split_once("/api/").map_or("", |(_, path)| path);
    let address = Address::read(path)?;
    let (question, turn) = match (request.method(), address.takes_body()) {
        (&Method::GET | &Method::HEAD, false) => {
            let query = request.uri().query().unwrap_or_default();
            (address.question(query.as_bytes())?, None)
        }
        (&Method::POST, true) => request::with_body(address, request, &session).await?,
        _ => return Err(Refusal::OtherMethod.into()),
    };
    let answer = work(session, question).await?;
    // A large body's turn ends with its answer.
    drop(turn);
    Ok(sent(answer))
}

fn sent(Answer { format, bytes }: Answer) -> Response {
    let content_type = match format {
        Format::Json => "application/json",
        Format::Numbers => "application/octet-stream",
        Format::Picture => "image/svg+xml",
        Format::Text => "text/plain; charset=utf-8",
    };
    ([(header::CONTENT_TYPE, content_type)], Body::from(Bytes::from_owner(bytes))).into_response()
}
