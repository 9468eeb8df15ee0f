//! `portico stack-auth`: what an operator gives to the SDKs of Stack Auth.

use clap::Subcommand;
use identity::stack_auth::{ProjectKeys, StackAuth, known_errors};
use portico::app::App;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Prints the project's id and keys as the SDKs' environment variables.
    Show,
    /// Makes a new secret key; the old one stops working at once.
    RotateSecret,
    /// Prints one of each error that the protocol's clients may meet, as JSON.
    Errors,
}

pub(super) async fn run(app: App, command: Command) -> anyhow::Result<()> {
    let stack = StackAuth::new(&app.identity);
    match command {
        Command::Show => print(&stack.keys().await?),
        Command::RotateSecret => print(&stack.rotate_secret_key().await?),
        Command::Errors => errors()?,
    }
    Ok(())
}

pub(super) fn errors() -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(&known_errors())?);
    Ok(())
}

fn print(keys: &ProjectKeys) {
    println!(
        "# The secret key is for servers only: whoever has it may do everything to every account."
    );
    println!("NEXT_PUBLIC_STACK_API_URL={}", keys.base_url);
    println!("NEXT_PUBLIC_STACK_PROJECT_ID={}", keys.project_id);
    println!(
        "NEXT_PUBLIC_STACK_PUBLISHABLE_CLIENT_KEY={}",
        keys.publishable_client_key
    );
    println!("STACK_SECRET_SERVER_KEY={}", keys.secret());
}
