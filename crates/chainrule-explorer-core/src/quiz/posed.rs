//! A question with its one right answer and those that mistakes give, and how an answer is judged.

use chainrule::trace::{Stage, ValueId};
use serde::{Deserialize, Serialize};

use super::draw::Draw;
use super::mistakes::{Mistake, Paragraph};
use crate::Num;
use crate::analysis::Cell;
use crate::analysis::reader::Reader;
use crate::words::short;

/// What a question is about, for the score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Concept {
    /// W^T on the way back.
    Transpose,
    /// sigma'
    Slope,
    /// Weighted sums and activations.
    Forward,
    /// Rows and columns.
    Shapes,
    /// delta(L)
    OutputError,
    /// dW and db.
    Gradients,
    /// Sums and means over samples.
    Batch,
    /// W - eta dW
    Update,
}

impl Concept {
    /// Its name in JSON.
    pub(super) fn id(self) -> &'static str {
        match self {
            Concept::Transpose => "transpose",
            Concept::Slope => "slope",
            Concept::Forward => "forward",
            Concept::Shapes => "shapes",
            Concept::OutputError => "output_error",
            Concept::Gradients => "gradients",
            Concept::Batch => "batch",
            Concept::Update => "update",
        }
    }
}

/// How a question is answered.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Form {
    /// By one of these.
    Choices {
        /// In the order in which they are shown.
        choices: Vec<String>,
    },
    /// By a number.
    Number {
        /// How exactly, in words.
        tolerance: String,
    },
    /// By rows and columns.
    Shape,
}

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Answered {
    /// The place of a choice, from 0.
    Choice(usize),
    /// A number.
    Number(Num),
    /// Rows and columns.
    Shape([usize; 2]),
}

/// A cell whose number is needed for the answer, and is known before it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct GivenCell {
    /// Which number.
    pub cell: Cell,
    /// How to read it.
    pub label: String,
}

/// A question of a quiz. It holds no number of the trace.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "QuizQuestion"))]
pub struct Question {
    /// Its place in the quiz, from 1.
    pub number: usize,
    /// The kind of question.
    pub kind: &'static str,
    /// What it is about.
    pub concept: Concept,
    /// The step that it is about.
    #[cfg_attr(test, ts(as = "crate::contract::Phase"))]
    pub phase: Stage,
    /// The question.
    pub prompt: String,
    /// How it is answered.
    pub form: Form,
    /// The cell that it asks for, or that shows what it asks about.
    pub cell: Cell,
    /// The event that computes the cell; none for what is given.
    pub event: Option<usize>,
    /// The numbers that the answer is made of.
    pub given: Vec<GivenCell>,
}

/// The answer of a mistake.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The mistake.
    pub mistake: Mistake,
    /// What it gives.
    pub answer: Answered,
}

/// A question with its answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Posed {
    /// The question.
    pub question: Question,
    /// Its right answer.
    pub right: Answered,
    /// Those of mistakes.
    pub candidates: Vec<Candidate>,
    pub(super) tolerance: Tolerance,
    pub(super) why: String,
    pub(super) paragraph: Paragraph,
}

/// What is said of an answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "QuizVerdict"))]
pub struct QuizVerdict {
    /// Whether it is right.
    pub right: bool,
    /// The mistake that gives it.
    pub mistake: Option<Mistake>,
    /// What the mistake is called.
    pub name: Option<String>,
    /// What is to be said.
    pub words: String,
    /// The right answer in words; to four digits where it is a number of the trace.
    pub answer: Option<String>,
    /// Why it is right.
    pub why: String,
    /// Where the stage shows it.
    pub cell: Cell,
    /// The event that computes the cell; none for what is given.
    pub event: Option<usize>,
    /// Where the lesson speaks of it.
    pub paragraph: Paragraph,
}

/// How far from a number an answer may be: whoever computes with four digits, as the page shows them, is within.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tolerance {
    relative: f64,
    absolute: f64,
}

impl Tolerance {
    /// Half a per cent, or a thousandth of the sizes of the terms: where they cancel, their rounding is left.
    pub(super) fn of_terms(terms: impl IntoIterator<Item = f64>) -> Tolerance {
        Tolerance { relative: 5e-3, absolute: 1e-3 * terms.into_iter().map(f64::abs).sum::<f64>() }
    }

