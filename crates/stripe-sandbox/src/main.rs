//! `stripe-sandbox --listen 127.0.0.1:12111 [--public-url URL] [--postgres URL] [--key sk_test_…] [--record FILE]`

use std::net::SocketAddr;

use anyhow::{Context, bail};
use stripe_sandbox::{Config, Storage};

#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "usage: stripe-sandbox --listen 127.0.0.1:12111 [--public-url URL] [--postgres URL] [--key sk_test_...] [--record FILE]";

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut listen: SocketAddr = ([127, 0, 0, 1], 12111).into();
    let (mut public_url, mut postgres, mut key, mut record) = (None, None, None, None);
    let mut args = std::env::args().skip(1);
    while let Some(name) = args.next() {
        if matches!(name.as_str(), "-h" | "--help") {
            return say(USAGE);
        }
        let value = args
            .next()
            .with_context(|| format!("{name} needs a value\n{USAGE}"))?;
        match name.as_str() {
            "--listen" => {
                listen = value
                    .parse()
                    .with_context(|| format!("{value} is not an address and port"))?;
            }
            "--public-url" => public_url = Some(value),
            "--postgres" => postgres = Some(value),
            "--key" => key = Some(value),
            "--record" => record = Some(value),
            _ => bail!("{name} is unknown\n{USAGE}"),
        }
    }
    anyhow::ensure!(
        listen.ip().is_loopback(),
        "the sandbox listens on this machine only"
    );
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}"))?;
    let address = listener.local_addr()?;
    let mut config = Config::new(public_url.unwrap_or_else(|| format!("http://{address}")));
    if let Some(url) = postgres {
        config.storage = Storage::Postgres(
            sqlx::PgPool::connect(&url)
                .await
                .context("cannot connect to PostgreSQL")?,
        );
    }
    config.secret_key = key;
    config.record = record.map(Into::into);
    say(&format!(
        "stripe-sandbox: no money moves\n  API     http://{address}\n  control {}/pages/control",
        config.public_url
    ))?;
    stripe_sandbox::serve_on(listener, config, async {
        let _ = tokio::signal::ctrl_c().await;
    })
    .await
}

fn say(text: &str) -> anyhow::Result<()> {
    use std::io::Write;
    writeln!(std::io::stdout(), "{text}").context("cannot write")
}
