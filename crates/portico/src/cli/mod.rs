//! The commands. Each but `serve` also works beside a running server.

mod log;
mod serve;
mod stack_auth;

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};
use kernel::{Clock, audit::Verdict, jobs, page::PageQuery, tasks::Tasks};
use portico::{
    app::App,
    cluster,
    config::Config,
    demo,
    doctor::{self, Level},
    router,
};
use std::{future::Future, net::SocketAddr, path::PathBuf};

/// One self-hosted server for a business that has members.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    /// The configuration; `portico.toml` here unless said.
    #[arg(long, env = "PORTICO_CONFIG", global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the server (the default).
    Serve {
        /// Loads the demo tenant if nobody is here yet.
        #[arg(long)]
        demo: bool,
    },
    /// The configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Looks at the whole installation and says how to mend each finding.
    Doctor,
    /// Prints a new set-up link; the one before stops working.
    SetupLink,
    /// The demo tenant.
    #[command(subcommand)]
    Demo(DemoCommand),
    /// The audit chain.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// The keys for the SDKs of Stack Auth.
    #[command(subcommand)]
    StackAuth(stack_auth::Command),
    /// Background jobs.
    #[command(subcommand)]
    Jobs(JobsCommand),
    /// Brings the database's schema up to this version.
    Migrate,
    /// Adds a new active key to the vault; old ones still open what they sealed.
    RotateVault,
    /// Lets the next key sign access tokens from now on. Nobody is signed out.
    RotateSigningKey,
    /// Prints the API's OpenAPI document.
    Openapi,
    /// Imitates Stripe's billing on this machine, for tests and demos: no money moves, and
    /// what it holds is gone when it stops.
    StripeSandbox {
        /// Where to listen; this machine only.
        #[arg(long, default_value = "127.0.0.1:12111")]
        listen: SocketAddr,
    },
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Prints what is in force, with secrets masked.
    Show,
}

#[derive(Subcommand)]
enum DemoCommand {
    /// Loads it.
    Load,
    /// Removes it, and nothing else.
    Remove,
}

#[derive(Subcommand)]
enum AuditCommand {
    /// Walks the chain; fails if a row was altered, removed or reordered.
    Verify,
}

#[derive(Subcommand)]
enum JobsCommand {
    /// Lists jobs that failed for good.
    Dead,
    /// Puts one back into the queue.
    Retry {
        /// Its id.
        id: uuid::Uuid,
    },
}

/// Runs what the command line says.
pub(crate) fn run() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(dispatch(arguments))
}

async fn dispatch(arguments: Arguments) -> anyhow::Result<()> {
    if let Some(Command::Openapi) = arguments.command {
        println!("{}", serde_json::to_string_pretty(&router::document())?);
        return Ok(());
    }
    if let Some(Command::StackAuth(stack_auth::Command::Errors)) = arguments.command {
        return stack_auth::errors();
    }
    if let Some(Command::StripeSandbox { listen }) = arguments.command {
        return stripe_sandbox(listen).await;
    }
    let config = Config::load(arguments.config.as_deref())?;
    match arguments.command.unwrap_or(Command::Serve { demo: false }) {
        Command::Serve { demo } => Box::pin(serve::serve(config, demo)).await,
        Command::Config(ConfigCommand::Show) => show(&config),
        Command::Doctor => examine(&config).await,
        Command::SetupLink => with_app(config, setup_link).await,
        Command::Demo(DemoCommand::Load) => with_app(config, load_demo).await,
        Command::Demo(DemoCommand::Remove) => with_app(config, remove_demo).await,
        Command::Audit(AuditCommand::Verify) => with_app(config, verify_audit).await,
        Command::StackAuth(command) => with_app(config, |app| stack_auth::run(app, command)).await,
        Command::Jobs(JobsCommand::Dead) => with_app(config, dead_jobs).await,
        Command::Jobs(JobsCommand::Retry { id }) => {
            with_app(config, |app| async move {
                let mut tx = app.db.begin().await?;
                jobs::retry_dead(&mut tx, id).await?;
                tx.commit().await?;
                println!("{id} is in the queue again");
                Ok(())
            })
            .await
        }
        Command::Migrate => {
            with_app(config, |_| async {
                println!("the schema is up to date");
                Ok(())
            })
            .await
        }
        Command::RotateVault => {
            let vault = kernel::vault::Vault::load(&config.data)?;
            println!("new active key: {}", vault.rotate()?);
            with_app(config, reseal).await
        }
        Command::RotateSigningKey => {
            with_app(config, |app| async move {
                let kid = app.identity.rotate_signing_key(None).await?;
                println!("{kid} signs from now on; what the key before it signed stays good");
                Ok(())
            })
            .await
        }
        // Answered above: neither needs a configuration.
        Command::Openapi | Command::StripeSandbox { .. } => Ok(()),
    }
}

