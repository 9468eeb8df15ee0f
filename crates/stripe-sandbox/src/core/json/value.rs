//! JSON whose parts are counted and shared: a copy costs a count, and a change copies only the objects on its way.
//!
//! The sandbox keeps each object, each event's picture of it and each line of an invoice as one of these. Most of what a
//! command touches stays as it was, so a copy must not cost what the whole is large.

use std::sync::Arc;

use super::Text;

/// A JSON value.
#[derive(Clone, Default)]
pub(crate) enum Value {
    /// `null`.
    #[default]
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number: every amount and every moment.
    Int(i64),
    /// A number with a fraction: percentages.
    Float(f64),
    /// A string.
    String(Text),
    /// An array.
    Array(Arc<Vec<Value>>),
    /// An object.
    Object(Map),
}

static NULL: Value = Value::Null;

impl Value {
    /// The string, when it is one.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number, when it is one.
    pub(crate) fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The number, when it is one.
    #[expect(clippy::cast_precision_loss, reason = "asked of percentages only")]
    pub(crate) fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// The truth value, when it is one.
    pub(crate) fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(is) => Some(*is),
            _ => None,
        }
    }

    /// The array, when it is one.
    pub(crate) fn as_array(&self) -> Option<&Vec<Value>> {
        match self {
            Self::Array(array) => Some(array),
            _ => None,
        }
    }

    /// The object, when it is one.
    pub(crate) fn as_object(&self) -> Option<&Map> {
        match self {
            Self::Object(map) => Some(map),
            _ => None,
        }
    }

    /// The object to change, when it is one.
    pub(crate) fn as_object_mut(&mut self) -> Option<&mut Map> {
        match self {
            Self::Object(map) => Some(map),
            _ => None,
        }
    }

    /// The member of this name, when it is an object that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.as_object()?.get(key)
    }

    /// Whether it is `null`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether it is an object.
    pub(crate) fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    /// Whether it is an array.
    pub(crate) fn is_array(&self) -> bool {
        matches!(self, Self::Array(_))
    }
}

impl FromIterator<Value> for Value {
    fn from_iter<I: IntoIterator<Item = Value>>(entries: I) -> Self {
        Self::Array(Arc::new(entries.into_iter().collect()))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a == b,
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Array(a), Self::Array(b)) => Arc::ptr_eq(a, b) || a == b,
            (Self::Object(a), Self::Object(b)) => a == b,
            _ => false,
        }
    }
}

impl PartialEq<&str> for Value {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == Some(other)
    }
}

impl PartialEq<bool> for Value {
    fn eq(&self, other: &bool) -> bool {
        self.as_bool() == Some(*other)
    }
}

impl std::ops::Index<&str> for Value {
    type Output = Self;

    fn index(&self, key: &str) -> &Self {
        self.as_object()
            .and_then(|map| map.get(key))
            .unwrap_or(&NULL)
    }
}

impl std::ops::Index<usize> for Value {
    type Output = Self;

    fn index(&self, at: usize) -> &Self {
        self.as_array()
            .and_then(|array| array.get(at))
            .unwrap_or(&NULL)
    }
}

impl std::ops::IndexMut<&str> for Value {
    /// The slot at `key`, made when it is absent. What is not an object becomes one.
    fn index_mut(&mut self, key: &str) -> &mut Self {
        if !self.is_object() {
            *self = Self::Object(Map::default());
        }
        match self {
            Self::Object(map) => map.slot(key),
            _ => unreachable!("made an object just above"),
        }
    }
}

/// An object: its members in the order of their names.
#[derive(Clone, Default)]
pub(crate) struct Map(Arc<Vec<(Text, Value)>>);

impl Map {
    fn at(&self, key: &str) -> Result<usize, usize> {
        // Most steps are decided by the first letter, without a call.
        let first = key.as_bytes().first();
        self.0.binary_search_by(|(own, _)| {
            let own = own.as_bytes();
            own.first()
                .cmp(&first)
                .then_with(|| own.cmp(key.as_bytes()))
        })
    }

    /// The member of this name.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.at(key).ok().map(|at| &self.0[at].1)
    }

    /// Whether there is a member of this name.
    pub(crate) fn contains_key(&self, key: &str) -> bool {
        self.at(key).is_ok()
    }

    /// The place of a member, made when it is absent.
    fn slot(&mut self, key: &str) -> &mut Value {
        let at = match self.at(key) {
            Ok(at) => at,
            Err(at) => {
                Arc::make_mut(&mut self.0).insert(at, (key.into(), Value::Null));
                at
            }
        };
        &mut Arc::make_mut(&mut self.0)[at].1
    }

    /// Sets a member.
    pub(crate) fn insert(&mut self, key: &str, value: Value) {
        match self.at(key) {
            Ok(at) => Arc::make_mut(&mut self.0)[at].1 = value,
            Err(at) => Arc::make_mut(&mut self.0).insert(at, (key.into(), value)),
        }
    }

    /// Removes a member.
    pub(crate) fn remove(&mut self, key: &str) {
        if let Ok(at) = self.at(key) {
            Arc::make_mut(&mut self.0).remove(at);
        }
    }

    /// How many members there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Without the members whose names begin with `_`. Costs nothing when there are none.
    pub(crate) fn public(&self) -> Self {
        if self.keys().any(|key| key.starts_with('_')) {
            let kept = self.0.iter().filter(|(key, _)| !key.starts_with('_'));
            Self(Arc::new(kept.cloned().collect()))
        } else {
            self.clone()
        }
    }

    /// The members, to put somewhere else.
    pub(crate) fn into_members(self) -> Vec<(Text, Value)> {
        Arc::try_unwrap(self.0).unwrap_or_else(|shared| (*shared).clone())
    }

    /// The names.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Text> {
        self.0.iter().map(|(key, _)| key)
    }

    /// The members.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Text, &Value)> {
        self.0.iter().map(|(key, value)| (key, value))
    }
}

impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl<K: Into<Text>> FromIterator<(K, Value)> for Map {
    /// The last of equal names wins.
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(members: I) -> Self {
        let mut sorted: Vec<(Text, Value)> = members
            .into_iter()
            .map(|(key, value)| (key.into(), value))
            .collect();
        if !sorted.is_sorted_by(|a, b| a.0.as_str() < b.0.as_str()) {
            sorted.reverse();
            sorted.sort_by(|a, b| a.0.as_str().cmp(b.0.as_str()));
            sorted.dedup_by(|later, first| later.0 == first.0);
        }
        Self(Arc::new(sorted))
    }
}

impl<'a> IntoIterator for &'a Map {
    type Item = (&'a Text, &'a Value);
    type IntoIter = std::iter::Map<
        std::slice::Iter<'a, (Text, Value)>,
        fn(&'a (Text, Value)) -> (&'a Text, &'a Value),
    >;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(|(key, value)| (key, value))
    }
}
