//! Files of named tensors (safetensors), read with every size checked, and written.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, Metadata, TensorView};
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::kernel::Scalar;
use crate::output_file::write_file;
use crate::parameters::{Parameters, TensorLayout};

/// One tensor to write.
pub(crate) struct NamedTensor<'a, T: Scalar> {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    /// Row by row.
    pub(crate) values: Cow<'a, [T]>,
}

/// The tensors of a set of parameters, each name behind `prefix`.
pub(crate) fn named<'a, T: Scalar>(
    prefix: &str,
    parameters: &'a Parameters<T>,
) -> impl Iterator<Item = NamedTensor<'a, T>> {
    parameters.tensors().iter().map(move |tensor| NamedTensor {
        name: format!("{prefix}{}", tensor.name),
        shape: tensor.shape(),
        values: Cow::Owned(parameters.tensor(tensor).to_vec()),
    })
}

/// Writes tensors and one metadata entry, a text (JSON) under `key`.
pub(crate) fn write<'a, T: Scalar>(
    path: &Path,
    tensors: impl IntoIterator<Item = NamedTensor<'a, T>>,
    metadata: Option<(&str, String)>,
) -> Result<()> {
    let dtype = if T::NAME == "F32" { Dtype::F32 } else { Dtype::F64 };
    let refused = |error: safetensors::SafeTensorError| Error::File {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let tensors: Vec<_> =
        tensors.into_iter().map(|tensor| (tensor.name, tensor.shape, to_bytes(&tensor.values))).collect();
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| Ok((name, TensorView::new(dtype, shape.clone(), bytes)?)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(refused)?;
    let metadata = metadata.map(|(key, text)| HashMap::from([(key.to_owned(), text)]));
    let bytes = safetensors::serialize(views, metadata).map_err(refused)?;
    write_file(path, &bytes)
}

fn to_bytes<T: Scalar>(values: &[T]) -> Vec<u8> {
    if T::NAME == "F32" {
        values.iter().flat_map(|value| (value.as_f64() as f32).to_le_bytes()).collect()
    } else {
        values.iter().flat_map(|value| value.as_f64().to_le_bytes()).collect()
    }
}

/// The bytes before the header, which are its length.
const LENGTH_BYTES: u64 = 8;

/// The longest header that safetensors allow.
const LONGEST_HEADER: u64 = 100_000_000;

fn without_entry(key: &str, what: &str) -> String {
    format!("no entry \"{key}\" in the metadata; {what} has one")
}

/// A file of which the header is read, and checked against the file's size.
pub(crate) struct TensorFile {
    path: PathBuf,
    file: File,
    /// The header, with its length before it.
    beginning: Vec<u8>,
    header: Metadata,
    /// How long the file is, if it says so itself.
    length: Option<u64>,
}

impl TensorFile {
    /// Opens a file whose metadata have an entry `key`, as `what` has one. Whatever its size, a file that is none is refused
    /// by its header.
    pub(crate) fn open(path: &Path, key: &str, what: &str) -> Result<Self> {
        let in_system = |source| Error::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(in_system)?;
        let metadata = file.metadata().map_err(in_system)?;
        // What comes through a pipe says how long it is by its header alone.
        let length = metadata.is_file().then_some(metadata.len());
        let incomplete = |reason: String| {
            let length = length.map_or(String::new(), |length| format!("the file has {length} bytes; "));
            fail(path, format!("not a complete safetensors file ({reason}); {length}give the file of {what}"))
        };
        let mut beginning = Vec::new();
        (&file).take(LENGTH_BYTES).read_to_end(&mut beginning).map_err(in_system)?;
        let Some(header_length) = beginning.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)) else {
            return incomplete(format!("it begins with {LENGTH_BYTES} bytes that are its header's length"));
        };
        let most = length.map_or(u64::MAX, |length| length.saturating_sub(LENGTH_BYTES));
        if header_length > LONGEST_HEADER.min(most) {
            return incomplete(format!(
                "its first {LENGTH_BYTES} bytes promise a header of {header_length} bytes"
            ));
        }
        (&file).take(header_length).read_to_end(&mut beginning).map_err(in_system)?;
        let header: Metadata = match serde_json::from_slice(&beginning[LENGTH_BYTES as usize..]) {
            Ok(header) => header,
            Err(error) => return incomplete(format!("invalid JSON in header: {error}")),
        };
        let read = TensorFile { path: path.to_owned(), file, beginning, header, length };
        let promised = read.promised();
        if length.is_some_and(|length| length != promised) {
            return incomplete(format!("its header promises {promised} bytes"));
        }
        if read.header.metadata().as_ref().is_none_or(|entries| !entries.contains_key(key)) {
            return read.fail(without_entry(key, what));
        }
        Ok(read)
    }

    /// The length that the header promises.
    fn promised(&self) -> u64 {
        let ends = self.header.tensors().into_values().map(|tensor| tensor.data_offsets.1 as u64);
        ends.max().unwrap_or(0).saturating_add(self.beginning.len() as u64)
    }

    /// An error about this file.
    pub(crate) fn fail<X>(&self, reason: impl Into<String>) -> Result<X> {
        fail(&self.path, reason)
    }

    /// The metadata entry `key`, parsed.
    pub(crate) fn metadata<X: DeserializeOwned>(&self, key: &str, what: &str) -> Result<X> {
        let Some(text) = self.header.metadata().as_ref().and_then(|entries| entries.get(key)) else {
            return self.fail(without_entry(key, what));
        };
        serde_json::from_str(text)
            .or_else(|error| self.fail(format!("the metadata entry \"{key}\" is not valid: {error}")))
    }

    /// Fails unless the file has exactly these tensors, in these shapes.
    pub(crate) fn check_shapes<'a>(
        &self,
        wanted: impl IntoIterator<Item = (String, &'a TensorLayout)>,
    ) -> Result<()> {
        let mut found: BTreeMap<_, _> = self.header.tensors().into_iter().collect();
        for (name, tensor) in wanted {
            let shape = tensor.shape();
            match found.remove(&name) {
                None => {
                    let names: BTreeSet<_> = self.header.tensors().into_keys().collect();
                    let names: Vec<_> = names.into_iter().collect();
                    return self.fail(format!(
                        "no tensor \"{name}\" of shape {shape:?}, which the description asks for; found: {}",
                        names.join(", ")
                    ));
                }
                Some(info) if info.shape != shape => {
                    return self.fail(format!(
                        "tensor \"{name}\" has shape {:?}; the description asks for {shape:?}",
                        info.shape
                    ));
                }
                Some(_) => {}
            }
        }
        match found.into_keys().next() {
            Some(name) => self.fail(format!("tensor \"{name}\" is not in the description")),
            None => Ok(()),
        }
    }

    /// Reads the numbers: what can be refused without them was.
    pub(crate) fn read(self) -> Result<Tensors> {
        let in_system = |source| Error::Io { path: self.path.clone(), source };
        let rest = self.promised() - self.beginning.len() as u64;
        let mut bytes = self.beginning;
        let room = usize::try_from(rest).ok().and_then(|rest| bytes.try_reserve_exact(rest).ok());
        if self.length.is_some() && room.is_none() {
            return Err(in_system(ErrorKind::OutOfMemory.into()));
        }
        (&self.file).take(rest).read_to_end(&mut bytes).map_err(in_system)?;
        let tensors = Tensors { path: self.path, bytes };
        tensors.views()?;
        Ok(tensors)
    }
}

