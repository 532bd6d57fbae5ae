//! The entries of prefix lists: in the list itself, or each a resource of its own.

use crate::attributes::Attribute;
use crate::error::{Problem, ReadError};
use crate::resource::{Instance, Kind};
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
/// may still show their entries. What is not as it looks is added to `remarks`.
pub(crate) fn read(
    instances: &[&Instance],
    removed: &[Instance],
    reader: &Reader<'_>,
    remarks: &mut Vec<Problem>,
) -> Result<PrefixLists, ReadError> {
    let of = |wanted: Kind| {
        instances
            .iter()
            .copied()
            .filter(move |instance| instance.kind == wanted)
    };
    let is_data = |instance: &&Instance| instance.is_data();
    // What a data source has read is older than what the plan makes of the same list.
    let lists = of(Kind::PrefixList)
        .filter(is_data)
        .chain(of(Kind::PrefixList).filter(|instance| !is_data(instance)));
    let mut found: Vec<List<'_>> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for instance in lists {
        let list = own_entries(instance, removed, reader, remarks)?;
        for name in &list.names {
            places.insert(name, found.len());
        }
        found.push(list);
    }
    for entry in of(Kind::PrefixListEntry) {
        let object = entry.object();
        let cidr = cidr(entry, object.text("cidr"), remarks)?;
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
    remarks: &mut Vec<Problem>,
) -> Result<List<'a>, ReadError> {
    let object = instance.object();
    let is_data = instance.is_data();
    let attribute = if is_data { "entries" } else { "entry" };
    let mut list = List {
        names: [Some(instance.address.as_str()), instance.id()]
            .into_iter()
            .flatten()
            .collect(),
        ..List::default()
    };
    let is_wish = !is_data && reader.is_written(instance, "entry") == Some(true);
    let is_new = instance.is_new();
    // One of AWS's own has no entries with descriptions, but mere blocks ("Data Source: aws_prefix_list").
    let blocks = if is_data {
        object.texts("cidr_blocks")
    } else {
        Attribute::Null
    };
    let items: Attribute<Vec<Attribute<&str>>> = match (blocks, object.objects(attribute)) {
        (Attribute::Null, Attribute::Set(items)) => {
            Attribute::Set(items.into_iter().map(|item| item.text("cidr")).collect())
        }
        (Attribute::Null, Attribute::Null) => Attribute::Null,
        (Attribute::Null, Attribute::Unknown) => Attribute::Unknown,
        (Attribute::Null, Attribute::Odd) => Attribute::Odd,
        (blocks, _) => blocks,
    };
    match items {
        Attribute::Set(items) => {
            for item in items {
                match cidr(instance, item, remarks)? {
                    Some(cidr) => list.entries.push(cidr),
                    None => list.others = true,
                }
            }
        }
        // Every list of AWS's own has blocks, and of what a data source has not read nothing is known.
        Attribute::Null => list.others = is_data,
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
            let cidr = cidr(entry, entry.object().text("cidr"), &mut Vec::new())?;
            list.entries.retain(|known| Some(*known) != cidr);
        }
    }
    Ok(list)
}

/// `None` when it is not known.
fn cidr(
    instance: &Instance,
    text: Attribute<&str>,
    remarks: &mut Vec<Problem>,
) -> Result<Option<Cidr>, ReadError> {
    let Attribute::Set(text) = text else {
        return Ok(None);
    };
    match Cidr::parse_noting_host_bits(text) {
        Ok((cidr, host_bits)) => {
            remarks.extend(host_bits.then(|| Problem::host_bits(&instance.address, text, cidr)));
            Ok(Some(cidr))
        }
        Err(source) => Err(ReadError::Rule {
            address: instance.address.clone(),
            attribute: "cidr",
            source: source.into(),
        }),
    }
}
