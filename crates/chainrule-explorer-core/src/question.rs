//! What can be asked: the words of a request as a question.
//!
//! Every address, with its query or its body, is a line of `web/src/lib/contract.ts`.

use chainrule::trace::ValueId;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::analysis::Cell;
use crate::edit::Edit;
use crate::film;
use crate::num::Num;
use crate::quiz::{AtQuiz, Mistake, QuizAnswer};
use crate::refusal::Refusal;
use crate::shared_document::SharedDocument;
use crate::take_away::TraceFile;

/// Where a question is asked, below "api/".
#[derive(Clone, Debug, PartialEq)]
pub enum Address {
    /// "alive"
    Alive,
    /// "catalog"
    Catalog,
    /// "documents"
    Documents,
    /// "multiply"
    Multiply,
    /// "traces"
    Traces,
    /// "revisions/N", with what follows.
    Revision(usize, OfRevision),
}

/// What is asked of a revision.
#[derive(Clone, Debug, PartialEq)]
pub enum OfRevision {
    /// Nothing more: its view.
    View,
    /// "document"
    Document,
    /// "edits"
    Edits,
    /// "values/NAME"
    Value(String),
    /// "explain"
    Explain,
    /// "neuron"
    Neuron,
    /// "edge"
    Edge,
    /// "matrix"
    Matrix,
    /// "outer"
    Outer,
    /// "layer"
    Layer,
    /// "loss"
    Loss,
    /// "input"
    Input,
    /// "check/cell"
    CheckCell,
    /// "check/all"
    CheckAll,
    /// "quiz"
    Quiz,
    /// "quiz/answer"
    QuizAnswer,
    /// "sabotage"
    Sabotage,
    /// "film"
    Film,
    /// "film/frame"
    Frame,
    /// "film/animated"
    Animated,
    /// "pytorch"
    PyTorch,
    /// "trace"
    Trace,
}

impl Address {
    /// The address of a path.
    ///
    /// # Errors
    /// When there is no such address.
    pub fn read(path: &str) -> Result<Address, Refusal> {
        let nothing = || Refusal::Missing("there is nothing at this address".to_owned());
        Address::find(path).ok_or_else(nothing)
    }

    fn find(path: &str) -> Option<Address> {
        let parts: Vec<&str> = path.split('/').collect();
        let of_revision = match parts[..] {
            ["alive"] => return Some(Address::Alive),
            ["catalog"] => return Some(Address::Catalog),
            ["documents"] => return Some(Address::Documents),
            ["multiply"] => return Some(Address::Multiply),
            ["traces"] => return Some(Address::Traces),
            ["revisions", _] => OfRevision::View,
            ["revisions", _, "document"] => OfRevision::Document,
            ["revisions", _, "edits"] => OfRevision::Edits,
            ["revisions", _, "values", name] => OfRevision::Value(name.to_owned()),
            ["revisions", _, "explain"] => OfRevision::Explain,
            ["revisions", _, "neuron"] => OfRevision::Neuron,
            ["revisions", _, "edge"] => OfRevision::Edge,
            ["revisions", _, "matrix"] => OfRevision::Matrix,
            ["revisions", _, "outer"] => OfRevision::Outer,
            ["revisions", _, "layer"] => OfRevision::Layer,
            ["revisions", _, "loss"] => OfRevision::Loss,
            ["revisions", _, "input"] => OfRevision::Input,
            ["revisions", _, "check", "cell"] => OfRevision::CheckCell,
            ["revisions", _, "check", "all"] => OfRevision::CheckAll,
            ["revisions", _, "quiz"] => OfRevision::Quiz,
            ["revisions", _, "quiz", "answer"] => OfRevision::QuizAnswer,
            ["revisions", _, "sabotage"] => OfRevision::Sabotage,
            ["revisions", _, "film"] => OfRevision::Film,
            ["revisions", _, "film", "frame"] => OfRevision::Frame,
            ["revisions", _, "film", "animated"] => OfRevision::Animated,
            ["revisions", _, "pytorch"] => OfRevision::PyTorch,
            ["revisions", _, "trace"] => OfRevision::Trace,
            _ => return None,
        };
        Some(Address::Revision(parts[1].parse().ok()?, of_revision))
    }