/// Builds the parts of a server, without running it, for one command.
async fn with_app<F, T>(config: Config, command: F) -> anyhow::Result<()>
where
    F: FnOnce(App) -> T,
    T: Future<Output = anyhow::Result<()>>,
{
    // From here on: what this starts, it stops.
    let stop = serve::asked_to_stop()?;
    let home = cluster::visit(&config).await?;
    let work = async {
        // Apart: a build holds the whole configuration more than once.
        let app = Box::pin(App::build(
            config,
            &home.addresses,
            Clock::system(),
            Tasks::new(),
        ))
        .await?;
        let db = app.db.clone();
        let done = command(app).await;
        db.close().await;
        done
    };
    let done = tokio::select! {
        done = work => done,
        () = stop => Err(anyhow::anyhow!("stopped before it was done")),
    };
    home.close().await?;
    done
}

/// Has what older keys sealed brought under the active one.
async fn reseal(app: App) -> anyhow::Result<()> {
    let mut tx = app.db.begin().await?;
    jobs::enqueue(&mut tx, identity::jobs::Reseal {}).await?;
    jobs::enqueue(&mut tx, hosted_stack::jobs::Reseal {}).await?;
    jobs::enqueue(&mut tx, billing::jobs::Reseal {}).await?;
    tx.commit().await?;
    println!(
        "a running server brings what older keys sealed under it now, another at its next start; \
         `portico doctor` says how many are left"
    );
    Ok(())
}

async fn stripe_sandbox(listen: SocketAddr) -> anyhow::Result<()> {
    println!(
        "no money moves: the API at http://{listen}, its clock at http://{listen}/pages/control"
    );
    let config = stripe_sandbox::Config::new(format!("http://{listen}"));
    stripe_sandbox::serve(listen, config, async {
        // Without a handler for the signal the process simply ends, which is as good.
        let _ = tokio::signal::ctrl_c().await;
    })
    .await
}

fn show(config: &Config) -> anyhow::Result<()> {
    print!(
        "{}",
        toml::to_string_pretty(config).context("show the configuration")?
    );
    Ok(())
}

async fn examine(config: &Config) -> anyhow::Result<()> {
    let findings = doctor::examine(config).await;
    let mut bad = 0;
    for finding in &findings {
        let mark = match finding.level {
            Level::Good => "ok     ",
            Level::Warning => "look at",
            Level::Bad => "broken ",
        };
        println!("{mark}  {:14} {}", finding.about, finding.found);
        if let Some(mend) = &finding.mend {
            println!("         {:14} {mend}", "");
        }
        bad += i32::from(finding.level == Level::Bad);
    }
    match bad {
        0 => Ok(()),
        1 => bail!("one thing is broken"),
        n => bail!("{n} things are broken"),
    }
}

async fn setup_link(app: App) -> anyhow::Result<()> {
    match app.identity.setup_link().await? {
        Some(link) => println!("{link}"),
        None => bail!("this place has an owner already: sign in, or ask them for an invitation"),
    }
    Ok(())
}

async fn load_demo(app: App) -> anyhow::Result<()> {
    if !app.config.is_local() {
        bail!("demo accounts have known passwords: set `listen` to a loopback address first");
    }
    demo::load(&app).await?;
    println!("the demo tenant is here; `portico demo remove` takes it away");
    Ok(())
}

async fn remove_demo(app: App) -> anyhow::Result<()> {
    let people = demo::remove(&app, None).await?;
    println!("{people} demo people and what was theirs are gone");
    Ok(())
}

async fn verify_audit(app: App) -> anyhow::Result<()> {
    let mut db = app.db.acquire().await?;
    match app.audit.verify(&mut db).await? {
        Verdict::Intact { rows } => {
            println!("{rows} rows, all as they were written");
            Ok(())
        }
        Verdict::Broken { seq, why } => bail!("the chain is broken at row {seq}: {why}"),
    }
}

async fn dead_jobs(app: App) -> anyhow::Result<()> {
    let mut db = app.db.acquire().await?;
    let page = jobs::list_dead(
        &mut db,
        &PageQuery {
            cursor: None,
            limit: Some(100),
        },
    )
    .await?;
    if page.items.is_empty() {
        println!("no job has failed for good");
    }
    for letter in page.items {
        println!(
            "{}  {}  {}  {}",
            letter.id, letter.failed_at, letter.task, letter.error
        );
    }
    Ok(())
}
