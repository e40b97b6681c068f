//! The quiz: questions about the concepts, the shapes of this network and the numbers of its step.
//!
//! Each question has one right answer, which the trace has, and the answers that classic mistakes would give: who
//! gives one is told which mistake it is. A question whose answers are not all apart from each other is not
//! asked; another cell is drawn, or another kind. The same seed gives the same quiz on the same step.

mod backward;
mod draw;
mod kinds;
mod mistakes;
mod posed;
mod sabotage;

use chainrule::trace::Stage;
use serde::{Deserialize, Serialize};

pub use mistakes::{Mistake, Paragraph};
pub use posed::{Answered, Candidate, Concept, Form, GivenCell, Posed, Question, QuizVerdict};
pub(crate) use sabotage::sabotage_until;
pub use sabotage::{Losses, SabotageReport, sabotage};

use crate::analysis::reader::Reader;
use crate::limits::at_most;
use crate::{Refusal, Step};
use draw::Draw;
use kinds::{KINDS, Kind, Source};

/// Questions of a quiz at most.
const COUNT: usize = 60;

/// Draws of one kind before another one is taken.
const DRAWS: usize = 60;

/// How often kinds that ask for a cell come again, with another one.
const ROUNDS: usize = 8;

/// What a good teacher asks first about the transpose: where it comes from, what it does, what its shape is. Of the
/// last two kinds the first that makes sense.
const FIRST: [&[&str]; 3] =
    [&["transpose_origin"], &["transpose_role"], &["transpose_shape", "transpose_square"]];

/// Which quiz.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct AtQuiz {
    /// What the questions are drawn with.
    pub seed: u64,
    /// How many questions; there may be fewer.
    pub count: usize,
    /// One of the five steps; left out for all.
    pub phase: Option<String>,
    /// Concepts, with commas between them; left out for all.
    pub concepts: Option<String>,
}

/// An answer to a question of a quiz.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct QuizAnswer {
    /// As the quiz was asked for.
    pub seed: u64,
    /// As the quiz was asked for.
    pub phase: Option<String>,
    /// As the quiz was asked for.
    pub concepts: Option<String>,
    /// The question's, from 1.
    pub number: usize,
    /// The answer.
    pub answer: Answered,
}

/// A quiz.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Quiz {
    /// What its questions were drawn with.
    pub seed: u64,
    /// In the order in which they are asked.
    pub questions: Vec<Question>,
}

/// The questions of a quiz.
///
/// # Errors
/// When too many are asked for, or there is no such step or concept.
pub fn quiz(step: &Step, asked: &AtQuiz) -> Result<Quiz, Refusal> {
    let questions = posed(step, asked)?.into_iter().map(|posed| posed.question).collect();
    Ok(Quiz { seed: asked.seed, questions })
}

/// What is said of an answer.
///
/// # Errors
/// When there is no such question, or it is answered in another form.
pub fn judge(step: &Step, answer: &QuizAnswer) -> Result<QuizVerdict, Refusal> {
    let QuizAnswer { seed, phase, concepts, number, answer } = answer.clone();
    let asked = AtQuiz { seed, phase, concepts, count: number };
    let questions = posed(step, &asked)?;
    let question = number.checked_sub(1).and_then(|index| questions.get(index));
    let question = question.ok_or_else(|| Refusal::Missing(format!("this quiz has no question {number}")))?;
    let how = match (&question.question.form, answer) {
        (Form::Choices { choices }, Answered::Choice(place)) if place < choices.len() => None,
        (Form::Number { .. }, Answered::Number(_)) | (Form::Shape, Answered::Shape(_)) => None,
        (Form::Choices { .. }, _) => Some("one of its choices"),
        (Form::Number { .. }, _) => Some("a number"),
        (Form::Shape, _) => Some("rows and columns"),
    };
    match how {
        Some(how) => Err(Refusal::Invalid(format!("question {number} is answered by {how}"))),
        None => Ok(question.judge(answer)),
    }
}

