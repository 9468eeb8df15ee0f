//! Filters of change bindings: `column=op.value`, joined by commas, with the 13 operators.
//!
//! Compiled once for each binding and answered from the row that is in hand; no SQL. They follow
//! SQL in that a null column satisfies nothing but `is` and `isdistinct`, negated or not. Regular
//! expressions run in linear time, so the few POSIX forms that cannot (back-references) are
//! refused at the join.

use std::{borrow::Cow, cmp::Ordering};

use regex::{Regex, RegexBuilder};

use crate::stream::change::{Cell, Class, Relation};

/// A compiled filter. Empty: every row passes.
#[derive(Debug, Default)]
pub(crate) struct Filter(Vec<Condition>);

#[derive(Debug)]
struct Condition {
    column: String,
    negated: bool,
    proof: Test,
}

#[derive(Debug)]
enum Test {
    Compare(Comparison, String),
    In(Vec<String>),
    Matches(Regex),
    Is(Option<bool>),
    IsDistinct(String),
}

#[derive(Debug, Clone, Copy)]
enum Comparison {
    Eq,
    Neq,
    Lt,
    Lte,
    Gt,
    Gte,
}

/// The most values that `in` takes.
const MAX_VALUES: usize = 100;

impl Filter {
    /// Compiles a filter, or says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let conditions = split(text)?;
        conditions
            .into_iter()
            .map(Condition::parse)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether a row passes.
    pub(crate) fn passes(&self, relation: &Relation, row: &[Cell]) -> bool {
        self.0
            .iter()
            .all(|condition| condition.passes(relation, row))
    }

    /// The first column that must equal one of a few values, with those values: the way by which
    /// a change finds its subscribers without asking every one.
    pub(crate) fn index(&self) -> Option<(&str, &[String])> {
        self.0.iter().find_map(|condition| match &condition.proof {
            _ if condition.negated => None,
            Test::Compare(Comparison::Eq, value) => {
                Some((condition.column.as_str(), std::slice::from_ref(value)))
            }
            Test::In(values) => Some((condition.column.as_str(), values.as_slice())),
            _ => None,
        })
    }
}

impl Condition {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not of the form column=operator.value");
        let (column, rest) = text.split_once('=').ok_or_else(wrong)?;
        let (negated, rest) = match rest.strip_prefix("not.") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let (operator, value) = rest.split_once('.').ok_or_else(wrong)?;
        let proof = match operator {
            "in" => Test::In(list(value)?),
            "is" => Test::Is(match value.to_ascii_lowercase().as_str() {
                "null" | "unknown" => None,
                "true" => Some(true),
                "false" => Some(false),
                _ => {
                    return Err(format!(
                        "`is` takes null, true, false or unknown, not `{value}`"
                    ));
                }
            }),
            "isdistinct" => Test::IsDistinct(unquote(value)?.into_owned()),
            "like" => Test::Matches(like(&unquote(value)?, false)?),
            "ilike" => Test::Matches(like(&unquote(value)?, true)?),
            "match" => Test::Matches(regex(&unquote(value)?, false)?),
            "imatch" => Test::Matches(regex(&unquote(value)?, true)?),
            _ => {
                let comparison = match operator {
                    "eq" => Comparison::Eq,
                    "neq" => Comparison::Neq,
                    "lt" => Comparison::Lt,
                    "lte" => Comparison::Lte,
                    "gt" => Comparison::Gt,
                    "gte" => Comparison::Gte,
                    _ => return Err(format!("`{operator}` is not an operator")),
                };
                Test::Compare(comparison, unquote(value)?.into_owned())
            }
        };
        let column = unquote(column.trim())?.into_owned();
        Ok(Self {
            column,
            negated,
            proof,
        })
    }

    fn passes(&self, relation: &Relation, row: &[Cell]) -> bool {
        // A column that the row does not show (key-only old rows) can satisfy nothing.
        let Some(index) = relation.position(&self.column) else {
            return false;
        };
        let cell = match row.get(index) {
            Some(Cell::Text(_)) => row[index].text(),
            Some(Cell::Null) => None,
            _ => return false,
        };
        let class = relation.columns[index].class;
        let answer = match (&self.proof, cell) {
            (Test::Is(None), cell) => Some(cell.is_none()),
            (Test::Is(Some(truth)), cell) => {
                Some(cell.is_some_and(|text| text == if *truth { "t" } else { "f" }))
            }
            (Test::IsDistinct(value), None) => Some(value != "null"),
            (Test::IsDistinct(value), Some(text)) => {
                Some(value == "null" || compare(class, text, value) != Some(Ordering::Equal))
            }
            (_, None) => None,
            (Test::Matches(regex), Some(text)) => Some(regex.is_match(text)),
            (Test::In(values), Some(text)) => Some(
                values
                    .iter()
                    .any(|value| compare(class, text, value) == Some(Ordering::Equal)),
            ),
            (Test::Compare(comparison, value), Some(text)) => {
                compare(class, text, value).map(|ordering| match comparison {
                    Comparison::Eq => ordering.is_eq(),
                    Comparison::Neq => ordering.is_ne(),
                    Comparison::Lt => ordering.is_lt(),
                    Comparison::Lte => ordering.is_le(),
                    Comparison::Gt => ordering.is_gt(),
                    Comparison::Gte => ordering.is_ge(),
                })
            }
        };
        answer.is_some_and(|answer| answer != self.negated)
    }
}

