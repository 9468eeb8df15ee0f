//! Mails of this face. Their links lead to pages of the app and carry the code in the query, as the
//! protocol wants it.

use crate::{
    model::Email,
    stack_auth::{StackAuth, fault::Result, model::CodeId},
};
use kernel::{
    limits::Quota,
    mail::{Mail, Template},
};
use serde_json::Value;
use sqlx::PgConnection;
use std::time::Duration;
use url::Url;

/// A page of the app, with the code.
pub(crate) fn link(page: &Url, code: &str) -> String {
    let mut url = page.clone();
    url.query_pairs_mut().append_pair("code", code);
    url.to_string()
}

impl StackAuth {
    /// Writes a mail down; it goes out once the caller has committed.
    pub(crate) async fn mail(
        &self,
        tx: &mut PgConnection,
        to: &Email,
        template: Template,
        vars: Value,
    ) -> Result<()> {
        let mail = Mail {
            cause: format!("stack:{}", CodeId::new()),
            to: to.address.clone(),
            template,
            vars,
        };
        if let Some(mail) = self.inner().mailer.enqueue(tx, &mail).await? {
            kernel::jobs::enqueue(tx, kernel::mail::SendMail { mail }).await?;
        }
        Ok(())
    }

    /// Nobody is to find their mailbox full of codes that others asked for.
    pub(crate) async fn may_mail(&self, to: &Email) -> Result<()> {
        let quota = Quota {
            burst: 20,
            every: Duration::from_secs(30),
        };
        let key = hex::encode(crate::secrets::hash(&to.key));
        Ok(self
            .inner()
            .limits
            .take(&format!("stack-mail:{key}"), quota)
            .await?)
    }
}
