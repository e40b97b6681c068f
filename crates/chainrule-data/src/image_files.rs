//! Finds the IDX files of a data set by their names, and joins them: pairs of images and labels, one pair a part.

use crate::dataset::{Dataset, Features};
use crate::error::{DataError, Result, io};
use crate::idx::{self, Content, Holds, IdxValues};
use crate::images::{Images, Pixels};
use crate::names;
use crate::note::Note;
use crate::source::{Source, open};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

/// What may end a name that says `idx`; other endings (`.md5`, `.bin`) count only where the content is IDX.
const TYPES: [&str; 8] = ["ubyte", "byte", "sbyte", "short", "int", "float", "double", "uint8"];

/// Whole numbers up to here are exact in 64-bit floating point.
const LARGEST_LABEL: f64 = 9_007_199_254_740_992.0;

/// The part of a data set that a file belongs to, in the order of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Training,
    Validation,
    Test,
    /// The name mentions none.
    Whole,
}

/// What the name of a file says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    /// The words that belong neither to the part nor to the format, as `emnist-letters`; mostly empty.
    set: String,
    part: Part,
    holds: Holds,
    /// The name in lower case without `.gz`, its words joined: equal for two forms of one file.
    words: String,
}

impl Name {
    /// The name's meaning, and whether it ends as the names of IDX files do.
    fn parse(name: &str) -> Option<(Self, bool)> {
        let lower = name.to_lowercase();
        if lower.starts_with('.') {
            return None;
        }
        let words: Vec<&str> = lower
            .strip_suffix(".gz")
            .unwrap_or(&lower)
            .split(|character: char| !character.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        let is_format =
            |word: &str| word.strip_prefix("idx").is_some_and(|end| end.chars().all(|c| c.is_ascii_digit()));
        let (at, holds) = words.iter().enumerate().rev().find_map(|(at, word)| match *word {
            "images" => Some((at, Holds::Images)),
            "labels" => Some((at, Holds::Labels)),
            _ => None,
        })?;
        let format = words.iter().rposition(|word| is_format(word))?;
        let part = words.iter().enumerate().rev().find_map(|(at, word)| match *word {
            "train" | "training" => Some((at, Part::Training)),
            "val" | "valid" | "validation" => Some((at, Part::Validation)),
            "t10k" | "test" | "testing" => Some((at, Part::Test)),
            _ => None,
        });
        let set: Vec<&str> = (words[..format].iter().enumerate())
            .filter(|(word, _)| *word != at && Some(*word) != part.map(|(at, _)| at))
            .map(|(_, word)| *word)
            .collect();
        let is_usual = match &words[format + 1..] {
            [] => true,
            [end] => TYPES.contains(end),
            _ => false,
        };
        let part = part.map_or(Part::Whole, |(_, part)| part);
        Some((Self { set: set.join("-"), part, holds, words: words.join("-") }, is_usual))
    }
}

/// A file whose name says what it holds.
struct Found {
    path: String,
    name: Name,
}

/// The IDX files of a directory, one for each meaning of a name.
fn list(directory: &str, notes: &mut Vec<Note>) -> Result<Vec<Found>> {
    let mut files: Vec<(String, Found)> = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(|error| io(directory, error))? {
        let entry = entry.map_err(|error| io(directory, error))?;
        let file_name = entry.file_name();
        let Some((file_name, (name, is_usual))) =
            file_name.to_str().and_then(|name| Some((name, Name::parse(name)?)))
        else {
            continue;
        };
        let path = Path::new(directory).join(file_name);
        if path.is_file() && (is_usual || starts_like_idx(&path)) {
            files.push((file_name.to_owned(), Found { path: path.display().to_string(), name }));
        }
    }
    // Of the forms of one file, the plain one comes first, and of those the one with the usual hyphens.
    files.sort_by_cached_key(|(file_name, found)| {
        let lower = file_name.to_lowercase();
        (found.name.clone(), lower.ends_with(".gz"), !lower.contains("-idx"), file_name.clone())
    });
    let mut kept: Vec<(String, Found)> = Vec::new();
    for (file_name, found) in files {
        match kept.last() {
            Some((before, first)) if first.name == found.name => {
                // A file beside its own compressed form is how some programs leave it.
                if file_name != format!("{before}.gz") {
                    notes.push(Note::new(
                        "image_file_ignored",
                        format!("{} is ignored, because {} is read", found.path, first.path),
                    ));
                }
            }
            _ => kept.push((file_name, found)),
        }
    }
    Ok(kept.into_iter().map(|(_, found)| found).collect())
}

fn starts_like_idx(path: &Path) -> bool {
    let mut start = Vec::new();
    let read = open(path).and_then(|source| source.bytes.take(4).read_to_end(&mut start));
    read.is_ok() && idx::has_magic(&start)
}

/// The files of a part.
#[derive(Default)]
struct Pair {
    images: Option<String>,
    labels: Option<String>,
}

/// The parts of the one data set in a directory.
fn parts(directory: &str, files: Vec<Found>) -> Result<BTreeMap<Part, Pair>> {
    let sets: BTreeSet<&str> = files.iter().map(|found| found.name.set.as_str()).collect();
    let has_part = |whole: bool| files.iter().any(|found| (found.name.part == Part::Whole) == whole);
    if sets.len() > 1 || (has_part(true) && has_part(false)) {
        return Err(DataError::SeveralDataSets {
            directory: directory.to_owned(),
            found: shown_paths(files.iter().map(|found| found.path.as_str())),
        });
    }
    let mut parts: BTreeMap<Part, Pair> = BTreeMap::new();
    for found in files {
        let pair = parts.entry(found.name.part).or_default();
        let place = match found.name.holds {
            Holds::Images => &mut pair.images,
            Holds::Labels => &mut pair.labels,
        };
        if let Some(first) = place.replace(found.path.clone()) {
            return Err(DataError::SeveralFiles {
                directory: directory.to_owned(),
                found: shown_paths([first.as_str(), &found.path]),
            });
        }
    }
    Ok(parts)
}

fn shown_paths<'a>(paths: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = paths
        .into_iter()
        .map(|path| Path::new(path).file_name().and_then(|n| n.to_str()).unwrap_or(path))
        .collect();
    names::list(&names)
}

