//! What a client does on its channels: join, leave, sign in, broadcast, be present.

use std::sync::{Arc, atomic::AtomicBool};

use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};

use super::connection::{Connection, End};
use crate::{
    hub::{Hub, Member, changes::Registration, topics::Broadcast},
    ports::Access,
    protocol::{
        Code, Ref, Refusal,
        frame::{self, BinaryPush, Encoding, Push},
        join::{self, Binding, Join},
    },
};

/// One joined channel of a connection.
pub(super) struct Channel {
    join_ref: Option<Ref>,
    member: Arc<Member>,
    bindings: Vec<Option<Binding>>,
    registration: Registration,
    ack: bool,
    presence_key: String,
    access: Access,
    /// A join that waits for the stream, by the reference to be answered.
    waiting: Option<Option<Ref>>,
    /// The client still has to be told that changes are streaming.
    unannounced: bool,
}

const TOPIC: &str = "realtime:";

impl Channel {
    /// Leaves, and tells those who stay.
    pub(super) fn leave(&self, hub: &Hub) {
        hub.changes.unsubscribe(self.member.id, &self.registration);
        hub.topics.leave(&self.member);
    }
}

impl Connection {
    /// Serves one text frame.
    pub(super) async fn text(&mut self, push: Push<'_>) -> Result<(), End> {
        let reference = push.reference.as_ref();
        match (push.topic.as_str(), push.event.as_str()) {
            ("phoenix", "heartbeat") => {
                self.reply(None, reference, "phoenix", true, &json!({}));
            }
            (topic, "phx_join") => {
                if let Err(refusal) = self.join(&push).await {
                    let reason = json!({"reason": refusal.to_string()});
                    self.reply(push.join_ref.as_ref(), reference, topic, false, &reason);
                }
            }
            (topic, "phx_leave") => {
                let join_ref = push.join_ref.as_ref();
                self.reply(join_ref, reference, topic, true, &json!({}));
                let current =
                    |channel: &Channel| join_ref.is_none() || channel.join_ref.as_ref() == join_ref;
                if self.channels.get(topic).is_some_and(current) {
                    self.leave(topic);
                    let version = self.socket.version;
                    self.push(frame::text(
                        version,
                        join_ref,
                        join_ref,
                        topic,
                        "phx_close",
                        "{}",
                    ));
                }
            }
            (topic, _) if !self.is_joined(topic, push.join_ref.as_ref()) => {
                let reason = json!({"reason": "unmatched topic"});
                self.reply(push.join_ref.as_ref(), reference, topic, false, &reason);
            }
            (topic, "access_token") => self.access_token(topic, push.payload).await,
            (topic, "broadcast") => {
                #[derive(Deserialize)]
                struct Said<'a> {
                    event: String,
                    #[serde(borrow, default)]
                    payload: Option<&'a RawValue>,
                }
                match serde_json::from_str::<Said<'_>>(push.payload.get()) {
                    Ok(said) => {
                        let payload = said.payload.map_or("{}", RawValue::get).as_bytes();
                        let (event, encoding) = (said.event.as_str(), Encoding::Json);
                        let broadcast = Broadcast {
                            event,
                            encoding,
                            payload,
                        };
                        self.broadcast(topic, reference, &broadcast);
                    }
                    Err(_) => self.complain(topic, reference, "a broadcast needs an event"),
                }
            }
            (topic, "presence") => self.presence(topic, reference, push.payload),
            (topic, event) => {
                let text = format!("the event {event} is not known");
                self.complain(topic, reference, &text);
            }
        }
        Ok(())
    }

    /// Serves a binary frame.
    pub(super) fn binary(&mut self, push: BinaryPush) {
        let reference = push.reference.as_ref();
        if !self.is_joined(&push.topic, push.join_ref.as_ref()) {
            let reason = json!({"reason": "unmatched topic"});
            self.reply(
                push.join_ref.as_ref(),
                reference,
                &push.topic,
                false,
                &reason,
            );
            return;
        }
        let broadcast = Broadcast {
            event: &push.event,
            encoding: push.encoding,
            payload: &push.payload,
        };
        self.broadcast(&push.topic, reference, &broadcast);
    }

    async fn join(&mut self, push: &Push<'_>) -> Result<(), Refusal> {
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
            waiting: waiting.then(|| push.reference.clone()),
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
                Some(reference) => self.complete(&topic, reference.as_ref()),
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

    async fn access_token(&mut self, topic: &str, payload: &RawValue) {
        #[derive(Deserialize)]
        struct Token {
            #[serde(default)]
            access_token: Option<String>,
        }
        let token = serde_json::from_str::<Token>(payload.get()).ok();
        let Some(token) = token.and_then(|payload| payload.access_token) else {
            return;
        };
        match self.authenticate(&token).await {
            Ok(()) => self.recheck_access().await,
            Err(refusal) => self.expel(topic, &refusal.to_string()),
        }
    }

    async fn authenticate(&mut self, token: &str) -> Result<(), Refusal> {
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

    fn broadcast(&self, topic: &str, reference: Option<&Ref>, broadcast: &Broadcast<'_>) {
        let Some(channel) = self
            .channels
            .get(topic)
            .filter(|channel| channel.access.write)
        else {
            return;
        };
        let fits = broadcast.payload.len() <= self.shared.limits.broadcast_bytes;
        if fits {
            metrics::counter!("realtime_broadcasts_total").increment(1);
            self.shared.hub.topics.broadcast(&channel.member, broadcast);
        }
        if channel.ack {
            let response = if fits {
                json!({})
            } else {
                json!({"error": "payload_size_exceeded"})
            };
            self.reply(channel.join_ref.as_ref(), reference, topic, fits, &response);
        }
    }

    fn presence(&self, topic: &str, reference: Option<&Ref>, payload: &RawValue) {
        #[derive(Deserialize)]
        struct Said {
            event: String,
            #[serde(default)]
            payload: Option<Map<String, Value>>,
        }
        let Some(channel) = self.channels.get(topic) else {
            return;
        };
        let hub = &self.shared.hub;
        let fits = payload.get().len() <= self.shared.limits.presence_bytes;
        let said = serde_json::from_str::<Said>(payload.get());
        match said {
            Ok(_) if !channel.access.write => {
                self.complain(topic, reference, "presence may not be tracked here");
                return;
            }
            Ok(_) if !fits => {
                self.system(topic, "system", "error", "Track message size exceeded");
                self.complain(topic, reference, "Track message size exceeded");
                return;
            }
            Ok(said) if said.event.eq_ignore_ascii_case("track") => {
                let payload = said.payload.unwrap_or_default();
                hub.topics.track(
                    &channel.member,
                    &channel.presence_key,
                    hub.next_id(),
                    payload,
                );
            }
            Ok(said) if said.event.eq_ignore_ascii_case("untrack") => {
                hub.topics.untrack(&channel.member);
            }
            _ => {
                self.complain(
                    topic,
                    reference,
                    "presence is `track` with an object, or `untrack`",
                );
                return;
            }
        }
        self.reply(
            channel.join_ref.as_ref(),
            reference,
            topic,
            true,
            &json!({}),
        );
    }

    fn is_joined(&self, topic: &str, join_ref: Option<&Ref>) -> bool {
        self.channels.get(topic).is_some_and(|channel| {
            channel.waiting.is_none()
                && (join_ref.is_none() || channel.join_ref.as_ref() == join_ref)
        })
    }

    fn leave(&mut self, topic: &str) {
        if let Some(channel) = self.channels.remove(topic) {
            channel.leave(&self.shared.hub);
        }
    }

    /// Ends a channel from this side. With `phx_error`, after which a client joins again, and
    /// not `phx_close`, after which it never does.
    fn expel(&mut self, topic: &str, why: &str) {
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

    fn complain(&self, topic: &str, reference: Option<&Ref>, text: &str) {
        let join_ref = self
            .channels
            .get(topic)
            .and_then(|channel| channel.join_ref.as_ref());
        let refusal = Refusal::new(Code::UnknownErrorOnChannel, text);
        let reason = json!({"reason": refusal.to_string()});
        self.reply(join_ref, reference, topic, false, &reason);
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

    fn reply(
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
