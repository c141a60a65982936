//! Between what databases have and what we have.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::any::AnyRow;

/// A number as databases have it.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The number in a column.
pub(super) fn number(row: &AnyRow, column: usize) -> sqlx::Result<u64> {
    let number: i64 = row.try_get(column)?;
    Ok(u64::try_from(number).unwrap_or_default())
}

/// The text in a column.
pub(super) fn text(row: &AnyRow, column: usize) -> sqlx::Result<String> {
    row.try_get(column)
}

/// The value whose JSON is in a column.
pub(super) fn value<T: DeserializeOwned>(row: &AnyRow, column: usize) -> sqlx::Result<T> {
    serde_json::from_str(&text(row, column)?).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// A value's JSON.
pub(super) fn json(value: &impl Serialize) -> sqlx::Result<String> {
    serde_json::to_string(value).map_err(|error| sqlx::Error::Encode(error.into()))
}
