//! Values of the language, with what is not known as a value of its own.

use crate::code::number::Number;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::rc::Rc;

/// How many values a collection may hold, those inside of its items counted: more is not looked at.
pub(crate) const HEAVIEST: usize = 200_000;
/// How deep collections may stand inside of each other.
const DEEPEST: usize = 100;
/// How long a text may become, in bytes.
pub(crate) const LONGEST: usize = 1 << 20;

/// What Terraform would refuse for certain. `try` and `can` catch it; else the value can't be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault(pub(crate) &'static str);

pub(crate) type Evaluated = Result<Value, Fault>;

#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(Number),
    Text(Rc<str>),
    /// A list or a tuple.
    List(Rc<Items>),
    /// A set; with items that are not known, or that have no order of their own, it has neither length nor order.
    Set(Rc<Items>),
    /// A map or an object.
    Map(Rc<Fields>),
    /// One instance of a resource, to ask for its attributes.
    Instance(Rc<InstanceRef>),
    /// One instance of a module, to ask for its outputs: its place among the scopes.
    Module(usize),
    Unknown(Unknown),
}

/// Something that can't be told from the code.
#[derive(Debug, Clone)]
pub(crate) struct Unknown {
    /// What decides it: `var.office`, `data.aws_vpc.main`.
    pub(crate) why: Rc<str>,
    /// Where it is the id of a resource instance: the address of that one. No text yet, and all the same one certain thing.
    pub(crate) id: Option<Rc<str>>,
}

#[derive(Debug)]
pub(crate) struct Items {
    pub(crate) items: Vec<Value>,
    size: Size,
    unknown: Option<Unknown>,
}

#[derive(Debug)]
pub(crate) struct Fields {
    pub(crate) fields: BTreeMap<Rc<str>, Value>,
    size: Size,
    unknown: Option<Unknown>,
}

/// How many values there are in all, and how deep.
#[derive(Debug, Clone, Copy)]
struct Size {
    weight: usize,
    depth: usize,
}

impl Size {
    /// `None` when it is too much to be looked at.
    fn around<'v>(values: impl Iterator<Item = &'v Value>) -> Option<Self> {
        let mut size = Self { weight: 1, depth: 1 };
        for value in values {
            let inner = value.size();
            size.weight = size.weight.saturating_add(inner.weight);
            size.depth = size.depth.max(inner.depth + 1);
        }
        (size.weight <= HEAVIEST && size.depth <= DEEPEST).then_some(size)
    }
}

/// Which instance of which resource.
#[derive(Debug)]
pub(crate) struct InstanceRef {
    /// The place of its scope.
    pub(crate) scope: usize,
    /// The place of its block in the module.
    pub(crate) block: usize,
    pub(crate) address: Rc<str>,
    /// What `each` or `count` is inside of it.
    pub(crate) bound: Option<(&'static str, Value)>,
}

impl Value {
    pub(crate) fn text(text: impl Into<Rc<str>>) -> Self {
        let text = text.into();
        if text.len() > LONGEST {
            return Self::unknown("a text too long to be looked at");
        }
        Self::Text(text)
    }

    pub(crate) fn unknown(why: impl Into<Rc<str>>) -> Self {
        Self::Unknown(Unknown {
            why: why.into(),
            id: None,
        })
    }

    /// The id of a resource instance.
    pub(crate) fn id_of(address: &Rc<str>) -> Self {
        Self::Unknown(Unknown {
            why: format!("{address}.id").into(),
            id: Some(Rc::clone(address)),
        })
    }

    fn items(items: Vec<Self>) -> Result<Rc<Items>, Self> {
        let Some(size) = Size::around(items.iter()) else {
            return Err(Self::unknown("a collection too large to be looked at"));
        };
        let unknown = items.iter().find_map(Self::unknown_within).cloned();
        Ok(Rc::new(Items { items, size, unknown }))
    }

    pub(crate) fn list(items: Vec<Self>) -> Self {
        match Self::items(items) {
            Ok(items) => Self::List(items),
            Err(unknown) => unknown,
        }
    }

    /// A set: what is equal counts once, and texts and numbers stand in order.
    pub(crate) fn set(mut items: Vec<Self>) -> Self {
        items = unified(items);
        items.sort_by(Self::order);
        items.dedup_by(|a, b| a.unknown_within().is_none() && a.is_same(b) == Some(true));
        match Self::items(items) {
            Ok(items) => Self::Set(items),
            Err(unknown) => unknown,
        }
    }

    pub(crate) fn map(fields: BTreeMap<Rc<str>, Self>) -> Self {
        let Some(size) = Size::around(fields.values()) else {
            return Self::unknown("a collection too large to be looked at");
        };
        let unknown = fields.values().find_map(Self::unknown_within).cloned();
        Self::Map(Rc::new(Fields {
            fields,
            size,
            unknown,
        }))
    }

    /// How many values it holds.
    pub(crate) fn weight(&self) -> usize {
        self.size().weight
    }

    fn size(&self) -> Size {
        let single = |weight| Size { weight, depth: 0 };
        match self {
            Self::List(items) | Self::Set(items) => items.size,
            Self::Map(fields) => fields.size,
            Self::Text(text) => single(1 + text.len() / 64),
            _ => single(1),
        }
    }

    /// What is not known of it, itself or inside.
    pub(crate) fn unknown_within(&self) -> Option<&Unknown> {
        match self {
            Self::Unknown(unknown) => Some(unknown),
            Self::List(items) | Self::Set(items) => items.unknown.as_ref(),
            Self::Map(fields) => fields.unknown.as_ref(),
            _ => None,
        }
    }

