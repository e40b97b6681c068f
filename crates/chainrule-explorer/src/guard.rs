//! Who may ask: every request of every method and path passes here first, and what is not allowed is refused.
//!
//! A page that somebody else wrote, open in the same browser, can send requests to 127.0.0.1, and with a name
//! of its own that it points to 127.0.0.1 (DNS rebinding) it could read the answers. So, in this order:
//!
//! 1. `Host` is one of this server's own names, once; a target that names a host itself is refused.
//! 2. `Origin`, if there is one, is this server's. A POST must prove where it comes from: by `Origin`, which
//!    browsers send with every POST, or by `Sec-Fetch-Site: same-origin`.
//! 3. `Sec-Fetch-Site`, if there is one, says same-origin, or none: an address that a person typed or opened.
//! 4. The path starts with the launch's token, compared in constant time.
//!
//! Who passes is no stranger any more, whose connection would [give way](crate::connection_slots) to others.
//!
//! Then come the tables of paths and methods (404, 405), and for a POST its content type, its size and its
//! work. No answer ever has a CORS header, so that no other origin can read one.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;

use crate::connection_slots::ConnectionSlot;
use crate::request::{Session, error};

/// What every answer says to the browser.
const HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        // Pictures and films are made on the page, and shown there before they are saved.
        "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
];

/// Who has no token sees this.
const NO_TOKEN: &str = "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Chainrule</title>\n\
    <p>Open the address that <code>chainrule explore</code> printed: it contains the key to this page.\n\
    <p>To open a link that somebody shared, open that address and paste the link into \
    Share, Open link.\n</html>\n";

/// Lets a request pass, or answers it with a refusal; a panic becomes an error.
pub(crate) async fn guard(State(session): State<Arc<Session>>, request: Request, next: Next) -> Response {
    let mut response = match check(&session, &request) {
        Ok(()) => {
            if let Some(slot) = request.extensions().get::<Arc<ConnectionSlot>>() {
                slot.is_known();
            }
            let answer = std::panic::AssertUnwindSafe(next.run(request)).catch_unwind().await;
            answer.unwrap_or_else(|_| error(StatusCode::INTERNAL_SERVER_ERROR, "a fault in the program"))
        }
        Err(refusal) => *refusal,
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn check(session: &Session, request: &Request) -> Result<(), Box<Response>> {
    let forbid = |reason: &str| Err(Box::new(error(StatusCode::FORBIDDEN, reason)));
    let headers = request.headers();
    let port = session.port;
    let own = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];

    let is_own_host = |host: &str| own.iter().any(|name| name.eq_ignore_ascii_case(host));
    if request.uri().authority().is_some() || !single(headers, header::HOST)?.is_some_and(is_own_host) {
        return forbid("Host is not this server's");
    }
    let origin = single(headers, header::ORIGIN)?;
    let is_own_origin = |origin: &str| origin.strip_prefix("http://").is_some_and(is_own_host);
    if origin.is_some_and(|origin| !is_own_origin(origin)) {
        return forbid("Origin is not this server's");
    }
    let site = single(headers, HeaderName::from_static("sec-fetch-site"))?;
    if request.method() == Method::POST && origin.is_none() && site != Some("same-origin") {
        return forbid("a POST needs Origin, or Sec-Fetch-Site: same-origin");
    }
    if site.is_some_and(|site| site != "same-origin" && site != "none") {
        return forbid("Sec-Fetch-Site: another site asks");
    }
    let first = request.uri().path().strip_prefix('/').and_then(|path| path.split('/').next());
    if !first.is_some_and(|given| is_equal(given, &session.token)) {
        let html = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
        return Err(Box::new((StatusCode::FORBIDDEN, html, NO_TOKEN).into_response()));
    }
    Ok(())
}

/// The value of a header that may be there once.
fn single(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>, Box<Response>> {
    let mut values = headers.get_all(&name).iter();
    match (values.next().map(HeaderValue::to_str), values.next()) {
        (None, _) => Ok(None),
        (Some(Ok(value)), None) => Ok(Some(value)),
        _ => Err(Box::new(error(StatusCode::FORBIDDEN, &format!("{name}: one value is expected")))),
    }
}

/// Takes as long whichever byte differs, so that time does not tell how much of a guess is right.
fn is_equal(given: &str, token: &str) -> bool {
    if given.len() != token.len() {
        return false;
    }
    let differences = given.bytes().zip(token.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
    std::hint::black_box(differences) == 0
}
