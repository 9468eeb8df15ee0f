//! What somebody looks for among people, and who that is.
//!
//! Invariant: a search finds those whose name or address, or a word of it, begins so; only
//! where nobody's does, those in whom it stands anywhere. How names begin is read from one
//! stretch of an index however many there are; what stands inside them is not.

use super::{Status, people::Filter};
use kernel::id::UserId;

/// The index has so many letters of each beginning.
const KEPT: usize = 40;

/// Whom a search finds, once it was looked at.
#[derive(Debug, Clone)]
pub(crate) enum Found {
    /// Nobody is searched for: everybody.
    Anybody,
    /// Those with such a beginning, when nothing narrows the list but how they stand.
    Beginning(Beginning, Seen),
    /// Nobody but these.
    Few(Vec<UserId>),
    /// Many with such a beginning, among those whom the rest of the filter lets through.
    Many(Beginning),
    /// Those in whom it stands anywhere: a pattern for `like`.
    Inside(String),
}

impl Found {
    /// Whether they may be so many that a walk along the list soon holds a page of them. The
    /// trash is small, and read.
    pub(crate) fn many(&self, filter: &Filter) -> bool {
        let many = match self {
            Self::Beginning(_, seen) => seen.more,
            Self::Many(_) | Self::Inside(_) => true,
            Self::Anybody | Self::Few(_) => false,
        };
        many && filter.status != Some(Status::Deleted)
    }

    /// Whether it is one or two letters.
    pub(crate) fn short(&self) -> bool {
        match self {
            Self::Beginning(beginning, _) | Self::Many(beginning) => beginning.start().is_none(),
            _ => false,
        }
    }

    /// A pattern for `like` that lets through all whom the search does.
    pub(crate) fn rough(&self) -> Option<String> {
        match self {
            Self::Inside(pattern) => Some(pattern.clone()),
            Self::Beginning(beginning, _) | Self::Many(beginning) => Some(beginning.rough()),
            _ => None,
        }
    }

    /// The regular expression, where one narrows.
    pub(crate) fn expression(&self) -> Option<String> {
        match self {
            Self::Beginning(beginning, _) | Self::Many(beginning) => Some(beginning.expression()),
            _ => None,
        }
    }

    /// Who it is, where they are few.
    pub(crate) fn few(&self) -> Option<&[UserId]> {
        match self {
            Self::Few(people) => Some(people),
            _ => None,
        }
    }
}

/// How many have such a beginning, counted so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) people: i64,
    /// Whether there are more than were counted.
    pub(crate) more: bool,
}

/// How a name, an address or a word of it begins: letters and digits, with one blank for what
/// lies between words, as `identity.search_words` keeps them.
#[derive(Debug, Clone)]
pub(crate) struct Beginning {
    words: String,
    /// Only of those who stand so.
    status: Option<Status>,
}

impl Beginning {
    /// What is searched for as words; nothing where it has none, or more than is kept of any.
    fn of(text: &str) -> Option<Self> {
        let words: Vec<&str> = text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        let words = words.join(" ");
        (!words.is_empty() && words.chars().count() <= KEPT).then_some(Self {
            words,
            status: None,
        })
    }

    /// The same, only of those who stand so.
    pub(crate) fn among(self, status: Status) -> Self {
        Self {
            status: Some(status),
            ..self
        }
    }

    /// Of whom only.
    pub(crate) fn status(&self) -> Option<Status> {
        self.status
    }

    /// Its first three letters, by which beginnings stand in the order of names.
    pub(crate) fn start(&self) -> Option<&str> {
        let (last, letter) = self.words.char_indices().nth(2)?;
        self.words.get(..last + letter.len_utf8())
    }

    /// The first that begins so.
    pub(crate) fn from(&self) -> &str {
        &self.words
    }

    /// The first after those that begin so.
    pub(crate) fn until(&self) -> String {
        format!("{}\u{10FFFF}", self.words)
    }

    /// The same as a regular expression for one person's name and address, without the address's
    /// last part: they stand on lines of their own, and words do not reach from one into the other.
    pub(crate) fn expression(&self) -> String {
        format!(
            "(^|[^[:alnum:]]){}",
            self.words.replace(' ', r"[^[:alnum:]\n]+")
        )
    }

    /// A pattern for `like` that lets through all whom the expression does: it costs less.
    pub(crate) fn rough(&self) -> String {
        format!("%{}%", self.words.replace(' ', "%"))
    }
}

impl Filter {
    /// What is searched for, in lower case.
    fn text(&self) -> Option<String> {
        let text = self.search.as_deref()?.trim().to_lowercase();
        (!text.is_empty()).then_some(text)
    }

    /// Whether anybody is searched for.
    pub(crate) fn searches(&self) -> bool {
        self.text().is_some()
    }

    /// What is searched for as a beginning.
    pub(crate) fn beginning(&self) -> Option<Beginning> {
        Beginning::of(&self.text()?)
    }

    /// The same as a part, with what is special to `like` taken literally. One or two letters
    /// stand in nearly everybody's name, and no index of three letters knows them.
    pub(crate) fn inside(&self) -> Option<String> {
        let text = self.text()?;
        if text.len() < 3 && text.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return None;
        }
        let literal = text
            .replace('\\', r"\\")
            .replace('%', r"\%")
            .replace('_', r"\_");
        Some(format!("%{literal}%"))
    }

    /// Whether nothing but a search, and how people stand, narrows the list.
    pub(crate) fn only_searches(&self) -> bool {
        self.role.is_none()
            && !self.online
            && self.verified.is_none()
            && self.second_factor.is_none()
            && self.joined_from.is_none()
            && self.joined_until.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_words_with_blanks_between() {
        let words = |text: &str| Beginning::of(text).map(|found| found.words);
        assert_eq!(words("yara.gruber@bench"), Some("yara gruber bench".into()));
        assert_eq!(words(" o'brien "), Some("o brien".into()));
        assert_eq!(words("%_"), None);
        assert_eq!(words(&"a".repeat(41)), None);
    }

    #[test]
    fn a_start_is_three_letters() {
        let start = |text: &str| Some(Beginning::of(text)?.start()?.to_owned());
        assert_eq!(start("yara"), Some("yar".into()));
        assert_eq!(start("o'brien"), Some("o b".into()));
        assert_eq!(start("żółć"), Some("żół".into()));
        assert_eq!(start("ya"), None);
    }

    #[test]
    fn an_expression_keeps_to_a_line() {
        let beginning = Beginning::of("yara gr").unwrap();
        assert_eq!(
            beginning.expression(),
            r"(^|[^[:alnum:]])yara[^[:alnum:]\n]+gr"
        );
        assert_eq!(beginning.rough(), "%yara%gr%");
    }
}