fn fail<X>(path: &Path, reason: impl Into<String>) -> Result<X> {
    Err(Error::File { path: path.to_owned(), reason: reason.into() })
}

/// The tensors of a file.
pub(crate) struct Tensors {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Tensors {
    /// An error about their file.
    pub(crate) fn fail<X>(&self, reason: impl Into<String>) -> Result<X> {
        fail(&self.path, reason)
    }

    fn views(&self) -> Result<SafeTensors<'_>> {
        SafeTensors::deserialize(&self.bytes).or_else(|error| {
            self.fail(format!(
                "not a complete safetensors file ({error}); {} bytes were read",
                self.bytes.len()
            ))
        })
    }

    /// Fills `parameters` from the tensors whose names begin with `prefix`, whose shapes were checked; a
    /// number that is not finite is an error.
    pub(crate) fn fill<T: Scalar>(&self, prefix: &str, parameters: &mut Parameters<T>) -> Result<()> {
        let views = self.views()?;
        for tensor in parameters.tensors().to_vec() {
            let name = format!("{prefix}{}", tensor.name);
            let view = views.tensor(&name).or_else(|error| self.fail(error.to_string()))?;
            let mut values = vec![T::zero(); tensor.count()];
            match view.dtype() {
                Dtype::F32 => fill(&mut values, view.data(), |b| f64::from(f32::from_le_bytes(b))),
                Dtype::F64 => fill(&mut values, view.data(), f64::from_le_bytes),
                other => {
                    return self.fail(format!(
                        "tensor \"{name}\" has numbers of type {other:?}; F32 and F64 are supported"
                    ));
                }
            }
            if let Some(index) = values.iter().position(|value| !value.is_finite()) {
                return self.fail(format!("tensor \"{name}\": number {index} is {}", values[index]));
            }
            parameters.set_tensor(&tensor, &values)?;
        }
        Ok(())
    }
}

fn fill<T: Scalar, const N: usize>(values: &mut [T], bytes: &[u8], read: impl Fn([u8; N]) -> f64) {
    let (numbers, _) = bytes.as_chunks::<N>();
    for (value, bytes) in values.iter_mut().zip(numbers) {
        *value = T::from_f64(read(*bytes));
    }
}