    /// Whether a set has a length and an order that are known: all its items are texts, or numbers, or truth values.
    pub(crate) fn is_ordered(items: &Items) -> bool {
        let kind = |value: &Self| match value {
            Self::Bool(_) => Some(1),
            Self::Number(_) => Some(2),
            Self::Text(_) => Some(3),
            _ => None,
        };
        let mut kinds = items.items.iter().map(kind);
        match kinds.next() {
            None => true,
            Some(None) => false,
            Some(first) => kinds.all(|next| next == first),
        }
    }

    /// Texts by bytes, numbers by size; the rest as it comes.
    fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => a.compare(*b),
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Text(_) => 0,
            Self::Number(_) => 1,
            Self::Bool(_) => 2,
            _ => 3,
        }
    }

    /// Whether two known values are the same, for a set; `None` when that can't be told.
    pub(crate) fn is_same(&self, other: &Self) -> Option<bool> {
        match (self, other) {
            (Self::List(a), Self::List(b)) => same_items(&a.items, &b.items),
            (Self::Set(a), Self::Set(b)) if Self::is_ordered(a) && Self::is_ordered(b) => {
                same_items(&a.items, &b.items)
            }
            (Self::Map(a), Self::Map(b)) => {
                if !a.fields.keys().eq(b.fields.keys()) {
                    return Some(false);
                }
                let mut same = Some(true);
                for (x, y) in a.fields.values().zip(b.fields.values()) {
                    match x.is_same(y) {
                        Some(false) => return Some(false),
                        None => same = None,
                        Some(true) => {}
                    }
                }
                same
            }
            _ => self.equals(other),
        }
    }

    /// Terraform's `==`. Whether two collections are equal depends on their exact types, of which not all are kept here.
    pub(crate) fn equals(&self, other: &Self) -> Option<bool> {
        match (self, other) {
            (Self::Null, Self::Null) => Some(true),
            (Self::Unknown(_) | Self::Instance(_) | Self::Module(_), _)
            | (_, Self::Unknown(_) | Self::Instance(_) | Self::Module(_)) => None,
            (Self::Null, _) | (_, Self::Null) => Some(false),
            (Self::Bool(a), Self::Bool(b)) => Some(a == b),
            (Self::Number(a), Self::Number(b)) => Some(a == b),
            (Self::Text(a), Self::Text(b)) => Some(a == b),
            (Self::List(_) | Self::Set(_) | Self::Map(_), Self::List(_) | Self::Set(_) | Self::Map(_)) => {
                None
            }
            _ => Some(false),
        }
    }

    /// As a text, where Terraform converts: of numbers and truth values.
    pub(crate) fn to_text(&self) -> Evaluated {
        match self {
            Self::Text(_) | Self::Null | Self::Unknown(_) => Ok(self.clone()),
            Self::Bool(flag) => Ok(Self::text(if *flag { "true" } else { "false" })),
            Self::Number(number) => Ok(number
                .text()
                .map_or_else(|| Self::unknown("a fraction that terraform rounds"), Self::text)),
            _ => Err(Fault("a text is asked for")),
        }
    }

    pub(crate) fn to_number(&self) -> Evaluated {
        match self {
            Self::Number(_) | Self::Null | Self::Unknown(_) => Ok(self.clone()),
            // Terraform reads more forms than these, such as hexadecimal fractions.
            Self::Text(text) => match Number::parse(text) {
                Some(number) => Ok(Self::Number(number)),
                None if text.bytes().any(|byte| byte.is_ascii_digit()) => Ok(Self::unknown("an odd number")),
                None => Err(Fault("a number is asked for")),
            },
            _ => Err(Fault("a number is asked for")),
        }
    }

    pub(crate) fn to_bool(&self) -> Evaluated {
        match self {
            Self::Bool(_) | Self::Null | Self::Unknown(_) => Ok(self.clone()),
            Self::Text(text) if matches!(&**text, "true" | "1") => Ok(Self::Bool(true)),
            Self::Text(text) if matches!(&**text, "false" | "0") => Ok(Self::Bool(false)),
            _ => Err(Fault("true or false is asked for")),
        }
    }

    pub(crate) fn is_primitive(&self) -> bool {
        matches!(self, Self::Bool(_) | Self::Number(_) | Self::Text(_))
    }
}

fn same_items(a: &[Value], b: &[Value]) -> Option<bool> {
    if a.len() != b.len() {
        return Some(false);
    }
    let mut same = Some(true);
    for (x, y) in a.iter().zip(b) {
        match x.is_same(y) {
            Some(false) => return Some(false),
            None => same = None,
            Some(true) => {}
        }
    }
    same
}

/// Items of one type, as a list or a set must have them: where texts stand among numbers, all become texts.
pub(crate) fn unified(items: Vec<Value>) -> Vec<Value> {
    let text = items.iter().any(|item| matches!(item, Value::Text(_)));
    let number = items.iter().any(|item| matches!(item, Value::Number(_)));
    let flag = items.iter().any(|item| matches!(item, Value::Bool(_)));
    if u8::from(text) + u8::from(number) + u8::from(flag) < 2 {
        return items;
    }
    items
        .into_iter()
        .map(|item| {
            if item.is_primitive() {
                item.to_text().unwrap_or(item)
            } else {
                item
            }
        })
        .collect()
}
