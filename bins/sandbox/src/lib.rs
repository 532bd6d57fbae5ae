//! Stand-ins for GitLab, Slack, terraform and the web service, and the demo that runs the whole pipeline on them.
//!
//! **What it is for.** Everything a pipeline talks to, on loopback, from one command, with nothing installed but
//! cargo: [`gitlab`] keeps managed states with their locks, jobs and merge-request notes; [`slack`] keeps messages and
//! checks them against Block Kit's limits; [`replay`] is a terraform that answers from a [`recording`];
//! [`web_service`] is the service behind the public address. Each can be made to fail ([`fault`]). [`demo`] runs the
//! pipeline on them, [`serve`] leaves them to be tried by hand or by another runner, with the files of [`checkout`].
//!
//! **What it is not.** It shares no code with the crates that speak with GitLab and Slack, so that an error in one
//! is not repeated in the other; and it is no server for other use: it forgets everything when it ends.
//!
//! ```
//! use portcullis_sandbox::gitlab::ManagedStates;
//!
//! let mut states = ManagedStates::default();
//! states.write("estate", None, true, br#"{"serial": 1}"#).map_err(|refusal| format!("{refusal:?}"))?;
//! assert!(states.write("estate", None, true, br#"{"serial": 1}"#).is_err(), "the serial exists");
//! # Ok::<(), String>(())
//! ```

pub mod checkout;
pub mod demo;
pub mod estate;
pub mod fault;
pub mod gitlab;
pub mod recording;
pub mod replay;
pub mod serve;
pub mod slack;
pub mod terminal;
pub mod web_service;

mod clock;
mod files;
mod form;
mod server;

pub use files::FileError;
pub use server::{BindError, Server};

/// rustls leaves the choice of the cryptography under TLS to the process. A choice that was made before stands.
pub fn choose_cryptography() {
    // The error says that a choice is made already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

#[cfg(test)]
mod tests {
    /// A stand-in that shared the clients' code would share their mistakes. The tests hold both against each other.
    #[test]
    fn the_stand_ins_share_no_code_with_the_clients() {
        let (manifest, _) = include_str!("../Cargo.toml")
            .split_once("[dev-dependencies]")
            .unwrap();
        for client in [
            "portcullis-slack",
            "portcullis-gitlab",
            "portcullis-messages",
            "portcullis-stage",
        ] {
            assert!(!manifest.contains(client), "{client}");
        }
    }
}
