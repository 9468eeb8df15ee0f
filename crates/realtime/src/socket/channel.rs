//! The channels of a connection: joined, subscribed, rechecked and left.

use std::sync::{Arc, atomic::AtomicBool};

use serde_json::{Value, json};

use super::connection::Connection;
use crate::{
    hub::{Hub, Member, changes::Registration},
    ports::Access,
    protocol::{
        Code, Ref, Refusal,
        frame::{self, Push},
        join::{self, Binding, Join},
    },
};

/// One joined channel of a connection.
pub(super) struct Channel {
    pub(super) join_ref: Option<Ref>,
    pub(super) member: Arc<Member>,
    bindings: Vec<Option<Binding>>,
    registration: Registration,
    pub(super) ack: bool,
    pub(super) presence_key: String,
    pub(super) access: Access,
    /// A join that waits for the stream, by the reference to be answered.
    waiting: Option<Unanswered>,
    /// The client still has to be told that changes are streaming.
    unannounced: bool,
}

/// A join that is still to be answered: its reference, if it had one.
type Unanswered = Box<Option<Ref>>;

const TOPIC: &str = "realtime:";

impl Channel {
    /// Leaves, and tells those who stay.
    pub(super) fn leave(&self, hub: &Hub) {
        hub.changes.unsubscribe(self.member.id, &self.registration);
        hub.topics.leave(&self.member);
    }
}

impl Connection {
    pub(super) async fn join(&mut self, push: &Push<'_>) -> Result<(), Refusal> {
        let limits = self.shared.limits;
        let topic = push.topic.as_str();
        let name = topic.strip_prefix(TOPIC).filter(|name| !name.is_empty());
        let Some(name) = name.filter(|name| name.len() <= 512) else {
            let text = "You must provide a topic name";
            return Err(Refusal::new(Code::TopicNameRequired, text));
        };
        if !self.joins.take(tokio::time::Instant::now()) {
            let text = "Too many joins per second";
            return Err(Refusal::new(Code::ClientJoinRateLimitReached, text));
        }
        if self.channels.len() >= limits.channels && !self.channels.contains_key(topic) {
            let text = "Too many channels";
            return Err(Refusal::new(Code::ChannelRateLimitReached, text));
        }
        let join = Join::parse(push.payload.get(), limits.bindings)?;
        if let Some(token) = &join.access_token {
            self.authenticate(token).await?;
        }
        let denied = || {
            let text =
                format!("You do not have permissions to read from this Channel topic: {name}");
            Refusal::new(Code::Unauthorized, text)
        };
        let principal = self.admitted.ok_or_else(denied)?.principal;
        let access = self
            .shared
            .channels
            .access(&principal, name, join.private)
            .await;
        if !access.read {
            return Err(denied());
        }
        // A client that lost track joins again; the channel it had is gone to it.
        self.leave(topic);
        let member = Arc::new(Member {
            id: self.shared.hub.next_id(),
            socket: Arc::clone(&self.socket),
            topic: topic.into(),
            private: join.private,
            self_broadcast: join.self_broadcast,
            presence: AtomicBool::new(join.presence),
        });
        let presence_key = match join.presence_key {
            empty if empty.is_empty() => uuid::Uuid::now_v7().to_string(),
            key => key,
        };
        let waiting = join.wait && !join.bindings.is_empty() && !*self.streaming.borrow();
        let channel = Channel {
            join_ref: push.join_ref.clone(),
            member,
            unannounced: !join.bindings.is_empty(),
            bindings: join.bindings,
            registration: Registration::default(),
            ack: join.ack,
            presence_key,
            access,
            waiting: waiting.then(|| Box::new(push.reference.clone())),
        };
        self.channels.insert(topic.to_owned(), channel);
        if !waiting {
            self.complete(topic, push.reference.as_ref());
        }
        Ok(())
    }

    /// Answers a join and lets the channel hear.
    fn complete(&mut self, topic: &str, reference: Option<&Ref>) {
        let (Some(admitted), Some(mut channel)) = (self.admitted, self.channels.remove(topic))
        else {
            return;
        };
        let hub = &self.shared.hub;
        let response = join::echo(&channel.bindings);
        let (registration, complaints) = hub.changes.subscribe(
            &channel.member,
            &admitted.principal,
            &channel.bindings,
            || {
                self.reply(channel.join_ref.as_ref(), reference, topic, true, &response);
            },
        );
        channel.registration = registration;
        channel.waiting = None;
        hub.topics.join(&channel.member);
        if channel
            .member
            .presence
            .load(std::sync::atomic::Ordering::Relaxed)
        {
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
        self.channels.insert(topic.to_owned(), channel);
        self.announce(topic);
    }

    /// The stream began or stopped: what waited for it goes on.
    pub(super) fn stream_changed(&mut self) {
        if !*self.streaming.borrow_and_update() {
            return;
        }
        let topics: Vec<String> = self.channels.keys().cloned().collect();
        for topic in topics {
            let waiting = self
                .channels
                .get_mut(&topic)
                .and_then(|channel| channel.waiting.take());
            match waiting {
                Some(reference) => self.complete(&topic, (*reference).as_ref()),
                None => self.announce(&topic),
            }
        }
    }

    fn announce(&mut self, topic: &str) {
        if !*self.streaming.borrow() {
            return;
        }
        let announced = self
            .channels
            .get_mut(topic)
            .map(|c| std::mem::take(&mut c.unannounced));
        if announced == Some(true) {
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
            if channel.waiting.is_none() {
                changes.unsubscribe(channel.member.id, &channel.registration);
                let principal = &admitted.principal;
                let (registration, _known) =
                    changes.subscribe(&channel.member, principal, &channel.bindings, || {});
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
        match self.shared.authenticator.by_token(token).await {
            Some(admitted) if admitted.expires_at > now => {
                self.by_cookie = false;
                self.token = Some(token.to_owned());
                self.admit(admitted);
                Ok(())
            }
            _ if self.by_cookie => Ok(()),
            Some(_) => Err(Refusal::new(Code::InvalidJwtToken, "Token has expired")),
            None => Err(Refusal::new(
                Code::InvalidJwtToken,
                "The token was not accepted",
            )),
        }
    }

    pub(super) fn is_joined(&self, topic: &str, join_ref: Option<&Ref>) -> bool {
        self.channels.get(topic).is_some_and(|channel| {
            channel.waiting.is_none()
                && (join_ref.is_none() || channel.join_ref.as_ref() == join_ref)
        })
    }

    pub(super) fn leave(&mut self, topic: &str) {
        if let Some(channel) = self.channels.remove(topic) {
            channel.leave(&self.shared.hub);
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
