//! Who may call what: every operation of the API's document, with every kind of caller.
//!
//! An operation that is missing here fails the test, so that nobody adds a route without
//! saying who may call it.

use crate::{app::TestApp, person::Person};
use serde_json::{Value, json};
use std::collections::BTreeSet;

enum Callers {
    Public,
    SignedIn,
    Permission(&'static str),
    /// Any one of these permissions.
    AnyOf(&'static [&'static str]),
}
use Callers::{AnyOf, Permission, Public, SignedIn};

/// Each operation and its callers.
const TABLE: &[(&str, Callers)] = &[
    ("register", Public),
    ("inspect_verification", Public),
    ("verify_email", Public),
    ("set_up", Public),
    ("sign_in", Public),
    ("estimate_password", Public),
    ("ask_reset", Public),
    ("inspect_reset", Public),
    ("reset_password", Public),
    ("ask_sign_in", Public),
    ("sign_in_by_code", Public),
    ("inspect_sign_in", Public),
    ("sign_in_by_link", Public),
    ("answer_second_factor", Public),
    ("second_factor_challenge", Public),
    ("answer_with_passkey", Public),
    ("system", Public),
    // The token and the signature say who it is.
    ("exchange_hosted_token", Public),
    ("deliver_hosted_event", Public),
    ("deliver_payment_event", Public),
    ("ways_in", Public),
    ("inspect_email_link", Public),
    ("follow_email_link", Public),
    ("email_change", SignedIn),
    ("ask_email_change", SignedIn),
    ("drop_email_change", SignedIn),
    ("set_picture", SignedIn),
    ("remove_picture", SignedIn),
    ("data_export", SignedIn),
    ("ask_data_export", SignedIn),
    ("deletion_terms", SignedIn),
    // The last owner may not; signing in takes it back.
    ("delete_account", SignedIn),
    ("passkey_challenge", Public),
    ("sign_in_with_passkey", Public),
    ("sign_in_at_provider", Public),
    ("return_from_provider", Public),
    ("passkeys", SignedIn),
    ("new_passkey_challenge", SignedIn),
    ("add_passkey", SignedIn),
    ("rename_passkey", SignedIn),
    ("remove_passkey", SignedIn),
    ("linked_providers", SignedIn),
    ("link_provider", SignedIn),
    ("unlink_provider", SignedIn),
    ("me", SignedIn),
    ("change_profile", SignedIn),
    ("sessions", SignedIn),
    ("security", SignedIn),
    ("change_password", SignedIn),
    ("enrol_totp", SignedIn),
    ("confirm_totp", SignedIn),
    ("remove_totp", SignedIn),
    ("renew_recovery_codes", SignedIn),
    ("forget_device", SignedIn),
    ("confirmable", SignedIn),
    ("confirm", SignedIn),
    ("confirm_with_passkey", SignedIn),
    ("ask_confirmation", SignedIn),
    ("sign_out", SignedIn),
    ("sign_out_others", SignedIn),
    ("sign_out_device", SignedIn),
    ("feed", SignedIn),
    ("waiting", SignedIn),
    ("feed_item", SignedIn),
    ("mark_update", SignedIn),
    // Whose file it is decides the rest: a stranger's is not there.
    ("upload_file", SignedIn),
    ("download_file", SignedIn),
    ("delete_file", SignedIn),
    ("people", Permission("users.read")),
    ("people_totals", Permission("users.read")),
    ("person", Permission("users.read")),
    ("my_membership", SignedIn),
    ("offers", SignedIn),
    ("check_out", SignedIn),
    ("billing_portal", SignedIn),
    ("my_payments", SignedIn),
    ("payments", Permission("billing.read")),
    ("set_price", Permission("billing.write")),
    ("drop_price", Permission("billing.write")),
    ("end_subscription", Permission("billing.write")),
    ("features", Permission("billing.read")),
    ("tier_holders", Permission("billing.read")),
    ("membership", Permission("billing.read")),
    ("create_tier", Permission("billing.write")),
    ("change_tier", Permission("billing.write")),
    ("put_feature", Permission("billing.write")),
    ("delete_feature", Permission("billing.write")),
    ("grant_membership", Permission("billing.write")),
    ("revoke_membership", Permission("billing.write")),
    ("tiers", AnyOf(&["billing.read", "updates.publish"])),
    ("count_people", Permission("users.read")),
    ("person_sessions", Permission("users.write")),
    ("timeline", Permission("users.read")),
    ("saved_views", Permission("users.read")),
    ("save_view", Permission("users.read")),
    ("remove_view", Permission("users.read")),
    ("bulk", Permission("users.read")),
    ("bulk_refusals", Permission("users.read")),
    ("roles", Permission("users.read")),
    ("permissions", Permission("users.read")),
    ("impersonate", Permission("users.impersonate")),
    ("end_impersonation", SignedIn),
    ("impersonations", SignedIn),
    ("suspend", Permission("users.write")),
    ("restore", Permission("users.write")),
    ("delete_person", Permission("users.write")),
    ("sign_out_person", Permission("users.write")),
    ("sign_out_person_device", Permission("users.write")),
    ("force_password_reset", Permission("users.write")),
    ("reset_second_factor", Permission("users.write")),
    ("notes", Permission("users.write")),
    ("add_note", Permission("users.write")),
    ("delete_note", Permission("users.write")),
    ("export_people", Permission("users.write")),
    ("start_bulk", Permission("users.write")),
    // Whose run it is and what it did decide the rest: a stranger's is not there.
    ("undo_bulk", Permission("users.read")),
    ("invitations", Permission("users.write")),
    ("invite", Permission("users.write")),
    ("resend_invitation", Permission("users.write")),
    ("revoke_invitation", Permission("users.write")),
    ("inspect_invitation", Public),
    ("accept_invitation", Public),
    ("api_keys", Permission("api_keys.write")),
    ("create_api_key", Permission("api_keys.write")),
    ("revoke_api_key", Permission("api_keys.write")),
    ("stack_project", Permission("system.manage")),
    ("make_stack_secret_key", Permission("system.manage")),
    ("revoke_stack_secret_key", Permission("system.manage")),
    ("security_events", Permission("audit.read")),
    ("security_figures", Permission("audit.read")),
    ("export_security_events", Permission("audit.read")),
    ("audit_actions", Permission("audit.read")),
    ("export_audit", Permission("audit.read")),
    ("stage_import", Permission("users.write")),
    ("check_import", Permission("users.write")),
    ("commit_import", Permission("users.write")),
    ("import", Permission("users.write")),
    ("import_faults", Permission("users.write")),
    ("import_faults_file", Permission("users.write")),
    ("create_role", Permission("roles.write")),
    ("change_role", Permission("roles.write")),
    ("delete_role", Permission("roles.write")),
    ("grant_role", Permission("roles.write")),
    ("revoke_role", Permission("roles.write")),
    ("updates", Permission("updates.read")),
    ("update", Permission("updates.read")),
    ("recipients", Permission("updates.read")),
    ("publish_update", Permission("updates.publish")),
    ("preview_audience", Permission("updates.publish")),
    ("audit", Permission("audit.read")),
    ("queue", Permission("system.read")),
    ("hosted_project", Permission("system.read")),
    ("hosted_events", Permission("system.read")),
    ("hosted_reconciliations", Permission("system.read")),
    ("hosted_drift", Permission("system.read")),
    ("connect_hosted_project", Permission("system.manage")),
    ("disconnect_hosted_project", Permission("system.manage")),
    ("check_hosted_project", Permission("system.manage")),
    ("retry_hosted_event", Permission("system.manage")),
    ("reconcile_hosted_project", Permission("system.manage")),
    ("mail_words", Permission("system.read")),
    ("words_of_mail", Permission("system.read")),
    ("change_mail_words", Permission("system.manage")),
    ("reset_mail_words", Permission("system.manage")),
    ("preview_mail", Permission("system.read")),
    ("preview_mail_page", Permission("system.read")),
    ("send_trial_mail", Permission("system.manage")),
    ("dead_letters", Permission("system.read")),
    ("retry_job", Permission("system.manage")),
    ("discard_job", Permission("system.manage")),
    ("remove_demo", Permission("system.manage")),
];

pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: String,
    /// As the document writes it.
    pub(crate) template: String,
    /// With parameters that name nothing.
    pub(crate) path: String,
    pub(crate) takes_body: bool,
}

pub(crate) fn operations() -> Vec<Operation> {
    let document = serde_json::to_value(portico::router::document()).unwrap();
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            operations.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase(),
                template: path.clone(),
                path: concrete(path),
                takes_body: operation.get("requestBody").is_some(),
            });
        }
    }
    operations
}

/// A path whose parameters name nothing.
fn concrete(path: &str) -> String {
    let nil = uuid::Uuid::nil().to_string();
    let parts = path.split('/').map(|part| match part {
        "{key}" => "a-key",
        "{interval}" => "month",
        part if part.starts_with('{') => nil.as_str(),
        part => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

/// A body that passes the parser: who is refused is refused for who they are.
pub(crate) fn body_of(id: &str) -> Value {
    match id {
        "publish_update" => {
            json!({"title": "T", "body": "B", "audience": {"kind": "role", "role": "nobody"}})
        }
        "preview_audience" => json!({"audience": {"kind": "everyone"}}),
        "create_tier" => json!({"key": "k", "name": "N"}),
        "change_tier" => json!({"name": "N", "description": "", "position": 0, "features": [],
            "archived": false}),
        "put_feature" => json!({"name": "N"}),
        "set_price" => json!({"currency": "eur", "amount": 1000}),
        "check_out" => json!({"price": uuid::Uuid::nil()}),
        "grant_membership" => json!({"tier": "k"}),
        "start_bulk" => json!({"action": "sign_out", "people": []}),
        "mark_update" => json!({"state": "read"}),
        "exchange_hosted_token" => json!({"access_token": "x"}),
        "connect_hosted_project" => json!({"project_id": uuid::Uuid::nil(),
            "api_url": "http://127.0.0.1:9", "secret_server_key": "x", "webhook_secrets": [],
            "sign_up": true, "link_verified_email": false}),
        "impersonate" => json!({"reason": "To see what they see"}),
        "change_mail_words" => json!({"version": 0, "words": words()}),
        "preview_mail" | "send_trial_mail" => words(),
        "rename_passkey" => json!({"name": "Mine"}),
        "check_import" => json!({"email": 0}),
        "inspect_verification" | "verify_email" | "inspect_invitation" | "accept_invitation" => {
            json!({"token": "x"})
        }
        _ => json!({}),
    }
}

fn words() -> Value {
    json!({"subject": "S", "heading": "H", "paragraphs": ["P"]})
}

#[test]
fn every_operation_says_who_may_call_it() {
    let said: BTreeSet<&str> = TABLE.iter().map(|(id, _)| *id).collect();
    let operations = operations();
    let there: BTreeSet<&str> = operations
        .iter()
        .map(|operation| operation.id.as_str())
        .collect();
    assert_eq!(said, there);
    assert_eq!(said.len(), TABLE.len(), "an operation stands here twice");
}

#[tokio::test]
async fn callers_are_refused_exactly_where_they_should_be() {
    let app = TestApp::new().await;
    let owner = app.owner("owner").await;
    let mut callers = vec![("nobody", app.visitor()), ("owner", owner)];
    callers.push(("member", app.member("member").await));
    for role in ["admin", "support", "billing", "editor"] {
        callers.push((role, app.staff(role, role).await));
    }
    let built_in: i64 = app
        .value("select count(*) from identity.roles where built_in")
        .await;
    assert_eq!(
        i64::try_from(callers.len()).unwrap(),
        built_in + 1,
        "a role is not tried here"
    );
    let mut wrong = Vec::new();
    for (role, caller) in &callers {
        let held = permissions(caller).await;
        for operation in operations() {
            let (_, callers) = TABLE.iter().find(|(id, _)| *id == operation.id).unwrap();
            let expected = match callers {
                Public => None,
                _ if *role == "nobody" => Some(401),
                Permission(name) if !held.iter().any(|held| held == name) => Some(403),
                AnyOf(names)
                    if !names
                        .iter()
                        .any(|name| held.iter().any(|held| held == name)) =>
                {
                    Some(403)
                }
                _ => None,
            };
            let code = call(caller, &operation).await;
            let right = match expected {
                Some(expected) => code == expected,
                None => !matches!(code, 401 | 403 | 405) && code < 500,
            };
            if !right {
                wrong.push(format!("{role} {}: {code}, not {expected:?}", operation.id));
            }
            if matches!(operation.id.as_str(), "sign_out" | "delete_account") && *role != "nobody" {
                caller.sign_in().await.status(201);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

async fn permissions(caller: &Person) -> Vec<String> {
    let me = caller.get("/me").await;
    let held = me.body["permissions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    held.iter()
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}

async fn call(caller: &Person, operation: &Operation) -> u16 {
    let mut request = caller.raw(&operation.method, &operation.path);
    if operation.takes_body {
        request = request.json(&body_of(&operation.id));
    }
    request.send().await.unwrap().status().as_u16()
}
