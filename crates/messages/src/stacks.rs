//! What became of many states at once.

use crate::Pipeline;
use crate::notice::{Notice, Section};
use crate::pipeline::{at_most, short, symbol, upper_first};
use portcullis_report::Verdict;
use portcullis_report::text::{clean, cut};
use portcullis_slack::{RichText, Text};
use portcullis_stacks::{StackRow, StacksReport};

/// All stacks of a run in one message: how many passed, and those that did not.
#[must_use]
pub fn stacks(pipeline: &Pipeline, report: &StacksReport) -> Notice {
    let title = match report.verdict {
        Verdict::Pass => "All stacks pass",
        Verdict::Undetermined => "Not all stacks can be told",
        Verdict::Violation => "Not all stacks pass",
    };
    pipeline
        .notice("stacks", Some(report.verdict), title, &report.headline())
        .section(rows(report, 10))
        .pipeline_link()
}

/// The verdict, the counts, and the stacks that did not pass, worst first.
fn rows(report: &StacksReport, most: usize) -> Section {
    let open: Vec<&StackRow> = report
        .stacks
        .iter()
        .filter(|row| row.verdict != Verdict::Pass)
        .collect();
    let (points, document) = at_most(most, open.into_iter().map(point), "stacks.txt");
    let mut words = RichText::new()
        .line(
            Text::new()
                .plain(symbol(report.verdict))
                .plain(" ")
                .bold(upper_first(&report.counts())),
        )
        .bullets(points);
    for note in report.notes.iter().take(3) {
        words = words.line(Text::new().plain("Note: ").plain(cut(&clean(note), 200)));
    }
    Section {
        text: words,
        document,
    }
}

fn point(row: &StackRow) -> Text {
    Text::new()
        .bold(upper_first(row.verdict.as_str()))
        .plain(": ")
        .code(short(&row.name))
        .plain(", ")
        .plain(cut(&clean(&row.said.join("; ")), 160))
}
