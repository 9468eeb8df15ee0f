//! What a client says: read, judged and answered, event by event.

use std::{sync::atomic::Ordering, time::Instant};

use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};

use super::{
    channel::Channel,
    connection::{Connection, End},
};
use crate::{
    actions::broadcast::Saying,
    protocol::{
        Code, Ref, Refusal,
        frame::{self, BinaryPush, Encoding, Push},
    },
};

impl Connection {
    /// Serves one text frame.
    pub(super) async fn text(&mut self, push: Push<'_>) -> Result<(), End> {
        let reference = push.reference.as_ref();
        match (push.topic.as_str(), push.event.as_str()) {
            ("phoenix", "heartbeat") => {
                self.reply(None, reference, "phoenix", true, &json!({}));
            }
            ("phoenix", "visibility") => self.visibility(reference, push.payload),
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
                        let saying = Saying {
                            event,
                            encoding,
                            payload,
                            persist: None,
                        };
                        self.broadcast(topic, reference, &saying).await;
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
    pub(super) async fn binary(&mut self, push: &BinaryPush) {
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
        let saying = Saying {
            event: &push.event,
            encoding: push.encoding,
            payload: &push.payload,
            persist: push.persist,
        };
        self.broadcast(&push.topic, reference, &saying).await;
    }

    /// The client's page is hidden, or looked at again. Ours beside the protocol: its clients send
    /// nothing of this kind, and lose nothing by that.
    fn visibility(&mut self, reference: Option<&Ref>, payload: &RawValue) {
        #[derive(Deserialize)]
        struct Seen {
            hidden: bool,
        }
        let seen = serde_json::from_str::<Seen>(payload.get());
        if let Ok(Seen { hidden }) = seen {
            self.seen(hidden);
        }
        self.reply(None, reference, "phoenix", seen.is_ok(), &json!({}));
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

    async fn broadcast(&self, topic: &str, reference: Option<&Ref>, saying: &Saying<'_>) {
        let channel = self.channels.get(topic);
        let (Some(channel), Some(admitted)) = (
            channel.filter(|channel| channel.access.write),
            self.admitted,
        ) else {
            return;
        };
        let sender = admitted.principal.user;
        let member = &channel.member;
        let said = if saying.payload.len() > self.shared.limits.broadcast_bytes {
            Err("payload_size_exceeded")
        } else if saying.persist.is_some() && !member.private {
            Err("persist_needs_a_private_channel")
        } else {
            let except = (!channel.self_broadcast).then_some(member.id);
            let said = self.shared.say(sender, &member.key(), except, saying).await;
            said.map_err(|error| {
                tracing::warn!(%error, "a message cannot be kept");
                "persist_failed"
            })
        };
        if channel.ack {
            let response = match said {
                Ok(()) => json!({}),
                Err(error) => json!({"error": error}),
            };
            let join_ref = channel.join_ref.as_ref();
            self.reply(join_ref, reference, topic, said.is_ok(), &response);
        }
    }

    fn presence(&mut self, topic: &str, reference: Option<&Ref>, payload: &RawValue) {
        #[derive(Deserialize)]
        struct Said {
            event: String,
            #[serde(default)]
            payload: Option<Map<String, Value>>,
        }
        if !self.presences.take(Instant::now()) {
            let text = "Client presence rate limit exceeded";
            self.system(topic, "system", "error", text);
            self.complain(topic, reference, text);
            return;
        }
        let Some(channel) = self.channels.get(topic) else {
            return;
        };
        let (hub, cluster) = (&self.shared.hub, &self.shared.cluster);
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
                if !channel.member.presence.load(Ordering::Relaxed) {
                    hub.topics.send_state(&channel.member);
                }
                cluster.track(&channel.member, &channel.presence_key, payload);
            }
            Ok(said) if said.event.eq_ignore_ascii_case("untrack") => {
                cluster.untrack(&channel.member);
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

    fn complain(&self, topic: &str, reference: Option<&Ref>, text: &str) {
        let join_ref = self
            .channels
            .get(topic)
            .and_then(|channel| channel.join_ref.as_ref());
        let refusal = Refusal::new(Code::UnknownErrorOnChannel, text);
        let reason = json!({"reason": refusal.to_string()});
        self.reply(join_ref, reference, topic, false, &reason);
    }
}
