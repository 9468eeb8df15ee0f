//! A file of people on its way in.

use kernel::{Error, Result, id::UserId};
use time::OffsetDateTime;

kernel::id! {
    /// One file on its way in.
    ImportId
}

/// The most rows of a file.
pub const MOST_ROWS: usize = 100_000;
/// The most columns.
const MOST_COLUMNS: usize = 60;
/// The longest cell.
const LONGEST: usize = 2_000;

/// A file as it was read: the names of its columns, and its lines.
#[derive(Debug)]
pub struct Sheet {
    /// The first line.
    pub columns: Vec<String>,
    /// The others, each with its number and as many cells as there are columns.
    pub lines: Vec<(i32, Vec<String>)>,
}

impl Sheet {
    /// Reads CSV with commas, semicolons or tabs, as spreadsheets write it.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = std::str::from_utf8(bytes).map_err(|_| {
            fault(
                "not_utf8",
                "This file is not UTF-8. Save it as CSV UTF-8 and send it again.",
            )
        })?;
        if text.contains('\0') {
            return Err(fault("invalid", "This is no CSV file."));
        }
        // A line that ends as on Windows would be counted late.
        let text = text.replace("\r\n", "\n");
        let first = text.lines().next().unwrap_or_default();
        let often = |c: char| first.matches(c).count();
        let delimiter = [',', ';', '\t']
            .into_iter()
            .max_by_key(|c| (often(*c), *c == ','))
            .unwrap_or(',');
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter as u8)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let broken =
            |error: csv::Error| fault("invalid", format!("The file cannot be read: {error}."));
        let columns: Vec<String> = reader
            .headers()
            .map_err(broken)?
            .iter()
            .map(|name| name.chars().take(200).collect())
            .collect();
        if columns.is_empty() || columns.iter().all(String::is_empty) {
            return Err(fault(
                "empty",
                "The file is empty. Its first line names the columns.",
            ));
        }
        if columns.len() > MOST_COLUMNS {
            return Err(fault("too_many_columns", "A file has at most 60 columns."));
        }
        let mut lines = Vec::new();
        for record in reader.records() {
            let record = record.map_err(broken)?;
            let line = record.position().map_or(0, csv::Position::line);
            if record.iter().all(str::is_empty) {
                continue;
            }
            if lines.len() == MOST_ROWS {
                return Err(fault(
                    "too_many_rows",
                    "A file has at most 100,000 rows. Split it.",
                ));
            }
            let mut cells: Vec<String> = record
                .iter()
                .take(columns.len())
                .map(|cell| cell.chars().take(LONGEST).collect())
                .collect();
            cells.resize(columns.len(), String::new());
            lines.push((i32::try_from(line).unwrap_or(i32::MAX), cells));
        }
        if lines.is_empty() {
            return Err(fault(
                "empty",
                "The file names columns, but nobody in them.",
            ));
        }
        Ok(Self { columns, lines })
    }

    /// Which columns are likely the address, the name and the role.
    pub fn guess(columns: &[String]) -> (Option<i32>, Option<i32>, Option<i32>) {
        let find = |words: &[&str]| {
            let at = columns.iter().position(|column| {
                let column = column.to_lowercase();
                words.iter().any(|word| column.contains(word))
            });
            at.and_then(|at| i32::try_from(at).ok())
        };
        (
            find(&["mail"]),
            find(&["name"]),
            find(&["role", "rolle", "group"]),
        )
    }
}

fn fault(code: &'static str, message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::field("file", code, message)
}

/// Which column holds what.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// The address.
    pub email: i32,
    /// The name; made from the address without one.
    pub name: Option<i32>,
    /// The role's name or title.
    pub role: Option<i32>,
    /// What who names no role gets.
    pub default_role: String,
}

/// A file on its way in, as staff see it.
#[derive(Debug, Clone)]
pub struct Import {
    /// Its id.
    pub id: ImportId,
    /// Who sent it.
    pub actor: UserId,
    /// As the file is called.
    pub file_name: String,
    /// The names of its columns.
    pub columns: Vec<String>,
    /// How many people are in it.
    pub rows: i32,
    /// `staged`, `checked`, `running`, `done` or `failed`.
    pub state: String,
    /// How many can be taken over.
    pub good: Option<i32>,
    /// How many cannot.
    pub faulty: Option<i32>,
    /// Whether they get a mail.
    pub invite: bool,
    /// How many were taken over.
    pub made: Option<i32>,
    /// How many are through, while it runs and when it is done.
    pub through: Option<i32>,
    /// When it was sent.
    pub created_at: OffsetDateTime,
    /// When it was through.
    pub finished_at: Option<OffsetDateTime>,
}

/// A line that cannot be taken over, or one to look at.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_field_names,
    reason = "a line has a number of that name"
)]
pub struct Line {
    /// Its number in the file.
    pub line: i32,
    /// As it stands there.
    pub cells: Vec<String>,
    /// Why not: a stable code.
    pub problem: Option<String>,
}

/// What is wrong with a line, in words.
pub fn in_words(problem: &str) -> &'static str {
    match problem {
        "email_missing" => "There is no address.",
        "email_invalid" => "This is no e-mail address.",
        "name_invalid" => "A name is one line of at most 100 characters.",
        "role_unknown" => "There is no such role.",
        "role_not_yours" => "You may not give this role.",
        "twice" => "This address stands in the file before.",
        "taken" => "There is an account with this address already.",
        _ => "This line cannot be taken over.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_spreadsheets_write_is_read() {
        for text in [
            "\u{feff}Name,E-mail\nAda,ada@example.org\n",
            "Name;E-mail\r\nAda;ada@example.org\r\n\r\n",
            "Name\tE-mail\nAda\tada@example.org",
            "Name,E-mail\n\"Ada\",\"ada@example.org\",left over\n",
        ] {
            let sheet = Sheet::parse(text.as_bytes()).unwrap();
            assert_eq!(sheet.columns, ["Name", "E-mail"], "{text:?}");
            assert_eq!(
                sheet.lines,
                [(2, vec!["Ada".to_owned(), "ada@example.org".to_owned()])]
            );
            assert_eq!(Sheet::guess(&sheet.columns), (Some(1), Some(0), None));
        }
    }

    #[test]
    fn what_is_no_file_of_people_is_refused() {
        for bytes in [&b""[..], b"Name,E-mail\n", b"\xff\xfe\x00", b"\n\n\n"] {
            assert!(Sheet::parse(bytes).is_err(), "{bytes:?}");
        }
    }
}
