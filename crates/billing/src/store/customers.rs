//! Who pays, as the provider calls them.

use crate::model::payments::Buyer;
use kernel::id::UserId;
use sqlx::PgConnection;

/// Who buys, and what the provider calls them.
pub(crate) async fn buyer(db: &mut PgConnection, user: UserId) -> sqlx::Result<Option<Buyer>> {
    sqlx::query_as!(
        Buyer,
        r#"
        select p.name as "name!", p.email as "email!", c.provider_id as "customer?",
            c.checkout_id as checkout
        from published.people p
        left join billing.customers c on c.user_id = p.id
        where p.id = $1
        "#,
        user as UserId,
    )
    .fetch_optional(db)
    .await
}

/// Whom the provider calls so.
pub(crate) async fn user(db: &mut PgConnection, customer: &str) -> sqlx::Result<Option<UserId>> {
    sqlx::query_scalar!(
        r#"select user_id as "user: UserId" from billing.customers where provider_id = $1"#,
        customer,
    )
    .fetch_optional(db)
    .await
}

/// Notes what the provider calls somebody; whoever was first stays, and is told.
pub(crate) async fn link(
    db: &mut PgConnection,
    user: UserId,
    customer: &str,
) -> sqlx::Result<String> {
    sqlx::query_scalar!(
        r#"
        insert into billing.customers (user_id, provider_id) values ($1, $2)
        on conflict (user_id) do update set provider_id = billing.customers.provider_id
        returning provider_id
        "#,
        user as UserId,
        customer,
    )
    .fetch_one(db)
    .await
}

/// Forgets what the provider calls somebody; what that was.
pub(crate) async fn unlink(db: &mut PgConnection, user: UserId) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "delete from billing.customers where user_id = $1 returning provider_id",
        user as UserId,
    )
    .fetch_optional(db)
    .await
}

/// Notes on which page somebody may be paying now.
pub(crate) async fn paying(
    db: &mut PgConnection,
    user: UserId,
    checkout: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update billing.customers set checkout_id = $2 where user_id = $1",
        user as UserId,
        checkout,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Customers whose accounts went without a word to us, as those of the demo tenant do.
pub(crate) async fn of_nobody(db: &mut PgConnection) -> sqlx::Result<Vec<UserId>> {
    sqlx::query_scalar!(
        r#"
        select user_id as "user: UserId" from billing.customers c
        where not exists (select from published.people p where p.id = c.user_id)
        "#,
    )
    .fetch_all(db)
    .await
}
