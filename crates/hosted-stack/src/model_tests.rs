use super::*;
use serde_json::json;

fn connection(address: &str) -> Connection {
    Connection {
        project: "0b0c5a0e-6f0d-4d8e-9a25-8c8dfb1b8a01".parse().unwrap(),
        address: checked_url(address).unwrap(),
        server_key: SecretString::from("ssk"),
        webhook_secrets: Vec::new(),
        sign_up: true,
        link_verified_email: false,
        rules: Vec::new(),
        from_file: false,
    }
}

#[test]
fn a_project_at_the_makers_has_two_issuers_and_any_other_one() {
    let id = "0b0c5a0e-6f0d-4d8e-9a25-8c8dfb1b8a01";
    let both = [
        format!("https://api.stack-auth.com/api/v1/projects/{id}"),
        format!("https://api.hexclave.com/api/v1/projects/{id}"),
    ];
    assert_eq!(connection("https://api.stack-auth.com/").issuers(), both);
    assert_eq!(connection("https://api.hexclave.com").issuers(), both);
    assert_eq!(
        connection("http://127.0.0.1:9000/stack").issuers(),
        [format!("http://127.0.0.1:9000/stack/api/v1/projects/{id}")]
    );
}

#[test]
fn only_https_and_this_machine_are_asked() {
    for (address, good) in [
        ("https://api.stack-auth.com", true),
        ("http://localhost:9000/stack", true),
        ("http://[::1]:9000", true),
        ("http://api.stack-auth.com", false),
        ("http://10.0.0.1", false),
        ("https://me:secret@api.example.org", false),
        ("https://api.example.org?x=1", false),
        ("file:///etc/passwd", false),
        ("nonsense", false),
    ] {
        assert_eq!(checked_url(address).is_some(), good, "{address}");
    }
}

fn there(user: Value) -> There {
    There {
        user: serde_json::from_value(user).unwrap(),
        held: Held::default(),
    }
}

fn rule(kind: RuleKind, name: &str, value: &str, role: &str) -> Rule {
    Rule {
        kind,
        name: name.into(),
        value: value.into(),
        role: role.into(),
    }
}

#[test]
fn what_people_write_themselves_gives_no_role() {
    let mut ada = there(
        json!({"id": Uuid::nil(), "primary_email": "ada@example.org",
        "client_metadata": {"rank": "chief"}, "server_metadata": {"rank": "clerk", "level": 3}}),
    );
    ada.held.permissions.insert("write".into());
    ada.held
        .team_permissions
        .insert(("t".into(), "team_admin".into()));
    let rules = [
        rule(RuleKind::Metadata, "rank", "chief", "owner"),
        rule(RuleKind::Metadata, "level", "3", "support"),
        rule(RuleKind::Permission, "write", "", "editor"),
        rule(RuleKind::TeamPermission, "team_admin", "t", "billing"),
        rule(RuleKind::TeamPermission, "team_admin", "u", "admin"),
        rule(RuleKind::Team, "t", "", "admin"),
    ];
    let given: Vec<String> = ada.roles(&rules).into_iter().collect();
    assert_eq!(given, ["billing", "editor", "support"]);
}

#[test]
fn a_comparison_names_what_differs_and_only_takes_what_a_rule_gave() {
    let ada = there(
        json!({"id": Uuid::nil(), "primary_email": "ada@new.example",
        "primary_email_verified": true, "display_name": " Ada\u{7} L. "}),
    );
    let here = Here {
        name: "Ada".into(),
        email: "ada@example.org".into(),
        verified: true,
        roles: vec!["editor".into(), "member".into(), "support".into()],
        ..Here::default()
    };
    let known = Known {
        user: Some(UserId::new()),
        look: 1,
        roles: vec!["editor".into()],
        suspended: false,
        refused: None,
        gone_at: None,
    };
    let change = compare(&ada, &here, &known, &[]);
    assert_eq!(change.name.as_deref(), Some("Ada L."));
    assert_eq!(change.email.as_deref(), Some("ada@new.example"));
    assert_eq!(change.take, ["editor"]);
    let fields: Vec<&str> = change
        .differences
        .iter()
        .map(|one| one.field.as_str())
        .collect();
    assert_eq!(fields, ["name", "email", "roles"]);
    assert_eq!(change.differences[2].there, "member, support");
    // An address that nobody proved there changes nothing here.
    let mut unproved = ada.clone();
    unproved.user.primary_email_verified = false;
    assert_eq!(compare(&unproved, &here, &known, &[]).email, None);
    // Whom staff here deleted stays deleted.
    let trashed = Here {
        deleted: true,
        ..here
    };
    assert_eq!(compare(&ada, &trashed, &known, &[]), Change::default());
}

#[test]
fn an_event_says_about_whom_to_ask() {
    let id = "0b0c5a0e-6f0d-4d8e-9a25-8c8dfb1b8a01";
    for (kind, key) in [
        ("user.created", "id"),
        ("user.deleted", "id"),
        ("team_membership.deleted", "user_id"),
        ("team_permission.created", "user_id"),
        ("project_permission.created", "user_id"),
    ] {
        let body = json!({"type": kind, "data": {key: id}}).to_string();
        let told = Told::parse(&body).unwrap();
        assert_eq!(
            told.about.map(|about| about.to_string()).as_deref(),
            Some(id)
        );
    }
    let other = Told::parse(r#"{"type":"email.sent","data":{}}"#).unwrap();
    assert_eq!((other.about, other.concerns_all), (None, false));
    for bad in [
        "",
        "[]",
        r#"{"type":"user.created","data":{}}"#,
        r#"{"data":{}}"#,
    ] {
        assert_eq!(Told::parse(bad), None, "{bad}");
    }
}
