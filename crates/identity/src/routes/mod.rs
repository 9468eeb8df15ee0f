//! The first-party API of the domain, under `/api/v1`. Cookies are `HttpOnly`: no answer
//! carries a token.

mod accounts;
mod api_keys;
mod bulk;
mod confirmation;
mod email_change;
mod entry;
mod export;
mod factors;
mod impersonation;
mod import;
mod invitations;
mod mailed;
mod passkeys;
mod passwords;
mod people;
mod people_filter;
mod people_views;
mod privacy;
mod providers;
mod roles;
mod saved_views;
mod security_log;
pub(crate) mod sessions;
mod stack_project;
mod standing;
mod views;

use crate::Identity;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use import::uploads;
pub(crate) use sessions::device_of;
pub use views::MeView;

/// The routes, still without their domain.
pub fn router() -> OpenApiRouter<Identity> {
    OpenApiRouter::new()
        .routes(routes!(accounts::register))
        .routes(routes!(accounts::inspect_verification, accounts::verify))
        .routes(routes!(accounts::me, accounts::change_profile))
        .routes(routes!(accounts::set_up))
        .routes(routes!(
            sessions::sign_in,
            sessions::list,
            sessions::sign_out_others
        ))
        .merge(credentials())
        .routes(routes!(sessions::sign_out_here))
        .routes(routes!(sessions::sign_out))
        .routes(routes!(passkeys::ask_for_proof))
        .routes(routes!(passkeys::sign_in))
        .routes(routes!(passkeys::list, passkeys::add))
        .routes(routes!(passkeys::ask_for_new))
        .routes(routes!(passkeys::rename, passkeys::remove))
        .routes(routes!(
            email_change::get,
            email_change::ask,
            email_change::give_up
        ))
        .routes(routes!(email_change::look, email_change::follow))
        .merge(privacy::router())
        .merge(impersonation::router())
        .routes(routes!(providers::ways_in))
        .routes(routes!(providers::depart))
        .routes(routes!(providers::come_back))
        .routes(routes!(providers::linked))
        .routes(routes!(providers::link))
        .routes(routes!(providers::unlink))
        .routes(routes!(people::list))
        .routes(routes!(people::totals))
        .routes(routes!(people::count))
        .routes(routes!(export::export))
        .routes(routes!(saved_views::list, saved_views::save))
        .routes(routes!(saved_views::remove))
        .routes(routes!(bulk::start))
        .routes(routes!(import::get))
        .routes(routes!(import::check))
        .routes(routes!(import::commit))
        .routes(routes!(import::faults))
        .routes(routes!(import::faults_file))
        .routes(routes!(api_keys::list, api_keys::create))
        .routes(routes!(api_keys::revoke))
        .routes(routes!(stack_project::get))
        .routes(routes!(stack_project::make_key))
        .routes(routes!(stack_project::revoke_key))
        .routes(routes!(invitations::list, invitations::invite))
        .routes(routes!(invitations::resend))
        .routes(routes!(invitations::revoke))
        .routes(routes!(invitations::inspect, invitations::accept))
        .routes(routes!(security_log::list))
        .routes(routes!(security_log::figures))
        .routes(routes!(security_log::export))
        .routes(routes!(bulk::get))
        .routes(routes!(bulk::refusals))
        .routes(routes!(bulk::undo))
        .routes(routes!(people::get, standing::delete))
        .routes(routes!(standing::suspend))
        .routes(routes!(standing::restore))
        .routes(routes!(standing::sessions, standing::sign_out))
        .routes(routes!(standing::sign_out_device))
        .routes(routes!(standing::timeline))
        .routes(routes!(standing::force_reset))
        .routes(routes!(standing::reset_second_factor))
        .routes(routes!(standing::notes, standing::add_note))
        .routes(routes!(standing::delete_note))
        .routes(routes!(roles::list, roles::create))
        .routes(routes!(roles::change, roles::delete))
        .routes(routes!(roles::permissions))
        .routes(routes!(roles::grant, roles::revoke))
}

/// What proves who somebody is: passwords, mails, second factors, and confirming it again.
fn credentials() -> OpenApiRouter<Identity> {
    OpenApiRouter::new()
        .routes(routes!(passwords::estimate))
        .routes(routes!(passwords::change))
        .routes(routes!(passwords::ask_reset))
        .routes(routes!(passwords::inspect_reset, passwords::reset))
        .routes(routes!(mailed::ask))
        .routes(routes!(mailed::by_code))
        .routes(routes!(mailed::inspect, mailed::by_link))
        .routes(routes!(factors::security))
        .routes(routes!(factors::enrol, factors::confirm, factors::remove))
        .routes(routes!(factors::renew_codes))
        .routes(routes!(factors::forget_device))
        .routes(routes!(factors::answer))
        .routes(routes!(factors::ask_passkey))
        .routes(routes!(factors::answer_with_passkey))
        .routes(routes!(confirmation::ways, confirmation::confirm))
        .routes(routes!(confirmation::with_passkey))
        .routes(routes!(confirmation::ask))
}
