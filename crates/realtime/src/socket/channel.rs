//! The channels of a connection: joined, subscribed, rechecked and left.

use std::{
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{connection::Connection, resume::Replaying};
use crate::{
    Shared,
    hub::{Member, changes::Registration},
    ports::{Access, Denied},
    protocol::{
        Code, Ref, Refusal,
        frame::{self, Push},
        join::{self, Binding, Join, Replay},
    },
};

/// One joined channel of a connection.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a word of the join's own configuration"
)]
pub(super) struct Channel {
    pub(super) join_ref: Option<Ref>,
    pub(super) member: Arc<Member>,
    pub(super) bindings: Vec<Option<Binding>>,
    pub(super) registration: Registration,
    /// The cursor from which it goes on, until it does.
    since: Option<String>,
    pub(super) replaying: Option<Replaying>,
    pub(super) ack: bool,
    pub(super) self_broadcast: bool,
    pub(super) presence_key: String,
    wants_presence: bool,
    pub(super) access: Access,
    /// A join that waits for the stream, by the reference to be answered.
    waiting: Option<Unanswered>,
    /// The client still has to be told that changes are streaming.
    unannounced: bool,
    /// It asked to be told so, whether it listens to changes or not.
    replication_ready: bool,
    /// What it wants to be told of what was said before.
    replay: Option<Replay>,
}

/// A join that is still to be answered.
type Unanswered = Box<Waiting>;

struct Waiting {
    reference: Option<Ref>,
    until: Instant,
}

const TOPIC: &str = "realtime:";
/// Milliseconds that a join waits for the past to be known; clients give up after ten seconds.
const RESUME_WAIT: u64 = 8_000;

impl Channel {
    /// Leaves, and tells those who stay.
    pub(super) fn leave(&self, shared: &Shared) {
        let changes = &shared.hub.changes;
        changes.unsubscribe(self.member.id, &self.registration);
        shared.cluster.leave(&self.member);
    }
}

impl Connection {
    /// Serves a join: judges it, and answers it now or once changes are streaming.
    pub(super) async fn join(&mut self, push: &Push<'_>) -> Result<(), Refusal> {
        let topic = push.topic.as_str();
        let (name, join) = self.read(push)?;
        let access = self.enter(name, &join).await?;
        // A client that lost track joins again; the channel it had is gone to it.
        self.leave(topic);
        let member = Arc::new(Member {
            id: self.shared.hub.next_id(),
            socket: Arc::clone(&self.socket),
            topic: self.shared.hub.topics.name(topic, join.private),
            private: join.private,
            presence: AtomicBool::new(false),
            replay: join.replay.map(|_| Mutex::default()),
            resumable: join.resume.is_some() && !join.bindings.is_empty(),
            legacy: join.bare && !join.bindings.is_empty(),
            owed: AtomicBool::new(false),
        });
        let presence_key = match join.presence_key {
            empty if empty.is_empty() => uuid::Uuid::now_v7().to_string(),
            key => key,
        };
        let streaming = *self.shared.status.watch().borrow();
        let since = join.resume.and_then(|resume| resume.since);
        let since = since.filter(|_| !join.bindings.is_empty());
        // A server that has just started does not know yet what was before.
        let wait = join.wait.or(since.as_ref().map(|_| RESUME_WAIT));
        let wait = wait.filter(|_| !join.bindings.is_empty() && !streaming);
        let waiting = wait.map(|wait| {
            let wait = Duration::from_millis(wait);
            self.wake_after(wait);
            Box::new(Waiting {
                reference: push.reference.clone(),
                until: Instant::now() + wait,
            })
        });
        let answered = waiting.is_none();
        let channel = Channel {
            join_ref: push.join_ref.clone(),
            member,
            unannounced: !join.bindings.is_empty(),
            replication_ready: join.replication_ready,
            bindings: join.bindings,
            registration: Registration::default(),
            since,
            replaying: None,
            ack: join.ack,
            self_broadcast: join.self_broadcast,
            presence_key,
            access,
            waiting,
            replay: join.replay,
            wants_presence: join.presence,
        };
        self.channels.insert(topic.to_owned(), channel);
        if answered {
            self.complete(topic, push.reference.as_ref()).await;
        }
        Ok(())
    }

