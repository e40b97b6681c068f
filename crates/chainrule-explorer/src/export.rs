//! The page as one file, with the module that answers it and the document that it opens.

use chainrule_explorer_core::{Document, Refusal, SharedDocument};
use serde_json::json;

/// What stands around the parts, with `{{name}}` where a part goes.
const TEMPLATE: &str = include_str!("../web/dist/lesson.html");
/// The module as gzip in base64, in quotes.
const MODULE: &str = include_str!("../web/dist/module.js");
/// The scripts and the style, by name.
const PARTS: [(&str, &str); 5] = [
    ("explorer.css", include_str!("../web/dist/explorer.css")),
    ("explorer.js", include_str!("../web/dist/explorer.js")),
    ("answers.js", include_str!("../web/dist/answers.js")),
    ("late.js", include_str!("../web/dist/late.js")),
    ("film.js", include_str!("../web/dist/film.js")),
];

/// A page of one file that opens the document and needs no server and no network: everything in it is live. It holds the
/// document's numbers, and nothing of the machine.
///
/// ```
/// use chainrule_explorer::page_with;
/// let page = page_with(&*chainrule_explorer_core::example("xor")?)?;
/// assert!(page.starts_with("<!doctype html>") && page.contains(r#"id="start">{"document":{"#));
/// # Ok::<(), chainrule_explorer_core::Refusal>(())
/// ```
///
/// # Errors
/// When the document has more than a million numbers, or weights that are not finite.
pub fn page_with(document: &Document) -> Result<String, Refusal> {
    let start = json!({ "document": SharedDocument::for_file(document)? }).to_string();
    // Nothing in it may end the element that it stands in.
    let start = start.replace('<', "\\u003c");
    let module = MODULE.split('\'').nth(1).unwrap_or_default();
    let part = |name: &str| match name {
        "start" => start.as_str(),
        "module" => module,
        _ => PARTS.iter().find(|(known, _)| *known == name).map_or("", |(_, text)| text),
    };
    let mut pieces = TEMPLATE.split("{{");
    let mut page = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once("}}").unwrap_or((piece, ""));
        page += part(name);
        page += rest;
    }
    Ok(page)
}
