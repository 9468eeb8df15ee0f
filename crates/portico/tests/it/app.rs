//! A server for one test: the real router on a real port, over a database of its own.
//!
//! Its clock stands still until the test moves it, and its jobs run when the test drains
//! them: nothing happens by itself.

use crate::{
    person::Person,
    template::{TestDatabase, prepare_process},
};
use kernel::{Clock, id::UserId, tasks::Tasks};
use portico::{app::App, config::Config};
use serde_json::{Value, json};
use std::{future::Future, net::TcpListener, path::PathBuf, time::Duration};
use uuid::Uuid;

/// Long enough for a busy machine; nothing waits for it when all is well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// What everybody here signs in with.
pub(crate) const PASSWORD: &str = "four-quiet-arches";

/// One running server.
pub(crate) struct Node {
    pub(crate) app: App,
    pub(crate) url: String,
}

impl Node {
    async fn start(
        config: impl FnOnce(&mut Config),
        database: &TestDatabase,
        data: &std::path::Path,
        clock: &Clock,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut settings = Config {
            listen: address,
            data: data.to_owned(),
            ..Config::default()
        };
        settings.database.connections = Some(8);
        settings.identity.argon2_memory_kib = 64;
        settings.identity.argon2_passes = 1;
        settings.realtime.offline_seconds = 0;
        settings.realtime.slot = format!("it_{}", Uuid::now_v7().simple());
        config(&mut settings);
        settings.settle();
        let app = App::build(settings, &database.addresses(), clock.clone(), Tasks::new())
            .await
            .unwrap();
        app.invalidations
            .listen(app.db.direct(), &app.tasks)
            .await
            .unwrap();
        let (router, tasks) = (app.router().unwrap(), app.tasks.clone());
        app.tasks.spawn("http", async move {
            portico::http::serve::serve(listener, None, router, &tasks, Duration::ZERO)
                .await
                .unwrap();
        });
        Self {
            app,
            url: format!("http://{address}"),
        }
    }
}

/// A server, its database and its data folder.
pub(crate) struct TestApp {
    pub(crate) app: App,
    pub(crate) url: String,
    pub(crate) clock: Clock,
    data: Folder,
    pub(crate) database: TestDatabase,
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.app.tasks.cancel();
    }
}

impl TestApp {
    /// As a newcomer finds it: nobody is here yet.
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// The same, configured otherwise.
    pub(crate) async fn with(config: impl FnOnce(&mut Config)) -> Self {
        Self::over(TestDatabase::migrated().await, config).await
    }

    /// The same, over this database.
    pub(crate) async fn over(database: TestDatabase, config: impl FnOnce(&mut Config)) -> Self {
        prepare_process();
        let data = Folder(std::env::temp_dir().join(&database.name));
        let clock = Clock::fixed(Clock::system().now());
        let node = Node::start(config, &database, &data.0, &clock).await;
        Self {
            app: node.app,
            url: node.url,
            clock,
            data,
            database,
        }
    }

    /// With its change stream running: for what comes over sockets.
    pub(crate) async fn live() -> Self {
        let app = Self::new().await;
        app.app.realtime.start();
        tokio::time::timeout(PATIENCE, app.app.realtime.streaming())
            .await
            .expect("the change stream starts");
        app
    }

    /// A second server beside this one, on the same database.
    pub(crate) async fn second_node(&self) -> Node {
        let public = self.app.config.public_url();
        let config = |config: &mut Config| config.public_url = Some(public);
        Node::start(config, &self.database, &self.data.0, &self.clock).await
    }

    /// The same, configured otherwise.
    pub(crate) async fn node(&self, config: impl FnOnce(&mut Config)) -> Node {
        Node::start(config, &self.database, &self.data.0, &self.clock).await
    }

    /// Where `vault.keys` lies.
    pub(crate) fn data(&self) -> &std::path::Path {
        &self.data.0
    }

    /// Runs every job that is ready, and those that they enqueue.
    pub(crate) async fn drain(&self) {
        self.app.worker.drain().await.unwrap();
    }

    /// Runs a job now that otherwise waits for its hour, and what it enqueues.
    pub(crate) async fn run(&self, job: impl kernel::jobs::Job) {
        let mut tx = self.app.db.begin().await.unwrap();
        kernel::jobs::enqueue(&mut tx, job).await.unwrap();
        tx.commit().await.unwrap();
        self.drain().await;
    }

    /// Somebody whom nobody knows.
    pub(crate) fn visitor(&self) -> Person {
        Person::new(&self.url)
    }

