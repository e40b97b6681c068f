//! From what files take of each other to circles among the modules of each folder.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

/// A place where one file takes a name that another defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrow {
    /// The file that takes the name.
    pub file: String,
    /// The line where it does, from 1.
    pub line: usize,
    /// The path by which it takes it.
    pub path: String,
    /// The file that defines it.
    pub defined_in: String,
}

/// Modules of one folder that import each other in a circle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Circle {
    /// The folder, empty for the crate's own.
    pub folder: String,
    /// Each module, from the first in the alphabet on, with a place where it imports the next; the last imports the first.
    pub modules: Vec<(String, Arrow)>,
}

impl Circle {
    /// The circle in one line: `plan -> choice -> plan`, behind its folder and a colon where that is not the crate's own.
    pub fn name(&self) -> String {
        let folder = if self.folder.is_empty() { String::new() } else { format!("{}/: ", self.folder) };
        let names: Vec<&str> =
            self.modules.iter().chain(self.modules.first()).map(|(module, _)| module.as_str()).collect();
        folder + &names.join(" -> ")
    }
}

impl fmt::Display for Circle {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.name())?;
        for (_, Arrow { file, line, path, defined_in }) in &self.modules {
            write!(out, "\n  {file}:{line} takes {path}, defined in {defined_in}")?;
        }
        Ok(())
    }
}

/// For each module of a folder the modules it imports, each with a place where it does.
type Imports<'a> = BTreeMap<&'a str, BTreeMap<&'a str, &'a Arrow>>;

/// The circles that `arrows` make; `root` is the file that stands for the folder of all sources.
pub(crate) fn find(root: &str, arrows: &[Arrow]) -> Vec<Circle> {
    let mut folders: BTreeMap<String, Imports<'_>> = BTreeMap::new();
    for arrow in arrows {
        let (from, to) = (place(root, &arrow.file), place(root, &arrow.defined_in));
        let shared = from.iter().zip(&to).take_while(|(from, to)| from == to).count();
        // Else one is the other's folder.
        if let (Some(from_module), Some(to_module)) = (from.get(shared), to.get(shared)) {
            let imports = folders.entry(from[..shared].join("/")).or_default();
            imports.entry(from_module).or_default().entry(to_module).or_insert(arrow);
        }
    }
    folders.iter().flat_map(|(folder, imports)| find_in(folder, imports)).collect()
}

/// A file's folders, with the file itself where it does not stand for its folder.
fn place<'a>(root: &str, file: &'a str) -> Vec<&'a str> {
    if file == root {
        return Vec::new();
    }
    let path = file.strip_suffix(".rs").unwrap_or(file);
    path.strip_suffix("/mod").unwrap_or(path).split('/').collect()
}

/// For each import that is in a circle a shortest one; the shortest of these come first.
fn find_in(folder: &str, imports: &Imports<'_>) -> Vec<Circle> {
    let mut found = BTreeSet::new();
    for (from, taken) in imports {
        for to in taken.keys() {
            if let Some(mut modules) = way(imports, to, from) {
                let first = (0..modules.len()).min_by_key(|index| modules[*index]).unwrap_or(0);
                modules.rotate_left(first);
                found.insert((modules.len(), modules));
            }
        }
    }
    let circle = |modules: Vec<&str>| {
        let next = modules.iter().cycle().skip(1);
        let with_arrow = |(from, to): (&&str, &&str)| (from.to_string(), imports[from][to].clone());
        Circle { folder: folder.to_owned(), modules: modules.iter().zip(next).map(with_arrow).collect() }
    };
    found.into_iter().map(|(_, modules)| circle(modules)).collect()
}

/// A shortest way along imports, both ends included.
fn way<'a>(imports: &Imports<'a>, start: &'a str, end: &'a str) -> Option<Vec<&'a str>> {
    let mut came_from = BTreeMap::from([(start, start)]);
    let mut waiting = VecDeque::from([start]);
    while let Some(module) = waiting.pop_front() {
        if module == end {
            let mut way = vec![end];
            while way[way.len() - 1] != start {
                way.push(came_from[way[way.len() - 1]]);
            }
            way.reverse();
            return Some(way);
        }
        for next in imports.get(module).into_iter().flat_map(BTreeMap::keys) {
            came_from.entry(next).or_insert_with(|| {
                waiting.push_back(next);
                module
            });
        }
    }
    None
}
