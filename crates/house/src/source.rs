//! Reads the sources of a crate: its modules, what each defines and imports, and every path it writes, tests left out.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use proc_macro2::{Delimiter, Group, Ident, Spacing, TokenStream, TokenTree};

/// A path as it is written, a name a segment.
pub(crate) type Path = Vec<String>;

/// What a crate's sources say.
#[derive(Default)]
pub(crate) struct Tree {
    /// The crate's root is the first.
    pub(crate) scopes: Vec<Scope>,
    pub(crate) mentions: Vec<Mention>,
    /// The scopes with a `macro_rules!` of each name, which what follows there calls without a path.
    pub(crate) macros: BTreeMap<String, Vec<usize>>,
}

/// A module, or a block of code with imports of its own.
pub(crate) struct Scope {
    pub(crate) file: String,
    /// The module around a module, the scope around a block.
    pub(crate) parent: Option<usize>,
    pub(crate) is_block: bool,
    pub(crate) names: BTreeMap<String, Vec<Meaning>>,
    /// What is imported with `*`.
    pub(crate) globs: Vec<Path>,
    /// Names in macros, and in calls of macros, that stand where items do: they may be items that these define.
    pub(crate) in_macros: BTreeSet<String>,
    /// Where the files of its modules lie.
    folder: String,
}

/// What a name is in a scope.
pub(crate) enum Meaning {
    Module(usize),
    /// Defined in this scope.
    Item {
        scope: usize,
        is_trait: bool,
    },
    Import(Path),
}

/// A path in the code.
pub(crate) struct Mention {
    pub(crate) scope: usize,
    pub(crate) path: Path,
    pub(crate) line: usize,
    pub(crate) kind: MentionKind,
}

#[derive(PartialEq, Eq)]
pub(crate) enum MentionKind {
    Name,
    MacroCall,
    Glob,
}

/// Reads the modules that are reached from `root`.
pub(crate) fn read(sources: &BTreeMap<String, String>, root: &str) -> Result<Tree, String> {
    let mut reader = Reader { sources, tree: Tree::default(), exports_macro: false };
    let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
    reader.file(root, folder.to_owned(), None)?;
    Ok(reader.tree)
}

struct Reader<'a> {
    sources: &'a BTreeMap<String, String>,
    tree: Tree,
    /// Whether `#[macro_export]` stands on the macro to come.
    exports_macro: bool,
}

