//! Stage `validate`: holds a configuration, a plan, a state or the live view against the policy.

mod code;
mod command;
mod page;
mod subject;

/// Large plans are read into many small values, by all cores at once: a third of the time is the allocator's
/// (docs/performance.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    portcullis_stage::main(command::run)
}
