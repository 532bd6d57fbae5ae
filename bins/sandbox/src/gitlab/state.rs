//! Managed Terraform states: versions, serials and locks.
//!
//! Source: gitlabhq `lib/api/terraform/state.rb`, `app/services/terraform/remote_state_handler.rb` and
//! `spec/requests/api/terraform/state_spec.rb`.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Who holds a state, in the words of terraform's lock info.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Lock {
    /// The lock's id, made by terraform.
    #[serde(rename = "ID")]
    pub id: String,
    /// `OperationTypePlan`, `OperationTypeApply`…
    pub operation: String,
    /// Free text, mostly empty.
    pub info: String,
    /// The holder. GitLab replaces what terraform sent by the user's login.
    pub who: String,
    /// Terraform's version.
    pub version: String,
    /// When, RFC 3339. GitLab replaces what terraform sent by its own time.
    pub created: String,
    /// Mostly empty.
    pub path: String,
}

/// Why a call on a state was refused. The status is what GitLab answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// No such state, or no such version.
    NotFound,
    /// Somebody else holds it, or the id given is not the holder's.
    Locked(Box<Lock>),
    /// An id was given for a state that nobody holds.
    NotLocked,
    /// The same conflict on a write, which GitLab's own code does not translate.
    LockedWrite,
    /// A member of the lock info is missing.
    BadLock(&'static str),
    /// The lock's id is longer than 255 characters.
    IdTooLong,
    /// A version with this serial exists, or the body has no serial.
    Serial,
    /// The state is larger than the instance allows.
    TooLarge,
    /// The state waits for its deletion.
    Deleting,
    /// The body says it is JSON and is not.
    NotJson,
}

/// What a write did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// A new version with this serial.
    Version(u64),
    /// Nothing: the body was empty.
    Nothing,
}

/// All managed states of a project.
#[derive(Debug, Clone, Default)]
pub struct ManagedStates {
    states: BTreeMap<String, ManagedState>,
    /// `max_terraform_state_size_bytes` of the instance; 0 is unlimited.
    pub size_limit: usize,
}

#[derive(Debug, Clone, Default)]
struct ManagedState {
    versions: BTreeMap<u64, Vec<u8>>,
    lock: Option<Lock>,
    deleting: bool,
}

/// The members that a lock call must carry.
const LOCK_MEMBERS: [&str; 7] = ["ID", "Operation", "Info", "Who", "Version", "Created", "Path"];

impl ManagedStates {
    /// Puts a first version there, as a project's history would have.
    pub fn seed(&mut self, name: &str, serial: u64, body: Vec<u8>) {
        self.states
            .entry(name.to_owned())
            .or_default()
            .versions
            .insert(serial, body);
    }