impl Reader<'_> {
    fn file(&mut self, file: &str, folder: String, parent: Option<usize>) -> Result<usize, String> {
        let parsed: Result<TokenStream, _> = self.sources[file].parse();
        let tokens = parsed.map_err(|error| format!("{file}:{}: {error}", error.span().start().line))?;
        let scope = self.scope(Scope::new(file.to_owned(), parent, folder));
        self.code(&Vec::from_iter(tokens), scope, true)?;
        Ok(scope)
    }

    fn scope(&mut self, scope: Scope) -> usize {
        self.tree.scopes.push(scope);
        self.tree.scopes.len() - 1
    }

    /// Reads code in a scope: the items of a module, or anything else.
    fn code(&mut self, tokens: &[TokenTree], scope: usize, are_items: bool) -> Result<(), String> {
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += match token {
                TokenTree::Punct(mark) if mark.as_char() == '#' => self.attribute(tokens, at, scope)?,
                TokenTree::Ident(word) => self.word(word, tokens, at, scope, are_items)?,
                TokenTree::Group(group) => self.group(group, scope).map(|()| 1)?,
                _ => 1,
            };
        }
        Ok(())
    }

    fn group(&mut self, group: &Group, scope: usize) -> Result<(), String> {
        let tokens = Vec::from_iter(group.stream());
        let has_imports = tokens.iter().any(|token| is_word(Some(token), "use"));
        let inner = if group.delimiter() == Delimiter::Brace && has_imports {
            let Scope { file, folder, .. } = &self.tree.scopes[scope];
            let block = Scope::new(file.clone(), Some(scope), folder.clone());
            self.scope(Scope { is_block: true, ..block })
        } else {
            scope
        };
        self.code(&tokens, inner, false)
    }

    /// Reads the attribute at `at`, with what it stands on where that is for tests alone. Returns how many tokens that are.
    fn attribute(&mut self, tokens: &[TokenTree], at: usize, scope: usize) -> Result<usize, String> {
        let is_inner = is_mark(tokens.get(at + 1), '!');
        let length = if is_inner { 3 } else { 2 };
        let Some(TokenTree::Group(group)) = tokens.get(at + length - 1) else { return Ok(1) };
        let content = Vec::from_iter(group.stream());
        if is_for_tests(&content) {
            return Ok(if is_inner {
                tokens.len() - at
            } else {
                length + length_of_item(&tokens[at + length..])
            });
        }
        if is_word(content.first(), "path") {
            let file = &self.tree.scopes[scope].file;
            return Err(format!(
                "{file}:{}: modules are found by their names, not by #[path]",
                line(&tokens[at])
            ));
        }
        self.exports_macro |= is_word(content.first(), "macro_export");
        if is_word(content.first(), "serde") {
            self.paths_in_texts(&content, scope)?;
        }
        self.code(&content, scope, false)?;
        Ok(length)
    }

    /// Serde's attributes name functions in texts.
    fn paths_in_texts(&mut self, tokens: &[TokenTree], scope: usize) -> Result<(), String> {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.paths_in_texts(&Vec::from_iter(group.stream()), scope)?,
                TokenTree::Literal(literal) => {
                    let text = literal.to_string();
                    let segments = text.trim_matches('"').split("::").map(str::to_owned);
                    self.mention(scope, segments.collect(), line(token), MentionKind::Name);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Reads what the word at `at` begins. Returns how many tokens that are.
    fn word(
        &mut self,
        word: &Ident,
        tokens: &[TokenTree],
        at: usize,
        scope: usize,
        are_items: bool,
    ) -> Result<usize, String> {
        let text = word.to_string();
        let next = tokens.get(at + 1);
        match (text.as_str(), next) {
            // Not the `use<'a>` of a type.
            ("use", Some(_)) if !is_mark(next, '<') => {
                let rest = &tokens[at + 1..];
                let length = rest.iter().position(|token| is_mark(Some(token), ';')).unwrap_or(rest.len());
                self.import(&rest[..length], &[], scope);
                Ok(1 + length)
            }
            ("mod", Some(TokenTree::Ident(name))) => {
                self.module(name, tokens.get(at + 2), scope)?;
                Ok(3)
            }
            ("macro_rules", _) if let Some(TokenTree::Ident(name)) = tokens.get(at + 2) => {
                self.define_macro(plain(name), scope);
                if let (true, Some(body)) = (are_items, tokens.get(at + 3)) {
                    names_in(body, &mut self.tree.scopes[scope].in_macros);
                }
                Ok(3)
            }
            (
                "struct" | "enum" | "union" | "trait" | "type" | "fn" | "const" | "static",
                Some(TokenTree::Ident(name)),
            ) if !["fn", "unsafe", "async", "extern", "mut"].iter().any(|word| name == word) => {
                if are_items {
                    self.define(scope, plain(name), Meaning::Item { scope, is_trait: text == "trait" });
                }
                Ok(2)
            }
            _ => Ok(self.path(tokens, at, scope, are_items)),
        }
    }

    fn module(&mut self, name: &Ident, content: Option<&TokenTree>, scope: usize) -> Result<(), String> {
        let Scope { file, folder, .. } = &self.tree.scopes[scope];
        let (file, name) = (file.clone(), plain(name));
        let folder = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        let module = if let Some(TokenTree::Group(group)) = content {
            let module = self.scope(Scope::new(file, Some(scope), folder));
            self.code(&Vec::from_iter(group.stream()), module, true)?;
            module
        } else {
            let places = [format!("{folder}.rs"), format!("{folder}/mod.rs")];
            let Some(own) = places.iter().find(|place| self.sources.contains_key(*place)) else {
                return Err(format!(
                    "{file}: there is no file of its module {name}: {}",
                    places.join(" or ")
                ));
            };
            self.file(own, folder, Some(scope))?
        };
        self.define(scope, name, Meaning::Module(module));
        Ok(())
    }

    fn define_macro(&mut self, name: String, scope: usize) {
        let places = if mem::take(&mut self.exports_macro) { vec![scope, 0] } else { vec![scope] };
        for place in places {
            self.define(place, name.clone(), Meaning::Item { scope, is_trait: false });
        }
        self.tree.macros.entry(name).or_default().push(scope);
    }

    fn define(&mut self, scope: usize, name: String, meaning: Meaning) {
        self.tree.scopes[scope].names.entry(name).or_default().push(meaning);
    }

    /// Reads what follows `use`, or one group of it behind the names in `before`.
    fn import(&mut self, tokens: &[TokenTree], before: &[String], scope: usize) {
        for tree in tokens.split(|token| is_mark(Some(token), ',')) {
            // No module has the name "", so that this path is another crate's.
            let outside = [String::new()];
            let is_outside = before.is_empty() && is_mark(tree.first(), ':');
            self.imported_path(tree, if is_outside { &outside } else { before }, scope);
        }
    }

    fn imported_path(&mut self, tokens: &[TokenTree], before: &[String], scope: usize) {
        let mut path = before.to_vec();
        let mut alias = None;
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Ident(word) if word == "as" => {
                    alias = tokens.get(at + 1).map(ToString::to_string);
                    break;
                }
                // In `memory::{self, Plan}`.
                TokenTree::Ident(word) if word == "self" && !path.is_empty() => {}
                TokenTree::Ident(word) => path.push(plain(word)),
                TokenTree::Group(group) => return self.import(&Vec::from_iter(group.stream()), &path, scope),
                TokenTree::Punct(mark) if mark.as_char() == '*' => {
                    self.mention(scope, path.clone(), line(token), MentionKind::Glob);
                    self.tree.scopes[scope].globs.push(path);
                    return;
                }
                _ => {}
            }
        }
        let (Some(first), Some(last)) = (tokens.first(), path.last()) else { return };
        let name = alias.unwrap_or_else(|| last.clone());
        self.mention(scope, path.clone(), line(first), MentionKind::Name);
        self.define(scope, name, Meaning::Import(path));
    }

    /// Reads a path, or a word that is none. Returns how many tokens that are.
    fn path(&mut self, tokens: &[TokenTree], at: usize, scope: usize, are_items: bool) -> usize {
        let mut path = Vec::new();
        let mut end = at;
        while let Some(TokenTree::Ident(word)) = tokens.get(end) {
            path.push(plain(word));
            end += 1;
            if !(is_mark(tokens.get(end), ':') && is_mark(tokens.get(end + 1), ':')) {
                break;
            }
            end += 2;
        }
        let calls_macro =
            is_mark(tokens.get(end), '!') && matches!(tokens.get(end + 1), Some(TokenTree::Group(_)));
        if calls_macro && are_items {
            names_in(&tokens[end + 1], &mut self.tree.scopes[scope].in_macros);
        }
        let is_field = path.len() == 1 && is_mark(tokens.get(end), ':');
        if !is_field && begins_path(tokens, at) {
            let kind = if calls_macro { MentionKind::MacroCall } else { MentionKind::Name };
            self.mention(scope, path, line(&tokens[at]), kind);
        }
        end - at
    }

    fn mention(&mut self, scope: usize, path: Path, line: usize, kind: MentionKind) {
        self.tree.mentions.push(Mention { scope, path, line, kind });
    }
}