/// The questions of a quiz with all their answers.
///
/// # Errors
/// As [`quiz`].
pub fn posed(step: &Step, asked: &AtQuiz) -> Result<Vec<Posed>, Refusal> {
    at_most("questions", asked.count, COUNT)?;
    let reader = Reader::new(step);
    let mut source = Source { reader: &reader, draw: Draw::new(asked.seed) };
    let (first, rest) = in_order(&wanted(asked)?, &mut source.draw);
    let mut quiz = Vec::new();
    for kinds in first {
        let next = kinds.into_iter().find_map(|kind| drawn(kind, &mut source, &quiz));
        quiz.extend(next);
    }
    for round in 0..ROUNDS {
        for kind in &rest {
            if quiz.len() >= asked.count {
                break;
            }
            let next = drawn(kind, &mut source, &quiz);
            // A concept is asked about once.
            let next =
                next.filter(|posed| round == 0 || !matches!(posed.question.form, Form::Choices { .. }));
            quiz.extend(next);
        }
    }
    quiz.truncate(asked.count);
    Ok(quiz)
}

/// The kinds of the step and the concepts that are asked for.
fn wanted(asked: &AtQuiz) -> Result<Vec<&'static Kind>, Refusal> {
    let of_phase = |kind: &Kind, phase: &str| phase_id(kind.phase) == phase;
    let of_concept = |kind: &Kind, concept: &str| kind.concept.id() == concept;
    let nothing = |what: &str, word: &str| {
        let shown: String = word.chars().take(60).collect();
        Refusal::Invalid(format!("there is no {what} {shown:?}"))
    };
    if let Some(phase) = &asked.phase {
        KINDS.iter().find(|kind| of_phase(kind, phase)).ok_or_else(|| nothing("phase", phase))?;
    }
    let concepts: Option<Vec<&str>> = asked.concepts.as_ref().map(|list| list.split(',').collect());
    for concept in concepts.iter().flatten() {
        KINDS.iter().find(|kind| of_concept(kind, concept)).ok_or_else(|| nothing("concept", concept))?;
    }
    let is_wanted = |kind: &&Kind| {
        asked.phase.as_ref().is_none_or(|phase| of_phase(kind, phase))
            && concepts.as_ref().is_none_or(|concepts| concepts.iter().any(|one| of_concept(kind, one)))
    };
    Ok(KINDS.iter().filter(is_wanted).collect())
}

/// As in the contract.
fn phase_id(phase: Stage) -> &'static str {
    match phase {
        Stage::Forward => "forward",
        Stage::OutputError => "output_error",
        Stage::Backward => "backward",
        Stage::Gradients => "gradients",
        Stage::Update => "update",
    }
}

/// The teacher's first questions, each with its alternatives, and the others, one of each step after the other.
fn in_order(wanted: &[&'static Kind], draw: &mut Draw) -> (Vec<Vec<&'static Kind>>, Vec<&'static Kind>) {
    let (first, rest): (Vec<&'static Kind>, Vec<&'static Kind>) =
        wanted.iter().copied().partition(|kind| FIRST.iter().any(|kinds| kinds.contains(&kind.id)));
    let of_first = |kinds: &&[&str]| -> Vec<&'static Kind> {
        kinds.iter().filter_map(|id| first.iter().find(|kind| kind.id == *id).copied()).collect()
    };
    let mut phases: Vec<Vec<&'static Kind>> = Vec::new();
    for kind in rest {
        match phases.last_mut() {
            Some(phase) if phase[0].phase == kind.phase => phase.push(kind),
            _ => phases.push(vec![kind]),
        }
    }
    phases.iter_mut().for_each(|phase| draw.shuffle(phase));
    let longest = phases.iter().map(Vec::len).max().unwrap_or(0);
    let turn = |at: usize| phases.iter().filter_map(move |phase| phase.get(at).copied());
    let others = (0..longest).flat_map(turn).collect();
    (FIRST.iter().map(of_first).collect(), others)
}

/// A question of a kind that was not asked yet, whose answers are apart and were not told by the questions before;
/// none where none was found.
fn drawn(kind: &Kind, source: &mut Source<'_>, before: &[Posed]) -> Option<Posed> {
    let number = before.len() + 1;
    (0..DRAWS).find_map(|_| {
        let draft = (kind.draft)(source)?;
        let posed = draft.posed(source.reader, number, kind.id, kind.concept, kind.phase, kind.paragraph)?;
        let is_new =
            before.iter().all(|one| one.question.prompt != posed.question.prompt && !one.tells(&posed));
        (posed.is_sound() && is_new).then_some(posed)
    })
}
