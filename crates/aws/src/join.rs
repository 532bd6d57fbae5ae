//! Several readings as one inventory.

use portcullis_secgroup::{Gap, Inventory};
use std::collections::BTreeSet;

/// All readings as one, sorted. What two of them hold (a shared group, an account read twice) is kept once, as the first
/// of them has it.
pub(crate) fn join(readings: Vec<Inventory>, gaps: Vec<Gap>) -> Inventory {
    let mut all = Inventory {
        account: only(readings.iter().map(|reading| &reading.account)),
        region: only(readings.iter().map(|reading| &reading.region)),
        ..Inventory::default()
    };
    let (mut groups, mut interfaces) = (BTreeSet::new(), BTreeSet::new());
    for reading in readings {
        all.groups.extend(
            reading
                .groups
                .into_iter()
                .filter(|group| groups.insert(group.id.clone())),
        );
        all.interfaces.extend(
            reading
                .interfaces
                .into_iter()
                .filter(|interface| interfaces.insert(interface.id.clone())),
        );
        for id in reading.prefix_lists.ids() {
            match reading.prefix_lists.entries(id) {
                Some(entries) => all.prefix_lists.insert(id, entries.clone()),
                // Somebody who may read it may have told already.
                None if all.prefix_lists.entries(id).is_some() => {}
                None => all.prefix_lists.insert_unknown(id),
            }
        }
        all.associations.extend(reading.associations);
        all.stale.extend(reading.stale);
        all.gaps.extend(reading.gaps);
    }
    all.groups.sort_by(|a, b| a.id.cmp(&b.id));
    all.interfaces.sort_by(|a, b| a.id.cmp(&b.id));
    all.associations.sort();
    all.associations.dedup();
    all.stale.sort();
    all.stale.dedup();
    all.gaps.extend(gaps);
    all
}

/// The value, when all have the same.
fn only<'a>(mut values: impl Iterator<Item = &'a Option<String>>) -> Option<String> {
    let first = values.next()?;
    values
        .all(|value| value == first)
        .then(|| first.clone())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_secgroup::{AddressSet, Cidr, Group, Interface, PrefixLists};

    fn reading(region: &str, group: &str, entries: Option<&str>) -> Inventory {
        let mut prefix_lists = PrefixLists::default();
        match entries {
            Some(cidr) => {
                let entries: AddressSet = [cidr.parse::<Cidr>().unwrap()].into_iter().collect();
                prefix_lists.insert("pl-1", entries);
            }
            None => prefix_lists.insert_unknown("pl-1"),
        }
        Inventory {
            account: Some("111122223333".into()),
            region: Some(region.into()),
            groups: vec![Group {
                id: Some(group.into()),
                region: Some(region.into()),
                ..Group::default()
            }],
            interfaces: vec![Interface {
                id: "eni-1".into(),
                ..Interface::default()
            }],
            prefix_lists,
            ..Inventory::default()
        }
    }

    #[test]
    fn what_two_readings_hold_is_kept_once() {
        let joined = join(
            vec![
                reading("eu-west-1", "sg-2", Some("192.0.2.0/24")),
                reading("us-east-1", "sg-1", None),
                reading("us-east-1", "sg-2", None),
            ],
            vec![Gap::new("ap-south-1", "away")],
        );
        assert_eq!(joined.account.as_deref(), Some("111122223333"));
        assert_eq!(joined.region, None, "there are two");
        let groups: Vec<_> = joined
            .groups
            .iter()
            .map(|group| (&group.id, &group.region))
            .collect();
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            groups,
            [
                (&text("sg-1"), &text("us-east-1")),
                (&text("sg-2"), &text("eu-west-1"))
            ]
        );
        assert_eq!(joined.interfaces.len(), 1);
        assert!(
            joined.prefix_lists.entries("pl-1").is_some(),
            "one of them could read it"
        );
        assert_eq!(joined.gaps.len(), 1);
    }
}
