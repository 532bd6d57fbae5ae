//! GitLab may answer `null` where a value stands (GitLab docs, "REST API": booleans).

use serde::{Deserialize, Deserializer};

/// `null` as the type's default; a field that is not there needs `#[serde(default)]` beside it.
pub(crate) fn is_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}
