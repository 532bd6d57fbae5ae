//! Stage `validate`: holds a configuration, a plan, a state or the live view against the policy.

mod code;
mod command;
mod page;
mod subject;

/// Large plans are read into many small values, by all cores at once: musl's own allocator has one lock for all of them. Where
/// there is another one, starting this one takes longer than it saves on the plans that there are most of
/// (docs/performance.md).
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    portcullis_stage::main(command::run)
}
