//! The list of people, as staff search it.

use crate::{app::TestApp, person::Person};
use insta::assert_json_snapshot;
use serde_json::{Value, json};

async fn names(person: &Person, query: &str) -> Vec<String> {
    let answer = person.get(&format!("/users{query}")).await.status(200);
    let items = answer.body["items"].as_array().unwrap().clone();
    items
        .iter()
        .map(|item| item["name"].as_str().unwrap().to_owned())
        .collect()
}

/// Every page, one after the other.
async fn all(person: &Person, query: &str) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = person
            .get(&format!("/users?{query}{cursor}"))
            .await
            .status(200);
        items.extend(page.body["items"].as_array().unwrap().clone());
        match page.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

#[tokio::test]
async fn staff_see_who_is_here() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    app.member("bob").await;
    assert_json_snapshot!(
        "a_list_of_people",
        owner.get("/users?sort=name").await.steady()
    );
    let one = owner.get(&format!("/users/{}", owner.id())).await;
    assert_json_snapshot!("one_person", one.steady());
    assert_json_snapshot!("how_many_people", owner.get("/users/totals").await.steady());
    owner
        .get(&format!("/users/{}", uuid::Uuid::nil()))
        .await
        .status(404);
    owner.get("/users/nobody").await.status(404);
}

#[tokio::test]
async fn a_search_takes_every_character_literally() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    app.add_people(&[
        "100% Ada",
        "Under_Score",
        r"Back\slash",
        "Quo'te",
        "Plain",
        "Żółć",
    ])
    .await;
    for (search, found) in [
        ("%25", vec!["100% Ada"]),
        ("_", vec!["Under_Score"]),
        ("%5C", vec![r"Back\slash"]),
        ("'", vec!["Quo'te"]),
        ("PLAIN", vec!["Plain"]),
        ("%20plain%20", vec!["Plain"]),
        ("%C5%BC%C3%B3%C5%82", vec!["Żółć"]),
        ("%C5%BB%C3%93%C5%81%C4%86", vec!["Żółć"]),
        ("nobody-like-this", vec![]),
    ] {
        assert_eq!(
            names(&owner, &format!("?search={search}")).await,
            found,
            "{search}"
        );
    }
    assert_eq!(names(&owner, "?search=").await.len(), 7);
    owner.get("/users?search=%00").await.status(422);
}

#[tokio::test]
async fn one_or_two_letters_are_how_a_name_or_an_address_begins() {
    let app = TestApp::new().await;
    let owner = app.owner("owner").await;
    // Their addresses begin with hexadecimal digits.
    app.add_people(&["Zoë Lovelace", "Gus Lorimer", "Mallory", "王 明"])
        .await;
    for (search, found) in [
        ("lo", vec!["Gus Lorimer", "Zoë Lovelace"]),
        ("L", vec!["Gus Lorimer", "Zoë Lovelace"]),
        ("GU", vec!["Gus Lorimer"]),
        ("ow", vec!["owner"]),
        ("us", vec![]),
        ("llo", vec!["Mallory"]),
        // Letters beyond ASCII may be a whole name: they are found anywhere.
        ("明", vec!["王 明"]),
        ("ë", vec!["Zoë Lovelace"]),
    ] {
        let mut named = names(&owner, &format!("?search={search}")).await;
        named.sort();
        assert_eq!(named, found, "{search}");
    }
}

#[tokio::test]
async fn a_search_is_how_a_name_an_address_or_a_word_begins() {
    let app = TestApp::new().await;
    let owner = app.owner("owner").await;
    app.add_people(&[
        "Ann Smith",
        "Joanna Blacksmith",
        "Anna-Lena O'Brien",
        "Otto Annan Anselm",
    ])
    .await;
    app.sql("update identity.users set email_key = 'lena.brien+news@brien.example' where name like 'Anna%'")
        .await;
    for (search, found) in [
        // Somebody with two such words comes once.
        (
            "an",
            vec!["Ann Smith", "Anna-Lena O'Brien", "Otto Annan Anselm"],
        ),
        // Some begin so: who has it inside, is not meant.
        ("smith", vec!["Ann Smith"]),
        ("lacksm", vec!["Joanna Blacksmith"]),
        // Several words, whatever lies between them.
        ("anna lena", vec!["Anna-Lena O'Brien"]),
        ("o'br", vec!["Anna-Lena O'Brien"]),
        ("annan%20an", vec!["Otto Annan Anselm"]),
        ("lena.brien%2Bnews@brien.example", vec!["Anna-Lena O'Brien"]),
        ("news", vec!["Anna-Lena O'Brien"]),
        ("@brien", vec!["Anna-Lena O'Brien"]),
        ("smith joanna", vec![]),
    ] {
        let search = search.replace(' ', "%20");
        for narrowed in ["", "&verified=true", "&role=member", "&status=active"] {
            let mut named = names(&owner, &format!("?search={search}{narrowed}")).await;
            named.sort();
            assert_eq!(named, found, "{search}{narrowed}");
        }
        let count = owner.get(&format!("/users/count?search={search}")).await;
        assert_eq!(count.body["count"], found.len(), "{search}");
    }
    let long = "x".repeat(201);
    owner
        .get(&format!("/users?search={long}"))
        .await
        .status(422);
}

