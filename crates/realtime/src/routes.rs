//! Broadcasts over HTTP, for those who have something to say and nothing to hear.
//!
//! The paths, bodies and statuses are the protocol's. A failure is a problem document, with the
//! text also under `error`, where its clients look for it.

use axum::{
    Json, Router,
    body::{Bytes, to_bytes},
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    middleware::map_response,
    response::{IntoResponse as _, Response},
    routing::post,
};
use kernel::{Error, Principal, Result};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    Realtime,
    actions::broadcast::{Saying, key},
    ports::Denied,
    protocol::frame::{Encoding, Persist},
};

/// Messages that one request may carry.
const MESSAGES: usize = 100;

pub(crate) fn router(realtime: Realtime) -> Router {
    Router::new()
        .route("/api/broadcast", post(many))
        .route("/api/broadcast/{topic}/events/{event}", post(one))
        .layer(map_response(readable))
        .with_state(realtime)
}

#[derive(Deserialize)]
struct ManyBody<'a> {
    #[serde(borrow)]
    messages: Vec<MessageBody<'a>>,
}

#[derive(Deserialize)]
struct MessageBody<'a> {
    topic: String,
    event: String,
    #[serde(borrow)]
    payload: &'a RawValue,
    #[serde(default)]
    private: bool,
}

/// Says several things. All are judged before the first is said.
async fn many(
    State(realtime): State<Realtime>,
    principal: Option<Principal>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode> {
    let caller = caller(&realtime, principal, &headers).await?;
    let body: ManyBody<'_> = serde_json::from_slice(&body).map_err(|error| Error::Unreadable {
        status: StatusCode::BAD_REQUEST,
        code: "invalid_json",
        detail: error.to_string(),
    })?;
    let count = body.messages.len();
    if count == 0 || count > MESSAGES {
        let text = format!("Send between 1 and {MESSAGES} messages at once.");
        return Err(Error::field("messages", "count", text));
    }
    realtime.may_say(&caller, count)?;
    for (index, message) in body.messages.iter().enumerate() {
        let place = |name: &str| format!("messages[{index}].{name}");
        check(&message.topic, &message.event, &place)?;
        realtime.fits(message.payload.get().len(), &place("payload"))?;
        let (topic, private) = (&message.topic, message.private);
        realtime.may_write(&caller, topic, private).await?;
    }
    for message in &body.messages {
        let saying = Saying {
            event: &message.event,
            encoding: Encoding::Json,
            payload: message.payload.get().as_bytes(),
            persist: None,
        };
        let key = key(&message.topic, message.private);
        realtime
            .shared
            .say(caller.user, &key, None, &saying)
            .await?;
    }
    Ok(StatusCode::ACCEPTED)
}

#[derive(Deserialize)]
struct OneQuery {
    #[serde(default)]
    private: Option<String>,
    #[serde(default)]
    persist: Option<String>,
    #[serde(default, rename = "persist[ttl]")]
    ttl: Option<String>,
}

