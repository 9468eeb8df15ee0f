//! The form encoding Stripe's SDKs use: `a[b][0][c]=1`, `a[]=x`. Refuses bombs: too deep, too many, too long.

use std::fmt::Write as _;

use crate::core::{ApiError, Result};

/// A parsed form: text at the leaves, maps with their order kept in between. An array is a map with number keys.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tree {
    /// A value.
    Text(String),
    /// Named or numbered children.
    Map(Vec<(String, Tree)>),
}

const DEPTH: usize = 8;
const PAIRS: usize = 2_000;

impl Tree {
    /// An empty form.
    pub(crate) fn new() -> Self {
        Self::Map(Vec::new())
    }

    /// The children of a map, none for text.
    pub(crate) fn children(&self) -> &[(String, Tree)] {
        match self {
            Self::Map(children) => children,
            Self::Text(_) => &[],
        }
    }

    /// Adds the pairs of an encoded form or query.
    pub(crate) fn read(&mut self, encoded: &[u8]) -> Result<()> {
        for (count, (key, value)) in url::form_urlencoded::parse(encoded).enumerate() {
            if count >= PAIRS {
                return Err(ApiError::invalid("Too many parameters in one request."));
            }
            let path = segments(&key)?;
            insert(self, &path, &value, &key)?;
        }
        Ok(())
    }

    /// One line for a fingerprint: equal forms give equal lines.
    pub(crate) fn canonical(&self, out: &mut String) {
        match self {
            Self::Text(text) => {
                let _ = write!(out, "{text:?}");
            }
            Self::Map(children) => {
                out.push('{');
                let mut sorted: Vec<_> = children.iter().collect();
                sorted.sort_by(|a, b| a.0.cmp(&b.0));
                for (key, child) in sorted {
                    let _ = write!(out, "{key:?}:");
                    child.canonical(out);
                    out.push(',');
                }
                out.push('}');
            }
        }
    }
}

fn segments(key: &str) -> Result<Vec<&str>> {
    let bad = || ApiError::invalid(format!("Invalid parameter name: {key}"));
    let Some(open) = key.find('[') else {
        return Ok(vec![key]);
    };
    let mut path = vec![&key[..open]];
    let mut rest = &key[open..];
    while !rest.is_empty() {
        let inner = rest.strip_prefix('[').ok_or_else(bad)?;
        let close = inner.find(']').ok_or_else(bad)?;
        path.push(&inner[..close]);
        rest = &inner[close + 1..];
        if path.len() > DEPTH {
            return Err(ApiError::invalid("Parameters are nested too deeply."));
        }
    }
    if path[0].is_empty() {
        return Err(bad());
    }
    Ok(path)
}

fn insert(tree: &mut Tree, path: &[&str], value: &str, key: &str) -> Result<()> {
    let Some((first, rest)) = path.split_first() else {
        *tree = Tree::Text(value.to_owned());
        return Ok(());
    };
    let Tree::Map(children) = tree else {
        return Err(ApiError::param(
            key,
            format!("Invalid object: parameter {key} is given both as a value and as an object."),
        ));
    };
    // `a[]` appends; anything else names its child.
    let name = if first.is_empty() {
        children.len().to_string()
    } else {
        (*first).to_owned()
    };
    let at = if let Some(at) = children.iter().position(|(child, _)| *child == name) {
        at
    } else {
        let fresh = if rest.is_empty() {
            Tree::Text(String::new())
        } else {
            Tree::new()
        };
        children.push((name, fresh));
        children.len() - 1
    };
    match (&children[at].1, rest.is_empty()) {
        (Tree::Map(_), true) => Err(ApiError::param(
            key,
            format!("Invalid value: parameter {key} is given both as a value and as an object."),
        )),
        _ => insert(&mut children[at].1, rest, value, key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Tree> {
        let mut tree = Tree::new();
        tree.read(text.as_bytes())?;
        Ok(tree)
    }

    #[test]
    fn nested_brackets_make_a_tree() {
        let tree = parse("items[0][price]=p&items[0][quantity]=2&expand[]=a&expand[]=b&x=%20y")
            .expect("parses");
        let mut line = String::new();
        tree.canonical(&mut line);
        assert_eq!(
            line,
            r#"{"expand":{"0":"a","1":"b",},"items":{"0":{"price":"p","quantity":"2",},},"x":" y",}"#
        );
    }

    #[test]
    fn contradictions_are_refused() {
        assert!(parse("a=1&a[b]=2").is_err());
        assert!(parse("a[b]=1&a=2").is_err());
        assert!(parse("a[b=1").is_err());
        assert!(parse("[a]=1").is_err());
        assert!(parse(&format!("a{}=1", "[b]".repeat(50))).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = Tree::new().read(&bytes);
        }

        #[test]
        fn no_brackets_make_it_panic(text in "[a-c\\[\\]=&%0-2]{0,120}") {
            let _ = Tree::new().read(text.as_bytes());
        }
    }
}
