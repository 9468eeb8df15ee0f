//! A hosted project: roles by team, a connection in the configuration, more people than a page holds,
//! and a second factor of ours over a session of theirs.

use crate::{
    app::TestApp,
    hosted_project::{Project, Webhook},
    person::{Answer, Person},
    second_factor::enrol,
};
use hosted_stack::{HostedStackConfig, jobs::FollowSessions};
use serde_json::{Value, json};
use uuid::Uuid;

async fn exchange(app: &TestApp, token: &str) -> (Person, Answer) {
    let person = app.visitor();
    let answer = person
        .post("/hosted-stack/sessions", json!({"access_token": token}))
        .await;
    (person, answer)
}

async fn roles(person: &Person) -> Vec<String> {
    let me = person.get("/me").await.status(200);
    let roles = me.body["roles"].as_array().unwrap().iter();
    let mut roles: Vec<String> = roles
        .map(|role| role.as_str().unwrap().to_owned())
        .collect();
    roles.sort_unstable();
    roles
}

/// Somebody is told of, as the project tells it.
async fn told(app: &TestApp, kind: &str, data: Value) {
    Webhook::new(kind, &data).send(app).await.status(204);
    app.drain().await;
}

#[tokio::test]
async fn roles_come_and_go_with_teams_and_with_what_one_may_do_in_them() {
    let project = Project::start().await;
    let app = TestApp::new().await;
    let owner = app.owner("owner").await;
    let team = project
        .ask("POST", "/teams", json!({"display_name": "Harbour"}))
        .await;
    let team = team["id"].as_str().unwrap().to_owned();
    let mut body = project.body();
    body["roles"] = json!([
        {"kind": "team", "name": team, "role": "editor"},
        {"kind": "team_permission", "name": "team_admin", "value": team, "role": "support"},
    ]);
    owner.put("/hosted-stack", body).await.status(200);
    let id = project.person("ada").await;
    let (ada, entered) = exchange(&app, &project.token(id).await).await;
    entered.status(201);
    assert_eq!(roles(&ada).await, ["member"]);

    let member = format!("/team-memberships/{team}/{id}");
    project.ask("POST", &member, json!({})).await;
    // Nobody here knows before the project tells, and then it binds at once.
    assert_eq!(roles(&ada).await, ["member"]);
    let membership = json!({"team_id": team, "user_id": id});
    told(&app, "team_membership.created", membership.clone()).await;
    assert_eq!(roles(&ada).await, ["editor", "member"]);
    ada.get("/users").await.status(200);

    let admin = format!("/team-permissions/{team}/{id}/team_admin");
    project.ask("POST", &admin, json!({})).await;
    let permission = json!({"id": "team_admin", "team_id": team, "user_id": id});
    told(&app, "team_permission.created", permission.clone()).await;
    assert_eq!(roles(&ada).await, ["editor", "member", "support"]);
    project.ask("DELETE", &admin, Value::Null).await;
    told(&app, "team_permission.deleted", permission).await;
    assert_eq!(roles(&ada).await, ["editor", "member"]);

    project.ask("DELETE", &member, Value::Null).await;
    told(&app, "team_membership.deleted", membership.clone()).await;
    assert_eq!(roles(&ada).await, ["member"]);
    ada.get("/users").await.status(403);

    // A team that goes takes its roles along, for everybody who was in it.
    project.ask("POST", &member, json!({})).await;
    told(&app, "team_membership.created", membership).await;
    assert_eq!(roles(&ada).await, ["editor", "member"]);
    project
        .ask("DELETE", &format!("/teams/{team}"), Value::Null)
        .await;
    told(&app, "team.deleted", json!({"id": team})).await;
    assert_eq!(roles(&ada).await, ["member"]);
}

