//! Passkeys at this face: the domain's own ceremonies, at the address of whatever trusted page answers. The page
//! puts its own name into the question, so it is the answer that says where it was given, signed by the browser.

use super::entry::{Arrival, Tokens};
use crate::{
    actions::passkeys::{Ceremony, Door, PasskeyAnswer},
    model::{Name, entry::Method},
    stack_auth::{
        StackAuth,
        call::Device,
        fault::{Fault, Result},
        known::Known,
        secrets,
    },
};
use kernel::{Error, Principal, id::UserId};
use passkeys::Passkeys;
use sqlx::PgConnection;
use url::Url;

/// What stands in a question for the name of the page that asks it; the SDK refuses any other.
const PAGE: &str = "THIS_VALUE_WILL_BE_REPLACED.example.com";
/// Whatever address a question is made for: the page's own takes its place.
const ANY: &str = "http://localhost/";

/// Which dialogue a refusal belongs to.
#[derive(Clone, Copy)]
enum Dialogue {
    Adding,
    SigningIn,
}

impl StackAuth {
    fn passkeys(&self) -> Result<Passkeys> {
        if !self.config().passkey_enabled {
            return Err(Known::PasskeyAuthenticationNotEnabled.into());
        }
        let url = Url::parse(ANY).map_err(anyhow::Error::new)?;
        Passkeys::at(&url, &self.inner().product)
            .ok_or_else(|| Known::PasskeyAuthenticationNotEnabled.into())
    }

    /// What checks an answer, and the name of the place where it was given.
    fn answered_at(&self, answer: &PasskeyAnswer, dialogue: Dialogue) -> Result<(Passkeys, Url)> {
        let said = passkeys::origin(&answer.credential)
            .map_err(|_| dialogue.refused("This is not the answer of a passkey."))?;
        let page = self
            .inner()
            .stack
            .trust
            .url(said.as_str())
            .ok_or_else(|| dialogue.refused("Passkeys are not taken at this address."))?;
        let there = Passkeys::at(&page, &self.inner().product).ok_or_else(|| {
            dialogue.refused("Passkeys need an address with a name and https, or localhost.")
        })?;
        Ok((there, page))
    }

    /// Asks the caller's page for a new passkey.
    pub(crate) async fn ask_for_passkey(&self, caller: &Principal) -> Result<Ceremony> {
        let passkeys = self.passkeys()?;
        self.recent(caller)?;
        let token = secrets::token()?;
        let mut asked = self
            .0
            .ask_for_passkey_at(caller, &passkeys, token)
            .await
            .map_err(|why| Dialogue::Adding.fault(why))?;
        asked.options["rp"]["id"] = PAGE.into();
        Ok(asked)
    }

    /// Takes the caller's new passkey.
    pub(crate) async fn add_passkey(
        &self,
        caller: &Principal,
        answer: PasskeyAnswer,
        device: &Device,
    ) -> Result<()> {
        self.passkeys()?;
        self.recent(caller)?;
        let (there, page) = self.answered_at(&answer, Dialogue::Adding)?;
        let host = page.host_str().unwrap_or_default();
        let ours = self.inner().public_url.host_str() == Some(host);
        let door = Door {
            passkeys: &there,
            place: (!ours).then_some(host),
        };
        let title: String = format!("Passkey at {host}").chars().take(60).collect();
        let name = Name::parse("name", &title)?;
        self.0
            .add_passkey_at(caller, door, &name, answer, device.from, &device.name)
            .await
            .map_err(|why| Dialogue::Adding.fault(why))?;
        Ok(())
    }

    /// Asks whoever is there for a passkey.
    pub(crate) async fn ask_for_proof(&self, device: &Device) -> Result<Ceremony> {
        let passkeys = self.passkeys()?;
        let token = secrets::token()?;
        let mut asked = self
            .0
            .ask_for_proof_at(None, &passkeys, token, device.from)
            .await
            .map_err(|why| Dialogue::SigningIn.fault(why))?;
        asked.options["rpId"] = PAGE.into();
        Ok(asked)
    }

    /// Signs in whoever's passkey answers.
    pub(crate) async fn sign_in_with_passkey(
        &self,
        answer: PasskeyAnswer,
        device: &Device,
    ) -> Result<Tokens> {
        self.passkeys()?;
        let (there, _) = self.answered_at(&answer, Dialogue::SigningIn)?;
        let (mut tx, user) = self
            .0
            .let_passkey_prove(&there, answer, device.from, &device.name)
            .await
            .map_err(|why| Dialogue::SigningIn.fault(why))?;
        let arrival = Arrival::new(user, Method::Passkey, device);
        let opened = self.let_in(&mut tx, arrival).await?;
        tx.commit().await?;
        Ok(opened.tokens()?)
    }

    /// Takes all passkeys of somebody away, unless they are their only way in.
    pub(crate) async fn drop_passkeys(
        &self,
        tx: &mut PgConnection,
        user: UserId,
        device: &Device,
    ) -> Result<()> {
        let seen = Some((device.from, device.name.as_str()));
        self.0.remove_all_passkeys(tx, user, seen).await?;
        self.require_way_in(tx, user).await
    }

    /// Fails if nothing is left to sign in with; here a mailed code is a way, too.
    pub(crate) async fn require_way_in(&self, tx: &mut PgConnection, user: UserId) -> Result<()> {
        if self.able(tx, user).await?.otp {
            return Ok(());
        }
        Ok(self.0.require_way_in(tx, user).await?)
    }
}

impl Dialogue {
    fn refused(self, text: &str) -> Fault {
        match self {
            Self::Adding => Known::PasskeyRegistrationFailed(text.to_owned()).into(),
            Self::SigningIn => Known::PasskeyAuthenticationFailed(text.to_owned()).into(),
        }
    }

    /// What the verbs say, in the protocol's words.
    fn fault(self, why: Error) -> Fault {
        match why {
            Error::Conflict {
                code: "ceremony_stale",
                ..
            } => Known::VerificationCodeNotFound.into(),
            Error::Forbidden { detail, .. } | Error::Conflict { detail, .. } => {
                self.refused(&detail)
            }
            Error::Invalid(_) => self.refused("This is not the answer of a passkey."),
            other => other.into(),
        }
    }
}
