//! The words of a mail that people may change while the server runs: checked whole, every
//! fault in its field.
//!
//! Refuses everything of a template's language but naming what the mail knows, and leaving a
//! part out where that is empty. Where the button leads is not theirs to change.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, EVERYWHERE},
    model::one_line,
    templates::{Action, Source},
};
use crate::error::{Faults, Result};

const PARAGRAPHS: usize = 20;

/// The words of one mail. Each may name what the mail knows, as in `{{ name }}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// One line.
    pub subject: String,
    /// What readers show beside the subject.
    pub preheader: String,
    /// The first line of the mail itself.
    pub heading: String,
    /// What it says; line breaks stay.
    pub paragraphs: Vec<String>,
    /// What stands on the button, in mails that have one.
    pub button: Option<String>,
    /// The small print below.
    pub note: Option<String>,
}

impl Words {
    pub(super) fn of(source: &Source) -> Self {
        Self {
            subject: source.subject.clone(),
            preheader: source.preheader.clone(),
            heading: source.heading.clone(),
            paragraphs: source.paragraphs.clone(),
            button: source.action.as_ref().map(|action| action.label.clone()),
            note: source.note.clone(),
        }
    }

    /// These words, with the link of the mail that they are for.
    pub(super) fn over(&self, source: &Source) -> Source {
        Source {
            subject: self.subject.clone(),
            preheader: self.preheader.clone(),
            heading: self.heading.clone(),
            paragraphs: self.paragraphs.clone(),
            action: source.action.as_ref().map(|action| Action {
                label: self.button.clone().unwrap_or_else(|| action.label.clone()),
                url: action.url.clone(),
            }),
            note: self.note.clone(),
        }
    }

    /// The words as they are kept: tidied, and every fault told at once.
    pub(super) fn checked(&self, about: &About, source: &Source) -> Result<Self> {
        let mut check = Check {
            about,
            faults: Faults::default(),
        };
        let tidy = Self {
            subject: check.line("subject", &self.subject, 200, true),
            preheader: check.line("preheader", &self.preheader, 200, false),
            heading: check.line("heading", &self.heading, 200, true),
            paragraphs: check.paragraphs(&self.paragraphs),
            button: source.action.as_ref().map(|_| {
                let said = self.button.as_deref().unwrap_or_default();
                check.line("button", said, 60, true)
            }),
            note: self.note.as_deref().and_then(|note| {
                let note = check.text("note", note, 1_000, false);
                (!note.is_empty()).then_some(note)
            }),
        };
        if source.action.is_none() && self.button.is_some() {
            check
                .faults
                .add("button", "not_here", "This mail has no button.");
        }
        if let Some(needed) = about.needed {
            let body = tidy.paragraphs.iter().chain([&tidy.heading]);
            let named = body
                .chain(tidy.note.iter())
                .filter_map(|text| names(text).ok())
                .any(|names| names.contains(&needed));
            if !named {
                let message =
                    format!("Readers need {{{{ {needed} }}}}: name it here or in the heading.");
                check
                    .faults
                    .add("paragraphs", "needed_placeholder", message);
            }
        }
        check.faults.check()?;
        Ok(tidy)
    }
}

struct Check<'a> {
    about: &'a About,
    faults: Faults,
}

impl Check<'_> {
    fn line(&mut self, field: &str, said: &str, most: usize, needed: bool) -> String {
        self.text(field, &one_line(said), most, needed)
    }

    fn paragraphs(&mut self, said: &[String]) -> Vec<String> {
        if said.len() > PARAGRAPHS {
            self.faults
                .add("paragraphs", "too_many", "At most 20 paragraphs.");
        }
        let mut kept = Vec::new();
        for (place, paragraph) in said.iter().take(PARAGRAPHS).enumerate() {
            let text = self.text(&format!("paragraphs[{place}]"), paragraph, 2_000, false);
            if !text.is_empty() {
                kept.push(text);
            }
        }
        if kept.is_empty() {
            self.faults
                .add("paragraphs", "required", "Say what the mail is about.");
        }
        kept
    }

    fn text(&mut self, field: &str, said: &str, most: usize, needed: bool) -> String {
        let text = said.replace("\r\n", "\n").trim().to_owned();
        let field = field.to_owned();
        if text.is_empty() && needed {
            self.faults.add(field, "required", "This is needed.");
        } else if text.chars().count() > most {
            let message = format!("At most {most} characters.");
            self.faults.add(field, "too_long", message);
        } else if text.chars().any(|c| c.is_control() && c != '\n') {
            let message = "There is a character in it that no mail can show.";
            self.faults.add(field, "invalid", message);
        } else {
            match names(&text) {
                Err(()) => {
                    let message = "Write placeholders as in {{ name }}, and what is left out where one is empty as in {% if reason %}…{% endif %}.";
                    self.faults.add(field, "unreadable_placeholder", message);
                }
                Ok(names) => self.known(field, &names),
            }
        }
        text
    }

    fn known(&mut self, field: String, names: &[&str]) {
        let may: Vec<&str> = self
            .about
            .placeholders
            .iter()
            .chain(&EVERYWHERE)
            .copied()
            .collect();
        if let Some(unknown) = names.iter().find(|name| !may.contains(name)) {
            let message = format!(
                "This mail knows no {{{{ {unknown} }}}}. It knows {}.",
                may.join(", ")
            );
            self.faults.add(field, "unknown_placeholder", message);
        }
    }
}

/// What a text names. Fails at whatever is neither a name nor a part that is left out.
pub(super) fn names(text: &str) -> Result<Vec<&str>, ()> {
    // For each part that is open: whether its `else` was said.
    let (mut found, mut open, mut rest) = (Vec::new(), Vec::new(), text);
    while let Some(at) = rest.find('{') {
        let inside = &rest[at + 1..];
        let (mark, close) = match inside.chars().next() {
            Some('{') => ('{', "}}"),
            Some('%') => ('%', "%}"),
            Some('#') => return Err(()),
            _ => {
                rest = inside;
                continue;
            }
        };
        // Looked for behind the whole opening mark: in `{%}` the sign stands once and closes nothing.
        let (inner, after) = inside[1..].split_once(close).ok_or(())?;
        let inner = inner.trim();
        if mark == '{' {
            found.push(name(inner)?);
        } else if let Some(condition) = inner.strip_prefix("if ") {
            found.push(name(condition.trim())?);
            open.push(false);
        } else if inner == "endif" {
            open.pop().ok_or(())?;
        } else if inner == "else" {
            let said = open.last_mut().ok_or(())?;
            if std::mem::replace(said, true) {
                return Err(());
            }
        } else {
            return Err(());
        }
        rest = after;
    }
    if open.is_empty() { Ok(found) } else { Err(()) }
}

fn name(text: &str) -> Result<&str, ()> {
    let plain = |c: char| c.is_ascii_lowercase() || c == '_';
    if text.is_empty() || !text.chars().all(plain) {
        return Err(());
    }
    // What a template's language takes for something else.
    if [
        "true", "false", "none", "not", "and", "or", "in", "is", "loop", "self",
    ]
    .contains(&text)
    {
        return Err(());
    }
    Ok(text)
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