    /// Only as much as four digits of what is changed lose, and a fiftieth of the change.
    pub(super) fn of_change(before: f64, change: f64) -> Tolerance {
        Tolerance { relative: 0.0, absolute: (6e-4 * before.abs()).max(0.02 * change.abs()) }
    }

    /// Whole numbers.
    pub(super) const EXACT: Tolerance = Tolerance { relative: 0.0, absolute: 0.25 };

    fn around(self, value: f64) -> f64 {
        (self.relative * value.abs()).max(self.absolute)
    }

    fn in_words(self) -> String {
        match self {
            Tolerance::EXACT => "A whole number.".to_owned(),
            Tolerance { relative: 0.0, .. } => "Four digits are needed.".to_owned(),
            _ => "Three digits are enough: half a per cent is allowed.".to_owned(),
        }
    }
}

impl Answered {
    /// Whether an answer counts as this one.
    fn takes(self, answer: Answered, tolerance: Tolerance) -> bool {
        match (self, answer) {
            (Answered::Number(own), Answered::Number(other)) => {
                (own.0 - other.0).abs() <= tolerance.around(own.0)
            }
            (own, other) => own == other,
        }
    }

    /// Whether no answer counts as both, with some room between.
    fn is_apart_from(self, other: Answered, tolerance: Tolerance) -> bool {
        match (self, other) {
            (Answered::Number(Num(own)), Answered::Number(Num(other))) => {
                (own - other).abs() > 1.2 * (tolerance.around(own) + tolerance.around(other))
            }
            (own, other) => own != other,
        }
    }

    fn is_finite(self) -> bool {
        !matches!(self, Answered::Number(Num(number)) if !number.is_finite())
    }
}

impl Posed {
    /// Whether it can be asked: no two of its answers are the same.
    pub(super) fn is_sound(&self) -> bool {
        let answers: Vec<Answered> =
            std::iter::once(self.right).chain(self.candidates.iter().map(|c| c.answer)).collect();
        let apart = |(at, one): (usize, &Answered)| {
            answers[at + 1..].iter().all(|other| one.is_apart_from(*other, self.tolerance))
        };
        answers.iter().all(|answer| answer.is_finite()) && answers.iter().enumerate().all(apart)
    }

    /// Whether who has gone through this question has read the answer of another one: a shape in a sentence, or a
    /// number among those that were given.
    pub(super) fn tells(&self, other: &Posed) -> bool {
        match other.question.form {
            Form::Choices { .. } => false,
            Form::Number { .. } => self.question.given.iter().any(|given| given.cell == other.question.cell),
            Form::Shape => {
                let Some((_, asked)) = other.question.prompt.split_once("What shape has ") else {
                    return false;
                };
                let matrix = asked.split([' ', '?', ',']).next().unwrap_or(asked);
                let told = [format!(" {matrix} is "), format!(" as {matrix}."), format!("shape of {matrix}")];
                let texts = [&self.question.prompt, &self.why].map(|text| format!(" {text}"));
                texts.iter().any(|text| told.iter().any(|told| text.contains(told)))
            }
        }
    }

    /// What is said of an answer.
    pub fn judge(&self, answer: Answered) -> QuizVerdict {
        let right = self.right.takes(answer, self.tolerance);
        let made = self.candidates.iter().find(|c| c.answer.takes(answer, self.tolerance));
        let mistake = made.map(|candidate| candidate.mistake).filter(|_| !right);
        let words = match (right, mistake) {
            (true, _) => "Right.".to_owned(),
            (false, Some(mistake)) => mistake.words().to_owned(),
            (false, None) => match self.question.form {
                Form::Shape => "No classic mistake gives this shape: look at each matrix, its rows first, then its \
                                columns."
                    .to_owned(),
                _ => "No classic mistake gives this number: look at the numbers that it is made of, and compute once \
                      more."
                    .to_owned(),
            },
        };
        let Question { cell, event, .. } = self.question;
        QuizVerdict {
            right,
            mistake,
            name: mistake.map(|mistake| mistake.name().to_owned()),
            words,
            answer: self.right_in_words(),
            why: self.why.clone(),
            cell,
            event,
            paragraph: mistake
                .filter(|&one| one != Mistake::OtherSign)
                .map_or(self.paragraph, Mistake::paragraph),
        }
    }

