//! Every address, and what it answers.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect};
use axum::routing::{MethodRouter, get, post};
use chainrule::{Activation, Initialization, Loss};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

use chainrule::trace::ValueId;

use crate::analysis::{
    Cell, check_all_until, check_cell_until, edge, explain, input, layer, loss, matrix, multiply, neuron,
    outer, readable,
};
use crate::document::SUITED;
use crate::edit::Edit;
use crate::examples::{self, EXAMPLES, Example};
use crate::guard::guard;
use crate::limits::{self, Limits};
use crate::num::Num;
use crate::page;
use crate::refusal::Refusal;
use crate::request::{
    Answer, Asked, InPath, Pace, Sent, Session, error, sent_from, to_json, to_json_in, work,
};
use crate::shared_document::SharedDocument;
use crate::size::Size;
use crate::step::Step;
use crate::store::Made;
use crate::view::View;

/// All routes under the session's token, behind the guard.
pub(crate) fn routes(session: Arc<Session>) -> Router {
    let at = |address: &str| format!("/{}/{address}", session.token);
    let of = |question: &str| at(&format!("api/revisions/{{revision}}/{question}"));
    let mut router = Router::new()
        .route(
            &at("api/alive"),
            get(|| async { to_json(&json!({ "alive": true })).map_err(crate::request::Failure::from) }),
        )
        .route(&at("api/catalog"), get(catalog))
        .route(&at("api/documents"), post(open))
        .route(&at("api/revisions/{revision}"), get(view))
        .route(&at("api/revisions/{revision}/edits"), post(edit))
        .route(&at("api/revisions/{revision}/document"), get(share))
        .route(&at("api/revisions/{revision}/values/{name}"), get(value))
        .route(&of("explain"), ask(|step, cell: Cell| explain(step, &cell)))
        .route(&of("neuron"), ask(|step, q: AtNeuron| neuron(step, q.layer, q.neuron, q.sample)))
        .route(&of("edge"), ask(|step, q: AtEdge| edge(step, q.layer, q.to, q.from, q.sample)))
        .route(&of("matrix"), ask(|step, q: Named| matrix(step, q.name)))
        .route(&of("outer"), ask(|step, q: AtOuter| outer(step, q.layer, q.sample)))
        .route(&of("layer"), ask(|step, q: AtLayer| layer(step, q.layer)))
        .route(&of("loss"), ask_large(|step, _: Nothing| loss(step), Size::loss))
        .route(&of("input"), ask(|step, q: AtInput| input(step, q.column, q.sample)))
        .route(&of("check/cell"), post(check_one))
        .route(&of("check/all"), post(check_every))
        .route(&at("api/multiply"), post(product));
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
            error(StatusCode::METHOD_NOT_ALLOWED, "this address takes another method")
        })
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&session), guard))
        .with_state(session)
}

/// A question about a revision's step: what the query says goes to `answer`.
fn ask<Q, A>(answer: fn(&Step, Q) -> Result<A, Refusal>) -> MethodRouter<Arc<Session>>
where
    Q: DeserializeOwned + Send + 'static,
    A: Serialize + 'static,
{
    ask_large(answer, Size::question)
}

