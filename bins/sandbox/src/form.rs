//! `application/x-www-form-urlencoded`, both ways.

use serde_json::{Map, Value};

/// Form fields as a JSON object of texts; a later field wins.
pub(crate) fn parse(body: &[u8]) -> Value {
    let text = String::from_utf8_lossy(body);
    let fields: Map<String, Value> = text
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), Value::String(decode(value)))
        })
        .collect();
    Value::Object(fields)
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = bytes
            .get(at + 1..at + 3)
            .and_then(|pair| std::str::from_utf8(pair).ok());
        match (byte, hex.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(value)) => {
                out.push(value);
                at += 2;
            }
            (b'+', _) => out.push(b' '),
            _ => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// One name or value, encoded.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_encoded_is_read_back() {
        let name = "scope[]";
        let value = "a b+c&d=é%";
        let form = format!("{}={}&x=1+2", encode(name), encode(value));
        let parsed = parse(form.as_bytes());
        assert_eq!(parsed[name], value);
        assert_eq!(parsed["x"], "1 2");
    }

    #[test]
    fn a_broken_escape_is_left_as_it_is() {
        assert_eq!(parse(b"a=100%&b=%zz")["a"], "100%");
        assert_eq!(parse(b"a=100%&b=%zz")["b"], "%zz");
    }
}