    fn right_in_words(&self) -> Option<String> {
        match (self.right, &self.question.form) {
            (Answered::Choice(place), Form::Choices { choices }) => choices.get(place).cloned(),
            (Answered::Shape([rows, columns]), _) => Some(format!("{rows} x {columns}")),
            (Answered::Number(Num(number)), _) if self.tolerance == Tolerance::EXACT => {
                Some(number.to_string())
            }
            (Answered::Number(Num(number)), _) => Some(short(number)),
            _ => None,
        }
    }
}

/// A question as its kind draws it.
pub(super) struct Draft {
    prompt: String,
    form: Form,
    cell: Cell,
    given: Vec<Cell>,
    right: Answered,
    candidates: Vec<Candidate>,
    tolerance: Tolerance,
    why: String,
}

impl Draft {
    /// A choice between texts, the right one and one for each mistake, in any order.
    pub(super) fn choices(
        draw: &mut Draw,
        prompt: impl Into<String>,
        right: impl Into<String>,
        wrong: Vec<(Mistake, String)>,
        cell: Cell,
        why: impl Into<String>,
    ) -> Draft {
        let right: String = right.into();
        let mut texts: Vec<(Option<Mistake>, String)> =
            wrong.into_iter().map(|(mistake, text)| (Some(mistake), text)).collect();
        texts.push((None, right));
        draw.shuffle(&mut texts);
        let place = texts.iter().position(|(mistake, _)| mistake.is_none()).unwrap_or(0);
        let candidate = |(place, (mistake, _)): (usize, &(Option<Mistake>, String))| {
            mistake.map(|mistake| Candidate { mistake, answer: Answered::Choice(place) })
        };
        Draft {
            prompt: prompt.into(),
            right: Answered::Choice(place),
            candidates: texts.iter().enumerate().filter_map(candidate).collect(),
            form: Form::Choices { choices: texts.into_iter().map(|(_, text)| text).collect() },
            cell,
            given: Vec::new(),
            tolerance: Tolerance::EXACT,
            why: why.into(),
        }
    }

    /// A number, and what each mistake makes of it.
    pub(super) fn number(
        prompt: String,
        right: f64,
        wrong: Vec<(Mistake, f64)>,
        tolerance: Tolerance,
        cell: Cell,
        given: Vec<Cell>,
        why: impl Into<String>,
    ) -> Draft {
        let candidate = |(mistake, number)| Candidate { mistake, answer: Answered::Number(Num(number)) };
        Draft {
            prompt,
            form: Form::Number { tolerance: tolerance.in_words() },
            cell,
            given,
            right: Answered::Number(Num(right)),
            candidates: wrong.into_iter().map(candidate).collect(),
            tolerance,
            why: why.into(),
        }
    }

    /// Rows and columns, and what each mistake takes for them.
    pub(super) fn shape(
        prompt: String,
        right: [usize; 2],
        wrong: Vec<(Mistake, [usize; 2])>,
        cell: Cell,
        why: impl Into<String>,
    ) -> Draft {
        let candidate = |(mistake, shape)| Candidate { mistake, answer: Answered::Shape(shape) };
        Draft {
            prompt,
            form: Form::Shape,
            cell,
            given: Vec::new(),
            right: Answered::Shape(right),
            candidates: wrong.into_iter().map(candidate).collect(),
            tolerance: Tolerance::EXACT,
            why: why.into(),
        }
    }

    /// The question in its place in the quiz; none if its cell is not in the trace.
    pub(super) fn posed(
        self,
        reader: &Reader<'_>,
        number: usize,
        kind: &'static str,
        concept: Concept,
        phase: Stage,
        paragraph: Paragraph,
    ) -> Option<Posed> {
        let event_of = |name: ValueId| {
            let mut events = reader.step.trace.events.iter();
            events.find(|event| event.outputs.iter().any(|value| value.id == name)).map(|event| event.id)
        };
        if !reader.has(self.cell.name) {
            return None;
        }
        let given = |cell: Cell| GivenCell { label: reader.label(&cell), cell };
        let question = Question {
            number,
            kind,
            concept,
            phase,
            prompt: self.prompt,
            form: self.form,
            cell: self.cell,
            event: event_of(self.cell.name),
            given: self.given.into_iter().map(given).collect(),
        };
        let Draft { right, candidates, tolerance, why, .. } = self;
        Some(Posed { question, right, candidates, tolerance, why, paragraph })
    }
}
