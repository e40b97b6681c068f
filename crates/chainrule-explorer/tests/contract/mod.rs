//! The names that `web/src/lib/contract.ts` gives to the fields of every type.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::Value;

/// The fields of each interface of the contract.
pub(crate) fn contract(name: &str) -> BTreeSet<String> {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../chainrule-explorer/web/src/lib/contract.ts");
        std::fs::read_to_string(path).unwrap()
    });
    let start = TEXT.find(&format!("export interface {name} {{")).unwrap_or_else(|| panic!("{name}"));
    let body = TEXT[start..].split("\n}").next().unwrap();
    let field = |line: &str| {
        let (name, _) = line.strip_prefix("  ")?.split_once(':')?;
        name.chars().all(|c| c.is_ascii_lowercase() || c == '_').then(|| name.to_owned())
    };
    body.lines().filter_map(field).collect()
}

/// The fields of an object.
pub(crate) fn fields(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}
