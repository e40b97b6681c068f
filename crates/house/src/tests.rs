//! The crates of this workspace, and made-up ones: where there is a circle, and where there is none.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::{Circle, circles, sources};

/// The circles that are still there, by crate. One that is mended comes off the list.
const ALLOWED: &[(&str, &[&str])] = &[];

#[test]
fn in_every_crate_imports_run_one_way() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut complaints = Vec::new();
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(crates).unwrap() {
        let directory = entry.unwrap().path();
        let name = directory.file_name().unwrap().to_str().unwrap().to_owned();
        match circles(&sources(&directory.join("src")).unwrap()) {
            Err(error) => complaints.push(format!("{name}: {error}")),
            Ok(found) => complaints.extend(differences(&name, allowed(&name), &found)),
        }
        names.insert(name);
    }
    let gone = ALLOWED.iter().filter(|(name, _)| !names.contains(*name));
    complaints.extend(gone.map(|(name, _)| format!("{name} is allowed circles, but there is no such crate")));
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

fn allowed(name: &str) -> &'static [&'static str] {
    ALLOWED.iter().find(|(allowed, _)| *allowed == name).map_or(&[], |(_, circles)| circles)
}

/// What a list of allowed circles and those that were found do not have in common.
fn differences(name: &str, allowed: &[&str], found: &[Circle]) -> Vec<String> {
    let names: Vec<String> = found.iter().map(Circle::name).collect();
    let new = found.iter().zip(&names).filter(|(_, circle)| !allowed.contains(&circle.as_str()));
    let mended = allowed.iter().filter(|allowed| !names.iter().any(|circle| circle == **allowed));
    new.map(|(circle, _)| format!("{name}: imports run in a circle: {circle}"))
        .chain(mended.map(|circle| format!("{name}: no circle any more, take it off the list: {circle}")))
        .collect()
}

/// Sources from `=== file` lines, each with the text of that file below it.
fn made_up(text: &str) -> BTreeMap<String, String> {
    let files = text.split("=== ").skip(1).map(|file| file.split_once('\n').unwrap());
    files.map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
}

/// The circles of made-up sources, in full.
fn shown(text: &str) -> Vec<String> {
    circles(&made_up(text)).unwrap().iter().map(Circle::to_string).collect()
}

/// The names of the circles of made-up sources.
fn named(text: &str) -> Vec<String> {
    circles(&made_up(text)).unwrap().iter().map(Circle::name).collect()
}

#[test]
fn a_circle_is_shown_with_a_line_for_each_import() {
    let found = shown(
        "\
=== lib.rs
mod one;
mod two;
mod three;
=== one.rs
//! Says [`crate::three::Three`], which is no import.
use std::fmt;
use crate::two::Two;
pub struct One(Two);
=== two.rs
pub struct Two(Box<crate::three::Three>);
=== three.rs
pub struct Three {
    /// Not crate::two::Two.
    first: Option<super::one::One>,
}
",
    );
    let expected = "\
one -> two -> three -> one
  one.rs:3 takes crate::two::Two, defined in two.rs
  two.rs:1 takes crate::three::Three, defined in three.rs
  three.rs:3 takes super::one::One, defined in one.rs";
    assert_eq!(found, [expected]);
}

#[test]
fn imports_that_run_one_way_are_no_circle() {
    let found = named(
        "\
=== lib.rs
mod one;
mod two;
pub use two::*;
pub fn all() -> one::One { two::two() }
=== one.rs
pub struct One;
=== two.rs
use crate::one::One;
pub fn two() -> One { One }
",
    );
    assert!(found.is_empty(), "{found:?}");
}

/// `one` takes a name of `two`, which takes `One`: this is what `two.rs` says for that.
fn through(root: &str, two: &str) -> Vec<String> {
    let one = "use crate::two::Two;\npub struct One;\npub mod inner { pub struct Deep; }\npub trait Act { fn act(&self); }";
    shown(&format!(
        "=== lib.rs\nmod one;\nmod two;\n{root}\n=== one.rs\n{one}\n=== two.rs\npub struct Two;\n{two}\n"
    ))
}

