//! Styled text for a terminal: wrapped to a width, plain where colours are not wanted.

/// How a piece of text looks. Meaning never rests on colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// As it is.
    #[default]
    Plain,
    /// Headings and labels.
    Bold,
    /// Things of second rank: times, addresses.
    Dim,
    /// Verbatim text.
    Code,
    /// It went well.
    Good,
    /// It did not.
    Bad,
}

impl Style {
    const fn start(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "\x1b[1m",
            Self::Dim => "\x1b[2m",
            Self::Code => "\x1b[36m",
            Self::Good => "\x1b[32m",
            Self::Bad => "\x1b[31m",
        }
    }
}

/// Characters with their style: one paragraph.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Styled(Vec<(char, Style)>);

impl Styled {
    /// Adds text. Whatever could steer a terminal is made visible on the way in.
    pub fn push(&mut self, text: &str, style: Style) {
        self.0
            .extend(portcullis_report::text::clean(text).chars().map(|c| (c, style)));
    }

    /// Adds another paragraph to this one.
    pub fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// A paragraph of one style.
    #[must_use]
    pub fn new(text: &str, style: Style) -> Self {
        let mut styled = Self::default();
        styled.push(text, style);
        styled
    }

    /// True without any character.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Columns it takes on one line.
    #[must_use]
    pub fn width(&self) -> usize {
        self.0.iter().map(|(c, _)| columns(*c)).sum()
    }

    /// Breaks it into lines of at most `width` columns, at spaces where there are some. Lines after the first
    /// start below the first word, so that list items hang.
    #[must_use]
    pub fn wrap(&self, width: usize) -> Vec<Self> {
        let indent = self
            .0
            .iter()
            .take_while(|(c, _)| *c == ' ')
            .count()
            .min(width / 2);
        let hang = indent + if self.starts_with_bullet(indent) { 2 } else { 0 };
        self.wrap_at(width, hang)
    }

    /// As [`Styled::wrap`]; lines after the first start at column `hang`.
    #[must_use]
    pub fn wrap_at(&self, width: usize, hang: usize) -> Vec<Self> {
        let width = width.max(8);
        // Enough must be left for a word or two.
        let hang = hang.min((width / 2).max(width.saturating_sub(24)));
        let mut lines = Vec::new();
        let mut line: Vec<(char, Style)> = Vec::new();
        let mut used = 0;
        let mut last_space = None;
        for &(c, style) in &self.0 {
            if used + columns(c) > width {
                let rest = match last_space {
                    // Whatever follows the space goes down with the new character.
                    Some(at) if at > hang => {
                        let rest = line.split_off(at);
                        rest.into_iter().skip(1).collect()
                    }
                    _ => Vec::new(),
                };
                lines.push(Self(std::mem::take(&mut line)).trimmed());
                line = vec![(' ', Style::Plain); hang];
                line.extend(rest);
                used = line.iter().map(|(c, _)| columns(*c)).sum();
                last_space = None;
                if c == ' ' && line.len() == hang {
                    continue;
                }
            }
            if c == ' ' {
                last_space = Some(line.len());
            }
            line.push((c, style));
            used += columns(c);
        }
        lines.push(Self(line).trimmed());
        lines
    }

    /// One line of text, with escape sequences when `colour`.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let mut out = String::new();
        let mut current = Style::Plain;
        for &(c, style) in &self.0 {
            if colour && style != current {
                if current != Style::Plain {
                    out.push_str("\x1b[0m");
                }
                out.push_str(style.start());
                current = style;
            }
            out.push(c);
        }
        if current != Style::Plain {
            out.push_str("\x1b[0m");
        }
        out
    }

    fn starts_with_bullet(&self, at: usize) -> bool {
        matches!(
            self.0.get(at..at + 2),
            Some([('•' | '-' | '·' | '✓' | '✗', _), (' ', _)])
        )
    }

    /// Without spaces at its end.
    #[must_use]
    pub fn trimmed(mut self) -> Self {
        while matches!(self.0.last(), Some((' ', _))) {
            self.0.pop();
        }
        self
    }
}

/// Columns of a character: two for most emoji and for East Asian wide ones, none for what joins the one before.
fn columns(c: char) -> usize {
    match c as u32 {
        0x300..=0x36f | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xff00..=0xff60 => 2,
        0x1f300..=0x1f64f
        | 0x1f680..=0x1f6ff
        | 0x1f900..=0x1f9ff
        | 0x2705
        | 0x274c
        | 0x26d4
        | 0x231b
        | 0x23f3 => 2,
        _ => 1,
    }
}

/// What the terminal can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terminal {
    /// Columns.
    pub width: usize,
    /// Colours and moving the cursor are welcome.
    pub live: bool,
    /// Colours are welcome.
    pub colour: bool,
}

impl Terminal {
    /// A file or a pipe: plain lines.
    pub const PLAIN: Self = Self {
        width: 100,
        live: false,
        colour: false,
    };

    /// What standard output is, from what the environment says about colours (`NO_COLOR`, `TERM`).
    #[must_use]
    pub fn of_stdout(no_color: bool, dumb: bool) -> Self {
        let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stdout());
        if !is_terminal {
            return Self::PLAIN;
        }
        let width = terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0));
        Self {
            width: width.clamp(40, 120),
            live: !dumb,
            colour: !no_color && !dumb,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(text: &str, width: usize) -> String {
        Styled::new(text, Style::Plain)
            .wrap(width)
            .iter()
            .map(|line| line.render(false))
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn lines_break_at_spaces_and_lists_hang() {
        insta::assert_snapshot!(wrapped("the web service listens on port 8000", 16), @r"
        the web service
        listens on port
        8000
        ");
        insta::assert_snapshot!(wrapped("• tcp 8000 from the internet", 16), @r"
        • tcp 8000 from
          the internet
        ");
    }

    #[test]
    fn a_word_longer_than_the_line_is_cut_not_lost() {
        let text = "x".repeat(25);
        assert_eq!(wrapped(&text, 10).replace('\n', ""), text);
    }

    #[test]
    fn every_line_fits_and_no_character_is_lost() {
        let text = "one two three ✅ four five https://gitlab.example.com/harbour/estate/-/jobs/1 six";
        let bare = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        for width in 8..60 {
            for line in Styled::new(text, Style::Plain).wrap(width) {
                assert!(line.width() <= width, "{width}: {line:?}");
            }
            assert_eq!(bare(&wrapped(text, width)), bare(text), "{width}");
        }
    }

    #[test]
    fn escape_sequences_come_from_us_only() {
        let styled = Styled::new("a\u{1b}[31mb", Style::Bold);
        assert_eq!(styled.render(true), "\u{1b}[1ma␛[31mb\u{1b}[0m");
        assert_eq!(styled.render(false), "a␛[31mb");
    }
}