#[tokio::test]
async fn a_search_knows_what_changed_and_who_left() {
    let app = TestApp::new().await;
    let owner = app.owner("owner").await;
    app.add_people(&["Ada King", "Bob King"]).await;
    app.sql("update identity.users set name = 'Ada Lovelace' where name = 'Ada King'")
        .await;
    assert_eq!(names(&owner, "?search=king").await, ["Bob King"]);
    assert_eq!(names(&owner, "?search=lovel").await, ["Ada Lovelace"]);
    app.sql(
        "update identity.users set status = 'deleted', deleted_at = now() where name = 'Bob King'",
    )
    .await;
    assert!(names(&owner, "?search=king").await.is_empty());
    for search in ["king", "ki"] {
        let trash = names(&owner, &format!("?status=deleted&search={search}")).await;
        assert_eq!(trash, ["Bob King"], "{search}");
    }
    app.sql(
        "update identity.users set status = 'active', deleted_at = null where name = 'Bob King'",
    )
    .await;
    assert_eq!(names(&owner, "?search=king").await, ["Bob King"]);
    app.sql("delete from identity.users where name = 'Bob King'")
        .await;
    assert!(names(&owner, "?search=king").await.is_empty());
}

/// More than a list counts, so that it is walked in its order: as many begin so at its one end,
/// and next to nobody at the other.
#[tokio::test]
async fn a_search_that_finds_very_many_comes_in_every_order() {
    let app = TestApp::new().await;
    let owner = app.owner("owner").await;
    app.sql(
        "insert into identity.users (id, email, email_key, name, created_at)
         select gen_random_uuid(), n || '@x.example', n || '@x.example',
             case when n <= 1100 then 'Zoe Zander ' else 'Max ' end || n, now() - n * interval '1 hour'
         from generate_series(1, 3500) n",
    )
    .await;
    app.sql("insert into identity.profiles (user_id) select id from identity.users on conflict do nothing")
        .await;
    for sort in ["-created_at", "created_at", "name", "-name"] {
        let page = owner
            .get(&format!("/users?search=z&limit=1&sort={sort}"))
            .await;
        assert_eq!(
            (&page.body["total"], &page.body["more"]),
            (&json!(1000), &json!(true))
        );
        let found = all(&owner, &format!("search=z&limit=100&sort={sort}")).await;
        let of = |found: &[Value]| -> Vec<String> {
            let each = found
                .iter()
                .map(|one| one["name"].as_str().unwrap().to_owned());
            each.collect()
        };
        let (mut named, listed) = (
            of(&found),
            of(&all(&owner, &format!("limit=100&sort={sort}")).await),
        );
        let expected: Vec<String> = listed
            .into_iter()
            .filter(|name| name.starts_with('Z'))
            .collect();
        assert_eq!(named, expected, "{sort}");
        named.sort();
        named.dedup();
        assert_eq!(named.len(), 1100, "{sort}");
    }
    let count = owner.get("/users/count?search=z").await;
    assert_eq!(count.body["count"], 1100);
}

#[tokio::test]
async fn people_are_narrowed_by_state_and_role() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    app.add_people(&["Ada", "Bob"]).await;
    app.sql("update identity.users set status = 'suspended' where name = 'Bob'")
        .await;
    assert_eq!(names(&owner, "?status=suspended").await, ["Bob"]);
    assert_eq!(names(&owner, "?role=owner").await, ["eva"]);
    assert_eq!(names(&owner, "?role=member&status=active").await, ["Ada"]);
    assert_eq!(names(&owner, "?role=nothing").await, Vec::<String>::new());
    let total = owner.get("/users?role=member&limit=1").await.body["total"].clone();
    assert_eq!(total, 2);
    for wrong in ["?status=asleep", "?sort=age", "?limit=x"] {
        owner.get(&format!("/users{wrong}")).await.status(422);
    }
    for wrong in ["?limit=0", "?limit=101", "?cursor=x", "?cursor=e30"] {
        owner.get(&format!("/users{wrong}")).await.status(422);
    }
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    // Names that are equal, and equal but for their case: the id decides.
    let added: Vec<String> = (0..23)
        .map(|n| ["Same", "same", "Other"][n % 3].to_owned())
        .collect();
    app.add_people(&added.iter().map(String::as_str).collect::<Vec<_>>())
        .await;
    app.sql("update identity.users set created_at = date_trunc('day', created_at)")
        .await;
    for sort in ["name", "-name", "created_at", "-created_at"] {
        let whole = owner
            .get(&format!("/users?limit=100&sort={sort}"))
            .await
            .status(200);
        let paged = all(&owner, &format!("limit=5&sort={sort}")).await;
        assert_eq!(whole.body["items"], json!(paged), "{sort}");
        assert_eq!(paged.len(), 24);
    }
}

#[tokio::test]
async fn a_cursor_of_one_order_does_not_break_another() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    app.add_people(&["Ada", "Bob"]).await;
    let page = owner.get("/users?limit=1&sort=name").await.status(200);
    let cursor = page.body["next_cursor"].as_str().unwrap();
    owner
        .get(&format!("/users?sort=created_at&cursor={cursor}"))
        .await
        .status(422);
}
