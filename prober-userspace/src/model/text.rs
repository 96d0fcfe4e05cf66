//! How values that print well leave the program in JSON: as the text that they print.

use std::fmt::Display;

use serde::Serializer;

/// For `#[serde(serialize_with)]`: the value as its text.
pub fn as_text<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// For `#[serde(serialize_with)]`: the value as its text, or null.
pub fn as_optional_text<T: Display, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}
