//! From a question to its answer: the one function behind every face of the explorer.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use chainrule::trace::ValueId;
use chainrule::{Activation, Initialization, Loss};
use serde::Serialize;
use serde_json::json;

use crate::analysis::{
    check_all_until, check_cell_until, edge, explain, input, layer, loss, matrix, multiply, neuron, outer,
};
use crate::document::{Document, SUITED};
use crate::edit::Edit;
use crate::examples::{self, DEFAULT, EXAMPLES, Example};
use crate::film::{self, Film};
use crate::limits::{self, Limits};
use crate::memory::Room;
use crate::question::{AboutRevision, Address, AtSabotage, NewDocument, Question};
use crate::quiz::{Mistake, judge, quiz, sabotage_until};
use crate::refusal::Refusal;
use crate::shared_document::SharedDocument;
use crate::size::Size;
use crate::step::Step;
use crate::store::{Made, Store};
use crate::take_away::{TraceFile, Verified, pytorch_script};
use crate::view::View;
use crate::words::readable;

/// Answers that are larger than this count as memory until they are sent.
const LARGE: usize = 64 * 1024;

/// A session: every revision, and what its page opens.
#[derive(Debug)]
pub struct Answers {
    store: Store,
    start: usize,
}

/// What a question is answered with.
#[derive(Debug)]
pub struct Answer {
    /// How the bytes are to be read.
    pub format: Format,
    /// The bytes.
    pub bytes: Unsent,
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON.
    Json,
    /// Little-endian f64.
    Numbers,
    /// A picture in SVG.
    Picture,
    /// Text.
    Text,
}

/// Bytes that wait to be sent, and take their room until then.
#[derive(Debug)]
pub struct Unsent {
    bytes: Vec<u8>,
    _room: Option<Room>,
}

impl AsRef<[u8]> for Unsent {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Unsent {
    /// A large answer takes its part of the room that its work had.
    fn in_room(bytes: Vec<u8>, mut room: Room) -> Unsent {
        let room = (bytes.len() >= LARGE).then(|| room.split(bytes.len()));
        Unsent { bytes, _room: room }
    }
}

fn written(value: &impl Serialize) -> Result<Vec<u8>, Refusal> {
    serde_json::to_vec(value).map_err(|reason| Refusal::Invalid(reason.to_string()))
}

/// A small answer.
fn json(value: &impl Serialize) -> Result<Answer, Refusal> {
    Ok(Answer { format: Format::Json, bytes: Unsent { bytes: written(value)?, _room: None } })
}

/// An answer that may be large.
fn json_in(room: Room, value: &impl Serialize) -> Result<Answer, Refusal> {
    Ok(Answer { format: Format::Json, bytes: Unsent::in_room(written(value)?, room) })
}

/// A picture.
fn picture_in(room: Room, svg: String) -> Answer {
    Answer { format: Format::Picture, bytes: Unsent::in_room(svg.into_bytes(), room) }
}

impl Answers {
    /// A session of this store, whose page opens the document; its first revision is called `label`.
    ///
    /// # Errors
    /// When the document is too large or does not fit together.
    pub fn new(store: Store, document: Arc<Document>, label: String) -> Result<Answers, Refusal> {
        document.check()?;
        let start = store.add(document, label)?.revision;
        Ok(Answers { store, start })
    }

    /// A session that opens what the words say, as a body of "documents" does; without words the first example. Of a
    /// document there may be as much as a file holds.
    ///
    /// # Errors
    /// When the words are not as expected, and as [`Answers::new`].
    pub fn opening(store: Store, words: &[u8]) -> Result<Answers, Refusal> {
        let (document, label) = match words {
            [] => (examples::document(DEFAULT)?, format!("example {DEFAULT}")),
            _ => match Address::Documents.question(words)? {
                Question::Open(new) => opened(new, limits::FILE_NUMBERS)?,
                _ => return Err(Refusal::OtherMethod),
            },
        };
        Answers::new(store, document, label)
    }

    /// Waits until there is room for so many bytes beside everything else, and keeps it while `work` runs.
    ///
    /// # Errors
    /// When there never is, and when `cancelled` is set meanwhile.
    pub fn with_room<T>(
        &self,
        bytes: usize,
        cancelled: &AtomicBool,
        work: impl FnOnce() -> T,
    ) -> Result<T, Refusal> {
        let _room = self.store.room(bytes, cancelled)?;
        Ok(work())
    }

