//! A copy of somebody's data as one file: `data.json` for machines, `index.html` for its
//! owner, and their files. Written to a temporary file, never held in memory.

use anyhow::Context;
use serde_json::Value;
use std::{fmt::Write as _, fs::File, io::Write};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// A part of the copy.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) data: Value,
}

/// An archive that is being written.
pub(crate) struct Archive(ZipWriter<File>);

impl Archive {
    pub(crate) fn into(file: File) -> Self {
        Self(ZipWriter::new(file))
    }

    fn options() -> SimpleFileOptions {
        SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .large_file(true)
    }

    /// Begins a file whose bytes follow.
    pub(crate) fn begin(&mut self, name: &str) -> anyhow::Result<()> {
        // Pictures and archives do not get smaller, and this is no place to wait.
        let options = Self::options().compression_method(CompressionMethod::Stored);
        self.0.start_file(name, options).context("archive")
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.0.write_all(bytes).context("archive")
    }

    /// Writes what the parts say, and ends.
    pub(crate) fn finish(mut self, head: &Head<'_>, sections: &[Section]) -> anyhow::Result<File> {
        let all: serde_json::Map<String, Value> = sections
            .iter()
            .map(|section| (section.name.to_owned(), section.data.clone()))
            .collect();
        self.0.start_file("data.json", Self::options())?;
        serde_json::to_writer_pretty(&mut self.0, &all)?;
        self.0.start_file("index.html", Self::options())?;
        self.0.write_all(page(head, sections).as_bytes())?;
        self.0.finish().context("archive")
    }
}

/// What stands at the top.
#[derive(Debug)]
pub(crate) struct Head<'a> {
    pub(crate) product: &'a str,
    pub(crate) name: &'a str,
    pub(crate) at: String,
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2530;background:#fbfaf8}\
h1{font-size:1.6rem}h2{margin-top:2.5rem;border-bottom:1px solid #ddd8d0;padding-bottom:.3rem}\
table{border-collapse:collapse;width:100%;margin:.5rem 0;font-size:.9rem}\
td,th{text-align:left;vertical-align:top;padding:.35rem .75rem .35rem 0;border-bottom:1px solid #e9e5de;overflow-wrap:anywhere}\
th{font-weight:600}td{white-space:pre-wrap}.none{color:#6a7178}\
@media(prefers-color-scheme:dark){body{color:#f2f0ec;background:#15191f}td,th,h2{border-color:#333a44}.none{color:#a0a7b0}}";

/// A page that loads nothing, runs nothing, and reads from top to bottom.
fn page(head: &Head<'_>, sections: &[Section]) -> String {
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{0}: the data of {1}</title>\
         <style>{STYLE}</style></head><body><h1>What {0} holds about {1}</h1><p>As of {2}. \
         The same for machines is in <a href=\"data.json\">data.json</a>; your files are in \
         the folder <a href=\"files/\">files</a>.</p>",
        escaped(head.product),
        escaped(head.name),
        escaped(&head.at)
    );
    for section in sections {
        let _ = write!(html, "<h2>{}</h2>", escaped(section.title));
        draw(&mut html, &section.data, 3);
    }
    html.push_str("</body></html>\n");
    html
}

fn draw(html: &mut String, value: &Value, level: u8) {
    match value {
        Value::Object(fields)
            if fields
                .values()
                .any(|field| field.is_object() || field.is_array()) =>
        {
            for (name, field) in fields {
                let _ = write!(html, "<h{level}>{}</h{level}>", words(name));
                draw(html, field, level.saturating_add(1).min(6));
            }
        }
        Value::Object(fields) => {
            html.push_str("<table>");
            for (name, field) in fields {
                let _ = write!(
                    html,
                    "<tr><th scope=\"row\">{}</th><td>{}</td></tr>",
                    words(name),
                    said(field)
                );
            }
            html.push_str("</table>");
        }
        Value::Array(rows) if rows.is_empty() => html.push_str("<p class=\"none\">Nothing.</p>"),
        Value::Array(rows) => list(html, rows),
        other => {
            let _ = write!(html, "<p>{}</p>", said(other));
        }
    }
}

fn list(html: &mut String, rows: &[Value]) {
    let Some(Value::Object(first)) = rows.first() else {
        html.push_str("<ul>");
        for row in rows {
            let _ = write!(html, "<li>{}</li>", said(row));
        }
        html.push_str("</ul>");
        return;
    };
    html.push_str("<table><tr>");
    for name in first.keys() {
        let _ = write!(html, "<th scope=\"col\">{}</th>", words(name));
    }
    html.push_str("</tr>");
    for row in rows {
        html.push_str("<tr>");
        for name in first.keys() {
            let _ = write!(html, "<td>{}</td>", said(&row[name]));
        }
        html.push_str("</tr>");
    }
    html.push_str("</table>");
}

fn said(value: &Value) -> String {
    match value {
        Value::Null => "—".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => escaped(text),
        Value::Object(fields) if fields.is_empty() => "—".to_owned(),
        other => escaped(&other.to_string()),
    }
}

fn words(name: &str) -> String {
    let mut words = name.replace('_', " ");
    if let Some(first) = words.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    escaped(&words)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_page_is_readable_and_nothing_in_it_runs() {
        let head = Head {
            product: "Portico",
            name: "<script>alert(1)</script>",
            at: "2026-11-25".into(),
        };
        let sections = [Section {
            name: "identity",
            title: "Your account",
            data: json!({"account": {"email": "a@b.c", "last_seen_at": null},
                "devices": [{"device": "<img src=x onerror=alert(1)>", "current": true}],
                "notes": []}),
        }];
        let page = page(&head, &sections);
        assert!(page.contains("<h3>Account</h3>"));
        assert!(page.contains("<th scope=\"row\">Last seen at</th><td>—</td>"));
        assert!(page.contains("<p class=\"none\">Nothing.</p>"));
        assert!(!page.contains("<script>") && !page.contains("<img"));
    }
}
