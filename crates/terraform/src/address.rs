//! Terraform addresses: `module.service["orders"].aws_security_group.this[0]`.

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
        let mut steps = steps(text)?.into_iter().peekable();
        let mut modules = Vec::new();
        while steps.next_if(|(name, _)| name == "module").is_some() {
            modules.push(steps.next()?);
        }
        let data = steps.next_if(|(name, _)| name == "data").is_some();
        let (kind, None) = steps.next()? else { return None };
        let (name, key) = steps.next()?;
        if steps.next().is_some() {
            return None;
        }
        Some(Self {
            modules,
            data,
            kind,
            name,
            key,
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

/// Splits at the dots that stand outside of brackets; each step with its key, if it has one.
pub(crate) fn steps(text: &str) -> Option<Vec<(String, Option<String>)>> {
    let mut out = Vec::new();
    let mut rest = text;
    loop {
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        if name.is_empty() {
            return None;
        }
        let mut key = None;
        rest = after;
        if let Some(inside) = rest.strip_prefix('[') {
            let end = key_end(inside)?;
            key = Some(inside[..end].to_owned());
            rest = &inside[end + 1..];
        }
        out.push((name.to_owned(), key));
        match rest.strip_prefix('.') {
            Some(next) => rest = next,
            None if rest.is_empty() => return Some(out),
            None => return None,
        }
    }
}

/// Where the bracket closes: quotes and backslashes are minded.
fn key_end(inside: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in inside.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ']' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_keys_stay_whole() {
        let address = Address::parse(r#"aws_vpc_security_group_ingress_rule.x["a]\".b"]"#).unwrap();
        assert_eq!(address.key.as_deref(), Some(r#""a]\".b""#));
        assert_eq!(address.resource(), "aws_vpc_security_group_ingress_rule.x");
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
            "a.b.c",
        ] {
            assert_eq!(Address::parse(text), None, "{text}");
        }
    }
}
