//! Terraform addresses: `module.service["orders"].aws_security_group.this[0]`.

use memchr::{memchr2, memchr3};

/// A resource's address, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The modules it stands in, outermost first: name and instance key, the key as written (`"orders"` with quotes, or `0`).
    pub modules: Vec<(String, Option<String>)>,
    /// Whether it is a data source.
    pub data: bool,
    /// The resource type.
    pub kind: String,
    /// The resource name.
    pub name: String,
    /// The instance key, as written.
    pub key: Option<String>,
}

impl Address {
    /// Takes an address apart; `None` when the text is none.
    ///
    /// ```
    /// use portcullis_terraform::Address;
    /// let address = Address::parse(r#"module.service["a.b"].aws_security_group.this[0]"#).unwrap();
    /// assert_eq!(address.modules, [("service".to_owned(), Some("\"a.b\"".to_owned()))]);
    /// assert_eq!((address.kind.as_str(), address.key.as_deref()), ("aws_security_group", Some("0")));
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let split = Split::of(text)?;
        let owned = |key: Option<&str>| key.map(str::to_owned);
        let rest = split.resource.strip_prefix("data.");
        let (kind, name) = rest.unwrap_or(split.resource).split_once('.')?;
        Some(Self {
            modules: split
                .modules()
                .map(|module| (module.name.to_owned(), owned(module.key)))
                .collect(),
            data: rest.is_some(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            key: owned(split.key),
        })
    }

    /// `type.name`, as the configuration names it.
    #[must_use]
    pub fn resource(&self) -> String {
        format!(
            "{}{}.{}",
            if self.data { "data." } else { "" },
            self.kind,
            self.name
        )
    }
}

/// An address in its parts, as they stand in the text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Split<'a> {
    /// `module.a.module.b[1].`, or nothing for the root.
    modules: &'a str,
    /// `type.name` or `data.type.name`, as the configuration names it.
    pub(crate) resource: &'a str,
    /// The instance key, as written.
    pub(crate) key: Option<&'a str>,
}

/// A module in an address.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ModuleStep<'a> {
    pub(crate) name: &'a str,
    key: Option<&'a str>,
    /// The address up to the dot behind it, the dot included.
    pub(crate) prefix: &'a str,
}

impl<'a> Split<'a> {
    /// `None` when the text is no address.
    pub(crate) fn of(text: &'a str) -> Option<Self> {
        let mut steps = steps(text);
        let mut start = 0;
        let mut step = steps.next()??;
        while step.name == "module" && step.key.is_none() {
            steps.next()??;
            start = steps.done;
            step = steps.next()??;
        }
        if step.name == "data" && step.key.is_none() {
            step = steps.next()??;
        }
        let name = steps.next()??;
        if step.key.is_some() || steps.next().is_some() {
            return None;
        }
        let key = name.key.map_or(0, |key| key.len() + "[]".len());
        Some(Self {
            modules: &text[..start],
            resource: &text[start..text.len() - key],
            key: name.key,
        })
    }

    /// Whether it is a data source.
    pub(crate) fn is_data(self) -> bool {
        self.resource.starts_with("data.")
    }

    /// The modules it stands in, outermost first.
    pub(crate) fn modules(self) -> impl Iterator<Item = ModuleStep<'a>> {
        let mut steps = steps(self.modules);
        std::iter::from_fn(move || {
            steps.next()??;
            let Step { name, key } = steps.next()??;
            let prefix = &self.modules[..steps.done];
            Some(ModuleStep { name, key, prefix })
        })
    }
}

/// One step of an address or a reference.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step<'a> {
    pub(crate) name: &'a str,
    pub(crate) key: Option<&'a str>,
}

/// What stands between the dots outside of brackets. A step that is none is `None`, and the last.
pub(crate) struct Steps<'a> {
    rest: Option<&'a str>,
    /// How much of the text is done: a step, and the dot behind it.
    done: usize,
}

pub(crate) fn steps(text: &str) -> Steps<'_> {
    Steps {
        rest: Some(text),
        done: 0,
    }
}

impl<'a> Iterator for Steps<'a> {
    type Item = Option<Step<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.rest.take()?;
        Some(self.step(text))
    }
}

impl<'a> Steps<'a> {
    fn step(&mut self, text: &'a str) -> Option<Step<'a>> {
        let end = memchr2(b'.', b'[', text.as_bytes()).unwrap_or(text.len());
        let (name, mut rest) = text.split_at(end);
        if name.is_empty() {
            return None;
        }
        let mut key = None;
        if let Some(inside) = rest.strip_prefix('[') {
            let end = key_end(inside)?;
            key = Some(&inside[..end]);
            rest = &inside[end + 1..];
        }
        match rest.strip_prefix('.') {
            Some(next) => self.rest = Some(next),
            None if rest.is_empty() => {}
            None => return None,
        }
        self.done += text.len() - self.rest.map_or(0, str::len);
        Some(Step { name, key })
    }
}

/// Where the bracket closes: quotes and backslashes are minded.
fn key_end(inside: &str) -> Option<usize> {
    let (mut quoted, mut at) = (false, 0);
    loop {
        let rest = inside.as_bytes().get(at..)?;
        let next = memchr3(b'"', b'\\', b']', rest)?;
        at += next;
        match rest[next] {
            // Whatever stands behind it; what is left of a longer character is no ASCII.
            b'\\' if quoted => at += 1,
            b'"' => quoted = !quoted,
            b']' if !quoted => return Some(at),
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_keys_stay_whole() {
        let address = Address::parse(r#"aws_vpc_security_group_ingress_rule.x["a]\".b"]"#).unwrap();
        assert_eq!(address.key.as_deref(), Some(r#""a]\".b""#));
        assert_eq!(address.resource(), "aws_vpc_security_group_ingress_rule.x");
        for (key, address) in [
            (r#""\\""#, r#"aws_x.y["\\"]"#),
            (r#""a]é\é]""#, r#"aws_x.y["a]é\é]"]"#),
            ("", "aws_x.y[]"),
        ] {
            assert_eq!(
                Address::parse(address).unwrap().key.as_deref(),
                Some(key),
                "{address}"
            );
        }
    }

    #[test]
    fn data_sources_and_nested_modules() {
        let address = Address::parse("module.a.module.b[1].data.aws_ec2_managed_prefix_list.p").unwrap();
        assert!(address.data);
        assert_eq!(address.modules.len(), 2);
    }

    #[test]
    fn nonsense_is_none() {
        for text in [
            "",
            "aws_x",
            "aws_x.",
            "module.a",
            "aws_x.y[",
            "aws_x.y[0]z",
            r#"aws_x.y["\"#,
            r#"aws_x.y["0]"#,
            "a.b.c",
        ] {
            assert_eq!(Address::parse(text), None, "{text}");
        }
    }
}
