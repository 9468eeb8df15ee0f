//! Making values: the macro `json!` and what it takes.

use std::sync::Arc;

use super::Text;
use super::value::{Map, Value};

/// JSON as it is written, with expressions in it; they are borrowed, not moved.
macro_rules! json {
    (null) => { $crate::core::json::Value::Null };
    ([]) => { $crate::core::json::Value::Array(std::sync::Arc::default()) };
    ({}) => { $crate::core::json::Value::Object($crate::core::json::Map::default()) };
    ([ $($inner:tt)* ]) => {{
        let mut list: Vec<$crate::core::json::Value> = $crate::core::json::empty();
        $crate::core::json::members!(@list list $($inner)*);
        $crate::core::json::Value::Array(std::sync::Arc::new(list))
    }};
    ({ $($inner:tt)* }) => {{
        let mut map: Vec<($crate::core::json::Text, $crate::core::json::Value)> = $crate::core::json::empty();
        $crate::core::json::members!(@map map $($inner)*);
        $crate::core::json::Value::Object(map.into_iter().collect())
    }};
    ($value:expr) => { $crate::core::json::ToValue::to_value(&$value) };
}

/// The members of an object and the entries of an array, one after the other.
macro_rules! members {
    (@map $map:ident) => {};
    (@map $map:ident $key:literal : null $(, $($rest:tt)*)?) => {
        $map.push(($crate::core::json::literal!($key), $crate::core::json::Value::Null));
        $($crate::core::json::members!(@map $map $($rest)*);)?
    };
    (@map $map:ident $key:literal : { $($inner:tt)* } $(, $($rest:tt)*)?) => {
        $map.push(($crate::core::json::literal!($key), $crate::core::json::json!({ $($inner)* })));
        $($crate::core::json::members!(@map $map $($rest)*);)?
    };
    (@map $map:ident $key:literal : [ $($inner:tt)* ] $(, $($rest:tt)*)?) => {
        $map.push(($crate::core::json::literal!($key), $crate::core::json::json!([ $($inner)* ])));
        $($crate::core::json::members!(@map $map $($rest)*);)?
    };
    (@map $map:ident $key:literal : $value:expr $(, $($rest:tt)*)?) => {
        $map.push(($crate::core::json::literal!($key), $crate::core::json::json!($value)));
        $($crate::core::json::members!(@map $map $($rest)*);)?
    };
    (@list $list:ident) => {};
    (@list $list:ident null $(, $($rest:tt)*)?) => {
        $list.push($crate::core::json::Value::Null);
        $($crate::core::json::members!(@list $list $($rest)*);)?
    };
    (@list $list:ident { $($inner:tt)* } $(, $($rest:tt)*)?) => {
        $list.push($crate::core::json::json!({ $($inner)* }));
        $($crate::core::json::members!(@list $list $($rest)*);)?
    };
    (@list $list:ident [ $($inner:tt)* ] $(, $($rest:tt)*)?) => {
        $list.push($crate::core::json::json!([ $($inner)* ]));
        $($crate::core::json::members!(@list $list $($rest)*);)?
    };
    (@list $list:ident $value:expr $(, $($rest:tt)*)?) => {
        $list.push($crate::core::json::json!($value));
        $($crate::core::json::members!(@list $list $($rest)*);)?
    };
}

pub(crate) use {json, members};

/// Where the macro begins.
pub(crate) fn empty<T>() -> Vec<T> {
    Vec::new()
}

/// What can stand in [`json!`] and behind `put`.
pub(crate) trait ToValue {
    /// The value, leaving what it was made of.
    fn to_value(&self) -> Value;
    /// The value, using it up.
    fn into_value(self) -> Value
    where
        Self: Sized,
    {
        self.to_value()
    }
}

impl ToValue for Value {
    fn to_value(&self) -> Value {
        self.clone()
    }

    fn into_value(self) -> Value {
        self
    }
}

impl ToValue for str {
    fn to_value(&self) -> Value {
        Value::String(self.into())
    }
}

impl ToValue for String {
    fn to_value(&self) -> Value {
        Value::String(self.as_str().into())
    }
}

impl ToValue for Text {
    fn to_value(&self) -> Value {
        Value::String(self.clone())
    }
}

impl ToValue for bool {
    fn to_value(&self) -> Value {
        Value::Bool(*self)
    }
}

impl ToValue for f64 {
    fn to_value(&self) -> Value {
        Value::Float(*self)
    }
}

macro_rules! whole {
    ($($kind:ty),*) => {$(
        impl ToValue for $kind {
            fn to_value(&self) -> Value {
                Value::Int(i64::try_from(*self).unwrap_or(i64::MAX))
            }
        }
    )*};
}
whole!(i64, i32, u16, u32, u64, usize);

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::to_value)
    }

    fn into_value(self) -> Value {
        self.map_or(Value::Null, T::into_value)
    }
}

impl<T: ToValue> ToValue for [T] {
    fn to_value(&self) -> Value {
        Value::Array(Arc::new(self.iter().map(T::to_value).collect()))
    }
}

impl<T: ToValue, const N: usize> ToValue for [T; N] {
    fn to_value(&self) -> Value {
        self.as_slice().to_value()
    }
}

impl<T: ToValue> ToValue for Vec<T> {
    fn to_value(&self) -> Value {
        self.as_slice().to_value()
    }

    fn into_value(self) -> Value {
        Value::Array(Arc::new(self.into_iter().map(T::into_value).collect()))
    }
}

impl<A: ToValue, B: ToValue> ToValue for (A, B) {
    fn to_value(&self) -> Value {
        json!([self.0, self.1])
    }
}

impl ToValue for Map {
    fn to_value(&self) -> Value {
        Value::Object(self.clone())
    }
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> Value {
        T::to_value(self)
    }
}
