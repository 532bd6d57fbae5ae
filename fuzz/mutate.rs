//! Damages texts, always in the same way: for the tests that run without a fuzzer. Included by `#[path]`.

/// Numbers that look random and are always the same (Marsaglia's xorshift).
pub struct Numbers(pub u64);

impl Numbers {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % limit.max(1)
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }
}

/// What readers trip over.
const WORDS: [&str; 36] = [
    "null",
    "true",
    "false",
    "0",
    "-1",
    "65536",
    "99999999999999999999",
    "1e308",
    "-0.0",
    "22.5",
    "\"\"",
    "\"-1\"",
    "\"tcp\"",
    "\"0.0.0.0/0\"",
    "\"::/0\"",
    "\"10.0.0.1/33\"",
    "\"ingress\"",
    "\"self\"",
    "\"sg-1\"",
    "\"1/sg-1\"",
    "[]",
    "{}",
    "[[]]",
    "[null]",
    "{\"\":null}",
    "[true]",
    "[{\"description\":true}]",
    "\"\\u0000\"",
    "\"\u{202e}\"",
    "é",
    "{",
    "]",
    "\"",
    ":",
    "- ",
    "\n",
];

/// The text with one to four wounds: bytes lost, doubled, moved, or replaced by a word.
pub fn damaged(text: &str, numbers: &mut Numbers) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(bytes.len());
        let until = (at + numbers.below(40)).min(bytes.len());
        match numbers.below(5) {
            0 => drop(bytes.drain(at..until)),
            1 => {
                let again = bytes[at..until].to_vec();
                let to = numbers.below(bytes.len());
                bytes.splice(to..to, again);
            }
            2 => bytes.truncate(at),
            _ => drop(bytes.splice(at..until.min(at + 8), numbers.pick(&WORDS).bytes())),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// JSON with one to four of its values replaced by others: still JSON, so that readers get further than to the brackets.
pub fn altered(text: &str, numbers: &mut Numbers) -> String {
    let mut value: serde_json::Value = serde_json::from_str(text).unwrap();
    for _ in 0..=numbers.below(4) {
        let mut left = numbers.below(count(&value));
        let word = loop {
            if let Ok(word) = serde_json::from_str(numbers.pick(&WORDS)) {
                break word;
            }
        };
        replace(&mut value, &mut left, &mut Some(word));
    }
    value.to_string()
}

fn count(value: &serde_json::Value) -> usize {
    1 + match value {
        serde_json::Value::Array(items) => items.iter().map(count).sum(),
        serde_json::Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

fn replace(value: &mut serde_json::Value, left: &mut usize, word: &mut Option<serde_json::Value>) {
    if *left == 0 {
        if let Some(word) = word.take() {
            *value = word;
        }
        return;
    }
    *left -= 1;
    match value {
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| step(item, left, word)),
        serde_json::Value::Object(fields) => fields.values_mut().for_each(|item| step(item, left, word)),
        _ => {}
    }
}

fn step(value: &mut serde_json::Value, left: &mut usize, word: &mut Option<serde_json::Value>) {
    if word.is_some() {
        replace(value, left, word);
    }
}
