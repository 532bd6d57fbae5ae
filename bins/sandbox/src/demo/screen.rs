//! What the demo shows while it runs, and after.

use crate::terminal::{Style, Styled, Terminal};
use std::io::Write;
use std::time::Duration;

/// Column at which a job's time starts.
const NAME_WIDTH: usize = 18;

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// All its commands ended with 0.
    Passed,
    /// A command ended with this code.
    Failed(u8),
}

/// The terminal, or what stands for it.
pub struct Screen<'a> {
    out: &'a mut (dyn Write + Send),
    terminal: Terminal,
}

impl std::fmt::Debug for Screen<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Screen")
            .field("terminal", &self.terminal)
            .finish_non_exhaustive()
    }
}

impl<'a> Screen<'a> {
    /// Shows on `out`.
    pub fn new(out: &'a mut (dyn Write + Send), terminal: Terminal) -> Self {
        Self { out, terminal }
    }

    /// Columns there are.
    #[must_use]
    pub fn width(&self) -> usize {
        self.terminal.width
    }

    /// One line as it is.
    pub fn line(&mut self, line: &Styled) {
        // A reader that has gone away is no reason to stop the pipeline.
        let _shown = writeln!(self.out, "{}", line.render(self.terminal.colour));
    }

    /// An empty line.
    pub fn blank(&mut self) {
        self.line(&Styled::default());
    }

    /// A paragraph, wrapped.
    pub fn paragraph(&mut self, text: &str, style: Style) {
        for line in Styled::new(text, style).wrap(self.terminal.width) {
            self.line(&line);
        }
    }

    /// A paragraph, set in and wrapped.
    pub fn indented(&mut self, text: &str, indent: usize) {
        let mut line = Styled::new(&" ".repeat(indent), Style::Plain);
        line.push(text, Style::Plain);
        self.wrapped(&line, indent);
    }

    /// A heading with space before it.
    pub fn heading(&mut self, text: &str) {
        self.blank();
        self.line(&Styled::new(text, Style::Bold));
        self.blank();
    }

    /// A job is at work: a line that is written over, on a terminal only.
    pub fn working(&mut self, what: &str) {
        if self.terminal.live {
            let mut line = Styled::new("  · ", Style::Dim);
            line.push(
                &portcullis_report::text::cut(what, self.terminal.width.saturating_sub(5)),
                Style::Dim,
            );
            let _shown = write!(self.out, "\r\x1b[2K{}", line.render(self.terminal.colour));
            let _shown = self.out.flush();
        }
    }

    /// Takes away the line of [`Screen::working`].
    pub fn settled(&mut self) {
        if self.terminal.live {
            let _shown = write!(self.out, "\r\x1b[2K");
            let _shown = self.out.flush();
        }
    }

    /// A job has ended.
    pub fn job(&mut self, name: &str, took: Duration, ending: &Ending) {
        self.settled();
        let (mark, style, verdict) = match ending {
            Ending::Passed => ("✓", Style::Good, "passed".to_owned()),
            Ending::Failed(code) => ("✗", Style::Bad, format!("failed with {code}: {}", meaning(*code))),
        };
        let mut line = Styled::new("  ", Style::Plain);
        line.push(mark, style);
        let time = format!("{:.1} s", took.as_secs_f64());
        line.push(&format!(" {name:<NAME_WIDTH$}{time:>6}  "), Style::Plain);
        line.push(&verdict, style);
        self.wrapped(&line, NAME_WIDTH + 12);
    }

    /// A job that did not run.
    pub fn skipped(&mut self, name: &str) {
        let line = format!("  – {name:<NAME_WIDTH$}        skipped");
        self.line(&Styled::new(&line, Style::Dim));
    }

    /// Something that happened beside the jobs.
    pub fn event(&mut self, text: &str) {
        self.settled();
        let mut line = Styled::new("  ▶ ", Style::Bold);
        line.push(text, Style::Plain);
        self.wrapped(&line, 4);
    }

    /// A word, and a text beside it that stays in its column.
    pub fn table_row(&mut self, word: &str, text: &str) {
        let mut line = Styled::new(&format!("  {word:<14}"), Style::Bold);
        line.push(text, Style::Plain);
        self.wrapped(&line, 16);
    }

    /// One line that sums a job's report up.
    pub fn report(&mut self, text: &str) {
        let mut line = Styled::new("      ", Style::Plain);
        line.push(text, Style::Plain);
        self.wrapped(&line, 6);
    }

    /// A job's own words, set in.
    pub fn quoted(&mut self, text: &str) {
        for line in text.lines() {
            let words = Styled::new(line, Style::Plain);
            for part in words.wrap_at(self.terminal.width.saturating_sub(8), hang(line)) {
                let mut row = Styled::new("      │ ", Style::Dim);
                row.append(part);
                self.line(&row.trimmed());
            }
        }
    }

    /// A line whose continuations start at `indent`.
    fn wrapped(&mut self, line: &Styled, indent: usize) {
        for (index, part) in line.wrap_at(self.terminal.width, indent).into_iter().enumerate() {
            if index > 0 && part.is_empty() {
                continue;
            }
            self.line(&part);
        }
    }
}

/// Where the continuation of a long line starts: below the last column of a table, or a little in.
fn hang(line: &str) -> usize {
    let indent = line.chars().take_while(|c| *c == ' ').count();
    let words = line.trim();
    match words.rfind("  ") {
        Some(gap) => indent + words[..gap + 2].chars().count(),
        None => indent + 2,
    }
}

/// What an exit code says. (docs/exit-codes.md)
#[must_use]
pub const fn meaning(code: u8) -> &'static str {
    match code {
        0 => "all is well",
        1 => "the gate says no",
        2 => "it cannot tell",
        3 => "refused",
        64 => "wrong usage or a bad policy",
        65 => "unreadable input",
        69 => "a service was not available",
        70 => "a bug",
        _ => "not a code of ours",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(width: usize, show: impl FnOnce(&mut Screen<'_>)) -> String {
        let mut out = Vec::new();
        show(&mut Screen::new(
            &mut out,
            Terminal {
                width,
                ..Terminal::PLAIN
            },
        ));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_per_job() {
        insta::assert_snapshot!(
            "a-line-per-job",
            shown(80, |screen| {
                screen.working("plan");
                screen.job("plan", Duration::from_millis(1234), &Ending::Passed);
                screen.job("request approval", Duration::from_millis(80), &Ending::Failed(69));
                screen.event("deploy is played by Tomas Lind (@tomas); the author is Nora Okafor (@nora)");
                screen.skipped("check services");
                screen.report(
                    "exposure: opens tcp 8000 from the whole IPv4 internet on front; closes tcp 8080",
                );
                screen.quoted(
                    "$ one\n    rule      the last column of a table is where its long lines go on, too",
                );
            })
        );
    }

    #[test]
    fn only_a_live_terminal_is_written_over() {
        let plain = shown(80, |screen| screen.working("plan"));
        assert_eq!(plain, "");
        let mut out = Vec::new();
        Screen::new(
            &mut out,
            Terminal {
                width: 80,
                live: true,
                colour: false,
            },
        )
        .working("plan");
        assert_eq!(String::from_utf8(out).unwrap(), "\r\u{1b}[2K  · plan");
    }
}