/// The directory itself where it holds IDX files, or else the one of `raw` and `*/raw` in it that does.
fn find_folder(directory: &str, notes: &mut Vec<Note>) -> Result<(String, Vec<Found>)> {
    let files = list(directory, notes)?;
    if !files.is_empty() {
        return Ok((directory.to_owned(), files));
    }
    let mut below = vec![Path::new(directory).join("raw")];
    for entry in std::fs::read_dir(directory).map_err(|error| io(directory, error))? {
        below.push(entry.map_err(|error| io(directory, error))?.path().join("raw"));
    }
    below.sort();
    let mut folders = Vec::new();
    for path in below.iter().filter(|path| path.is_dir()) {
        let Some(path) = path.to_str() else { continue };
        let mut notes_of_path = Vec::new();
        let files = list(path, &mut notes_of_path)?;
        if !files.is_empty() {
            folders.push((path.to_owned(), files, notes_of_path));
        }
    }
    if folders.len() > 1 {
        let found: Vec<&str> = folders.iter().map(|(path, ..)| path.as_str()).collect();
        return Err(DataError::SeveralFolders {
            directory: directory.to_owned(),
            found: names::list(&found),
        });
    }
    let (path, files, notes_of_path) =
        folders.pop().ok_or_else(|| DataError::NoIdxFiles { directory: directory.to_owned() })?;
    notes.extend(notes_of_path);
    notes.push(Note::new("images_found_below", format!("the images are those in {path}")));
    Ok((path, files))
}