    /// The names there are.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.states.keys().map(String::as_str)
    }

    /// The latest version, also while locked; `None` when the state has no version yet.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::Deleting`].
    pub fn read(&mut self, name: &str) -> Result<Option<&[u8]>, Refusal> {
        let state = self.existing(name)?;
        Ok(state.versions.last_key_value().map(|(_, body)| body.as_slice()))
    }

    /// One version.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::Deleting`].
    pub fn version(&mut self, name: &str, serial: u64) -> Result<&[u8], Refusal> {
        self.existing(name)?
            .versions
            .get(&serial)
            .map(Vec::as_slice)
            .ok_or(Refusal::NotFound)
    }

    /// Who holds it now.
    #[must_use]
    pub fn holder(&self, name: &str) -> Option<&Lock> {
        self.states.get(name).and_then(|state| state.lock.as_ref())
    }

    /// Adds a version; makes the state when it is the first. The serial is read from the body, and only when the
    /// request says that the body is JSON.
    ///
    /// # Errors
    /// [`Refusal::LockedWrite`], [`Refusal::Serial`], [`Refusal::TooLarge`], [`Refusal::NotJson`],
    /// [`Refusal::Deleting`].
    pub fn write(
        &mut self,
        name: &str,
        lock_id: Option<&str>,
        is_json: bool,
        body: &[u8],
    ) -> Result<Written, Refusal> {
        if body.is_empty() {
            return Ok(Written::Nothing);
        }
        if self.size_limit > 0 && body.len() > self.size_limit {
            return Err(Refusal::TooLarge);
        }
        let serial = if is_json {
            let value: Value = serde_json::from_slice(body).map_err(|_| Refusal::NotJson)?;
            value.get("serial").and_then(Value::as_u64)
        } else {
            None
        };
        let state = self.existing_or_new(name)?;
        if state.lock.as_ref().map(|lock| lock.id.as_str()) != lock_id {
            return Err(Refusal::LockedWrite);
        }
        let serial = serial
            .filter(|serial| !state.versions.contains_key(serial))
            .ok_or(Refusal::Serial)?;
        state.versions.insert(serial, body.to_vec());
        Ok(Written::Version(serial))
    }

    /// Locks it for the asker; makes the state when there is none.
    ///
    /// # Errors
    /// [`Refusal::BadLock`], [`Refusal::IdTooLong`], [`Refusal::Locked`] with the lock as GitLab shows it to the
    /// asker (the holder's id, name and time, but the *asker's* operation), [`Refusal::Deleting`].
    pub fn lock(&mut self, name: &str, asked: &Value, login: &str, now: &str) -> Result<Lock, Refusal> {
        for member in LOCK_MEMBERS {
            if asked.get(member).is_none() {
                return Err(Refusal::BadLock(member));
            }
        }
        let text = |member: &str| {
            asked
                .get(member)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let wanted = Lock {
            id: text("ID"),
            operation: text("Operation"),
            info: text("Info"),
            who: login.to_owned(),
            version: text("Version"),
            created: now.to_owned(),
            path: text("Path"),
        };
        if wanted.id.chars().count() > 255 {
            return Err(Refusal::IdTooLong);
        }
        let state = self.existing_or_new(name)?;
        if let Some(holder) = &state.lock {
            let shown = Lock {
                id: holder.id.clone(),
                who: holder.who.clone(),
                created: holder.created.clone(),
                ..wanted
            };
            return Err(Refusal::Locked(Box::new(shown)));
        }
        state.lock = Some(wanted.clone());
        Ok(wanted)
    }

    /// Unlocks it; without an id, by force.
    ///
    /// # Errors
    /// [`Refusal::Locked`] or [`Refusal::NotLocked`] when the id is not the holder's, [`Refusal::IdTooLong`],
    /// [`Refusal::NotFound`], [`Refusal::Deleting`].
    pub fn unlock(&mut self, name: &str, id: Option<&str>) -> Result<(), Refusal> {
        let state = self.existing(name)?;
        if let Some(id) = id {
            if id.chars().count() > 255 {
                return Err(Refusal::IdTooLong);
            }
            match &state.lock {
                Some(holder) if holder.id != id => return Err(Refusal::Locked(Box::new(holder.clone()))),
                None => return Err(Refusal::NotLocked),
                Some(_) => {}
            }
        }
        state.lock = None;
        Ok(())
    }

    /// Marks it for deletion. GitLab deletes in the background; here the *next* call finds it still pending and
    /// every call after that finds nothing.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::Deleting`], [`Refusal::Locked`].
    pub fn delete(&mut self, name: &str) -> Result<(), Refusal> {
        let state = self.existing(name)?;
        if let Some(holder) = &state.lock {
            return Err(Refusal::Locked(Box::new(holder.clone())));
        }
        state.deleting = true;
        Ok(())
    }

    /// Removes one version.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::Deleting`].
    pub fn delete_version(&mut self, name: &str, serial: u64) -> Result<(), Refusal> {
        self.existing(name)?
            .versions
            .remove(&serial)
            .map(|_| ())
            .ok_or(Refusal::NotFound)
    }

    fn existing(&mut self, name: &str) -> Result<&mut ManagedState, Refusal> {
        self.finish_deletion(name)?;
        self.states.get_mut(name).ok_or(Refusal::NotFound)
    }

    fn existing_or_new(&mut self, name: &str) -> Result<&mut ManagedState, Refusal> {
        self.finish_deletion(name)?;
        Ok(self.states.entry(name.to_owned()).or_default())
    }

    fn finish_deletion(&mut self, name: &str) -> Result<(), Refusal> {
        if self.states.get(name).is_some_and(|state| state.deleting) {
            self.states.remove(name);
            return Err(Refusal::Deleting);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: &str = "2026-11-23T20:00:00.000Z";

    fn asked(id: &str, operation: &str) -> Value {
        json!({"ID": id, "Operation": operation, "Info": "", "Who": "me@laptop", "Version": "1.11.4",
               "Created": "1970-01-01T00:00:00Z", "Path": ""})
    }

    fn body(serial: u64) -> Vec<u8> {
        json!({"version": 4, "serial": serial}).to_string().into_bytes()
    }

    #[test]
    fn a_state_is_made_by_its_first_write_and_read_back() {
        let mut states = ManagedStates::default();
        assert_eq!(states.read("estate"), Err(Refusal::NotFound));
        assert_eq!(
            states.write("estate", None, true, &body(1)),
            Ok(Written::Version(1))
        );
        assert_eq!(states.read("estate"), Ok(Some(body(1).as_slice())));
    }

    #[test]
    fn a_locked_state_without_versions_has_no_content() {
        let mut states = ManagedStates::default();
        states
            .lock("estate", &asked("1", "OperationTypeApply"), "ada", NOW)
            .unwrap();
        assert_eq!(states.read("estate"), Ok(None));
    }

    #[test]
    fn the_latest_serial_is_the_state() {
        let mut states = ManagedStates::default();
        states.seed("estate", 9, body(9));
        states.write("estate", None, true, &body(10)).unwrap();
        assert_eq!(states.read("estate"), Ok(Some(body(10).as_slice())));
        assert_eq!(states.version("estate", 9), Ok(body(9).as_slice()));
        states.delete_version("estate", 10).unwrap();
        assert_eq!(states.read("estate"), Ok(Some(body(9).as_slice())));
    }

    #[test]
    fn a_repeated_serial_is_refused() {
        let mut states = ManagedStates::default();
        states.seed("estate", 3, body(3));
        assert_eq!(states.write("estate", None, true, &body(3)), Err(Refusal::Serial));
    }

    #[test]
    fn a_serial_is_only_read_from_a_body_that_says_it_is_json() {
        let mut states = ManagedStates::default();
        assert_eq!(
            states.write("estate", None, false, &body(1)),
            Err(Refusal::Serial)
        );
        assert_eq!(states.write("estate", None, true, b"{"), Err(Refusal::NotJson));
        assert_eq!(states.write("estate", None, true, b""), Ok(Written::Nothing));
    }

    #[test]
    fn only_the_holder_writes_to_a_locked_state() {
        let mut states = ManagedStates::default();
        states
            .lock("estate", &asked("mine", "OperationTypeApply"), "ada", NOW)
            .unwrap();
        for other in [None, Some("other")] {
            assert_eq!(
                states.write("estate", other, true, &body(1)),
                Err(Refusal::LockedWrite)
            );
        }
        assert_eq!(
            states.write("estate", Some("mine"), true, &body(1)),
            Ok(Written::Version(1))
        );
        states.unlock("estate", Some("mine")).unwrap();
        assert_eq!(
            states.write("estate", Some("mine"), true, &body(2)),
            Err(Refusal::LockedWrite)
        );
    }

    #[test]
    fn a_conflict_shows_the_holder_mixed_with_the_asker() {
        let mut states = ManagedStates::default();
        let held = states
            .lock("estate", &asked("first", "OperationTypePlan"), "ada", NOW)
            .unwrap();
        assert_eq!((held.who.as_str(), held.created.as_str()), ("ada", NOW));
        let refusal = states.lock("estate", &asked("second", "OperationTypeApply"), "grace", "later");
        let Err(Refusal::Locked(shown)) = refusal else {
            panic!("{refusal:?}")
        };
        assert_eq!(
            (shown.id.as_str(), shown.who.as_str(), shown.created.as_str()),
            ("first", "ada", NOW)
        );
        assert_eq!(shown.operation, "OperationTypeApply");
    }

    #[test]
    fn a_lock_without_all_its_members_is_refused() {
        let mut states = ManagedStates::default();
        for member in LOCK_MEMBERS {
            let mut lock = asked("1", "OperationTypeApply");
            lock.as_object_mut().unwrap().remove(member);
            assert_eq!(
                states.lock("estate", &lock, "ada", NOW),
                Err(Refusal::BadLock(member))
            );
        }
    }

    #[test]
    fn unlocking_needs_the_holders_id_or_none_at_all() {
        let mut states = ManagedStates::default();
        assert_eq!(states.unlock("estate", None), Err(Refusal::NotFound));
        states
            .lock("estate", &asked("mine", "OperationTypeApply"), "ada", NOW)
            .unwrap();
        assert!(matches!(
            states.unlock("estate", Some("other")),
            Err(Refusal::Locked(_))
        ));
        assert_eq!(
            states.unlock("estate", Some(&"x".repeat(256))),
            Err(Refusal::IdTooLong)
        );
        assert_eq!(states.unlock("estate", None), Ok(()));
        assert_eq!(states.unlock("estate", Some("mine")), Err(Refusal::NotLocked));
    }

    #[test]
    fn the_size_limit_is_strict() {
        let mut states = ManagedStates {
            size_limit: body(1).len(),
            ..ManagedStates::default()
        };
        assert_eq!(
            states.write("estate", None, true, &body(1)),
            Ok(Written::Version(1))
        );
        assert_eq!(
            states.write("estate", None, true, &body(10)),
            Err(Refusal::TooLarge)
        );
    }

    #[test]
    fn a_deletion_is_pending_before_it_is_done() {
        let mut states = ManagedStates::default();
        states.seed("estate", 1, body(1));
        states.delete("estate").unwrap();
        assert_eq!(states.read("estate"), Err(Refusal::Deleting));
        assert_eq!(states.read("estate"), Err(Refusal::NotFound));
    }
}
