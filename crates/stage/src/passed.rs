//! A program that has the caller's own streams: for wrappers.

use crate::program::{Program, ProgramError, Streams, code, joined};
use crate::signals::{Cancelled, Running, Terminal};
use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader, IsTerminal as _, Read, Write};
use std::process::ExitStatus;

/// How much of each stream's end is kept. Terraform's complaints come last, and are rarely longer.
const TAIL: usize = 64 * 1024;

/// What is left of a program that had the caller's own streams.
#[derive(Clone)]
pub struct Passed {
    status: ExitStatus,
    cancelled: Option<Cancelled>,
    tail: String,
}

impl Passed {
    /// Its exit code; 128 plus the signal's number when a signal ended it, as shells count.
    #[must_use]
    pub fn code(&self) -> i32 {
        code(self.status)
    }

    /// The signal that came to this process while the program ran, and was passed on to it.
    #[must_use]
    pub const fn cancelled(&self) -> Option<Cancelled> {
        self.cancelled
    }

    /// The end of what it wrote, standard output first (nothing of it when that is a terminal): neither cleaned nor
    /// masked, so for looking into only.
    #[must_use]
    pub fn tail(&self) -> &str {
        &self.tail
    }
}

impl std::fmt::Debug for Passed {
    /// Without what may be secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Passed")
            .field("code", &self.code())
            .finish_non_exhaustive()
    }
}

impl Program {
    /// Runs it to its end with the caller's own streams: input and output byte for byte, its talk (standard error) line by
    /// line and masked, colours and all.
    ///
    /// # Errors
    /// When it cannot be started; as [`Program::run_captured`].
    pub fn run_passed(&self) -> Result<Passed, ProgramError> {
        // Prompts and progress want the terminal itself; anything else is handed on as it comes.
        let terminal = if io::stdout().is_terminal() {
            Terminal::Own
        } else {
            Terminal::None
        };
        let (mut child, running) = self.start(Streams::Callers(terminal))?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (said, talked) = std::thread::scope(|scope| {
            let talk = scope.spawn(|| self.talk(stderr));
            (hand_on(stdout, &running), joined(talk))
        });
        let (status, cancelled) = running.wait(&mut child).map_err(|source| self.lost(source))?;
        let tail = said.map_err(|e| self.lost(e))?.text() + "\n" + &talked.map_err(|e| self.lost(e))?.text();
        Ok(Passed {
            status,
            cancelled,
            tail,
        })
    }

    fn talk(&self, stream: Option<impl Read>) -> io::Result<Tail> {
        let mut tail = Tail::default();
        let Some(stream) = stream else { return Ok(tail) };
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        loop {
            line.clear();
            if reader.read_until(b'\n', &mut line)? == 0 {
                return Ok(tail);
            }
            tail.add(&line);
            let text = String::from_utf8_lossy(&line);
            let shown = self.redactor().redact(&text);
            let shown = if shown == text {
                line.as_slice()
            } else {
                shown.as_bytes()
            };
            // A closed screen is no reason to stop an apply.
            let _ = io::stderr().write_all(shown);
        }
    }
}

/// Copies standard output byte for byte, at once.
fn hand_on(stream: Option<impl Read>, running: &Running) -> io::Result<Tail> {
    let mut tail = Tail::default();
    let Some(mut stream) = stream else { return Ok(tail) };
    let mut out = io::stdout();
    let mut open = true;
    let mut buffer = vec![0; TAIL];
    loop {
        let read = match stream.read(&mut buffer) {
            Ok(0) => return Ok(tail),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let bytes = buffer.get(..read).unwrap_or_default();
        tail.add(bytes);
        running.hear(&tail.end(read + LONGEST_WORDS));
        // A reader that went away (`| head`) is no reason to stop an apply either: the rest is read and dropped.
        open = open && out.write_all(bytes).and_then(|()| out.flush()).is_ok();
    }
}

/// The words that are listened for may come in two pieces.
const LONGEST_WORDS: usize = 32;

/// The last bytes of a stream.
#[derive(Debug, Default)]
struct Tail(VecDeque<u8>);

impl Tail {
    fn add(&mut self, bytes: &[u8]) {
        self.0.extend(bytes);
        let too_many = self.0.len().saturating_sub(TAIL);
        self.0.drain(..too_many);
    }

    fn end(&mut self, bytes: usize) -> String {
        let whole = self.0.make_contiguous();
        let start = whole.len().saturating_sub(bytes);
        String::from_utf8_lossy(whole.get(start..).unwrap_or_default()).into_owned()
    }

    fn text(mut self) -> String {
        self.end(TAIL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_bounded_and_keeps_the_end() {
        let mut tail = Tail::default();
        for _ in 0..3 {
            tail.add(&vec![b'x'; TAIL]);
        }
        tail.add("the end ü".as_bytes());
        assert_eq!(tail.0.len(), TAIL);
        assert_eq!(tail.end(6), "end ü", "six bytes");
        assert!(tail.text().ends_with("xthe end ü"));
    }
}