/// Compares a column's text with a filter's value as the column's type would. `None` when the
/// value is not one of that type.
fn compare(class: Class, text: &str, value: &str) -> Option<Ordering> {
    match class {
        Class::Bool => {
            let truth = |text: &str| match text.to_ascii_lowercase().as_str() {
                "t" | "true" | "1" | "yes" | "on" => Some(true),
                "f" | "false" | "0" | "no" | "off" => Some(false),
                _ => None,
            };
            Some(truth(text)?.cmp(&truth(value)?))
        }
        Class::Number => super::number::compare(text, value),
        Class::Timestamp => {
            let moment = |text: &str| super::moment::parse(text);
            Some(moment(text)?.cmp(&moment(value)?))
        }
        Class::Uuid => Some(text.cmp(value.to_ascii_lowercase().as_str())),
        Class::Json | Class::Array(_) | Class::Text => Some(text.cmp(value)),
    }
}

/// Splits at the commas that stand outside quotes and parentheses.
fn split(text: &str) -> Result<Vec<&str>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let (mut parts, mut start) = (Vec::new(), 0);
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    if quoted {
        return Err(format!("a quote is not closed in `{text}`"));
    }
    parts.push(text[start..].trim());
    Ok(parts)
}

fn list(text: &str) -> Result<Vec<String>, String> {
    let inner = text
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'))
        .ok_or_else(|| format!("`in` takes a list in parentheses, not `{text}`"))?;
    let values = split(inner)?;
    if values.is_empty() || values.len() > MAX_VALUES {
        return Err(format!("`in` takes 1 to {MAX_VALUES} values"));
    }
    values
        .into_iter()
        .map(|value| unquote(value).map(Cow::into_owned))
        .collect()
}

/// Takes `PostgREST` quotes off: `"a\"b"` is `a"b`.
fn unquote(text: &str) -> Result<Cow<'_, str>, String> {
    let Some(inner) = text.strip_prefix('"') else {
        return Ok(text.into());
    };
    let inner = inner
        .strip_suffix('"')
        .ok_or_else(|| format!("a quote is not closed in `{text}`"))?;
    let mut plain = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        plain.extend(match character {
            '\\' => characters.next(),
            other => Some(other),
        });
    }
    Ok(plain.into())
}

fn like(pattern: &str, ignore_case: bool) -> Result<Regex, String> {
    let mut translated = String::from("^(?s:");
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        let literal = match character {
            '%' => {
                translated.push_str(".*");
                continue;
            }
            '_' => {
                translated.push('.');
                continue;
            }
            '\\' => characters.next().unwrap_or('\\'),
            other => other,
        };
        translated.push_str(&regex::escape(literal.encode_utf8(&mut [0; 4])));
    }
    translated.push_str(")$");
    regex(&translated, ignore_case)
}

fn regex(pattern: &str, ignore_case: bool) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .case_insensitive(ignore_case)
        .size_limit(64 * 1024)
        .build()
        .map_err(|_| format!("the pattern `{pattern}` is not supported"))
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
