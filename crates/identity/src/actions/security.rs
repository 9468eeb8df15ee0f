//! Writing down what happens at the doors.

use crate::{
    Identity,
    model::security::{SecurityEvent, SecurityEventId, SecurityNoticed},
    store,
};
use kernel::{Error, Principal, Result, audit};
use serde_json::json;
use sqlx::PgConnection;

impl Identity {
    /// Records a security event, in the caller's transaction. What an owner
    /// is to be told of is announced too; the mail follows by itself.
    pub(crate) async fn record(
        &self,
        tx: &mut PgConnection,
        mut event: SecurityEvent<'_>,
    ) -> Result<SecurityEventId> {
        // What somebody does in the person's place is not their own doing.
        if let Some(by) = event.user.and_then(audit::in_place_of) {
            if event.data.is_null() {
                event.data = json!({});
            }
            event.data["by"] = json!(by);
        }
        let (id, now) = (SecurityEventId::new(), self.0.clock.now());
        store::security::insert(tx, id, &event, now).await?;
        if let Some(user) = event.user
            && event.kind.is_told()
        {
            let noticed = SecurityNoticed {
                user,
                event: id,
                kind: event.kind,
            };
            self.0.events.append(tx, Some(user), &noticed).await?;
        }
        Ok(id)
    }

    /// Fails unless the caller proved lately who they are: for what would hurt in the hands
    /// of somebody who found an open browser. The front end asks and tries again.
    pub fn require_recent(&self, caller: &Principal) -> Result<()> {
        let inner = &self.0;
        if caller.authenticated_at + inner.config.confirmation() > inner.clock.now() {
            return Ok(());
        }
        Err(Error::forbidden(
            "confirmation_required",
            "Confirm that it is you, then try again.",
        ))
    }
}