    /// Answers a request: an address with its query, as "revisions/1/loss", and a body where it has one.
    ///
    /// ```
    /// use chainrule_explorer_core::{Answers, DEFAULT, KEPT_BYTES, Store, example};
    /// use std::sync::atomic::AtomicBool;
    /// let answers = Answers::new(Store::new(KEPT_BYTES), example(DEFAULT)?, "example".to_owned())?;
    /// let address = "revisions/1/explain?name=delta.2&row=0&column=1";
    /// let answer = answers.ask(address, None, &AtomicBool::new(false))?;
    /// assert!(answer.bytes.as_ref().starts_with(br#"{"cell":{"name":"delta.2","row":0,"column":1}"#));
    /// # Ok::<(), chainrule_explorer_core::Refusal>(())
    /// ```
    ///
    /// # Errors
    /// As [`Answers::answer`], and when there is no such address or its words are not as expected.
    pub fn ask(&self, address: &str, body: Option<&[u8]>, cancelled: &AtomicBool) -> Result<Answer, Refusal> {
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let address = Address::read(path)?;
        if address.takes_body() != body.is_some() {
            return Err(Refusal::OtherMethod);
        }
        self.answer(address.question(body.unwrap_or(query.as_bytes()))?, cancelled)
    }

    /// Answers a question; work ends soon after `cancelled` is set.
    ///
    /// # Errors
    /// Says why there is no answer, and what to do.
    pub fn answer(&self, question: Question, cancelled: &AtomicBool) -> Result<Answer, Refusal> {
        match question {
            Question::Alive => json(&json!({ "alive": true })),
            Question::Catalog => json(&self.catalog()),
            Question::Open(new) => self.open(new, cancelled),
            Question::Multiply(pair) => json(&multiply(&pair.a, &pair.b)?),
            Question::OpenTrace(file) => self.open_trace(*file, cancelled),
            Question::Revision(revision, about) => self.about(revision, about, cancelled),
        }
    }

    fn about(
        &self,
        revision: usize,
        about: AboutRevision,
        cancelled: &AtomicBool,
    ) -> Result<Answer, Refusal> {
        let store = &self.store;
        match about {
            AboutRevision::View => {
                let (held, room) = store.get_for(revision, Size::view, cancelled)?;
                json_in(room, &held.view()?)
            }
            AboutRevision::Document => json(&SharedDocument::of(&*store.document(revision, cancelled)?)?),
            AboutRevision::Edit(edit) => self.edit(revision, &edit, cancelled),
            AboutRevision::Value(name) => self.value(revision, &name, cancelled),
            AboutRevision::Explain(cell) => self.about_step(revision, |step| explain(step, &cell), cancelled),
            AboutRevision::Neuron(q) => {
                self.about_step(revision, |step| neuron(step, q.layer, q.neuron, q.sample), cancelled)
            }
            AboutRevision::Edge(q) => {
                self.about_step(revision, |step| edge(step, q.layer, q.to, q.from, q.sample), cancelled)
            }
            AboutRevision::Matrix(q) => self.about_step(revision, |step| matrix(step, q.name), cancelled),
            AboutRevision::Outer(q) => {
                self.about_step(revision, |step| outer(step, q.layer, q.sample), cancelled)
            }
            AboutRevision::Layer(q) => self.about_step(revision, |step| layer(step, q.layer), cancelled),
            AboutRevision::Loss => {
                let (held, room) = store.get_for(revision, Size::loss, cancelled)?;
                json_in(room, &loss(&held.step)?)
            }
            AboutRevision::Input(q) => {
                self.about_step(revision, |step| input(step, q.column, q.sample), cancelled)
            }
            AboutRevision::CheckCell(cell) => {
                let (held, room) = store.get_for(revision, Size::check, cancelled)?;
                let check = check_cell_until(&held.step, &cell, &store.deadline(&room, cancelled))?;
                json_in(room, &check)
            }
            AboutRevision::CheckAll => {
                let (held, room) = store.get_for(revision, Size::check, cancelled)?;
                let deadline = store.deadline(&room, cancelled);
                let check = check_all_until(&held.step, revision as u64, &deadline)?;
                json_in(room, &check)
            }
            AboutRevision::Quiz(asked) => {
                let (held, room) = store.get_for(revision, Size::quiz, cancelled)?;
                json_in(room, &quiz(&held.step, &asked)?)
            }
            AboutRevision::QuizAnswer(answer) => {
                let (held, room) = store.get_for(revision, Size::quiz, cancelled)?;
                json_in(room, &judge(&held.step, &answer)?)
            }
            AboutRevision::Sabotage(AtSabotage { mistake, iterations }) => {
                let (held, room) = store.get_for(revision, Size::sabotage, cancelled)?;
                let deadline = store.deadline(&room, cancelled);
                json_in(room, &sabotage_until(&held.step, revision as u64, mistake, iterations, &deadline)?)
            }
            AboutRevision::Film(q) => {
                let (held, room) = store.get_for(revision, Size::film, cancelled)?;
                json_in(room, &film::report(&held.document, &held.step, q.kind, q.sample)?)
            }
            AboutRevision::Frame(q) => {
                film::check_size(q.width, q.height)?;
                let (held, room) = store.get_for(revision, Size::film, cancelled)?;
                let film = Film::new(&held.document, &held.step, q.kind, q.sample)?;
                let (cursor, time) = film.at(q.time);
                Ok(picture_in(room, film.frame(cursor, time, q.theme, (q.width, q.height))))
            }
            AboutRevision::Animated(q) => {
                let (held, room) = store.get_for(revision, Size::film, cancelled)?;
                let film = Film::new(&held.document, &held.step, q.kind, q.sample)?;
                Ok(picture_in(room, film.animated(q.theme)))
            }
            AboutRevision::PyTorch => {
                let (held, room) = store.get_for(revision, Size::file, cancelled)?;
                let script = pytorch_script(&held.step, &held.document.title)?;
                Ok(Answer { format: Format::Text, bytes: Unsent::in_room(script.into_bytes(), room) })
            }
            AboutRevision::Trace => {
                let (held, room) = store.get_for(revision, Size::file, cancelled)?;
                json_in(room, &TraceFile::of(&held.document, &held.step)?)
            }
        }
    }

