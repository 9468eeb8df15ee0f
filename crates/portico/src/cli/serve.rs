//! `portico serve`: starts everything in order, serves, and stops everything in order.

use super::log;
use anyhow::{Context, bail};
use kernel::{Clock, tasks::Tasks};
use portico::{app::App, cluster, config::Config, demo, health, http::serve};
use std::{
    net::{Ipv4Addr, TcpListener},
    time::Duration,
};
use tokio::signal::unix::{SignalKind, signal};

pub(super) async fn serve(config: Config, with_demo: bool) -> anyhow::Result<()> {
    let _log = log::start(&config.log)?;
    health::record_metrics()?;
    // Taken first, so that a port in use is said before anything is started.
    let listener = TcpListener::bind(config.listen).with_context(|| {
        format!(
            "cannot listen on {} (set PORTICO_LISTEN to another)",
            config.listen
        )
    })?;
    // Before the first process is started: whoever changes their mind leaves none behind.
    let tasks = Tasks::new();
    stop_on_signal(&tasks)?;
    let home = match cluster::open(&config).await {
        Ok(home) => home,
        // Ctrl-C also ends what makes the cluster, which may be told before we are.
        Err(_) if stopped_soon(&tasks).await => return Ok(()),
        Err(error) => return Err(error),
    };
    if tasks.token().is_cancelled() {
        return home.close().await;
    }
    home.watch(&tasks);
    health::tend_metrics(&tasks);
    let served = run(config, with_demo, listener, &home, &tasks).await;
    if !tasks.stop(Duration::from_secs(20)).await {
        tracing::warn!("some tasks did not end in time");
    }
    home.close().await?;
    served
}

/// Whether somebody asked us to stop, now or in the next moment: a signal from a terminal goes to
/// each process of the group, in no order.
async fn stopped_soon(tasks: &Tasks) -> bool {
    let token = tasks.token();
    let stopped = tokio::time::timeout(Duration::from_secs(1), token.cancelled());
    stopped.await.is_ok()
}

async fn run(
    mut config: Config,
    with_demo: bool,
    listener: TcpListener,
    home: &cluster::Home,
    tasks: &Tasks,
) -> anyhow::Result<()> {
    raise_file_limit();
    let inside = inside_door(&mut config)?;
    let mut app = App::build(config, &home.addresses, Clock::system(), tasks.clone()).await?;
    if with_demo && app.identity.is_empty().await? {
        refuse_demo_in_public(&app)?;
        demo::load(&app).await?;
    }
    let demo = app.identity.demo_present().await?;
    if demo {
        refuse_demo_in_public(&app)?;
    }
    app.start().await?;
    app.start_front()?;
    let router = app.router()?;
    greet(&app, demo).await?;
    let http = &app.config.http;
    if let Some(inside) = inside {
        let (router, own, drain) = (router.clone(), tasks.clone(), http.drain());
        tasks.spawn("inside door", async move {
            if let Err(error) = serve::serve(inside, None, router, &own, drain).await {
                tracing::error!(
                    error = format!("{error:#}"),
                    "the front end cannot reach the API"
                );
            }
        });
    }
    let served = serve::serve(listener, http.tls.as_ref(), router, tasks, http.drain()).await;
    tasks.cancel();
    tasks.stop(Duration::from_secs(20)).await;
    app.db.close().await;
    served
}

/// Every socket is an open file, and most shells allow a process only a thousand. We take what
/// the system lets us have.
fn raise_file_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, most)| setrlimit(Resource::RLIMIT_NOFILE, most, most));
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

/// With a certificate of our own the front end, which runs on this machine, asks the API
/// on a plain port that only this machine reaches: it would not trust the certificate's
/// name for a loopback address.
fn inside_door(config: &mut Config) -> anyhow::Result<Option<TcpListener>> {
    if config.http.tls.is_none() {
        return Ok(None);
    }
    let inside = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("a port for the front end")?;
    config.front.api_url = format!("http://{}", inside.local_addr()?);
    Ok(Some(inside))
}

fn refuse_demo_in_public(app: &App) -> anyhow::Result<()> {
    if app.config.is_local() {
        return Ok(());
    }
    bail!(
        "refusing to listen on {}: the demo tenant is here, and its passwords are known. \
         Remove it with `portico demo remove`, or listen on 127.0.0.1.",
        app.config.listen
    )
}

async fn greet(app: &App, demo: bool) -> anyhow::Result<()> {
    println!("\n  Portico runs at {}", app.config.public_url());
    if let Some(link) = app.identity.setup_link().await? {
        println!("\n  Make yourself the owner (works once; `portico setup-link` prints another):");
        println!("  {link}");
    }
    if demo {
        println!("\n  Demo accounts, password {}:", demo::PASSWORD);
        for account in demo::accounts() {
            println!("  {:10} {}", account.role, account.email);
        }
    }
    if app.mailer.captures() && app.config.is_local() {
        println!("\n  Mails are caught at {}_mail", app.config.public_url());
    }
    if let Some(till) = &app.till {
        println!(
            "  Payments are practised: no money moves. Their sandbox: {}",
            till.control()
        );
    }
    println!();
    Ok(())
}

fn stop_on_signal(tasks: &Tasks) -> anyhow::Result<()> {
    let (asked, stop) = (asked_to_stop()?, tasks.clone());
    tasks.spawn("signals", async move {
        let token = stop.token();
        tokio::select! {
            () = asked => {}
            () = token.cancelled() => return,
        }
        tracing::info!("stopping");
        stop.cancel();
    });
    Ok(())
}

/// Ends when somebody asks the process to stop, from this call on.
pub(super) fn asked_to_stop() -> anyhow::Result<impl Future<Output = ()> + Send> {
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
