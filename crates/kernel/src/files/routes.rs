//! The API of files, under `/api/v1`.

use super::{
    Files,
    model::{File, FileId, IMAGES},
};
use crate::{
    error::{Error, Problem, Result},
    extract::{Json, Path, Query},
    id::UserId,
    principal::Principal,
};
use axum::{
    body::Body,
    extract::{
        DefaultBodyLimit, Multipart, State,
        multipart::{Field, MultipartError, MultipartRejection},
    },
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{Stream, stream};
use serde::{Deserialize, Serialize};
use std::{ops::Range, time::Duration};
use time::OffsetDateTime;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes, still without their store. How large a body may be is decided by the purpose,
/// while it streams, not by a limit for all.
pub fn router() -> OpenApiRouter<Files> {
    OpenApiRouter::new()
        .routes(routes!(upload))
        .routes(routes!(download, delete))
        .layer(DefaultBodyLimit::disable())
}

/// How long what nobody wants is read, so that the refusal arrives.
const LINGER: Duration = Duration::from_secs(10);

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct UploadQuery {
    /// What the file is for: it decides how large and of which types it may be.
    purpose: String,
}

/// A form with one file in it.
#[derive(utoipa::ToSchema)]
#[expect(
    dead_code,
    reason = "it describes the form; the form is read as a stream"
)]
struct UploadForm {
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    file: Vec<u8>,
}

/// A file.
#[derive(Serialize, utoipa::ToSchema)]
struct FileView {
    id: FileId,
    owner: UserId,
    purpose: String,
    name: String,
    /// As found in the content.
    media_type: String,
    /// In bytes.
    size: u64,
    /// In hexadecimal.
    sha256: String,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

impl From<File> for FileView {
    fn from(file: File) -> Self {
        Self {
            id: file.id,
            owner: file.owner,
            purpose: file.purpose,
            name: file.name,
            media_type: file.media_type,
            size: file.size,
            sha256: hex::encode(file.sha256),
            created_at: file.created_at,
        }
    }
}

/// Sends a file, as the field `file` of a form.
#[utoipa::path(post, path = "/files", tag = "files", operation_id = "upload_file",
    params(UploadQuery),
    request_body(content = UploadForm, content_type = "multipart/form-data"), responses(
        (status = 201, body = FileView), (status = 400, body = Problem),
        (status = 401, body = Problem), (status = 413, body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem)))]
async fn upload(
    State(files): State<Files>,
    sender: Principal,
    Query(query): Query<UploadQuery>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<(StatusCode, Json<FileView>)> {
    let mut form = form.map_err(|_| Error::Unreadable {
        status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
        code: "form_expected",
        detail: "Send a form (multipart/form-data) with the field file.".to_owned(),
    })?;
    let missing = || Error::field("file", "required", "Choose a file.");
    let field = form
        .next_field()
        .await
        .map_err(|error| unreadable(&error))?
        .ok_or_else(missing)?;
    if field.name() != Some("file") {
        return Err(missing());
    }
    let name = field.file_name().unwrap_or_default().to_owned();
    let taken = files
        .upload(&sender, &query.purpose, &name, chunks(field))
        .await;
    if taken.is_err() {
        // A browser that is still sending shows a broken connection instead of the answer, so the
        // rest is read over, for a while.
        let rest = async { while let Ok(Some(_)) = form.next_field().await {} };
        let _ = tokio::time::timeout(LINGER, rest).await;
    }
    Ok((StatusCode::CREATED, Json(taken?.into())))
}

fn chunks(field: Field<'_>) -> impl Stream<Item = Result<Bytes>> + Send {
    stream::unfold(Some(field), async |field| {
        let mut field = field?;
        match field.chunk().await {
            Ok(Some(bytes)) => Some((Ok(bytes), Some(field))),
            Ok(None) => None,
            Err(error) => Some((Err(unreadable(&error)), None)),
        }
    })
}

fn unreadable(error: &MultipartError) -> Error {
    let status = error.status();
    // What breaks off in the middle is the sender's, whatever it looks like from here.
    let status = if status.is_client_error() {
        status
    } else {
        StatusCode::BAD_REQUEST
    };
    Error::Unreadable {
        status,
        code: "unreadable_form",
        detail: error.body_text(),
    }
}

/// Reads a file, or one range of it. For its sender, for whoever its purpose names, and with
/// `files.read`.
#[utoipa::path(get, path = "/files/{id}", tag = "files", operation_id = "download_file",
    params(("id" = FileId, Path)), responses(
        (status = 200, description = "The whole file", content_type = "application/octet-stream"),
        (status = 206, description = "The range", content_type = "application/octet-stream"),
        (status = 304, description = "It is what the caller has"),
        (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 416, body = Problem)))]