    /// A question about a revision's step.
    fn about_step<A: Serialize>(
        &self,
        revision: usize,
        answer: impl FnOnce(&Step) -> Result<A, Refusal>,
        cancelled: &AtomicBool,
    ) -> Result<Answer, Refusal> {
        let (held, room) = self.store.get_for(revision, Size::question, cancelled)?;
        json_in(room, &answer(&held.step)?)
    }

    fn open(&self, new: NewDocument, cancelled: &AtomicBool) -> Result<Answer, Refusal> {
        let (document, label) = opened(new, limits::SHARED_NUMBERS)?;
        let (held, room) = self.store.add_for(document, label, Size::view, cancelled)?;
        json_in(room, &held.view()?)
    }

    fn open_trace(&self, file: TraceFile, cancelled: &AtomicBool) -> Result<Answer, Refusal> {
        let (document, claimed) = file.open()?;
        let (held, room) =
            self.store.add_for(Arc::new(document), "as opened".to_owned(), Size::view, cancelled)?;
        json_in(room, &OpenedTrace { verified: claimed.verify(&held.step), view: held.view()? })
    }

    fn edit(&self, revision: usize, edit: &Edit, cancelled: &AtomicBool) -> Result<Answer, Refusal> {
        let (held, made, room) = self.store.edit_for(revision, edit, Size::view, cancelled)?;
        json_in(room, &EditReply { view: held.view()?, made })
    }

    fn value(&self, revision: usize, name: &str, cancelled: &AtomicBool) -> Result<Answer, Refusal> {
        let (held, room) = self.store.get_for(revision, Size::value, cancelled)?;
        let id: ValueId =
            name.parse().map_err(|error: chainrule::Error| Refusal::Missing(error.to_string()))?;
        let value = held.step.trace.value(id);
        let value =
            value.ok_or_else(|| Refusal::Missing(format!("revision {revision} has no value {id}")))?;
        let numbers = value.values.iter().flat_map(|number| number.to_le_bytes()).collect();
        Ok(Answer { format: Format::Numbers, bytes: Unsent::in_room(numbers, room) })
    }

    fn catalog(&self) -> Catalog {
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
        Catalog {
            version: env!("CARGO_PKG_VERSION"),
            examples: EXAMPLES,
            activations: activations.collect(),
            losses: losses.collect(),
            initializations: [SUITED]
                .into_iter()
                .chain(Initialization::NAMED.map(|(name, _)| name))
                .collect(),
            limits: limits::limits(),
            mistakes: Mistake::of_the_backward_pass().map(MistakeChoice::of).collect(),
            start: self.start,
        }
    }
}

/// A document of at most so many numbers, and what its first revision is called.
fn opened(new: NewDocument, most: usize) -> Result<(Arc<Document>, String), Refusal> {
    match (new.example, new.document) {
        (Some(id), None) => Ok((examples::document(&id)?, format!("example {id}"))),
        (None, Some(shared)) => Ok((Arc::new(shared.open_within(most)?), "as opened".to_owned())),
        _ => Err(Refusal::Invalid("give either example or document".to_owned())),
    }
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
    /// Those that a whole step can be computed with.
    mistakes: Vec<MistakeChoice>,
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

/// A mistake that can be chosen.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct MistakeChoice {
    id: Mistake,
    name: &'static str,
    formula: Option<&'static str>,
}

impl MistakeChoice {
    fn of(id: Mistake) -> Self {
        MistakeChoice { id, name: id.name(), formula: id.formula() }
    }
}

/// What a file opened, and whether its numbers are right.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct OpenedTrace<'a> {
    view: View<'a>,
    verified: Verified,
}

/// What an edit made. The revision that was edited stays as it is.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct EditReply<'a> {
    view: View<'a>,
    /// Every revision made, oldest first; the last one is the view's.
    made: Vec<Made>,
}