#[test]
fn a_name_counts_where_it_is_defined_through_any_re_export() {
    for (root, two) in [
        ("pub use one::One;", "use crate::One;"),
        ("pub use one::One as Other;", "use crate::Other;"),
        ("pub use one::{inner::{self as within}, One as Other};", "use crate::within::Deep;"),
        ("pub use one::*;", "use crate::One;"),
        ("pub use one::*;", "fn f(x: super::inner::Deep) {}"),
        ("mod prelude { pub use crate::one::*; }", "use crate::prelude::*; fn f(x: &One) {}"),
        ("mod prelude { pub use crate::one::*; } pub use prelude::*;", "fn f(x: &crate::One) {}"),
        ("mod prelude { pub use crate::one::Act as _; }", "use crate::prelude::*; fn f(x: u8) { x.act() }"),
        ("use one::One; type Own = One;", "use super::One as Mine;"),
    ] {
        let found = through(root, two);
        assert_eq!(found.len(), 1, "{root} {two}");
        let line = found[0].lines().last().unwrap();
        assert!(line.starts_with("  two.rs:2 takes ") && line.ends_with("defined in one.rs"), "{line}");
    }
    // A prelude from which nothing of `one` is taken.
    let found =
        through("mod prelude { pub use crate::one::One; }", "use crate::prelude::*; fn f(x: &Two) {}");
    assert!(found.is_empty(), "{found:?}");
    // The root's own item.
    let found = through("use one::One; pub type Own = One;", "use super::Own;");
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn every_way_to_write_a_path_counts() {
    for (what, two) in [
        ("an import", "use crate::one::One;"),
        ("a group", "use {std::fmt, crate::{one::{self, One}}};"),
        ("a relative import", "use super::one::{One as Other};"),
        ("an import in a function", "fn f() { use crate::one::One; }"),
        ("a path", "fn f() { let x = crate::one::One; }"),
        ("a path with arguments", "fn f() { crate::one::One::<u8>::new(); }"),
        ("a path of self", "mod deeper { fn f() { let x = self::super::super::one::One; } }"),
        ("a path behind super::super", "mod deeper { fn f() { let x = super::super::one::One; } }"),
        ("a module by its name", "use crate::one; fn f(x: one::One) {}"),
        ("a module by another name", "use crate::one as first; fn f() -> first::inner::Deep {}"),
        ("a module imported in a function", "fn f() { use super::one; g(one::One) }"),
        ("a path at the end of a range", "fn f() { for _ in 0..crate::one::One::COUNT {} }"),
        ("a type's path", "fn f() { <crate::one::One as Clone>::clone() }"),
        ("a macro's argument", "fn f() { assert_eq!(crate::one::One, 1); }"),
        ("a macro's body", "macro_rules! one { ($x:expr) => { $crate::one::One::new($x) } }"),
        ("a visibility's neighbour", "pub(in crate::one) fn f(x: crate::one::One) {}"),
        ("an attribute", "#[derive(crate::one::One)] struct X;"),
        (
            "serde's attributes",
            "struct X { #[serde(default, with = \"crate::one::inner\")] x: u8, y: crate::one::One }",
        ),
        ("serde's functions", "struct X { #[serde(default = \"crate::one::One::new\")] x: u8 }"),
        ("an implementation", "impl crate::one::Act for Two {}"),
        ("what is not for tests", "#[cfg(not(test))] use crate::one::One;"),
        ("what is not only for tests", "#[cfg(any(test, unix))] use crate::one::One;"),
        ("what stands behind tests", "#[cfg(test)] mod tests { } use crate::one::One;"),
        ("what stands behind a test's import", "#[cfg(test)] use a::{b, c}; use crate::one::One;"),
        ("a field behind a test's", "struct X { #[cfg(test)] x: Vec<u8>, y: crate::one::One }"),
    ] {
        let found = through("", two);
        assert_eq!(found.len(), 1, "{what}");
        assert!(found[0].starts_with("one -> two -> one\n"), "{what}: {}", found[0]);
    }
}

#[test]
fn what_only_tests_take_does_not_count() {
    for two in [
        "#[cfg(test)] use crate::one::One;",
        "#[cfg(test)] mod tests { use crate::one::One; fn f(x: crate::one::One) {} }",
        "#[cfg(all(test, unix))] fn f<A, B>(x: crate::one::One) {}",
        "#[cfg(test)] #[derive(Clone)] pub(crate) struct X<A, B> { x: crate::one::One }",
        "#[test] fn f() { crate::one::One; }",
        "#[cfg(test)] const X: One = One { x: 1, y: crate::one::One };",
        "struct X { #[cfg(test)] x: crate::one::One, y: u8 }",
        "fn f() { #[cfg(test)] let x = if a { crate::one::One } else { crate::one::One }; }",
        "mod deeper { #![cfg(test)] fn f() {} use crate::one::One; }",
        "/** crate::one::One */ #[doc = \"crate::one::One\"] fn f() {}",
    ] {
        let found = through("", two);
        assert!(found.is_empty(), "{two}: {found:?}");
    }
}

#[test]
fn files_of_tests_are_not_read() {
    let found = named(
        "\
=== lib.rs
mod one;
mod two;
=== one.rs
use crate::two::Two;
pub struct One;
=== two/mod.rs
pub struct Two;
#[cfg(test)]
mod tests;
=== two/tests.rs
mod deeper;
use crate::one::One;
=== two/tests/deeper.rs
use crate::one::One;
",
    );
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn folders_and_what_is_in_them_are_compared_on_their_own_levels() {
    // `first` and `second` take names from each other, deep in both; in `first`, so do `a` and `b`, through its mod.rs.
    let found = shown(
        "\
=== lib.rs
mod first;
mod second;
pub use first::A;
=== first/mod.rs
mod a;
mod b;
mod c;
pub use a::A;
pub(crate) use b::{B as Renamed};
pub trait Parent { fn of(a: &A) -> a::A; }
=== first/a.rs
use super::Renamed;
pub struct A;
=== first/b.rs
use crate::A;
use super::Parent;
pub struct B;
=== first/c.rs
use super::a::A;
use crate::second::Deep;
=== second.rs
mod deep;
pub use deep::Deep;
=== second/deep/mod.rs
use super::super::first::Parent;
mod deeper;
pub use self::deeper::Deeper as Deep;
=== second/deep/deeper.rs
pub struct Deeper(super::super::super::first::A);
",
    );
    let outer = "\
first -> second -> first
  first/c.rs:2 takes crate::second::Deep, defined in second/deep/deeper.rs
  second/deep/mod.rs:1 takes super::super::first::Parent, defined in first/mod.rs";
    let inner = "\
first/: a -> b -> a
  first/a.rs:1 takes super::Renamed, defined in first/b.rs
  first/b.rs:1 takes crate::A, defined in first/a.rs";
    assert_eq!(found, [outer, inner]);
}

#[test]
fn a_folder_and_its_own_files_are_no_circle() {
    let found = named(
        "\
=== lib.rs
mod shapes;
pub struct Root(shapes::Round);
=== shapes.rs
mod round;
pub use round::Round;
pub trait Shape { fn as_round(&self) -> round::Round; }
=== shapes/round.rs
use super::Shape;
pub struct Round(Box<crate::Root>, Box<dyn Shape>);
",
    );
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn macros_take_and_are_taken() {
    let text = |one: &str, call: &str| {
        format!(
            "=== lib.rs\n#[macro_use]\nmod one;\nmod two;\n=== one.rs\n{one}\nuse crate::two::Two;\n=== two.rs\npub struct Two;\nfn f() {{ {call} }}\n"
        )
    };
    let plain = "macro_rules! twice { () => {} }";
    for (one, call) in [
        (plain, "twice!()"),
        ("#[macro_export]\nmacro_rules! twice { () => {} }", "crate::twice!()"),
        ("#[macro_export]\nmacro_rules! twice { () => {} }", "$crate::twice!()"),
        ("macro_rules! twice { () => {} } pub(crate) use twice;", "crate::one::twice!()"),
        // What a macro defines, by a name in its body or its call.
        (
            "macro_rules! kinds { ($($kind:ident),*) => { pub enum Kind { $($kind),* } } }",
            "crate::one::Kind::Dense",
        ),
        ("kinds! { Kind: Dense, Dropout }", "crate::one::Kind::Dense"),
    ] {
        assert_eq!(named(&text(one, call)), ["one -> two -> one"], "{one} {call}");
    }
    for call in ["println!()", "let twice = 1; twice", "x.twice()"] {
        assert!(named(&text(plain, call)).is_empty(), "{call}");
    }
}

#[test]
fn what_only_looks_like_a_name_of_another_module_is_none() {
    let text = |two: &str| {
        format!(
            "=== lib.rs\nmod one;\nmod two;\n=== one.rs\nuse crate::two::Two;\npub fn go() {{}}\n=== two.rs\npub struct Two;\n{two}\n"
        )
    };
    for two in [
        "fn f(x: Two) { x.go() }",
        "fn f(x: Two) { x.go::<u8>() }",
        "struct X { go: u8 }",
        "fn f<'go>(x: &'go u8) {}",
        "fn f() { ::one::go(); other::one::go(); <Two>::go() }",
        "macro_rules! m { ($go:expr, $one:ident) => { $go; $one::go } }",
        "mod deeper { mod one { pub fn go() {} } fn f() { one::go() } }",
        "use ::one::go as other; fn f() { other() }",
        "use {::one::go as other, std::fmt}; fn f() { other() }",
        "use ::other::go; fn f() { go() }",
        "fn f<'a>(x: &'a u8) -> impl Fn() + use<'a> {}",
        "fn f() { use other::one; one::go() }",
        "fn f() { use other::go; go() }",
    ] {
        let found = named(&text(&format!("use super::one::{{self}};\nuse super::one::*;\n{two}")));
        assert!(found.is_empty(), "{two}: {found:?}");
    }
    let found = named(&text("use super::one::*; fn f() { go() }"));
    assert_eq!(found, ["one -> two -> one"]);
}

#[test]
fn names_that_are_not_read_are_no_error() {
    let found = named(
        "\
=== lib.rs
mod one;
mod two;
=== one.rs
pub use other::*;
pub use crate::two::Kind::*;
=== two.rs
pub enum Kind { Dense }
use crate::one::{Dense, Foreign};
",
    );
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn each_import_of_a_circle_is_in_one_that_is_shown() {
    // Two circles that share an import, and an import that is in none.
    let found = named(
        "\
=== lib.rs
mod a; mod b; mod c; mod d;
=== a.rs
pub struct A(super::b::B);
=== b.rs
pub struct B(super::a::A, super::c::C, super::d::D);
=== c.rs
pub struct C(super::a::A);
=== d.rs
pub struct D;
",
    );
    assert_eq!(found, ["a -> b -> a", "a -> b -> c -> a"]);
}

#[test]
fn what_cannot_be_followed_is_an_error() {
    let error = |text: &str| circles(&made_up(text)).unwrap_err();
    let two =
        |two: &str| error(&format!("=== lib.rs\nmod one;\nmod two;\n=== one.rs\n=== two.rs\n\n{two}\n"));
    assert_eq!(two("use crate::one::One;"), "two.rs:2: crate::one::One is nowhere in this crate");
    assert_eq!(two("fn f(x: super::One) {}"), "two.rs:2: super::One is nowhere in this crate");
    assert_eq!(two("use super::super::one;"), "two.rs:2: super::super::one is nowhere in this crate");
    assert_eq!(two("use super::one; fn f() { one::one() }"), "two.rs:2: one::one is nowhere in this crate");
    assert_eq!(
        two("mod three;"),
        "two.rs: there is no file of its module three: two/three.rs or two/three/mod.rs"
    );
    assert!(two("#[path = \"x.rs\"] mod three;").starts_with("two.rs:2: modules are found by their names"));
    assert!(two("fn f( {}").starts_with("two.rs:"));
    assert_eq!(error("=== one.rs\n"), "there is neither lib.rs nor main.rs");
}

#[test]
fn allowed_circles_are_those_that_are_there() {
    let found = circles(&made_up(
        "=== lib.rs\nmod a;\nmod b;\n=== a.rs\nuse crate::b::B; pub struct A;\n=== b.rs\npub struct B(super::a::A);\n",
    ));
    let found = found.unwrap();
    assert!(differences("made-up", &["a -> b -> a"], &found).is_empty());
    let new = differences("made-up", &[], &found);
    assert!(
        new.len() == 1 && new[0].starts_with("made-up: imports run in a circle: a -> b -> a\n  a.rs:1"),
        "{new:?}"
    );
    let mended = differences("made-up", &["a -> b -> a", "a -> c -> a"], &found);
    assert_eq!(mended, ["made-up: no circle any more, take it off the list: a -> c -> a"]);
}