    /// The owner, made through the printed link.
    pub(crate) async fn owner(&self, name: &str) -> Person {
        let link = self.app.identity.setup_link().await.unwrap().unwrap();
        let owner = self.visitor().named(name);
        let body = json!({"token": token_of(&link), "email": owner.email(), "name": name,
            "password": PASSWORD});
        let answer = owner.post("/setup", body).await.status(201);
        owner.known_as(&answer.body["user"]["id"])
    }

    /// A member who has registered, proved the address and signed in.
    pub(crate) async fn member(&self, name: &str) -> Person {
        let member = self.registered(name).await;
        self.verified(&member).await;
        member.sign_in().await.status(201);
        let me = member.get("/me").await.status(200);
        member.known_as(&me.body["id"])
    }

    /// Somebody who has registered, and whose mail is on its way.
    pub(crate) async fn registered(&self, name: &str) -> Person {
        let person = self.visitor().named(name);
        let body = json!({"email": person.email(), "password": PASSWORD, "name": name});
        person.post("/accounts", body).await.status(202);
        person
    }

    /// Reads the mail and follows its link.
    pub(crate) async fn verified(&self, person: &Person) {
        self.drain().await;
        let token = self.mailed_token(&person.email()).await;
        // In another browser, which is not signed in by it.
        self.visitor()
            .put("/accounts/verification", json!({"token": token}))
            .await
            .status(200);
    }

    /// A member with a role of the staff. No route grants roles yet.
    pub(crate) async fn staff(&self, name: &str, role: &str) -> Person {
        let person = self.registered(name).await;
        self.sql(&format!(
            "insert into identity.user_roles (user_id, role) \
             select id, '{role}' from identity.users where email_key = '{}'",
            person.email()
        ))
        .await;
        self.verified(&person).await;
        person.sign_in().await.status(201);
        let me = person.get("/me").await.status(200);
        person.known_as(&me.body["id"])
    }

    /// The mails to an address, the latest first, as the viewer tells them.
    pub(crate) async fn mails(&self, to: &str) -> Vec<Value> {
        let answer = self
            .visitor()
            .raw("GET", &format!("/_mail/api/messages?to={to}"))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        let body: Value = answer.json().await.unwrap();
        let items = body.get("items").unwrap_or(&body);
        items.as_array().cloned().expect("a list of mails")
    }

    /// The token in the latest mail to an address.
    pub(crate) async fn mailed_token(&self, to: &str) -> String {
        let mails = self.mails(to).await;
        let text = mails.first().unwrap_or_else(|| panic!("no mail to {to}"))["text"]
            .as_str()
            .unwrap();
        let link = text
            .split_whitespace()
            .find(|word| word.contains("/verify#"));
        token_of(link.expect("a link in the mail")).to_owned()
    }

    /// SQL past the server: for what no route does, or must never do.
    pub(crate) async fn sql(&self, sql: &str) {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()))
            .execute(self.app.db.pool())
            .await
            .unwrap();
    }

    /// One value out of the database.
    pub(crate) async fn value<T>(&self, sql: &str) -> T
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
    {
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned()))
            .fetch_one(self.app.db.pool())
            .await
            .unwrap()
    }

    /// Adds people without a password: for long lists.
    pub(crate) async fn add_people(&self, names: &[&str]) {
        for name in names {
            let id = UserId::new();
            let key = id.0.simple();
            sqlx::query(
                "with account as (
                     insert into identity.users (id, email, email_key, name, email_verified_at)
                     values ($1, $2, $2, $3, now()) returning id
                 ), profile as (insert into identity.profiles (user_id) select id from account)
                 insert into identity.user_roles (user_id, role) select id, 'member' from account",
            )
            .bind(id)
            .bind(format!("{key}@example.org"))
            .bind(name)
            .execute(self.app.db.pool())
            .await
            .unwrap();
        }
    }
}

/// What stands behind the `#` of a link.
pub(crate) fn token_of(link: &str) -> &str {
    link.split_once('#').expect("a link with a token").1
}

/// Asks until it is so: for what other tasks do in their own time.
pub(crate) async fn eventually<F, T>(what: &str, mut is_so: F)
where
    F: FnMut() -> T,
    T: Future<Output = bool>,
{
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut pause = tokio::time::interval(Duration::from_millis(20));
    while !is_so().await {
        assert!(tokio::time::Instant::now() < deadline, "in vain: {what}");
        pause.tick().await;
    }
}