#[tokio::test]
async fn what_the_configuration_names_is_trusted_and_changed_there_only() {
    let project = Project::start().await;
    let body = project.body();
    let text = |field: &str| body[field].as_str().unwrap().to_owned();
    let section = format!(
        "project_id = '{}'\napi_url = '{}'\nsecret_server_key = '{}'\nwebhook_secrets = ['{}']\n\
         [[roles]]\nkind = 'metadata'\nname = 'rank'\nvalue = 'editor'\nrole = 'editor'\n",
        text("project_id"),
        text("api_url"),
        text("secret_server_key"),
        body["webhook_secrets"][0].as_str().unwrap()
    );
    let section: HostedStackConfig = toml::from_str(&section).unwrap();
    // What the configuration shows of itself keeps its secrets.
    let shown = toml::to_string(&section).unwrap();
    assert!(
        !shown.contains(&text("secret_server_key")) && !shown.contains("whsec_"),
        "{shown}"
    );
    let app = TestApp::with(|config| config.hosted_stack = section).await;
    let owner = app.owner("owner").await;
    let id = project.person("ada").await;
    project
        .change(id, json!({"server_metadata": {"rank": "editor"}}))
        .await;
    let (ada, entered) = exchange(&app, &project.token(id).await).await;
    entered.status(201);
    assert_eq!(roles(&ada).await, ["editor", "member"]);
    told(&app, "user.updated", json!({"id": id})).await;

    let refused = owner.put("/hosted-stack", body.clone()).await.status(409);
    assert_eq!(refused.body["code"], "set_in_file");
    let refused = owner.delete("/hosted-stack").await.status(409);
    assert_eq!(refused.body["code"], "set_in_file");
    let state = owner.get("/hosted-stack").await.status(200);
    assert!(!state.body.to_string().contains(&text("secret_server_key")));
}

#[tokio::test]
async fn more_people_than_a_page_holds_are_all_compared_and_brought_in() {
    let project = Project::start().await;
    let app = TestApp::new().await;
    let owner = app.owner("owner").await;
    owner.put("/hosted-stack", project.body()).await.status(200);
    let names: Vec<String> = (0..230).map(|n| format!("Person {n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    project.app.add_people(&names).await;
    for expected in [[230, 0, 0, 230], [0, 0, 0, 0]] {
        owner
            .post("/hosted-stack/reconciliations", json!({"mends": true}))
            .await
            .status(202);
        app.drain().await;
        let runs = owner.get("/hosted-stack/reconciliations").await.status(200);
        let run = &runs.body["items"][0];
        let counts = ["missing_here", "missing_there", "differing", "mended"];
        assert_eq!(
            counts.map(|name| run[name].as_i64().unwrap()),
            expected,
            "{run:#}"
        );
        assert_eq!(run["seen"], 230);
        assert!(!run["finished_at"].is_null());
    }
    let here: i64 = app
        .value(
            "select count(*) from identity.users where status = 'active' and name like 'Person %'",
        )
        .await;
    assert_eq!(here, 230);
}

#[tokio::test]
async fn a_second_factor_of_ours_is_asked_for_and_the_session_still_ends_with_theirs() {
    let project = Project::start().await;
    let app = TestApp::new().await;
    let owner = app.owner("owner").await;
    owner.put("/hosted-stack", project.body()).await.status(200);
    let id: Uuid = project.person("ada").await;
    let token = project.token(id).await;
    let (first, entered) = exchange(&app, &token).await;
    entered.status(201);
    let (phone, _) = enrol(&app, &first).await;

    let token = project.token(id).await;
    let (ada, asked) = exchange(&app, &token).await;
    assert_eq!(
        asked.status(202).body["factors"],
        json!(["totp", "recovery_code"])
    );
    // Until it is answered, neither the browser nor the token is anybody.
    ada.get("/me").await.status(401);
    let bearer = app.visitor().raw("GET", "/api/v1/me").bearer_auth(&token);
    assert_eq!(Answer::of(bearer).await.code, 401);
    let answer = json!({"factor": "totp", "code": phone.shows(&app)});
    ada.post("/sessions/second-factor", answer)
        .await
        .status(201);
    ada.get("/me").await.status(200);
    let bearer = app.visitor().raw("GET", "/api/v1/me").bearer_auth(&token);
    assert_eq!(Answer::of(bearer).await.code, 200);

    // It is still the one that stands for theirs, also after a fresh proof.
    app.clock.advance(time::Duration::minutes(20));
    let proof = json!({"method": "totp", "secret": phone.shows(&app)});
    ada.post("/me/confirmation", proof).await.status(204);
    app.run(FollowSessions {}).await;
    ada.get("/me").await.status(200);
    project.sign_out(id).await;
    app.run(FollowSessions {}).await;
    ada.get("/me").await.status(401);
}
