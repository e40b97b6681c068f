//! How names of choices are written: `-` and `_` are the same, and case does not matter.

use crate::error::{Error, Result};

/// The one of `all` that is called `name`. `kind` is what was looked for, such as "activation".
///
/// # Errors
/// For an unknown name, with the list of all.
pub(crate) fn find_by_name<T>(
    kind: &'static str,
    name: &str,
    all: impl Iterator<Item = T>,
    name_of: impl Fn(&T) -> &'static str,
) -> Result<T> {
    let plain = |name: &str| name.replace('_', "-").to_lowercase();
    let (wanted, mut known) = (plain(name), Vec::new());
    for choice in all {
        let candidate = plain(name_of(&choice));
        if candidate == wanted {
            return Ok(choice);
        }
        known.push(candidate);
    }
    Err(Error::UnknownName { kind, name: name.to_owned(), known: known.join(", ") })
}

/// Gives a type its `Display` (the name as model files have it) and `FromStr` (as `from_name`).
macro_rules! written_by_name {
    ($type:ty) => {
        impl std::fmt::Display for $type {
            /// The name, as model files have it.
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.pad(self.name())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::error::Error;

            /// As `from_name`.
            fn from_str(name: &str) -> $crate::error::Result<Self> {
                <$type>::from_name(name)
            }
        }
    };
}

pub(crate) use written_by_name;
