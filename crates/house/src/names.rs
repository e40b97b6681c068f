//! What the paths of a crate mean: where each name that a file takes is defined, through all re-exports.

use std::collections::BTreeSet;
use std::ptr;

use crate::circle::Arrow;
use crate::source::{Meaning, Mention, MentionKind, Path, Scope, Tree};

/// What a path leads to.
#[derive(Clone, Copy)]
enum Target {
    Module(usize),
    /// Something that is defined in a scope.
    Item {
        scope: usize,
        is_trait: bool,
    },
    /// In another crate, or local to a function.
    Outside,
}

/// Every place where a file takes what another defines.
///
/// # Errors
///
/// For paths into the crate that lead nowhere, all of them.
pub(crate) fn arrows(tree: &Tree) -> Result<Vec<Arrow>, String> {
    let (mut arrows, mut nowhere) = (Vec::new(), Vec::new());
    for mention in &tree.mentions {
        let file = &tree.scopes[mention.scope].file;
        let path = mention.path.join("::");
        match tree.taken_by(mention) {
            Some(scopes) => {
                let places =
                    scopes.iter().map(|scope| &tree.scopes[*scope].file).filter(|place| *place != file);
                arrows.extend(places.map(|place| Arrow {
                    file: file.clone(),
                    line: mention.line,
                    path: path.clone(),
                    defined_in: place.clone(),
                }));
            }
            None => nowhere.push(format!("{file}:{}: {path} is nowhere in this crate", mention.line)),
        }
    }
    if nowhere.is_empty() { Ok(arrows) } else { Err(nowhere.join("\n")) }
}

/// The imports that are being followed: one that leads to itself gives nothing further.
type Followed<'a> = Vec<&'a Path>;

impl Tree {
    /// The scopes that define what a mention takes; nothing where it leads nowhere. A module itself is nothing taken.
    fn taken_by(&self, mention: &Mention) -> Option<Vec<usize>> {
        let targets = self.meaning(mention);
        if targets.is_empty() {
            return None;
        }
        let mut scopes = Vec::new();
        for target in targets {
            match target {
                Target::Item { scope, .. } => scopes.push(scope),
                // All names that are used are mentioned, but for those of traits.
                Target::Module(module) if mention.kind == MentionKind::Glob => {
                    self.traits(module, &mut BTreeSet::new(), &mut scopes);
                }
                Target::Module(_) | Target::Outside => {}
            }
        }
        Some(scopes)
    }

    fn meaning(&self, mention: &Mention) -> Vec<Target> {
        let targets = self.resolve(mention.scope, &mention.path, &mut Vec::new());
        match (mention.path.as_slice(), targets.as_slice()) {
            ([name], [Target::Outside]) if mention.kind == MentionKind::MacroCall => {
                let scopes = self.macros.get(name).into_iter().flatten();
                let items = scopes.map(|scope| Target::Item { scope: *scope, is_trait: false });
                items.chain([Target::Outside]).collect()
            }
            _ => targets,
        }
    }

    /// The scopes of all traits that a module has or imports.
    fn traits(&self, module: usize, asked: &mut BTreeSet<usize>, scopes: &mut Vec<usize>) {
        if !asked.insert(module) {
            return;
        }
        for name in self.scopes[module].names.keys() {
            for target in self.within(module, name, &mut Vec::new()) {
                if let Target::Item { scope, is_trait: true } = target {
                    scopes.push(scope);
                }
            }
        }
        for glob in &self.scopes[module].globs {
            for target in self.resolve(module, glob, &mut vec![glob]) {
                if let Target::Module(module) = target {
                    self.traits(module, asked, scopes);
                }
            }
        }
    }