    /// Whether it takes a body, in JSON; the others take a query.
    pub fn takes_body(&self) -> bool {
        use OfRevision::{CheckAll, CheckCell, Edits, QuizAnswer};
        matches!(
            self,
            Address::Documents
                | Address::Multiply
                | Address::Traces
                | Address::Revision(_, Edits | CheckCell | CheckAll | QuizAnswer)
        )
    }

    /// The question that the query or the body asks here.
    ///
    /// # Errors
    /// Says what is not as expected.
    pub fn question(self, words: &[u8]) -> Result<Question, Refusal> {
        Ok(match self {
            Address::Alive => Question::Alive,
            Address::Catalog => Question::Catalog,
            Address::Documents => Question::Open(body(words)?),
            Address::Multiply => Question::Multiply(body(words)?),
            Address::Traces => Question::OpenTrace(body(words)?),
            Address::Revision(revision, of_revision) => {
                Question::Revision(revision, of_revision.question(words)?)
            }
        })
    }
}

impl OfRevision {
    fn question(self, words: &[u8]) -> Result<AboutRevision, Refusal> {
        Ok(match self {
            OfRevision::View => AboutRevision::View,
            OfRevision::Document => AboutRevision::Document,
            OfRevision::Edits => AboutRevision::Edit(body(words)?),
            OfRevision::Value(name) => AboutRevision::Value(name),
            OfRevision::Explain => AboutRevision::Explain(query(words)?),
            OfRevision::Neuron => AboutRevision::Neuron(query(words)?),
            OfRevision::Edge => AboutRevision::Edge(query(words)?),
            OfRevision::Matrix => AboutRevision::Matrix(query(words)?),
            OfRevision::Outer => AboutRevision::Outer(query(words)?),
            OfRevision::Layer => AboutRevision::Layer(query(words)?),
            OfRevision::Loss => {
                let Nothing {} = query(words)?;
                AboutRevision::Loss
            }
            OfRevision::Input => AboutRevision::Input(query(words)?),
            OfRevision::CheckCell => AboutRevision::CheckCell(body(words)?),
            OfRevision::CheckAll => {
                let Nothing {} = body(words)?;
                AboutRevision::CheckAll
            }
            OfRevision::Quiz => AboutRevision::Quiz(query(words)?),
            OfRevision::QuizAnswer => AboutRevision::QuizAnswer(body(words)?),
            OfRevision::Sabotage => AboutRevision::Sabotage(query(words)?),
            OfRevision::Film => AboutRevision::Film(query(words)?),
            OfRevision::Frame => AboutRevision::Frame(query(words)?),
            OfRevision::Animated => AboutRevision::Animated(query(words)?),
            OfRevision::PyTorch => AboutRevision::PyTorch,
            OfRevision::Trace => AboutRevision::Trace,
        })
    }
}

fn query<T: DeserializeOwned>(words: &[u8]) -> Result<T, Refusal> {
    let unreadable = |reason| Refusal::Unreadable(format!("the query is not as expected: {reason}"));
    serde_urlencoded::from_bytes(words).map_err(unreadable)
}

fn body<T: DeserializeOwned>(words: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(words).map_err(|error| Refusal::of_json(&error))
}

/// A question that can be answered.
#[derive(Debug)]
pub enum Question {
    /// Whether anybody answers.
    Alive,
    /// What can be chosen.
    Catalog,
    /// A new root.
    Open(NewDocument),
    /// A product of matrices.
    Multiply(Pair),
    /// A new root from a file, and whether its numbers are right.
    OpenTrace(Box<TraceFile>),
    /// About a revision.
    Revision(usize, AboutRevision),
}

