//! What a client says: read, judged and answered, event by event.

use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};

use super::{
    channel::Channel,
    connection::{Connection, End},
};
use crate::{
    hub::topics::Broadcast,
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
    pub(super) fn binary(&mut self, push: &BinaryPush) {
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