/// The same, where the answer takes so many bytes.
fn ask_large<Q, A>(
    answer: fn(&Step, Q) -> Result<A, Refusal>,
    bytes: fn(&Size) -> usize,
) -> MethodRouter<Arc<Session>>
where
    Q: DeserializeOwned + Send + 'static,
    A: Serialize + 'static,
{
    get(
        move |State(session): State<Arc<Session>>,
              InPath(revision): InPath<usize>,
              Asked(query): Asked<Q>| {
            work(session, Pace::Short, move |session, cancelled| {
                let (held, room) = session.store.get_for(revision, bytes, cancelled)?;
                to_json_in(room, &answer(&held.step, query)?)
            })
        },
    )
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub(crate) struct AtNeuron {
    layer: usize,
    neuron: usize,
    sample: usize,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub(crate) struct AtEdge {
    layer: usize,
    to: usize,
    from: usize,
    sample: usize,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub(crate) struct Named {
    #[cfg_attr(test, ts(type = "string"))]
    name: ValueId,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub(crate) struct AtOuter {
    layer: usize,
    /// Left out for the whole batch.
    sample: Option<usize>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub(crate) struct AtLayer {
    layer: usize,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub(crate) struct AtInput {
    column: usize,
    sample: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

async fn check_one(
    State(session): State<Arc<Session>>,
    InPath(revision): InPath<usize>,
    Sent { body: cell, .. }: Sent<Cell>,
) -> Answer {
    work(session, Pace::Short, move |session, cancelled| {
        let (held, room) = session.store.get_for(revision, Size::check, cancelled)?;
        let deadline = session.store.deadline(&room, cancelled);
        let check = check_cell_until(&held.step, &cell, &deadline)?;
        to_json_in(room, &check)
    })
    .await
}

async fn check_every(
    State(session): State<Arc<Session>>,
    InPath(revision): InPath<usize>,
    Sent { body: Nothing {}, .. }: Sent<Nothing>,
) -> Answer {
    work(session, Pace::Long, move |session, cancelled| {
        let (held, room) = session.store.get_for(revision, Size::check, cancelled)?;
        let deadline = session.store.deadline(&room, cancelled);
        let check = check_all_until(&held.step, revision as u64, &deadline)?;
        to_json_in(room, &check)
    })
    .await
}

/// Two matrices of at most 8 x 8 each.
#[derive(Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub(crate) struct Pair {
    a: Vec<Vec<Num>>,
    b: Vec<Vec<Num>>,
}

async fn product(State(session): State<Arc<Session>>, Sent { body: pair, .. }: Sent<Pair>) -> Answer {
    work(session, Pace::Short, move |_, _| to_json(&multiply(&pair.a, &pair.b)?)).await
}

/// What can be chosen.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct Catalog {
    version: &'static str,
    examples: &'static [Example],
    activations: Vec<ActivationChoice>,
    losses: Vec<LossChoice>,
    initializations: Vec<&'static str>,
    limits: Limits,
    /// The revision of what the program was started with, which the page opens.
    start: usize,
}

/// An activation that can be chosen.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct ActivationChoice {
    #[cfg_attr(test, ts(as = "crate::contract::Activation"))]
    value: Activation,
    name: String,
    output_only: bool,
}

/// A loss that can be chosen.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct LossChoice {
    #[cfg_attr(test, ts(as = "crate::contract::Loss"))]
    value: Loss,
    name: String,
    natural_output: String,
}

async fn catalog(State(session): State<Arc<Session>>) -> Answer {
    let activations = Activation::ALL.iter().map(|&value| ActivationChoice {
        value,
        name: readable(value.name()),
        output_only: value == Activation::Softmax,
    });
    let losses = Loss::all().into_iter().map(|value| LossChoice {
        name: readable(value.name()),
        natural_output: readable(value.natural_output().name()),
        value,
    });
    Ok(to_json(&Catalog {
        version: env!("CARGO_PKG_VERSION"),
        examples: EXAMPLES,
        activations: activations.collect(),
        losses: losses.collect(),
        initializations: [SUITED].into_iter().chain(Initialization::NAMED.map(|(name, _)| name)).collect(),
        limits: limits::limits(),
        start: session.start,
    })?)
}

/// A new root: a worked example, or what a share link holds.
#[derive(Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(type = "{ example: string } | { document: SharedDocument }"))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDocument {
    example: Option<String>,
    document: Option<Box<SharedDocument>>,
}

async fn open(State(session): State<Arc<Session>>, Sent { body: new, .. }: Sent<NewDocument>) -> Answer {
    work(session, Pace::Short, move |session, cancelled| {
        let (document, label) = match (new.example, new.document) {
            (Some(id), None) => (examples::document(&id)?, format!("example {id}")),
            (None, Some(shared)) => (Arc::new(shared.open()?), "shared document".to_owned()),
            _ => return Err(Refusal::Invalid("give either example or document".to_owned())),
        };
        let (held, room) = session.store.add_for(document, label, Size::view, cancelled)?;
        to_json_in(room, &held.view()?)
    })
    .await
}

async fn view(State(session): State<Arc<Session>>, InPath(revision): InPath<usize>) -> Answer {
    work(session, Pace::Short, move |session, cancelled| {
        let (held, room) = session.store.get_for(revision, Size::view, cancelled)?;
        to_json_in(room, &held.view()?)
    })
    .await
}

async fn share(State(session): State<Arc<Session>>, InPath(revision): InPath<usize>) -> Answer {
    work(session, Pace::Short, move |session, cancelled| {
        to_json(&SharedDocument::of(&*session.store.document(revision, cancelled)?)?)
    })
    .await
}

/// What an edit made. The revision that was edited stays as it is.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct EditReply<'a> {
    view: View<'a>,
    /// Every revision made, oldest first; the last one is the view's.
    made: Vec<Made>,
}

async fn edit(
    State(session): State<Arc<Session>>,
    InPath(revision): InPath<usize>,
    Sent { body: edit, .. }: Sent<Edit>,
) -> Answer {
    let pace = match edit {
        Edit::Iterate { count } if count > 1 => Pace::Long,
        _ => Pace::Short,
    };
    work(session, pace, move |session, cancelled| {
        let (held, made, room) = session.store.edit_for(revision, &edit, Size::view, cancelled)?;
        to_json_in(room, &EditReply { view: held.view()?, made })
    })
    .await
}

async fn value(
    State(session): State<Arc<Session>>,
    InPath((revision, name)): InPath<(usize, String)>,
) -> Answer {
    work(session, Pace::Short, move |session, cancelled| {
        let (held, mut room) = session.store.get_for(revision, Size::value, cancelled)?;
        let id: ValueId =
            name.parse().map_err(|error: chainrule::Error| Refusal::Missing(error.to_string()))?;
        let value = held.step.trace.value(id);
        let value =
            value.ok_or_else(|| Refusal::Missing(format!("revision {revision} has no value {id}")))?;
        let numbers = sent_from(&mut room, binary(&value.values));
        Ok(([(header::CONTENT_TYPE, "application/octet-stream")], Body::from(numbers)).into_response())
    })
    .await
}

/// Little-endian f64.
fn binary(numbers: &[f64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}
