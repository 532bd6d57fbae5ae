//! Signals that end a job, passed on to the program that runs for it.
//!
//! Terraform stops in good order at the first signal (it finishes what it has begun, stores the state, releases the
//! lock) and drops everything at the second ("Two interrupts received. Exiting immediately."). Whoever cancels a job may
//! signal this process alone, or every process of the job, as a runner does that ends a container, or a terminal on
//! Ctrl-C. In the second case terraform has the signal already, and passing it on would be the second. So what terraform
//! says decides: a signal is passed on only when terraform does not say in time that it has one.

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
    low_level::emulate_default_handler,
};
use std::io::{self, Write as _};
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// What terraform says at a signal, and which one it was. (Terraform's `internal/command/views/operation.go`.)
const SAID: [(&str, u32); 2] = [("Interrupt received.", 1), ("Two interrupts received.", 2)];

/// How long terraform has to say that a signal came to it without us. It says so at once, on a busy machine a little later;
/// passing it on too early would be the second signal. The job's own time to end in good order is counted in tens of seconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// The programs that run now, and the signals that came.
static JOB: Mutex<Job> = Mutex::new(Job {
    running: Vec::new(),
    cancelled: None,
});

struct Job {
    running: Vec<Arc<Running>>,
    cancelled: Option<Cancelled>,
}

/// The signal that cancelled this job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancelled {
    signal: i32,
}

impl Cancelled {
    /// `SIGTERM`, `SIGINT`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        if self.signal == SIGINT {
            "SIGINT"
        } else {
            "SIGTERM"
        }
    }

    /// 128 plus the signal's number, as shells count.
    #[must_use]
    pub const fn code(self) -> i32 {
        128 + self.signal
    }
}

/// How a signal of the terminal reaches a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Terminal {
    /// It talks to nobody but us.
    None,
    /// It talks to the terminal itself, so Ctrl-C reaches it without us, and what it says about that is not heard here.
    Own,
}

/// A program that runs.
pub(crate) struct Running {
    title: String,
    pid: Option<Pid>,
    terminal: Terminal,
    facts: Mutex<Facts>,
    changed: Condvar,
}

#[derive(Default)]
struct Facts {
    /// How many signals the program says it has.
    said: u32,
    /// How many came to us while it ran.
    came: u32,
    last: Option<Cancelled>,
    ended: bool,
}

/// Starts a program so that no signal is lost between its start and the first word about it.
///
/// `Ok(Err(_))` when the job was cancelled before.
pub(crate) fn start(
    title: String,
    terminal: Terminal,
    spawn: impl FnOnce() -> io::Result<Child>,
) -> io::Result<Result<(Child, Arc<Running>), Cancelled>> {
    listen()?;
    let mut job = job();
    if let Some(cancelled) = job.cancelled {
        return Ok(Err(cancelled));
    }
    let child = spawn()?;
    let running = Arc::new(Running {
        title,
        pid: i32::try_from(child.id()).ok().and_then(Pid::from_raw),
        terminal,
        facts: Mutex::default(),
        changed: Condvar::new(),
    });
    job.running.push(Arc::clone(&running));
    Ok(Ok((child, running)))
}

impl Running {
    /// Looks for what terraform says at a signal.
    pub(crate) fn hear(&self, text: &str) {
        for (words, count) in SAID {
            // A provisioner may run a terraform of its own; its words come as `address (local-exec): …`.
            let own = |line: &str| {
                line.find(words)
                    .is_some_and(|at| !line.get(..at).unwrap_or_default().contains("): "))
            };
            if text.lines().any(own) {
                let mut facts = self.facts();
                facts.said = facts.said.max(count);
                self.changed.notify_all();
            }
        }
    }

    /// Waits for its end; gives the last signal that came meanwhile, too.
    pub(crate) fn wait(&self, child: &mut Child) -> io::Result<(ExitStatus, Option<Cancelled>)> {
        if let Some(pid) = self.pid {
            // Without reaping it: its number stays its own until nobody here can signal it any more.
            while let Err(error) = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
                if error != rustix::io::Errno::INTR {
                    break;
                }
            }
        }
        let last = {
            let mut facts = self.facts();
            facts.ended = true;
            self.changed.notify_all();
            facts.last
        };
        job().running.retain(|other| !std::ptr::eq(&**other, self));
        Ok((child.wait()?, last))
    }

    /// A signal came to us: the program must have it, too, and once only.
    fn pass(&self, cancelled: Cancelled) {
        let mut facts = self.facts();
        facts.came += 1;
        facts.last = Some(cancelled);
        let came = facts.came;
        let by_terminal = self.terminal == Terminal::Own && cancelled.signal == SIGINT;
        if self.terminal == Terminal::None {
            let has_it = |facts: &mut Facts| facts.said < came && !facts.ended;
            let waited = self.changed.wait_timeout_while(facts, PATIENCE, has_it);
            facts = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if facts.ended {
            return;
        }
        let told = by_terminal || facts.said >= came;
        let how = if told { "has it, too" } else { "is told" };
        let then = if came == 1 {
            "it finishes what it has begun; wait for it, so that the state is stored and the lock released"
        } else {
            "it drops everything, and may leave a lock and a state that is not stored"
        };
        // Before the program is told: it may end at once, and this process with it.
        let _ = writeln!(io::stderr(), "{}: {} {how}; {then}", cancelled.name(), self.title);
        let signal = if cancelled.signal == SIGINT {
            Signal::INT
        } else {
            Signal::TERM
        };
        if let (false, Some(pid)) = (told, self.pid) {
            // A program that is gone needs no signal.
            let _gone = kill_process(pid, signal);
        }
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn job() -> MutexGuard<'static, Job> {
    JOB.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Listens from the first program on: before it, a signal ends this process as it ends any other.
fn listen() -> io::Result<()> {
    static LISTENS: OnceLock<Result<(), io::ErrorKind>> = OnceLock::new();
    let started = LISTENS.get_or_init(|| {
        let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(|error| error.kind())?;
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || signals.forever().for_each(came))
            .map_err(|error| error.kind())?;
        Ok(())
    });
    started.map_err(io::Error::from)
}

fn came(signal: i32) {
    let cancelled = Cancelled { signal };
    let running = {
        let mut job = job();
        if !job.running.is_empty() {
            job.cancelled = Some(cancelled);
        }
        job.running.clone()
    };
    if running.is_empty() {
        // Nothing is to be saved: end as without a listener. That cannot fail for these two signals.
        let _ended = emulate_default_handler(signal);
    }
    for program in running {
        program.pass(cancelled);
    }
}
