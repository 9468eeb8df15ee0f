//! Lists come in pages, by cursor: a page costs the same wherever it stands, and a row
//! that is added while somebody pages shifts nothing.

use crate::error::{Error, Result};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The most rows that a page holds.
pub const MOST: u32 = 100;
/// The rows of a page when nobody says.
pub const USUAL: u32 = 20;

/// What a list's query may say about its page.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Where the page before ended, as it said.
    pub cursor: Option<String>,
    /// How many rows, 1 to 100; 20 unless said.
    pub limit: Option<u32>,
}

impl PageQuery {
    /// The rows wanted, checked.
    pub fn limit(&self) -> Result<i64> {
        match self.limit.unwrap_or(USUAL) {
            limit @ 1..=MOST => Ok(i64::from(limit)),
            _ => Err(Error::field(
                "limit",
                "out_of_range",
                "A page holds 1 to 100 rows.",
            )),
        }
    }

    /// The place that the cursor names, if there is one.
    pub fn after<P: DeserializeOwned>(&self) -> Result<Option<P>> {
        self.cursor.as_deref().map(decode).transpose()
    }
}

/// A page of a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page begins; absent on the last.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Makes a page from `limit + 1` rows: the one too many only tells that more follow.
    pub fn of<R, P: Serialize>(
        mut rows: Vec<R>,
        limit: i64,
        place: impl Fn(&R) -> P,
        view: impl Fn(R) -> T,
    ) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = if more {
            rows.last().map(|row| encode(&place(row)))
        } else {
            None
        };
        Self {
            items: rows.into_iter().map(view).collect(),
            next_cursor,
        }
    }

    /// The same page in another shape.
    pub fn map<U>(self, view: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(view).collect(),
            next_cursor: self.next_cursor,
        }
    }
}

fn encode<P: Serialize>(place: &P) -> String {
    // A place is a tuple of numbers and ids: it always serialises.
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(place).unwrap_or_default())
}

fn decode<P: DeserializeOwned>(cursor: &str) -> Result<P> {
    URL_SAFE_NO_PAD
        .decode(cursor)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or_else(|| Error::field("cursor", "invalid", "This cursor is not one of ours."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_says_where_the_next_page_begins() {
        let page = Page::of(vec![3_u8, 2, 1], 2, |n| (*n, "x"), u16::from);
        assert_eq!(page.items, [3, 2]);
        let query = PageQuery {
            cursor: page.next_cursor,
            limit: None,
        };
        assert_eq!(
            query.after::<(u8, String)>().unwrap(),
            Some((2, "x".to_owned()))
        );
    }

    #[test]
    fn a_made_up_cursor_is_refused() {
        let query = PageQuery {
            cursor: Some("e30x".into()),
            limit: Some(101),
        };
        assert!(matches!(
            query.after::<(u8, String)>(),
            Err(Error::Invalid(_))
        ));
        assert!(matches!(query.limit(), Err(Error::Invalid(_))));
    }
}
