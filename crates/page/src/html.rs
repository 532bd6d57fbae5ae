//! HTML under construction: text from outside can only become text.

use portcullis_report::text::{clean, clean_lines};

/// HTML under construction. Markup is written by us (`&'static str`); everything else goes through [`Html::text`], which
/// cleans and escapes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Html(String);

impl Html {
    /// Our own markup.
    pub(crate) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Text, cleaned and escaped: safe between tags and in quoted attributes.
    pub(crate) fn text(&mut self, text: impl AsRef<str>) -> &mut Self {
        escape(&mut self.0, &clean(text.as_ref()));
        self
    }

    /// [`Html::text`] with its line feeds, for `<pre>`.
    pub(crate) fn lines(&mut self, text: &str) -> &mut Self {
        escape(&mut self.0, &clean_lines(text));
        self
    }

    /// A coordinate.
    pub(crate) fn number(&mut self, number: i32) -> &mut Self {
        self.0.push_str(&number.to_string());
        self
    }

    /// A count as people read it: `5,000`.
    pub(crate) fn count(&mut self, count: usize) -> &mut Self {
        self.0.push_str(&thousands(count));
        self
    }

    /// Text in an element, `<em>text</em>` for the tag `em`.
    pub(crate) fn element(&mut self, tag: &'static str, text: impl AsRef<str>) -> &mut Self {
        self.raw("<").raw(tag).raw(">").text(text);
        self.raw("</").raw(tag).raw(">")
    }

    /// Text as a link, or as plain text where there is no address to go to.
    pub(crate) fn link(&mut self, href: Option<&Href>, text: impl AsRef<str>) -> &mut Self {
        match href {
            Some(Href(address)) => {
                self.raw("<a rel=\"noreferrer\" href=\"").text(address).raw("\">");
                self.text(text).raw("</a>")
            }
            None => self.text(text),
        }
    }

    /// Another piece, whole.
    pub(crate) fn append(&mut self, other: &Self) -> &mut Self {
        self.0.push_str(&other.0);
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
}

/// `5,000`.
pub(crate) fn thousands(count: usize) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// An address a link may lead to: `http` or `https`, nothing else, and nothing hidden in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Href(String);

impl Href {
    pub(crate) fn read(address: &str) -> Option<Self> {
        let scheme = address.split_once("://").map(|(scheme, _)| scheme)?;
        let web = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
        let plain = !address.contains(char::is_whitespace) && clean(address) == address;
        (web && plain).then(|| Self(address.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_web_can_be_linked() {
        for good in ["https://gitlab.example.org/a/-/pipelines/1", "HTTP://x"] {
            assert!(Href::read(good).is_some(), "{good}");
        }
        for bad in [
            "javascript:alert(1)",
            "javascript://%0aalert(1)",
            "data:text/html,x",
            "//evil.example.org",
            "https://x\u{202e}y",
            "https://x y",
            " https://x",
            "",
        ] {
            assert!(Href::read(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn counts_are_grouped() {
        for (count, shown) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(thousands(count), shown);
        }
    }

    #[test]
    fn an_attribute_cannot_be_left() {
        let mut html = Html::default();
        html.link(Href::read("https://x/\"onclick='a'&<b>").as_ref(), "</a>");
        assert_eq!(
            html.into_string(),
            "<a rel=\"noreferrer\" href=\"https://x/&quot;onclick=&#39;a&#39;&amp;&lt;b&gt;\">&lt;/a&gt;</a>"
        );
    }
}