async fn download(
    State(files): State<Files>,
    reader: Principal,
    Path(id): Path<FileId>,
    asked: HeaderMap,
) -> Result<Response> {
    let file = files.look_at(&reader, id).await?;
    let tag = format!("\"{}\"", hex::encode(&file.sha256));
    let mut headers = headers(&file, &tag)?;
    let text = |name| {
        asked
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    if text(header::IF_NONE_MATCH).is_some_and(|tags| matches(tags, &tag)) {
        headers.remove(header::CONTENT_TYPE);
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    // A range of something that has changed would be worse than the whole (RFC 9110 §13.1.5).
    let range = text(header::RANGE).filter(|_| text(header::IF_RANGE).is_none_or(|had| had == tag));
    let (status, range) = match range.map_or(Asked::Whole, |text| Asked::parse(text, file.size)) {
        Asked::Whole => (StatusCode::OK, 0..file.size),
        Asked::Part(range) => {
            let value = format!("bytes {}-{}/{}", range.start, range.end - 1, file.size);
            headers.insert(
                header::CONTENT_RANGE,
                value.parse().map_err(anyhow::Error::new)?,
            );
            (StatusCode::PARTIAL_CONTENT, range)
        }
        Asked::Nothing => return unsatisfiable(file.size),
    };
    headers.insert(
        header::CONTENT_LENGTH,
        HeaderValue::from(range.end - range.start),
    );
    let content = files.read(&file, range).await?;
    Ok((status, headers, Body::from_stream(content)).into_response())
}

/// Deletes a file. For its sender, and with `files.write`.
#[utoipa::path(delete, path = "/files/{id}", tag = "files", operation_id = "delete_file",
    params(("id" = FileId, Path)), responses(
        (status = 204), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn delete(
    State(files): State<Files>,
    caller: Principal,
    Path(id): Path<FileId>,
) -> Result<StatusCode> {
    files.delete(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How a file is served: as what it is, never as what a browser may guess; shown in the page only
/// if it is a picture; and with no right to do anything in our origin.
fn headers(file: &File, tag: &str) -> Result<HeaderMap> {
    let shown = IMAGES.contains(&file.media_type.as_str());
    let media_type = match file.media_type.as_str() {
        "text/plain" => "text/plain; charset=utf-8",
        other => other,
    };
    let mut headers = HeaderMap::new();
    for (name, value) in [
        (header::CONTENT_TYPE, media_type),
        (
            header::CONTENT_DISPOSITION,
            &disposition(if shown { "inline" } else { "attachment" }, &file.name),
        ),
        (header::ETAG, tag),
        (header::ACCEPT_RANGES, "bytes"),
        // Kept by the browser, and asked about each time: rights may have changed.
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; sandbox",
        ),
    ] {
        headers.insert(name, value.parse().map_err(anyhow::Error::new)?);
    }
    headers.insert(
        "cross-origin-resource-policy",
        HeaderValue::from_static("same-origin"),
    );
    Ok(headers)
}

/// RFC 6266: a plain name for old clients, and the real one in UTF-8.
fn disposition(kind: &str, name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ' {
                c
            } else {
                '_'
            }
        })
        .collect();
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push_str(&hex::encode_upper([byte]));
        }
    }
    format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

/// RFC 9110 §13.1.2: the comparison is a weak one.
fn matches(tags: &str, tag: &str) -> bool {
    tags.split(',')
        .map(str::trim)
        .any(|had| had == "*" || had.trim_start_matches("W/") == tag)
}

/// What a `Range` header asks for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// Everything; also for what need not be understood: another unit, several ranges.
    Whole,
    Part(Range<u64>),
    /// Something past the end.
    Nothing,
}

impl Asked {
    /// RFC 9110 §14.1.2.
    fn parse(text: &str, size: u64) -> Self {
        let Some((first, last)) = text
            .strip_prefix("bytes=")
            .and_then(|range| range.split_once('-'))
        else {
            return Self::Whole;
        };
        let (first, last) = (first.trim(), last.trim());
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            // More digits than fit are past any end.
            digits.then(|| text.parse().unwrap_or(u64::MAX))
        };
        match (number(first), number(last)) {
            (None, Some(0)) if first.is_empty() => Self::Nothing,
            (None, Some(length)) if first.is_empty() => {
                Self::Part(size.saturating_sub(length)..size)
            }
            (Some(first), None) if last.is_empty() && first < size => Self::Part(first..size),
            (Some(first), Some(last)) if first <= last && first < size => {
                Self::Part(first..last.saturating_add(1).min(size))
            }
            (Some(first), None) if last.is_empty() && first >= size => Self::Nothing,
            (Some(first), Some(last)) if first <= last => Self::Nothing,
            _ => Self::Whole,
        }
    }
}

fn unsatisfiable(size: u64) -> Result<Response> {
    let mut response = Error::Unreadable {
        status: StatusCode::RANGE_NOT_SATISFIABLE,
        code: "range_past_end",
        detail: format!("The file has {size} bytes."),
    }
    .into_response();
    let value = format!("bytes */{size}")
        .parse()
        .map_err(anyhow::Error::new)?;
    response.headers_mut().insert(header::CONTENT_RANGE, value);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        for (text, asked) in [
            ("bytes=0-0", Asked::Part(0..1)),
            ("bytes=2-", Asked::Part(2..10)),
            ("bytes=-3", Asked::Part(7..10)),
            ("bytes=-30", Asked::Part(0..10)),
            ("bytes=5-99999999999999999999999", Asked::Part(5..10)),
            ("bytes=10-", Asked::Nothing),
            ("bytes=10-12", Asked::Nothing),
            ("bytes=-0", Asked::Nothing),
            ("bytes=5-4", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("bytes=0-1,3-4", Asked::Whole),
            ("bytes=+1-2", Asked::Whole),
            ("lines=1-2", Asked::Whole),
            ("", Asked::Whole),
        ] {
            assert_eq!(Asked::parse(text, 10), asked, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_range_leaves_the_file(text in "bytes=[0-9]{0,20}-[0-9]{0,20}|.*", size in 1_u64..) {
            if let Asked::Part(range) = Asked::parse(&text, size) {
                prop_assert!(range.start < range.end && range.end <= size);
            }
        }

        #[test]
        fn any_name_makes_a_header(name in "[^\\p{Cc}]*") {
            let value = disposition("attachment", &name);
            prop_assert!(value.parse::<HeaderValue>().is_ok());
            prop_assert_eq!(value.matches('"').count(), 2);
        }
    }

    #[test]
    fn tags_are_compared_weakly() {
        assert!(matches("\"a\", W/\"b\"", "\"b\""));
        assert!(matches("*", "\"b\""));
        assert!(!matches("\"a\"", "\"b\""));
    }
}