impl Question {
    /// Whether the answer takes many steps.
    pub fn is_long(&self) -> bool {
        match self {
            Question::Revision(_, AboutRevision::Edit(Edit::Iterate { count })) => *count > 1,
            Question::Revision(_, AboutRevision::CheckAll | AboutRevision::Sabotage(_)) => true,
            _ => false,
        }
    }
}

/// A question about a revision.
#[derive(Debug)]
pub enum AboutRevision {
    /// Its document and its trace.
    View,
    /// Its document for a link.
    Document,
    /// A change of it.
    Edit(Edit),
    /// The numbers of a value.
    Value(String),
    /// Where a number comes from.
    Explain(Cell),
    /// A neuron, forward and backward.
    Neuron(AtNeuron),
    /// A weight for one sample.
    Edge(AtEdge),
    /// Norms and extremes.
    Matrix(Named),
    /// An outer product.
    Outer(AtOuter),
    /// Costs and gains of a layer.
    Layer(AtLayer),
    /// The loss, sample by sample.
    Loss,
    /// An input.
    Input(AtInput),
    /// One parameter against finite differences.
    CheckCell(Cell),
    /// All of them.
    CheckAll,
    /// The questions of a quiz.
    Quiz(AtQuiz),
    /// An answer to one of them.
    QuizAnswer(QuizAnswer),
    /// The step with a mistake.
    Sabotage(AtSabotage),
    /// How long its film is, and what it says.
    Film(AskedFilm),
    /// A picture of the film.
    Frame(AskedFrame),
    /// The whole film as one picture that moves.
    Animated(AskedAnimation),
    /// A script that checks its numbers.
    PyTorch,
    /// Its trace as a file.
    Trace,
}

/// A neuron and a sample.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct AtNeuron {
    pub(crate) layer: usize,
    pub(crate) neuron: usize,
    pub(crate) sample: usize,
}

/// A weight and a sample.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct AtEdge {
    pub(crate) layer: usize,
    pub(crate) to: usize,
    pub(crate) from: usize,
    pub(crate) sample: usize,
}

/// A value of the trace.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct Named {
    #[cfg_attr(test, ts(type = "string"))]
    pub(crate) name: ValueId,
}

/// A layer's gradient.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct AtOuter {
    pub(crate) layer: usize,
    /// Left out for the whole batch.
    pub(crate) sample: Option<usize>,
}

/// A layer.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct AtLayer {
    pub(crate) layer: usize,
}

/// An input and a sample.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct AtInput {
    pub(crate) column: usize,
    pub(crate) sample: usize,
}

/// A mistake, and how many updates are made with it.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct AtSabotage {
    pub(crate) mistake: Mistake,
    pub(crate) iterations: usize,
}

/// A film of a step, which shows one sample.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct AskedFilm {
    pub(crate) kind: film::Kind,
    pub(crate) sample: usize,
}

/// A picture of the film.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct AskedFrame {
    pub(crate) kind: film::Kind,
    pub(crate) sample: usize,
    /// Seconds from the beginning.
    pub(crate) time: f64,
    pub(crate) theme: film::Theme,
    /// In pixels, as the height.
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// The film as one picture that moves.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct AskedAnimation {
    pub(crate) kind: film::Kind,
    pub(crate) sample: usize,
    pub(crate) theme: film::Theme,
}

/// Nothing is said.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Two matrices of at most 8 x 8 each.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct Pair {
    pub(crate) a: Vec<Vec<Num>>,
    pub(crate) b: Vec<Vec<Num>>,
}

/// A new root: a worked example, or what a share link holds.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(type = "{ example: string } | { document: SharedDocument }"))]
#[serde(deny_unknown_fields)]
pub struct NewDocument {
    pub(crate) example: Option<String>,
    pub(crate) document: Option<Box<SharedDocument>>,
}