/// Says one thing, the body itself: JSON, or bytes.
async fn one(
    State(realtime): State<Realtime>,
    Path((topic, event)): Path<(String, String)>,
    Query(query): Query<OneQuery>,
    principal: Option<Principal>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode> {
    let caller = caller(&realtime, principal, &headers).await?;
    check(&topic, &event, &str::to_owned)?;
    let is = |value: &Option<String>| matches!(value.as_deref(), Some("true" | "1"));
    let private = is(&query.private);
    let persist = match &query.ttl {
        Some(seconds) => {
            let text = "Say for how many seconds the message is kept.";
            let seconds = seconds.parse();
            let seconds = seconds.map_err(|_| Error::field("persist[ttl]", "invalid", text))?;
            Some(Persist(Some(seconds)))
        }
        None => is(&query.persist).then_some(Persist(None)),
    };
    if persist.is_some() && !private {
        let text = "Only messages of private channels are kept.";
        return Err(Error::field("persist", "needs_private", text));
    }
    let media = headers.get(header::CONTENT_TYPE);
    let media = media
        .and_then(|media| media.to_str().ok())
        .unwrap_or_default();
    let encoding = if media.starts_with("application/octet-stream") {
        Encoding::Binary
    } else if serde_json::from_slice::<&RawValue>(&body).is_ok() {
        Encoding::Json
    } else {
        return Err(Error::Unreadable {
            status: StatusCode::BAD_REQUEST,
            code: "invalid_json",
            detail: "The body is neither JSON nor application/octet-stream.".into(),
        });
    };
    realtime.fits(body.len(), "body")?;
    realtime.may_say(&caller, 1)?;
    realtime.may_write(&caller, &topic, private).await?;
    let saying = Saying {
        event: &event,
        encoding,
        payload: &body,
        persist,
    };
    let key = key(&topic, private);
    realtime
        .shared
        .say(caller.user, &key, None, &saying)
        .await?;
    Ok(StatusCode::ACCEPTED)
}

/// Who calls: whom the server recognised, or whose token stands where clients put their key.
async fn caller(
    realtime: &Realtime,
    principal: Option<Principal>,
    headers: &HeaderMap,
) -> Result<Principal> {
    if let Some(principal) = principal {
        return Ok(principal);
    }
    let shared = &realtime.shared;
    let key = headers.get("apikey").and_then(|key| key.to_str().ok());
    let Some(key) = key else {
        return Err(Error::Unauthenticated);
    };
    match shared.authenticator.by_token(key).await {
        Ok(admitted) if admitted.expires_at > shared.clock.now() => Ok(admitted.principal),
        Err(Denied::Unavailable) => Err(Error::Unavailable(
            "Who calls cannot be looked up right now. Try again in a moment.",
        )),
        Ok(_) | Err(_) => Err(Error::Unauthenticated),
    }
}

fn check(topic: &str, event: &str, place: &dyn Fn(&str) -> String) -> Result<()> {
    for (name, value, most) in [("topic", topic, 512), ("event", event, 255)] {
        if value.is_empty() {
            return Err(Error::field(
                place(name),
                "required",
                "This cannot be empty.",
            ));
        }
        if value.len() > most {
            let text = format!("At most {most} bytes.");
            return Err(Error::field(place(name), "too_long", text));
        }
    }
    Ok(())
}

impl Realtime {
    fn fits(&self, length: usize, place: &str) -> Result<()> {
        let most = self.shared.limits.broadcast_bytes;
        if length > most {
            let detail = format!("{place}: a message has at most {most} bytes.");
            return Err(Error::Unreadable {
                status: StatusCode::PAYLOAD_TOO_LARGE,
                code: "payload_size_exceeded",
                detail,
            });
        }
        Ok(())
    }

    async fn may_write(&self, caller: &Principal, topic: &str, private: bool) -> Result<()> {
        if self.shared.config.private_only && !private {
            let text = "Only private channels are offered here.";
            return Err(Error::forbidden("private_only", text));
        }
        let channels = &self.shared.channels;
        let access = channels.access(caller, topic, private).await;
        if access.write {
            return Ok(());
        }
        let text = format!("You may not broadcast on the channel {topic}.");
        Err(Error::forbidden("channel_forbidden", text))
    }

    fn may_say(&self, caller: &Principal, count: usize) -> Result<()> {
        if self.shared.senders.take(caller.user, count) {
            return Ok(());
        }
        let retry_after = std::time::Duration::from_secs(1);
        Err(Error::TooMany { retry_after })
    }
}

/// Puts a failure's text where the protocol's clients look for it.
async fn readable(response: Response) -> Response {
    if response.status().is_success() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, 64 * 1024).await else {
        return parts.status.into_response();
    };
    let Ok(mut problem) = serde_json::from_slice::<serde_json::Value>(&body) else {
        return (parts, body).into_response();
    };
    let text = [
        &problem["errors"][0]["message"],
        &problem["detail"],
        &problem["title"],
    ]
    .into_iter()
    .find_map(|text| text.as_str().map(str::to_owned));
    if let (Some(text), Some(problem)) = (text, problem.as_object_mut()) {
        problem.insert("error".into(), text.into());
    }
    parts.headers.remove(header::CONTENT_LENGTH);
    (parts, Json(problem)).into_response()
}
