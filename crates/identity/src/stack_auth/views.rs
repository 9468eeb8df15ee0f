//! What goes over the wire, whole bodies. Times are milliseconds, but `signed_up_at` in tokens.

use super::{
    known::millis,
    model::{Channel, Link, Session, Team, User},
};
use kernel::id::SessionId;
use serde_json::{Map, Value, json};

/// A team, as pages see it.
pub(super) fn team(team: &Team) -> Value {
    json!({
        "id": team.id,
        "display_name": team.display_name,
        "profile_image_url": team.profile_image_url,
        "client_metadata": team.client_metadata,
        "client_read_only_metadata": team.client_read_only_metadata,
    })
}

/// A team, as servers see it.
pub(super) fn server_team(this: &Team) -> Value {
    let mut view = team(this);
    view["created_at_millis"] = millis(this.created_at).into();
    view["server_metadata"] = json!(this.server_metadata);
    view
}

/// A person, as they see themselves.
pub(super) fn user(user: &User) -> Value {
    let reason = user.restriction();
    json!({
        "id": user.id,
        "primary_email": user.email,
        "primary_email_verified": user.email_verified,
        "display_name": user.display_name,
        "profile_image_url": user.profile_image_url,
        "client_metadata": user.client_metadata,
        "client_read_only_metadata": user.client_read_only_metadata,
        "signed_up_at_millis": millis(user.signed_up_at),
        "has_password": user.has_password,
        "auth_with_email": user.email_used_for_auth && (user.has_password || user.otp),
        "otp_auth_enabled": user.otp,
        "passkey_auth_enabled": user.passkey,
        "requires_totp_mfa": user.totp,
        "oauth_providers": user.oauth_providers,
        "selected_team_id": user.selected_team_id,
        "selected_team": user.selected_team.as_ref().map(team),
        "is_anonymous": false,
        "is_restricted": reason.is_some(),
        "restricted_reason": reason,
        "restricted_by_admin": reason.is_some(),
        "restricted_by_admin_reason": reason.and(user.restricted_reason.as_ref()),
    })
}

/// A person, as servers see them.
pub(super) fn server_user(this: &User) -> Value {
    let mut view = user(this);
    view["selected_team"] = json!(this.selected_team.as_ref().map(server_team));
    let more = json!({
        "server_metadata": this.server_metadata,
        "last_active_at_millis": millis(this.last_active_at),
        "primary_email_auth_enabled": this.email.is_some() && this.email_used_for_auth,
        "restricted_by_admin_private_details":
            this.restriction().and(this.restricted_details.as_ref()),
        "country_code": null,
        "risk_scores": { "sign_up": { "bot": 0, "free_trial_abuse": 0 } },
    });
    merged(view, more)
}

fn merged(view: Value, more: Value) -> Value {
    let parts = [view, more].into_iter().filter_map(|part| match part {
        Value::Object(fields) => Some(fields),
        _ => None,
    });
    Value::Object(parts.flatten().collect::<Map<_, _>>())
}

/// A signed-in device.
pub(super) fn session(session: &Session, current: Option<SessionId>) -> Value {
    let mut view = json!({
        "id": session.id,
        "user_id": session.user,
        "created_at": millis(session.created_at),
        "last_used_at": millis(session.last_used_at),
        "is_impersonation": session.impersonation,
        "is_current_session": current == Some(session.id),
        "agent_name": session.device,
    });
    if session.address.parse::<std::net::IpAddr>().is_ok() {
        view["last_used_at_end_user_ip_info"] = json!({ "ip": session.address });
    }
    view
}

/// An account at a provider, as its owner or their app's server sees it.
pub(super) fn link(link: &Link, server: bool) -> Value {
    let mut view = json!({
        "id": link.id,
        "user_id": link.user,
        "provider_config_id": link.provider,
        "type": link.provider,
        "allow_sign_in": link.allow_sign_in,
        "allow_connected_accounts": link.allow_connected_accounts,
    });
    if let Some(email) = &link.email {
        view["email"] = email.as_str().into();
    }
    if server {
        view["account_id"] = link.subject.as_str().into();
    }
    view
}

/// The same, as something that an app could ask for more.
pub(super) fn connected(link: &Link) -> Value {
    json!({
        "user_id": link.user,
        "provider": link.provider,
        "provider_account_id": link.subject,
    })
}

/// An address of a person.
pub(super) fn channel(channel: &Channel) -> Value {
    json!({
        "id": channel.id,
        "user_id": channel.user,
        "type": "email",
        "value": channel.value,
        "is_primary": channel.primary,
        "is_verified": channel.verified,
        "used_for_auth": channel.used_for_auth,
    })
}