/// Reads the data set in a directory: its training, validation and test images, in this order.
pub(crate) fn read_directory(directory: &str) -> Result<Dataset> {
    let mut notes = Vec::new();
    let (folder, files) = find_folder(directory, &mut notes)?;
    let mut parts = parts(&folder, files)?;
    if let Some(labels) =
        parts.values().find(|pair| pair.images.is_none()).and_then(|pair| pair.labels.clone())
    {
        return Err(DataError::IdxHalfPair {
            directory: folder,
            missing: partner(&labels, "labels", "images", "idx3"),
            present: labels,
        });
    }
    if parts.values().any(|pair| pair.labels.is_some()) {
        if let Some(Pair { images: Some(images), labels: None }) = parts.get(&Part::Training) {
            return Err(DataError::IdxHalfPair {
                directory: folder,
                present: images.clone(),
                missing: labels_name(images),
            });
        }
        parts.retain(|_, pair| {
            if let (Some(images), None) = (&pair.images, &pair.labels) {
                notes.push(Note::new(
                    "unlabelled_images_left_out",
                    format!(
                        "the images in {images} are left out, because their labels ({}) are not there; \
                         name that file to predict them",
                        labels_name(images)
                    ),
                ));
            }
            pair.labels.is_some()
        });
    }

    let mut joined: Option<(String, Images)> = None;
    let mut test_rows = None;
    for (part, pair) in parts {
        let Some(images_file) = pair.images else { continue };
        let images = read_pair(&images_file, pair.labels.as_deref(), &mut notes)?;
        let Some((first, all)) = &mut joined else {
            joined = Some((images_file, images));
            continue;
        };
        let before = all.rows();
        if part == Part::Validation {
            notes.push(Note::new(
                "validation_images_joined",
                format!("the images in {images_file} are joined with those for training and split anew"),
            ));
        }
        all.append(first, images, &images_file)?;
        if part == Part::Test {
            test_rows = Some(before..all.rows());
        }
    }
    let (_, images) = joined.ok_or_else(|| DataError::NoIdxFiles { directory: directory.to_owned() })?;
    let mut description = images.description();
    if let Some(test_rows) = &test_rows {
        description
            .push_str(&format!(", the last {} set aside for testing", names::thousands(test_rows.len())));
    }
    let name = directory.to_owned();
    Ok(Dataset { name, description, features: Features::Images(images), test_rows, notes })
}

/// Reads the images in one file, whose bytes are given, with the labels that lie beside it, if any do.
pub(crate) fn read_file(file: &str, bytes: &[u8]) -> Result<Dataset> {
    let path = Path::new(file);
    let name = path.file_name().and_then(|name| name.to_str()).and_then(Name::parse).map(|(name, _)| name);
    if name.as_ref().is_some_and(|name| name.holds == Holds::Labels) {
        return Err(DataError::IdxLabels { file: file.to_owned() });
    }
    let mut notes = Vec::new();
    let labels = match (&name, path.parent().map(|parent| parent.to_str())) {
        (Some(name), Some(Some(parent))) => {
            let parent = if parent.is_empty() { "." } else { parent };
            let files = list(parent, &mut Vec::new())?.into_iter().filter(|found| {
                (&found.name.set, found.name.part, found.name.holds) == (&name.set, name.part, Holds::Labels)
            });
            parts(parent, files.collect())?.into_values().find_map(|pair| pair.labels)
        }
        _ => None,
    };
    let content = idx::read(file, bytes, Some(bytes.len() as u64), Holds::Images)?;
    let mut images = images_of(file, content)?;
    if let Some(labels) = labels {
        images.labels = Some(read_labels(&labels, file, images.rows(), &mut notes)?);
    } else if name.is_some() {
        images.labels_file = Some(labels_name(file));
    }
    Ok(Dataset { notes, ..Dataset::from_images(file, images) })
}

/// Reads images, and their labels where they are given, from the bytes of IDX files. `name` is what messages call them.
///
/// # Errors
/// Bytes that are no IDX, that are more or fewer than the header says, or that are neither images nor labels.
pub fn read_idx_bytes(name: &str, images: &[u8], labels: Option<&[u8]>) -> Result<Dataset> {
    let content = idx::read(name, images, Some(images.len() as u64), Holds::Images)?;
    let mut images = images_of(name, content)?;
    let mut notes = Vec::new();
    if let Some(labels) = labels {
        let file = format!("{name} (labels)");
        let content = idx::read(&file, labels, Some(labels.len() as u64), Holds::Labels)?;
        images.labels = Some(labels_of(&file, content, name, images.rows(), &mut notes)?);
    }
    Ok(Dataset { notes, ..Dataset::from_images(name, images) })
}

fn read_pair(images_file: &str, labels_file: Option<&str>, notes: &mut Vec<Note>) -> Result<Images> {
    let Source { bytes: reader, length } =
        open(Path::new(images_file)).map_err(|error| io(images_file, error))?;
    let content = idx::read(images_file, reader, length, Holds::Images)?;
    let mut images = images_of(images_file, content)?;
    match labels_file {
        Some(file) => images.labels = Some(read_labels(file, images_file, images.rows(), notes)?),
        None => images.labels_file = Some(labels_name(images_file)),
    }
    Ok(images)
}

