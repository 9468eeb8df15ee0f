//! People as this face shows them: the account's own columns, and what only this face knows.

use crate::{
    model::{Email, Status},
    stack_auth::model::{Team, TeamId, User},
};
use kernel::id::UserId;
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// People by their ids, in no order.
pub(crate) async fn get_many(db: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<User>> {
    let rows = sqlx::query!(
        r#"
        select u.id as "id: UserId", u.email, u.email_verified_at is not null as "verified!",
            u.name, u.status as "status: Status", u.created_at, p.display_name,
            coalesce(s.nameless, false) as "nameless!", s.profile_image_url,
            s.client_metadata, s.client_read_only_metadata, s.server_metadata,
            s.selected_team_id, coalesce(s.otp_auth_enabled, false) as "otp!",
            u.suspended_reason, s.restricted_details,
            exists (select from identity.passkeys k where k.user_id = u.id) as "passkey!",
            coalesce((
                select jsonb_agg(
                    jsonb_build_object('id', a.provider, 'account_id', a.subject, 'email', a.email)
                    order by a.created_at, a.provider
                )
                from identity.provider_accounts a
                where a.user_id = u.id and a.allow_sign_in
            ), '[]') as "oauth_providers!: Value",
            exists (select from identity.passwords w where w.user_id = u.id) as "has_password!",
            exists (
                select from identity.totp o where o.user_id = u.id and o.confirmed_at is not null
            ) as "totp!",
            coalesce((
                select c.used_for_auth from identity.stack_contact_channels c
                where c.user_id = u.id and c.value_key = u.email_key
            ), true) as "email_used_for_auth!",
            coalesce((
                select max(x.last_seen_at) from identity.sessions x where x.user_id = u.id
            ), u.created_at) as "last_active_at!",
            t.id as "team_id?: TeamId", t.display_name as "team_name?",
            t.profile_image_url as team_image, t.client_metadata as team_client,
            t.client_read_only_metadata as team_read_only, t.server_metadata as team_server,
            t.created_at as "team_created_at?"
        from identity.users u
        join identity.profiles p on p.user_id = u.id
        left join identity.stack_users s on s.user_id = u.id
        left join identity.stack_teams t on t.id = s.selected_team_id
        where u.id = any($1) and u.status <> 'deleted'
        "#,
        ids,
    )
    .fetch_all(db)
    .await?;
    let people = rows.into_iter().map(|row| {
        let team = row.team_id.zip(row.team_name).zip(row.team_created_at);
        User {
            id: row.id,
            email_verified: row.verified,
            email_used_for_auth: row.email_used_for_auth,
            email: (!row.email.ends_with(crate::stack_auth::model::NO_ADDRESS))
                .then_some(row.email),
            display_name: row.display_name.or((!row.nameless).then_some(row.name)),
            profile_image_url: row.profile_image_url,
            client_metadata: row.client_metadata,
            client_read_only_metadata: row.client_read_only_metadata,
            server_metadata: row.server_metadata,
            selected_team_id: row.selected_team_id,
            signed_up_at: row.created_at,
            last_active_at: row.last_active_at,
            has_password: row.has_password,
            otp: row.otp,
            passkey: row.passkey,
            oauth_providers: row.oauth_providers,
            totp: row.totp,
            status: row.status,
            restricted_reason: row.suspended_reason,
            restricted_details: row.restricted_details,
            selected_team: team.map(|((id, display_name), created_at)| Team {
                id,
                display_name,
                profile_image_url: row.team_image,
                client_metadata: row.team_client,
                client_read_only_metadata: row.team_read_only,
                server_metadata: row.team_server,
                created_at,
            }),
        }
    });
    Ok(people.collect())
}

/// One person.
pub(crate) async fn get(db: &mut PgConnection, user: UserId) -> sqlx::Result<Option<User>> {
    Ok(get_many(db, &[user.0]).await?.pop())
}

/// Makes sure that there is a row for what only this face knows.
pub(crate) async fn ensure(
    db: &mut PgConnection,
    user: UserId,
    nameless: bool,
    otp: bool,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into identity.stack_users (user_id, nameless, otp_auth_enabled)
        values ($1, $2, $3)
        on conflict on constraint stack_users_pkey do nothing
        "#,
        user as UserId,
        nameless,
        otp,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What of a person is changed; an inner `None` clears, an outer one leaves alone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Change {
    pub(crate) profile_image_url: Option<Option<String>>,
    pub(crate) client_metadata: Option<Option<Value>>,
    pub(crate) client_read_only_metadata: Option<Option<Value>>,
    pub(crate) server_metadata: Option<Option<Value>>,
    pub(crate) selected_team: Option<Option<TeamId>>,
    pub(crate) otp_auth_enabled: Option<bool>,
    pub(crate) restricted_details: Option<Option<String>>,
}

pub(crate) async fn change(
    db: &mut PgConnection,
    user: UserId,
    change: Change,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update identity.stack_users set
            profile_image_url = case when $2 then $3 else profile_image_url end,
            client_metadata = case when $4 then $5 else client_metadata end,
            client_read_only_metadata = case when $6 then $7 else client_read_only_metadata end,
            server_metadata = case when $8 then $9 else server_metadata end,
            selected_team_id = case when $10 then $11 else selected_team_id end,
            otp_auth_enabled = coalesce($12, otp_auth_enabled),
            restricted_details = case when $13 then $14 else restricted_details end
        where user_id = $1
        "#,
        user as UserId,
        change.profile_image_url.is_some(),
        change.profile_image_url.flatten(),
        change.client_metadata.is_some(),
        change.client_metadata.flatten(),
        change.client_read_only_metadata.is_some(),
        change.client_read_only_metadata.flatten(),
        change.server_metadata.is_some(),
        change.server_metadata.flatten(),
        change.selected_team.is_some(),
        change.selected_team.flatten().map(|team| team.0),
        change.otp_auth_enabled,
        change.restricted_details.is_some(),
        change.restricted_details.flatten(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Says how somebody is called; with nothing, that nobody has said it.
pub(crate) async fn rename(
    db: &mut PgConnection,
    user: UserId,
    name: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update identity.profiles set display_name = $2 where user_id = $1",
        user as UserId,
        name,
    )
    .execute(&mut *db)
    .await?;
    // The account's own name follows where it was only made from the address.
    sqlx::query!(
        r#"
        update identity.users u set name = left($2, 100)
        from identity.stack_users s
        where u.id = $1 and s.user_id = u.id and s.nameless and $2 <> ''
        "#,
        user as UserId,
        name,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "update identity.stack_users set nameless = $2 where user_id = $1",
        user as UserId,
        name.is_none(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How the account stands, its password, and whether its address is proved.
pub(crate) struct Entrance {
    pub(crate) user: UserId,
    pub(crate) hash: Option<String>,
    pub(crate) verified: bool,
    pub(crate) otp: bool,
}

/// What a sign-in with an address looks at. A password of a registration that was never
/// finished is none.
pub(crate) async fn entrance(
    db: &mut PgConnection,
    email: &Email,
) -> sqlx::Result<Option<Entrance>> {
    sqlx::query_as!(
        Entrance,
        r#"
        select u.id as "user!: UserId", p.hash as "hash?",
            u.email_verified_at is not null as "verified!",
            coalesce(s.otp_auth_enabled, false) as "otp!"
        from identity.users u
        left join identity.passwords p on p.user_id = u.id
        left join identity.stack_users s on s.user_id = u.id
        left join identity.stack_contact_channels c
            on c.user_id = u.id and c.value_key = u.email_key
        where u.email_key = $1 and coalesce(c.used_for_auth, true)
        union all
        select u.id, p.hash, true, coalesce(s.otp_auth_enabled, false)
        from identity.stack_contact_channels c
        join identity.users u on u.id = c.user_id
        left join identity.passwords p on p.user_id = u.id
        left join identity.stack_users s on s.user_id = u.id
        where c.value_key = $1 and c.used_for_auth and c.verified_at is not null
            and u.email_key <> c.value_key
        limit 1
        "#,
        email.key,
    )
    .fetch_optional(db)
    .await
}

pub(crate) async fn password_hash(
    db: &mut PgConnection,
    user: UserId,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "select hash from identity.passwords where user_id = $1",
        user as UserId
    )
    .fetch_optional(db)
    .await
}

pub(crate) async fn remove_password(db: &mut PgConnection, user: UserId) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from identity.passwords where user_id = $1",
        user as UserId
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn set_verified(
    db: &mut PgConnection,
    user: UserId,
    at: Option<OffsetDateTime>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update identity.users set email_verified_at = $2 where id = $1",
        user as UserId,
        at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets every way in but the password: what somebody may have left in an account whose address they
/// had not proved.
pub(crate) async fn forget_proofs(db: &mut PgConnection, user: UserId) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from identity.totp where user_id = $1",
        user as UserId
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "delete from identity.recovery_codes where user_id = $1",
        user as UserId
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "delete from identity.passkeys where user_id = $1",
        user as UserId
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "delete from identity.provider_accounts where user_id = $1",
        user as UserId
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "update identity.stack_api_keys set revoked_at = now() where user_id = $1",
        user as UserId
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        delete from identity.stack_contact_channels c
        using identity.users u
        where c.user_id = $1 and u.id = c.user_id and c.value_key <> u.email_key
        "#,
        user as UserId
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A page of ids, by when people signed up. Those after a person stand on the next page.
pub(crate) struct Filter<'a> {
    pub(crate) text: Option<&'a str>,
    pub(crate) team: Option<TeamId>,
    pub(crate) after: Option<UserId>,
    pub(crate) restricted: bool,
    pub(crate) limit: i64,
}

pub(crate) async fn page_up(db: &mut PgConnection, filter: &Filter<'_>) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"
        select u.id from identity.users u
        where u.status <> 'deleted' and ($5 or u.status = 'active')
            and ($1::text is null or u.email_key like '%' || $1 || '%'
                or lower(u.name) like '%' || $1 || '%' or u.id::text = $1)
            and ($2::uuid is null or exists (
                select from identity.stack_team_members m where m.team_id = $2 and m.user_id = u.id
            ))
            and ($3::uuid is null or (u.created_at, u.id) > (
                select c.created_at, c.id from identity.users c where c.id = $3
            ))
        order by u.created_at, u.id
        limit $4
        "#,
        filter.text,
        filter.team as Option<TeamId>,
        filter.after as Option<UserId>,
        filter.limit,
        filter.restricted,
    )
    .fetch_all(db)
    .await
}

pub(crate) async fn page_down(
    db: &mut PgConnection,
    filter: &Filter<'_>,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"
        select u.id from identity.users u
        where u.status <> 'deleted' and ($5 or u.status = 'active')
            and ($1::text is null or u.email_key like '%' || $1 || '%'
                or lower(u.name) like '%' || $1 || '%' or u.id::text = $1)
            and ($2::uuid is null or exists (
                select from identity.stack_team_members m where m.team_id = $2 and m.user_id = u.id
            ))
            and ($3::uuid is null or (u.created_at, u.id) < (
                select c.created_at, c.id from identity.users c where c.id = $3
            ))
        order by u.created_at desc, u.id desc
        limit $4
        "#,
        filter.text,
        filter.team as Option<TeamId>,
        filter.after as Option<UserId>,
        filter.limit,
        filter.restricted,
    )
    .fetch_all(db)
    .await
}