    /// What a path means in a scope; nothing where it leads nowhere.
    fn resolve<'a>(&'a self, scope: usize, path: &[String], followed: &mut Followed<'a>) -> Vec<Target> {
        let Some((first, rest)) = path.split_first() else { return vec![Target::Outside] };
        let mut targets = match first.as_str() {
            "crate" => vec![Target::Module(0)],
            "self" => vec![Target::Module(self.module_of(scope))],
            "super" => self.parent_of(self.module_of(scope)),
            name => {
                let targets = self.seen_from(scope, name, followed);
                if targets.is_empty() { vec![Target::Outside] } else { targets }
            }
        };
        for name in rest {
            targets = self.step(&targets, name, followed);
        }
        targets
    }

    /// What `name` is in `targets`: in a type, it is the type that is taken.
    fn step<'a>(&'a self, targets: &[Target], name: &str, followed: &mut Followed<'a>) -> Vec<Target> {
        let is_module = |target: &&Target| matches!(target, Target::Module(_));
        // A function may have the name of a module, and has no names in it.
        if !targets.iter().any(|target| is_module(&target)) {
            return targets.to_vec();
        }
        let mut found = Vec::new();
        for target in targets.iter().filter(is_module) {
            if let Target::Module(module) = target {
                found.extend(match name {
                    "super" => self.parent_of(*module),
                    _ => match self.within(*module, name, followed) {
                        unknown if unknown.is_empty() => self.not_read(*module, followed),
                        known => known,
                    },
                });
            }
        }
        found
    }

    fn module_of(&self, scope: usize) -> usize {
        match self.scopes[scope] {
            Scope { is_block: true, parent: Some(parent), .. } => self.module_of(parent),
            _ => scope,
        }
    }

    fn parent_of(&self, module: usize) -> Vec<Target> {
        self.scopes[module].parent.map(|parent| Target::Module(self.module_of(parent))).into_iter().collect()
    }

    /// What a name without a path is: in a block, in those around it, in their module.
    fn seen_from<'a>(&'a self, scope: usize, name: &str, followed: &mut Followed<'a>) -> Vec<Target> {
        let targets = self.within(scope, name, followed);
        match self.scopes[scope] {
            Scope { is_block: true, parent: Some(parent), .. } if targets.is_empty() => {
                self.seen_from(parent, name, followed)
            }
            _ => targets,
        }
    }

    /// What a name is in a scope alone: what is defined or imported by name comes before what is imported with `*`.
    fn within<'a>(&'a self, scope: usize, name: &str, followed: &mut Followed<'a>) -> Vec<Target> {
        let mut found = Vec::new();
        for meaning in self.scopes[scope].names.get(name).into_iter().flatten() {
            match meaning {
                Meaning::Module(module) => found.push(Target::Module(*module)),
                Meaning::Item { scope, is_trait } => {
                    found.push(Target::Item { scope: *scope, is_trait: *is_trait });
                }
                Meaning::Import(path) => found.extend(self.follow(scope, path, followed)),
            }
        }
        if found.is_empty() {
            found = self.within_globs(scope, name, followed);
        }
        if found.is_empty() && self.scopes[scope].in_macros.contains(name) {
            found.push(Target::Item { scope, is_trait: false });
        }
        found
    }

    fn within_globs<'a>(&'a self, scope: usize, name: &str, followed: &mut Followed<'a>) -> Vec<Target> {
        let mut found = Vec::new();
        for glob in &self.scopes[scope].globs {
            for target in self.follow(scope, glob, followed) {
                if let Target::Module(module) = target {
                    followed.push(glob);
                    found.extend(self.within(module, name, followed));
                    followed.pop();
                }
            }
        }
        found
    }

    /// Where else a name of a module may come from, with `*`: variants of an enumeration and names of other crates are not read.
    fn not_read<'a>(&'a self, module: usize, followed: &mut Followed<'a>) -> Vec<Target> {
        let globs = self.scopes[module].globs.iter();
        let mut targets: Vec<Target> = globs.flat_map(|glob| self.follow(module, glob, followed)).collect();
        targets.retain(|target| !matches!(target, Target::Module(_)));
        targets
    }

    fn follow<'a>(&'a self, scope: usize, path: &'a Path, followed: &mut Followed<'a>) -> Vec<Target> {
        if followed.iter().any(|before| ptr::eq(*before, path)) {
            return Vec::new();
        }
        followed.push(path);
        let targets = self.resolve(scope, path, followed);
        followed.pop();
        targets
    }
}
