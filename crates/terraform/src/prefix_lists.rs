//! The entries of prefix lists: in the list itself, or each a resource of its own.

use crate::attributes::{Attribute, Object};
use crate::error::ReadError;
use crate::resource::{Action, Instance, Kind};
use crate::rules::Reader;
use portcullis_secgroup::{AddressSet, Cidr, PrefixLists};
use std::collections::BTreeMap;

/// A list, as far as it is known.
#[derive(Default)]
struct List<'a> {
    /// Its address and its id, those that it has.
    names: Vec<&'a str>,
    entries: Vec<Cidr>,
    /// Whether it may hold others.
    others: bool,
}

/// The lists among `instances`, by address and by id. `removed` are objects that the change takes away: the list's own attribute
/// may still show their entries.
pub(crate) fn read(
    instances: &[Instance],
    removed: &[Instance],
    reader: &Reader<'_>,
) -> Result<PrefixLists, ReadError> {
    let of = |wanted: Kind| instances.iter().filter(move |instance| instance.kind == wanted);
    let is_data = |instance: &&Instance| instance.parsed().is_some_and(|address| address.data);
    // What a data source has read is older than what the plan makes of the same list.
    let lists = of(Kind::PrefixList)
        .filter(is_data)
        .chain(of(Kind::PrefixList).filter(|instance| !is_data(instance)));
    let mut found: Vec<List<'_>> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for instance in lists {
        let list = own_entries(instance, removed, reader)?;
        for name in &list.names {
            places.insert(name, found.len());
        }
        found.push(list);
    }
    for entry in of(Kind::PrefixListEntry) {
        let object = entry.object();
        let cidr = cidr(entry, object)?;
        let (lists, certain): (Vec<usize>, bool) = match object.text("prefix_list_id") {
            Attribute::Set(id) => {
                let at = *places.entry(id).or_insert_with(|| {
                    found.push(List {
                        names: vec![id],
                        entries: Vec::new(),
                        others: true,
                    });
                    found.len() - 1
                });
                (vec![at], true)
            }
            _ => match reader.candidates(entry, "prefix_list_id", reader.lists) {
                Some(addresses) => {
                    let at = |address: &String| places.get(address.as_str()).copied();
                    (addresses.iter().filter_map(at).collect(), addresses.len() == 1)
                }
                None => ((0..found.len()).collect(), false),
            },
        };
        for at in lists {
            let list = &mut found[at];
            match cidr {
                Some(cidr) if certain => list.entries.push(cidr),
                _ => list.others = true,
            }
        }
    }
    let mut out = PrefixLists::default();
    for list in found {
        let entries: AddressSet = list.entries.into_iter().collect();
        for name in list.names {
            if list.others {
                out.insert_partly(name, entries.clone());
            } else {
                out.insert(name, entries.clone());
            }
        }
    }
    Ok(out)
}

/// What the list says of itself.
fn own_entries<'a>(
    instance: &'a Instance,
    removed: &[Instance],
    reader: &Reader<'_>,
) -> Result<List<'a>, ReadError> {
    let is_data = instance.parsed().is_some_and(|address| address.data);
    let attribute = if is_data { "entries" } else { "entry" };
    let mut list = List {
        names: [Some(instance.address.as_str()), instance.id()]
            .into_iter()
            .flatten()
            .collect(),
        ..List::default()
    };
    let is_wish = !is_data && reader.is_written(instance, "entry") == Some(true);
    let is_new = matches!(
        instance.action,
        Action::Create | Action::Replace | Action::CreateAndForget
    );
    match instance.object().objects(attribute) {
        Attribute::Set(items) => {
            for item in items {
                match cidr(instance, item)? {
                    Some(cidr) => list.entries.push(cidr),
                    None => list.others = true,
                }
            }
        }
        Attribute::Null => {}
        // A new list without entries of its own is empty when it is made.
        Attribute::Unknown => {
            list.others = !(is_new && reader.is_written(instance, "entry") == Some(false));
        }
        Attribute::Odd => list.others = true,
    }
    if !is_wish {
        let gone = removed
            .iter()
            .filter(|entry| entry.kind == Kind::PrefixListEntry)
            .filter(|entry| entry.object().text("prefix_list_id").set() == instance.id());
        for entry in gone {
            let cidr = cidr(entry, entry.object())?;
            list.entries.retain(|known| Some(*known) != cidr);
        }
    }
    Ok(list)
}

/// `None` when it is not known.
fn cidr(instance: &Instance, object: Object<'_>) -> Result<Option<Cidr>, ReadError> {
    let Attribute::Set(text) = object.text("cidr") else {
        return Ok(None);
    };
    match Cidr::parse_noting_host_bits(text) {
        Ok((cidr, _)) => Ok(Some(cidr)),
        Err(source) => Err(ReadError::Rule {
            address: instance.address.clone(),
            attribute: "cidr",
            source: source.into(),
        }),
    }
}
