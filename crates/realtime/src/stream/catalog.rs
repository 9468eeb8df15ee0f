//! What the stream does not say about a table: the names of its types and its primary key.

use anyhow::Result;
use sqlx::PgConnection;

use super::{
    change::{Class, Column, Element, Relation},
    pgoutput::Described,
};

/// Completes a table's description from the catalogue.
pub(crate) async fn complete(db: &mut PgConnection, table: &Described) -> Result<Relation> {
    let oids: Vec<i64> = table
        .columns
        .iter()
        .map(|(_, oid)| i64::from(*oid))
        .collect();
    // A domain is shown, compared and written as the type under it.
    let types: Vec<(i64, String, String, bool)> = sqlx::query_as(
        "with recursive base as (
             select oid as asked, oid, typbasetype, typtype, typname, typelem, typcategory
               from pg_type where oid::bigint = any($1)
             union all
             select b.asked, t.oid, t.typbasetype, t.typtype, t.typname, t.typelem, t.typcategory
               from base b join pg_type t on t.oid = b.typbasetype
              where b.typtype = 'd'
         )
         select b.asked::bigint, b.typname::text, coalesce(e.typname, b.typname)::text,
                b.typcategory = 'A'
           from base b
           left join pg_type e on e.oid = b.typelem and b.typcategory = 'A'
          where b.typtype <> 'd'",
    )
    .bind(&oids)
    .fetch_all(&mut *db)
    .await?;
    let keys: Vec<String> = sqlx::query_scalar(
        "select a.attname::text
           from pg_index i
           join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
          where i.indrelid::bigint = $1 and i.indisprimary",
    )
    .bind(i64::from(table.oid))
    .fetch_all(db)
    .await?;
    let columns = table.columns.iter().map(|(name, oid)| {
        let found = types.iter().find(|(asked, ..)| *asked == i64::from(*oid));
        let (type_name, class) = match found {
            Some((_, name, element, is_array)) => (name.clone(), class(element, *is_array)),
            // Dropped since: the values are still text.
            None => ("text".to_owned(), Class::Text),
        };
        Column {
            name: name.clone(),
            type_name,
            class,
            key: keys.contains(name),
        }
    });
    Ok(Relation::new(&table.schema, &table.name, columns.collect()))
}

fn class(name: &str, is_array: bool) -> Class {
    let class = match name {
        "bool" => Class::Bool,
        "int2" | "int4" | "int8" | "float4" | "float8" | "numeric" | "oid" => Class::Number,
        "uuid" => Class::Uuid,
        "json" | "jsonb" => Class::Json,
        "date" | "timestamp" | "timestamptz" => Class::Timestamp,
        _ => Class::Text,
    };
    if !is_array {
        return class;
    }
    Class::Array(match class {
        Class::Bool => Element::Bool,
        Class::Number => Element::Number,
        Class::Json => Element::Json,
        Class::Timestamp => Element::Timestamp,
        Class::Uuid | Class::Text | Class::Array(_) => Element::Text,
    })
}
