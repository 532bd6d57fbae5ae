//! The settings of terraform's `http` backend, from its environment variables.
//!
//! Source: "Backend Type: http" in Terraform's documentation.

use std::time::Duration;

/// Where the state is kept, and how one speaks with it.
#[derive(Clone, PartialEq, Eq)]
pub struct Backend {
    /// `TF_HTTP_ADDRESS`
    pub address: String,
    /// `TF_HTTP_UPDATE_METHOD`, default POST.
    pub update_method: String,
    /// `TF_HTTP_LOCK_ADDRESS`; without one there is no locking.
    pub lock_address: Option<String>,
    /// `TF_HTTP_LOCK_METHOD`, default LOCK.
    pub lock_method: String,
    /// `TF_HTTP_UNLOCK_ADDRESS`
    pub unlock_address: Option<String>,
    /// `TF_HTTP_UNLOCK_METHOD`, default UNLOCK.
    pub unlock_method: String,
    /// `TF_HTTP_USERNAME`; without one there is no authentication.
    pub username: Option<String>,
    /// `TF_HTTP_PASSWORD`
    password: String,
    /// `TF_HTTP_RETRY_MAX`, default 2.
    pub retry_max: u32,
    /// `TF_HTTP_RETRY_WAIT_MIN`, in seconds, default 1.
    pub retry_wait: Duration,
}

impl std::fmt::Debug for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backend")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Backend {
    /// Reads the settings; `variable` looks one up. `None` when there is no address.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        Some(Self {
            address: set("TF_HTTP_ADDRESS")?,
            update_method: set("TF_HTTP_UPDATE_METHOD").unwrap_or_else(|| "POST".to_owned()),
            lock_address: set("TF_HTTP_LOCK_ADDRESS"),
            lock_method: set("TF_HTTP_LOCK_METHOD").unwrap_or_else(|| "LOCK".to_owned()),
            unlock_address: set("TF_HTTP_UNLOCK_ADDRESS"),
            unlock_method: set("TF_HTTP_UNLOCK_METHOD").unwrap_or_else(|| "UNLOCK".to_owned()),
            username: set("TF_HTTP_USERNAME"),
            password: set("TF_HTTP_PASSWORD").unwrap_or_default(),
            retry_max: set("TF_HTTP_RETRY_MAX")
                .and_then(|text| text.parse().ok())
                .unwrap_or(2),
            retry_wait: Duration::from_secs(
                set("TF_HTTP_RETRY_WAIT_MIN")
                    .and_then(|text| text.parse().ok())
                    .unwrap_or(1),
            ),
        })
    }

    pub(super) fn password(&self) -> &str {
        &self.password
    }
}

/// What a call to the backend failed of, in terraform's words.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// 401
    #[error("HTTP remote state endpoint requires auth")]
    Unauthorized,
    /// 403
    #[error("HTTP remote state endpoint invalid auth")]
    Forbidden,
    /// Any other status of a read.
    #[error("Unexpected HTTP response code {0}")]
    Status(u16),
    /// Any other status of a write.
    #[error("Failed to save state: HTTP error: {0}")]
    Write(u16),
    /// 409 or 423 of a lock call.
    #[error("HTTP remote state already locked: ID={0}")]
    Locked(String),
    /// A lock conflict whose body is no lock.
    #[error("HTTP remote state already locked, failed to unmarshal body")]
    LockedUnreadable,
    /// No answer at all.
    #[error("Failed to reach the HTTP remote state endpoint")]
    Unreachable(#[source] reqwest::Error),
    /// An address or method that is none.
    #[error("invalid {0}")]
    Setting(&'static str),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_address_there_is_no_backend() {
        assert_eq!(Backend::read(|_| None), None);
        assert_eq!(
            Backend::read(|name| (name == "TF_HTTP_ADDRESS").then(String::new)),
            None
        );
    }

    #[test]
    fn terraforms_defaults_hold_and_the_password_is_never_shown() {
        let backend = Backend::read(|name| match name {
            "TF_HTTP_ADDRESS" => Some("http://state".to_owned()),
            "TF_HTTP_PASSWORD" => Some("hush".to_owned()),
            _ => None,
        })
        .unwrap();
        assert_eq!(
            (backend.update_method.as_str(), backend.lock_method.as_str()),
            ("POST", "LOCK")
        );
        assert_eq!((backend.retry_max, backend.lock_address.as_deref()), (2, None));
        assert!(!format!("{backend:?}").contains("hush"));
    }
}