impl Scope {
    fn new(file: String, parent: Option<usize>, folder: String) -> Self {
        let (names, globs, in_macros) = (BTreeMap::new(), Vec::new(), BTreeSet::new());
        Self { file, parent, is_block: false, names, globs, in_macros, folder }
    }
}

fn is_word(token: Option<&TokenTree>, word: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(ident)) if ident == word)
}

fn is_mark(token: Option<&TokenTree>, mark: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == mark)
}

fn line(token: &TokenTree) -> usize {
    token.span().start().line
}

/// A name without the `r#` of names that are keywords.
fn plain(word: &Ident) -> String {
    let text = word.to_string();
    text.strip_prefix("r#").unwrap_or(&text).to_owned()
}

/// Whether the word at `at` is no field, method, lifetime, macro variable or end of a path that begins with a type.
fn begins_path(tokens: &[TokenTree], at: usize) -> bool {
    let mark_before = |distance: usize| match at.checked_sub(distance).map(|index| &tokens[index]) {
        Some(TokenTree::Punct(punct)) => Some((punct.as_char(), punct.spacing())),
        _ => None,
    };
    match mark_before(1) {
        // A range may end in a path.
        Some(('.', _)) => matches!(mark_before(2), Some(('.', Spacing::Joint))),
        Some((':', _)) => !matches!(mark_before(2), Some((':', Spacing::Joint))),
        Some(('$', _)) => is_word(tokens.get(at), "crate"),
        Some(('\'', _)) => false,
        _ => true,
    }
}

/// All words in a token.
fn names_in(token: &TokenTree, names: &mut BTreeSet<String>) {
    match token {
        TokenTree::Ident(word) => drop(names.insert(plain(word))),
        TokenTree::Group(group) => group.stream().into_iter().for_each(|token| names_in(&token, names)),
        _ => {}
    }
}

/// Whether an attribute leaves what it stands on to tests: `test`, `cfg(test)`, `cfg(all(test, ...))`.
fn is_for_tests(attribute: &[TokenTree]) -> bool {
    match attribute {
        [TokenTree::Ident(word)] => word == "test",
        [TokenTree::Ident(word), TokenTree::Group(group)] => {
            let content = Vec::from_iter(group.stream());
            (word == "cfg" || word == "all")
                && content.split(|token| is_mark(Some(token), ',')).any(is_for_tests)
        }
        _ => false,
    }
}

/// How many tokens belong to what an attribute stands on: an item, a statement, a field, a variant or an arm.
fn length_of_item(tokens: &[TokenTree]) -> usize {
    let mut start = 0;
    while is_mark(tokens.get(start), '#') {
        start += 2;
    }
    if is_word(tokens.get(start), "pub") {
        start += if matches!(tokens.get(start + 1), Some(TokenTree::Group(_))) { 2 } else { 1 };
    }
    let begins_with = |words: &[&str]| words.iter().any(|word| is_word(tokens.get(start), word));
    let ends_in_semicolon = begins_with(&["let", "use", "type", "static"])
        || (begins_with(&["const"]) && !is_word(tokens.get(start + 1), "fn"));
    let is_item = begins_with(&[
        "async",
        "const",
        "enum",
        "extern",
        "fn",
        "impl",
        "macro_rules",
        "mod",
        "struct",
        "trait",
        "union",
        "unsafe",
    ]);
    let is_end = |token: &TokenTree| match token {
        TokenTree::Punct(mark) => {
            mark.as_char() == ';' || (mark.as_char() == ',' && !is_item && !ends_in_semicolon)
        }
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace && !ends_in_semicolon,
        _ => false,
    };
    tokens[start..].iter().position(is_end).map_or(tokens.len(), |end| start + end + 1)
}