    /// Reads a join, and refuses what costs nothing to refuse.
    fn read<'a>(&mut self, push: &'a Push<'_>) -> Result<(&'a str, Join), Refusal> {
        let refuse = |code, text: &str| Err(Refusal::new(code, text));
        let limits = &self.shared.limits;
        let topic = push.topic.as_str();
        let name = topic.strip_prefix(TOPIC).filter(|name| !name.is_empty());
        let Some(name) = name.filter(|name| name.len() <= 512) else {
            return refuse(Code::TopicNameRequired, "You must provide a topic name");
        };
        if !self.joins.take(Instant::now()) {
            let text = "Too many joins per second";
            return refuse(Code::ClientJoinRateLimitReached, text);
        }
        if self.channels.len() >= limits.channels && !self.channels.contains_key(topic) {
            return refuse(Code::ChannelRateLimitReached, "Too many channels");
        }
        let mut join = Join::parse(push.payload.get(), limits.bindings)?;
        if join.bare {
            join.bindings = self.of_topic(name);
        }
        if self.shared.config.private_only && !join.private {
            return refuse(Code::PrivateOnly, "Only private channels are offered here");
        }
        if join.replay.is_some() && !join.private {
            let text = "Replay is only allowed for private channels";
            return refuse(Code::UnableToReplayMessages, text);
        }
        let complaints = self.shared.hub.changes.complaints(&join.bindings);
        if join.wait.is_some() && !complaints.is_empty() {
            let text = complaints.join("; ");
            return refuse(Code::RealtimeDisabledForConfiguration, &text);
        }
        Ok((name, join))
    }

    /// What a channel that says nothing else listens to by its name: the rows of that name, where
    /// there are any.
    fn of_topic(&self, name: &str) -> Vec<Option<Binding>> {
        let asked = vec![Some(Binding::of_topic(name))];
        let complaints = self.shared.hub.changes.complaints(&asked);
        if complaints.is_empty() {
            asked
        } else {
            Vec::new()
        }
    }

    /// Finds out who joins and what they may do there; so many at a time on this server.
    async fn enter(&mut self, name: &str, join: &Join) -> Result<Access, Refusal> {
        let shared = Arc::clone(&self.shared);
        let Some(_place) = shared.admission.enter().await else {
            let text = "Too many clients join at once, try again in some seconds";
            return Err(Refusal::new(Code::InitializingProjectConnection, text));
        };
        if let Some(token) = &join.access_token {
            self.authenticate(token).await?;
        }
        let denied = || {
            let text =
                format!("You do not have permissions to read from this Channel topic: {name}");
            Refusal::new(Code::Unauthorized, text)
        };
        let principal = self.admitted.ok_or_else(denied)?.principal;
        let access = shared.channels.access(&principal, name, join.private).await;
        if access.read {
            Ok(access)
        } else {
            Err(denied())
        }
    }

    /// Has this connection look at what waits, after a while.
    fn wake_after(&self, wait: Duration) {
        let socket = Arc::clone(&self.socket);
        let stop = self.shared.stop.clone();
        self.shared.tasks.spawn("realtime.wait", async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(wait) => socket.outbox.stream_changed(),
            }
        });
    }

    /// Answers a join and lets the channel hear.
    async fn complete(&mut self, topic: &str, reference: Option<&Ref>) {
        let (Some(admitted), Some(mut channel)) = (self.admitted, self.channels.remove(topic))
        else {
            return;
        };
        let hub = &self.shared.hub;
        let response = join::echo(&channel.bindings);
        let reply = |join_ref| self.reply(join_ref, reference, topic, true, &response);
        let since = channel.since.take();
        if let Some(since) = &since {
            reply(channel.join_ref.as_ref());
            channel.replaying = channel.replaying(hub, &admitted.principal, since);
        }
        let complaints = if channel.replaying.is_some() {
            hub.changes.complaints(&channel.bindings)
        } else {
            let (registration, complaints) = hub.changes.subscribe(
                &channel.member,
                &admitted.principal,
                &channel.bindings,
                &channel.registration,
                || {
                    if since.is_none() {
                        reply(channel.join_ref.as_ref());
                    }
                },
            );
            channel.registration = registration;
            hub.changes.owe(&channel.member);
            complaints
        };
        channel.waiting = None;
        hub.topics.join(&channel.member);
        if channel.wants_presence {
            hub.topics.send_state(&channel.member);
        }
        if !complaints.is_empty() {
            channel.unannounced = false;
            let text = format!(
                "Unable to subscribe to changes with given parameters. {}",
                complaints.join("; ")
            );
            self.system(topic, "postgres_changes", "error", &text);
        }
        let (listener, kept) = (Arc::clone(&channel.member), channel.replay);
        self.channels.insert(topic.to_owned(), channel);
        self.announce(topic);
        if let Some(kept) = kept
            && let Err(error) = self.shared.replay(&listener, kept).await
        {
            tracing::warn!(%error, "kept messages cannot be told");
            let refusal = Refusal::new(Code::UnableToReplayMessages, "they cannot be read now");
            self.system(topic, "system", "error", &refusal.to_string());
        }
    }

    /// The stream began or stopped, or a join has waited for long enough: what waited goes on.
    pub(super) async fn stream_changed(&mut self) {
        let streaming = *self.shared.status.watch().borrow();
        let topics: Vec<String> = self.channels.keys().cloned().collect();
        for topic in topics {
            let Some(channel) = self.channels.get_mut(&topic) else {
                continue;
            };
            match channel.waiting.take() {
                Some(waiting) if streaming => {
                    self.complete(&topic, waiting.reference.as_ref()).await;
                }
                Some(waiting) if waiting.until <= Instant::now() => {
                    self.give_up(&topic, &waiting);
                }
                waiting => {
                    channel.waiting = waiting;
                    self.announce(&topic);
                }
            }
        }
    }

    /// Refuses a join whose changes did not begin to stream in time.
    fn give_up(&mut self, topic: &str, waiting: &Waiting) {
        let join_ref = self.channels.get(topic).and_then(|c| c.join_ref.clone());
        self.leave(topic);
        let code = Code::PostgresChangesSubscribeTimeout;
        let refusal = Refusal::new(code, "changes are not streaming yet, try again");
        let reason = json!({"reason": refusal.to_string()});
        let reference = waiting.reference.as_ref();
        self.reply(join_ref.as_ref(), reference, topic, false, &reason);
    }

    fn announce(&mut self, topic: &str) {
        if !*self.shared.status.watch().borrow() {
            return;
        }
        let Some(channel) = self.channels.get_mut(topic) else {
            return;
        };
        let unannounced = std::mem::take(&mut channel.unannounced);
        if std::mem::take(&mut channel.replication_ready) {
            let text = "Replication connection established";
            self.system(topic, "system", "ok", text);
        }
        if unannounced {
            self.system(topic, "postgres_changes", "ok", "Subscribed to PostgreSQL");
        }
    }

    /// Subscribes every channel anew, for a principal that changed.
    pub(super) fn resubscribe(&mut self) {
        let Some(admitted) = self.admitted else {
            return;
        };
        let changes = &self.shared.hub.changes;
        for channel in self.channels.values_mut() {
            if channel.waiting.is_some() {
                continue;
            }
            let (member, bindings) = (&channel.member, &channel.bindings);
            let principal = &admitted.principal;
            if let Some(replaying) = &mut channel.replaying {
                replaying.resubscribe(changes, member, principal, bindings);
            } else {
                let before = &channel.registration;
                let (registration, _known) =
                    changes.subscribe(member, principal, bindings, before, || {});
                channel.registration = registration;
            }
        }
    }

    /// Asks for every channel again whether it may be used.
    pub(super) async fn recheck_access(&mut self) {
        let Some(admitted) = self.admitted else {
            return;
        };
        let channels: Vec<(String, bool)> = self
            .channels
            .iter()
            .map(|(topic, channel)| (topic.clone(), channel.member.private))
            .collect();
        for (topic, private) in channels {
            let name = topic.strip_prefix(TOPIC).unwrap_or(&topic);
            let access = self
                .shared
                .channels
                .access(&admitted.principal, name, private)
                .await;
            if access.read {
                if let Some(channel) = self.channels.get_mut(&topic) {
                    channel.access = access;
                }
            } else {
                self.expel(
                    &topic,
                    "You do not have permissions to read from this Channel topic",
                );
            }
        }
    }

    pub(super) async fn authenticate(&mut self, token: &str) -> Result<(), Refusal> {
        // Publishable keys are sent in the token's place by clients that have none.
        if token.starts_with("sb_") || self.token.as_deref() == Some(token) {
            return Ok(());
        }
        let now = self.shared.clock.now();
        let denied = match self.shared.authenticator.by_token(token).await {
            Ok(admitted) if admitted.expires_at > now => {
                self.by_cookie = false;
                self.token = Some(token.into());
                self.token_ends = Some(admitted.expires_at);
                self.admit(admitted);
                return Ok(());
            }
            Ok(_) => Denied::Expired,
            Err(denied) => denied,
        };
        if self.by_cookie {
            return Ok(());
        }
        Err(denied.into())
    }

    pub(super) fn is_joined(&self, topic: &str, join_ref: Option<&Ref>) -> bool {
        self.channels.get(topic).is_some_and(|channel| {
            channel.waiting.is_none()
                && (join_ref.is_none() || channel.join_ref.as_ref() == join_ref)
        })
    }

    pub(super) fn leave(&mut self, topic: &str) {
        if let Some(channel) = self.channels.remove(topic) {
            channel.leave(&self.shared);
        }
    }

    /// Ends a channel from this side. With `phx_error`, after which a client joins again, and
    /// not `phx_close`, after which it never does.
    pub(super) fn expel(&mut self, topic: &str, why: &str) {
        self.system(topic, "system", "error", why);
        let join_ref = self
            .channels
            .get(topic)
            .and_then(|channel| channel.join_ref.clone());
        self.leave(topic);
        let (version, join_ref) = (self.socket.version, join_ref.as_ref());
        self.push(frame::text(
            version,
            join_ref,
            None,
            topic,
            "phx_error",
            "{}",
        ));
    }

    /// Sends a `system` message of a channel.
    pub(super) fn system(&self, topic: &str, extension: &str, status: &str, message: &str) {
        let channel = topic.strip_prefix(TOPIC).unwrap_or(topic);
        let payload = json!({
            "extension": extension, "status": status, "message": message, "channel": channel,
        });
        let version = self.socket.version;
        self.push(frame::text(
            version,
            None,
            None,
            topic,
            "system",
            &payload.to_string(),
        ));
    }

    pub(super) fn reply(
        &self,
        join_ref: Option<&Ref>,
        reference: Option<&Ref>,
        topic: &str,
        ok: bool,
        response: &Value,
    ) {
        let status = if ok { "ok" } else { "error" };
        let payload = json!({"status": status, "response": response}).to_string();
        let version = self.socket.version;
        self.push(frame::text(
            version,
            join_ref,
            reference,
            topic,
            "phx_reply",
            &payload,
        ));
    }
}