fn images_of(file: &str, content: Content) -> Result<Images> {
    let (height, width) = match content.dimensions[..] {
        [_, height, width] => (height, width),
        [_, width] => (1, width),
        _ => return Err(DataError::IdxLabels { file: file.to_owned() }),
    };
    let pixels = match content.values {
        IdxValues::Bytes(values) => Pixels::Bytes { maximum: u8::MAX, values },
        IdxValues::Numbers(values) => Pixels::Numbers(values),
    };
    let mut images = Images::from_source(file, height, width, pixels, None)?;
    images.bytes_are_numbers = !content.unsigned_bytes && matches!(images.pixels, Pixels::Bytes { .. });
    Ok(images)
}

fn read_labels(file: &str, images_file: &str, rows: usize, notes: &mut Vec<Note>) -> Result<Vec<i64>> {
    let Source { bytes: reader, length } = open(Path::new(file)).map_err(|error| io(file, error))?;
    labels_of(file, idx::read(file, reader, length, Holds::Labels)?, images_file, rows, notes)
}

fn labels_of(
    file: &str,
    content: Content,
    images_file: &str,
    rows: usize,
    notes: &mut Vec<Note>,
) -> Result<Vec<i64>> {
    if content.dimensions[0] != rows {
        return Err(DataError::Idx {
            file: file.to_owned(),
            expected: format!(
                "{}, one for each image in {images_file}",
                names::count(rows, "label", "labels")
            ),
            found: content.dimensions[0].to_string(),
        });
    }
    let columns = content.dimensions.get(1).copied().unwrap_or(1);
    if columns > 1 {
        if is_one_hot(&content.values, columns) {
            return Err(DataError::OneHotLabels { file: file.to_owned(), columns });
        }
        notes.push(Note::new(
            "label_columns",
            format!("{file} holds {columns} numbers for each image: the first of them is the class"),
        ));
    }
    match content.values {
        IdxValues::Bytes(values) => Ok(values.into_iter().step_by(columns).map(i64::from).collect()),
        IdxValues::Numbers(values) => (values.into_iter().step_by(columns).enumerate())
            .map(|(row, value)| {
                let is_whole = value.fract() == 0.0 && value.abs() <= LARGEST_LABEL;
                let not_whole = || DataError::Label { file: file.to_owned(), row, value };
                is_whole.then_some(value as i64).ok_or_else(not_whole)
            })
            .collect(),
    }
}

/// Whether each row is one 1 among zeros, not always at the same place: then the first column is not the class.
fn is_one_hot(values: &IdxValues, columns: usize) -> bool {
    let IdxValues::Bytes(values) = values else {
        return false;
    };
    let place = |row: &[u8]| match row.iter().all(|value| *value <= 1) {
        true => row.iter().position(|value| *value == 1).filter(|at| !row[at + 1..].contains(&1)),
        false => None,
    };
    let places: Option<BTreeSet<usize>> = values.chunks_exact(columns).map(place).collect();
    places.is_some_and(|places| places.len() > 1)
}

/// The usual name of the labels of an images file, without `.gz`.
fn labels_name(images_file: &str) -> String {
    partner(images_file, "images", "labels", "idx1")
}

/// The name of the file's partner: another word, another number of dimensions, as bytes, not compressed.
fn partner(file: &str, word: &str, other: &str, format: &str) -> String {
    let name = Path::new(file).file_name().and_then(|name| name.to_str()).unwrap_or(file);
    let lower = name.to_ascii_lowercase();
    let name = &name[..lower.strip_suffix(".gz").map_or(name.len(), str::len)];
    let is_upper = name.chars().any(char::is_uppercase) && !name.chars().any(char::is_lowercase);
    let cased = |text: &str| if is_upper { text.to_uppercase() } else { text.to_owned() };
    let mut partner = name.to_owned();
    for (from, to) in [(word, other), ("idx1", format), ("idx2", format), ("idx3", format)] {
        if let Some(at) = partner.to_ascii_lowercase().rfind(from).filter(|_| from != to) {
            partner.replace_range(at..at + from.len(), &cased(to));
        }
    }
    let lower = partner.to_ascii_lowercase();
    if let Some((start, _)) = lower.rsplit_once('-').filter(|(_, end)| TYPES.contains(end)) {
        partner.replace_range(start.len() + 1.., &cased("ubyte"));
    }
    partner
}
