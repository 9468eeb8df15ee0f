//! Measures Portico beside what it could be at best, and prints ratios.
//!
//! Three processes, so that each one's processor time is its own: the server under test,
//! the yardstick (`bench yardstick`), and whoever asks (`bench load`). `bench run` starts
//! them in turn and prints the table. It refuses to judge: no time is asserted, because
//! a slow machine is no fault of the code.

mod http;
mod load;
mod machine;
mod numbers;
mod process;
mod report;
mod scenarios;
mod sockets;
mod yardstick;

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;
use std::{path::PathBuf, process::ExitCode};

// As the server under test has it: an allocator is not what is compared.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[derive(Parser)]
#[command(about = "Measures Portico and prints ratios")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measures everything and prints the table.
    Run(scenarios::Settings),
    /// Asks one address over many connections for a while; prints what came as JSON.
    Load(load::Settings),
    /// Measures sign-ins and the list of people, and prints the table.
    Identity(scenarios::accounts::Settings),
    /// Measures sockets and prints the table.
    Sockets(sockets::Settings),
    /// Opens many sockets and counts what they hear; prints what it came to as JSON.
    Crowd(sockets::crowd::Settings),
    /// The same for changes of rows, which it has written.
    Watch(sockets::watch::Settings),
    /// Serves sockets with nothing around them.
    Bare,
    /// Serves realtime with no server around it.
    Hub(sockets::hub::Settings),
    /// Serves the two compared routes with nothing around them.
    Yardstick {
        /// The folder of PostgreSQL's socket.
        #[arg(long)]
        socket: PathBuf,
        /// Whose rows are read.
        #[arg(long)]
        user: uuid::Uuid,
        /// The public half of the key that signs tokens.
        #[arg(long)]
        key: String,
    },
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Run(settings) => single()?.block_on(scenarios::run(settings)),
        Command::Load(settings) => single()?.block_on(load::run(settings)),
        Command::Identity(settings) => single()?.block_on(scenarios::accounts::run(settings)),
        Command::Sockets(settings) => single()?.block_on(sockets::run(settings)),
        Command::Crowd(settings) => single()?.block_on(sockets::talk::run(settings)),
        Command::Watch(settings) => single()?.block_on(sockets::watch::run(settings)),
        // As many threads as the server under test has.
        Command::Bare => several()?.block_on(sockets::bare::serve()),
        Command::Hub(settings) => several()?.block_on(sockets::hub::serve(settings)),
        Command::Yardstick { socket, user, key } => {
            several()?.block_on(yardstick::serve(&socket, user, &key))
        }
    }
}

fn several() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
}

fn single() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}
