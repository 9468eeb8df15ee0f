//! What may be done in a member's place, on one page: every operation of the API, by its id.
//!
//! Invariant: an operation that does not stand here is refused to whoever acts in somebody's
//! place. A test compares this page with the API's document, so that each new operation is
//! thought about once.

use axum::http::Method;
use kernel::principal::Allowance;
use serde_json::Value;

/// Seeing what the person sees. Where staff is looked through, seeing what they see of others.
const LOOK: &[&str] = &[
    "system",
    "ways_in",
    "me",
    "sessions",
    "security",
    "impersonations",
    "passkeys",
    "linked_providers",
    "email_change",
    "deletion_terms",
    "data_export",
    "confirmable",
    "feed",
    "waiting",
    "feed_item",
    // A copy of somebody's data is for them alone: the files' own rule says so.
    "download_file",
    "my_membership",
    "offers",
    "my_payments",
    "people",
    "people_totals",
    "count_people",
    "person",
    "person_sessions",
    "timeline",
    "notes",
    "saved_views",
    "bulk",
    "bulk_refusals",
    "import",
    "import_faults",
    "invitations",
    "roles",
    "permissions",
    "features",
    "tiers",
    "tier_holders",
    "membership",
    "payments",
    "updates",
    "update",
    "recipients",
    "audit",
    "audit_actions",
    "security_events",
    "security_figures",
    "queue",
    "dead_letters",
    "hosted_project",
    "hosted_events",
    "hosted_reconciliations",
    "hosted_drift",
    "mail_words",
    "words_of_mail",
];

/// Doing for a member what members do.
const CHANGE: &[&str] = &[
    "change_profile",
    "set_picture",
    "remove_picture",
    "mark_update",
    "upload_file",
    "delete_file",
];

/// Back to oneself.
const LEAVE: &[&str] = &["end_impersonation"];

/// Nobody in somebody's place: what proves who they are, lets them in, takes their data along,
/// ends their account, or uses rights that are theirs as staff.
const IN_PERSON: &[&str] = &[
    // Ways in, theirs and others'.
    "register",
    "inspect_verification",
    "verify_email",
    "set_up",
    "sign_in",
    "ask_reset",
    "inspect_reset",
    "reset_password",
    "ask_sign_in",
    "sign_in_by_code",
    "inspect_sign_in",
    "sign_in_by_link",
    "answer_second_factor",
    "second_factor_challenge",
    "answer_with_passkey",
    "passkey_challenge",
    "sign_in_with_passkey",
    "sign_in_at_provider",
    "return_from_provider",
    "exchange_hosted_token",
    "deliver_hosted_event",
    "deliver_payment_event",
    "inspect_invitation",
    "accept_invitation",
    "inspect_email_link",
    "follow_email_link",
    // Their own account.
    "ask_email_change",
    "drop_email_change",
    "ask_data_export",
    "delete_account",
    "new_passkey_challenge",
    "add_passkey",
    "rename_passkey",
    "remove_passkey",
    "link_provider",
    "unlink_provider",
    "change_password",
    "estimate_password",
    "enrol_totp",
    "confirm_totp",
    "remove_totp",
    "renew_recovery_codes",
    "forget_device",
    "check_out",
    "billing_portal",
    "confirm",
    "confirm_with_passkey",
    "ask_confirmation",
    "sign_out",
    "sign_out_others",
    "sign_out_device",
    // What they may do as staff.
    "impersonate",
    "api_keys",
    "create_api_key",
    "revoke_api_key",
    "stack_project",
    "make_stack_secret_key",
    "revoke_stack_secret_key",
    "save_view",
    "remove_view",
    "suspend",
    "restore",
    "delete_person",
    "sign_out_person",
    "sign_out_person_device",
    "force_password_reset",
    "reset_second_factor",
    "add_note",
    "delete_note",
    "start_bulk",
    "undo_bulk",
    "invite",
    "resend_invitation",
    "revoke_invitation",
    "stage_import",
    "check_import",
    "commit_import",
    "create_role",
    "change_role",
    "delete_role",
    "grant_role",
    "revoke_role",
    "create_tier",
    "change_tier",
    "set_price",
    "drop_price",
    "end_subscription",
    "put_feature",
    "delete_feature",
    "grant_membership",
    "revoke_membership",
    "publish_update",
    "preview_audience",
    "connect_hosted_project",
    "disconnect_hosted_project",
    "check_hosted_project",
    "retry_hosted_event",
    "reconcile_hosted_project",
    "change_mail_words",
    "reset_mail_words",
    "preview_mail",
    "preview_mail_page",
    "send_trial_mail",
    "retry_job",
    "discard_job",
    "remove_demo",
    // Whole lists at once.
    "export_people",
    "export_audit",
    "export_security_events",
    "import_faults_file",
];

/// What may be done with an operation, if somebody said.
pub fn declared(operation: &str) -> Option<Allowance> {
    let stands_in = |list: &[&str]| list.contains(&operation);
    [
        (LOOK, Allowance::Look),
        (CHANGE, Allowance::Change),
        (LEAVE, Allowance::Leave),
        (IN_PERSON, Allowance::InPerson),
    ]
    .into_iter()
    .find_map(|(list, allowance)| stands_in(list).then_some(allowance))
}

/// Every operation that is declared.
pub fn all() -> impl Iterator<Item = &'static str> {
    [LOOK, CHANGE, LEAVE, IN_PERSON]
        .into_iter()
        .flatten()
        .copied()
}

/// The declarations by method and path, from the API's document.
pub(crate) fn allowances(document: &Value) -> Vec<(Method, String, Allowance)> {
    let mut found = Vec::new();
    for (path, operations) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in operations.as_object().into_iter().flatten() {
            let allowance = operation["operationId"].as_str().and_then(declared);
            if let (Ok(method), Some(allowance)) = (method.to_uppercase().parse(), allowance) {
                found.push((method, path.clone(), allowance));
            }
        }
    }
    found
}
