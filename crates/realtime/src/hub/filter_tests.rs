use super::*;
use crate::stream::change::Column;

fn relation() -> Relation {
    let column = |name: &str, class: Class, type_name: &str| Column {
        name: name.into(),
        class,
        type_name: type_name.into(),
        key: name == "id",
    };
    Relation::new(
        "shop",
        "orders",
        vec![
            column("id", Class::Number, "int8"),
            column("title", Class::Text, "text"),
            column("done", Class::Bool, "bool"),
            column("at", Class::Timestamp, "timestamptz"),
            column("note", Class::Text, "text"),
        ],
    )
}

fn passes(filter: &str) -> bool {
    let row = [
        Cell::of("42"),
        Cell::of("a \"b\", (c)"),
        Cell::of("t"),
        Cell::of("2026-11-22 10:00:00.5+00"),
        Cell::Null,
    ];
    Filter::parse(filter).unwrap().passes(&relation(), &row)
}

#[test]
fn every_operator_and_its_negation() {
    let yes = [
        "",
        "id=eq.42",
        "id=eq.042.0",
        "id=neq.41",
        "id=lt.100",
        "id=lte.42",
        "id=gt.9",
        "id=gte.42",
        "id=in.(1,42)",
        r#"title=in.("x","a \"b\", (c)")"#,
        "title=like.a%",
        "title=ilike.A _b%",
        "title=match.^a.*c",
        "title=imatch.B",
        "note=is.null",
        "done=is.true",
        "done=eq.true",
        "note=isdistinct.x",
        "id=isdistinct.null",
        "at=gt.2026-11-22T10:00:00Z",
        "at=lt.2026-11-22T12:00:01%2B02:00",
        "id=gt.1,id=lt.50,done=is.true",
    ];
    for filter in yes {
        let filter = filter.replace("%2B", "+");
        assert!(passes(&filter), "{filter}");
        if let Some((column, rest)) = filter.split_once('=').filter(|_| !filter.contains(",id")) {
            assert!(!passes(&format!("{column}=not.{rest}")), "not {filter}");
        }
    }
    // A null column satisfies neither a comparison nor its negation, as in SQL.
    for filter in [
        "note=eq.x",
        "note=not.eq.x",
        "note=not.in.(x)",
        "note=like.%",
    ] {
        assert!(!passes(filter), "{filter}");
    }
    for filter in ["missing=eq.1", "id=eq.x", "id=not.eq.x", "id=gt.1,id=gt.50"] {
        assert!(!passes(filter), "{filter}");
    }
}

#[test]
fn what_cannot_be_compiled_is_refused() {
    let many = format!("id=in.({})", vec!["1"; 101].join(","));
    for filter in [
        "id",
        "id=eq",
        "id=near.1",
        "id=in.1",
        "id=in.()",
        "a=eq.\"x",
        "a=match.(",
        "a=match.(a)\\1",
        "a=is.7",
        &many,
    ] {
        assert!(Filter::parse(filter).is_err(), "{filter}");
    }
}

#[test]
fn an_equality_is_an_index() {
    let filter = Filter::parse("a=gt.1,b=in.(1,2)").unwrap();
    assert_eq!(
        filter.index(),
        Some(("b", &["1".to_owned(), "2".to_owned()][..]))
    );
    assert_eq!(Filter::parse("b=not.eq.1").unwrap().index(), None);
}
