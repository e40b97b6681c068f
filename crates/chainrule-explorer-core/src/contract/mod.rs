//! `web/src/lib/contract.ts`, all that server and page say to each other: made from the types that are sent.

mod engine;
mod layout;

use std::any::TypeId;
use std::collections::BTreeMap;

use ts_rs::{Config, TS, TypeVisitor};

pub(crate) use engine::{Activation, Kind, Loss, Operation, OperationOrGiven, Phase};

use crate::analysis::{
    Cell, CellCheck, CheckReport, EdgeReport, Explanation, InputReport, LayerReport, LossReport,
    MatrixReport, NeuronReport, OuterReport, Product,
};
use crate::answers::{Catalog, EditReply, OpenedTrace};
use crate::edit::Edit;
use crate::film::FilmReport;
use crate::question::{
    AskedAnimation, AskedFilm, AskedFrame, AtEdge, AtInput, AtLayer, AtNeuron, AtOuter, AtSabotage, Named,
    NewDocument, Pair,
};
use crate::quiz::{AtQuiz, Quiz, QuizAnswer, QuizVerdict, SabotageReport};
use crate::shared_document::SharedDocument;
use crate::take_away::TraceFile;
use crate::view::View;

/// Writes the file.
const COMMAND: &str = "WRITE_CONTRACT=1 cargo test -p chainrule-explorer-core --lib contract";

const HEADER: &str = "\
//
// All addresses are relative to the page's own, which contains the launch's token: \"./api/...\"; N is a revision.
// Every matrix has one row for each sample; W(l) is [n_l, n_(l-1)]. Indices count from 0, layers l from 1.
// What a comment calls none is null. Errors are { error: string } with a status of 4xx.
//
// GET api/alive -> { alive: true }
// GET api/revisions/N/values/NAME -> little-endian f64, row by row (application/octet-stream)
// GET api/revisions/N/pytorch -> a Python script (text/plain)
";

/// The file's text.
fn contract() -> String {
    let mut contract = Contract::new();
    contract.request::<(), Catalog>("GET api/catalog");
    contract.request::<NewDocument, View<'static>>("POST api/documents");
    contract.request::<(), View<'static>>("GET api/revisions/N");
    contract.request::<(), SharedDocument>("GET api/revisions/N/document");
    contract.request::<Edit, EditReply<'static>>("POST api/revisions/N/edits");
    contract.request::<Cell, Explanation>("GET api/revisions/N/explain");
    contract.request::<AtNeuron, NeuronReport>("GET api/revisions/N/neuron");
    contract.request::<AtEdge, EdgeReport>("GET api/revisions/N/edge");
    contract.request::<Named, MatrixReport>("GET api/revisions/N/matrix");
    contract.request::<AtOuter, OuterReport>("GET api/revisions/N/outer");
    contract.request::<AtLayer, LayerReport>("GET api/revisions/N/layer");
    contract.request::<(), LossReport>("GET api/revisions/N/loss");
    contract.request::<AtInput, InputReport>("GET api/revisions/N/input");
    contract.request::<Cell, CellCheck>("POST api/revisions/N/check/cell");
    contract.request::<(), CheckReport>("POST api/revisions/N/check/all");
    contract.request::<AtQuiz, Quiz>("GET api/revisions/N/quiz");
    contract.request::<QuizAnswer, QuizVerdict>("POST api/revisions/N/quiz/answer");
    contract.request::<AtSabotage, SabotageReport>("GET api/revisions/N/sabotage");
    contract.request::<AskedFilm, FilmReport>("GET api/revisions/N/film");
    contract.request::<AskedFrame, Svg>("GET api/revisions/N/film/frame");
    contract.request::<AskedAnimation, Svg>("GET api/revisions/N/film/animated");
    contract.request::<Pair, Product>("POST api/multiply");
    contract.request::<(), TraceFile>("GET api/revisions/N/trace");
    contract.request::<TraceFile, OpenedTrace<'static>>("POST api/traces");
    contract.text
}

/// A picture (image/svg+xml).
#[derive(ts_rs::TS)]
#[ts(type = "string")]
struct Svg;

/// The contract as far as it is written: each type is declared with the first request that needs it.
struct Contract {
    text: String,
    declared: BTreeMap<String, TypeId>,
    /// The declarations that the request at hand needs, by name: ts-rs gives them in any order.
    needed: BTreeMap<String, String>,
    config: Config,
}

impl Contract {
    fn new() -> Self {
        // Whole numbers are below 2^53: `LARGEST_SEED` is the largest.
        let config = Config::new().with_large_int("number");
        let (declared, needed) = (BTreeMap::new(), BTreeMap::new());
        let title = "// What the server and the page say to each other: the types of the server. Written by";
        Contract { text: format!("{title}\n// {COMMAND}\n{HEADER}"), declared, needed, config }
    }

    /// A request with its query or body, and its answer.
    fn request<Asked: TS + 'static, Answer: TS + 'static>(&mut self, address: &str) {
        let (asked, answer) = (Asked::ident(&self.config), Answer::ident(&self.config));
        let sent = match (Asked::output_path(), address.starts_with("GET")) {
            (None, _) => String::new(),
            (Some(_), true) => format!("?{asked}"),
            (Some(_), false) => format!(" {asked}"),
        };
        self.text += &format!("\n// {address}{sent} -> {answer}\n");
        self.visit::<Asked>();
        self.visit::<Answer>();
        let mut needed = std::mem::take(&mut self.needed);
        let first = [asked, answer].map(|name| needed.remove(&name));
        self.text.extend(first.into_iter().flatten().chain(needed.into_values()));
    }
}

impl TypeVisitor for Contract {
    /// Declares a type and all that it is made of.
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        // Numbers, strings and lists have no declaration of their own.
        if T::output_path().is_none() {
            return;
        }
        let (name, id) = (T::ident(&self.config), TypeId::of::<T>());
        if let Some(other) = self.declared.insert(name.clone(), id) {
            assert_eq!(
                id, other,
                "two types are called {name}; give one of them another name with ts(rename)"
            );
            return;
        }
        let docs = T::docs().unwrap_or_default();
        self.needed.insert(name, layout::declaration(&docs, &T::decl(&self.config)));
        T::visit_dependencies(self);
    }
}

#[test]
fn the_page_has_the_contract_of_the_types_that_are_sent() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../chainrule-explorer/web/src/lib/contract.ts");
    let contract = contract();
    if std::env::var_os("WRITE_CONTRACT").is_some() {
        std::fs::write(path, &contract).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap();
    let same = contract.lines().zip(written.lines()).take_while(|(types, file)| types == file).count();
    let line = |text: &str| text.lines().nth(same).unwrap_or("(nothing)").to_owned();
    assert!(
        written == contract,
        "web/src/lib/contract.ts is not what the types say, from line {} on:\n  the file has  {}\n  \
         the types say {}\n`{COMMAND}` writes it; then check and build the page again",
        same + 1,
        line(&written),
        line(&contract),
    );
}
