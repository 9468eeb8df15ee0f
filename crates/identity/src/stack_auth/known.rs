//! Known errors: the closed list of what this face says when it refuses, with the status, the code, the
//! text and the details that the SDK's own classes carry. The SDK stops at a code that it
//! does not know and reads details without looking, so nothing else may be said.
//! `contracts/stack-auth` compares every one of [`Known::samples`] with the SDK.

use serde_json::{Value, json};
use time::{OffsetDateTime, macros::format_description};
use uuid::Uuid;

macro_rules! known {
    ($($name:ident $(($($kind:ty),+))?),+ $(,)?) => {
        /// One known error.
        #[derive(Debug, Clone, PartialEq)]
        pub(crate) enum Known { $($name $(($($kind),+))?),+ }
    };
}

known! {
    BodyParsing(String),
    Schema(String),
    AccessTypeRequired,
    InvalidAccessType(String),
    AccessTypeWithoutProjectId(String),
    InsufficientAccessType(String, &'static [&'static str]),
    InvalidPublishableClientKey(String),
    InvalidSecretServerKey(String),
    InvalidSuperSecretAdminKey(String),
    PublishableClientKeyRequired(String),
    CurrentProjectNotFound(String),
    BranchDoesNotExist(String),
    SessionAuthentication(String),
    UnparsableAccessToken,
    AccessTokenExpired(Option<OffsetDateTime>, Uuid, Uuid, Uuid),
    InvalidProjectForAccessToken(Uuid, Uuid),
    RefreshTokenNotFoundOrExpired,
    CannotDeleteCurrentSession,
    UserEmailAlreadyExists(String, bool),
    EmailNotVerified,
    CannotGetOwnUserWithoutUser,
    UserIdDoesNotExist(String),
    UserNotFound,
    RestrictedUserNotAllowed(&'static str),
    UserAuthenticationRequired,
    SignUpNotEnabled,
    SignUpRejected(String),
    BotChallengeFailed(String),
    PasswordAuthenticationNotEnabled,
    PasskeyAuthenticationNotEnabled,
    AnonymousAccountsNotEnabled,
    EmailPasswordMismatch,
    RedirectUrlNotWhitelisted,
    PasswordRequirementsNotMet(String),
    PasswordTooShort(usize),
    PasswordTooLong(usize),
    UserDoesNotHavePassword,
    PasswordConfirmationMismatch,
    VerificationCodeNotFound,
    VerificationCodeExpired,
    VerificationCodeAlreadyUsed,
    VerificationCodeMaxAttempts,
    EmailAlreadyVerified,
    EmailIsNotPrimaryEmail(String, String),
    MultiFactorAuthenticationRequired(String),
    InvalidTotpCode,
    PasskeyRegistrationFailed(String),
    PasskeyAuthenticationFailed(String),
    OAuthProviderNotFound,
    InvalidOAuthClient(Option<String>),
    InvalidScope(String),
    InvalidAuthorizationCode,
    OuterOAuthTimeout,
    OAuthProviderAccessDenied,
    OAuthProviderTemporarilyUnavailable,
    OAuthConnectionTaken,
    OAuthConnectionNotConnected,
    UserAlreadyConnected,
    OAuthAccountIdTaken,
    OAuthAccessTokenNotAvailable(String, String),
    ContactChannelTaken(String),
    PermissionNotFound(String),
    TeamNotFound(String),
    TeamMembershipNotFound(String, String),
    TeamMembershipAlreadyExists,
    TeamPermissionRequired(String, String, String),
    TeamInvitationEmailMismatch,
    ApiKeyNotFound,
    ApiKeyExpired,
    ApiKeyRevoked,
    WrongApiKeyType(&'static str, &'static str),
}

const DOCS: &str = "For more information, see the docs on REST API authentication: https://docs.stack-auth.com/rest-api/overview#authentication";
const STALE: &str = "Debug info: Most likely, you fetched the access token before it expired (for example, in a server component, pre-rendered page, or on page load), but then didn't refresh it before it expired. If this is the case, and you're using the SDK, make sure you call getAccessToken() every time you need to use the access token. If you're not using the SDK, make sure you refresh the access token with the refresh endpoint.";
const UNVERIFIED: &str = " but the email is not verified. Please login to your existing account with the method you used to sign up, and then verify your email to sign in with this login method.";

/// Status, code, text, details.
pub(crate) type Parts = (u16, &'static str, String, Option<Value>);

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn plain(status: u16, code: &'static str, text: &str) -> Parts {
    (status, code, text.to_owned(), None)
}

impl Known {
    /// What it is on the wire.
    pub(crate) fn parts(&self) -> Parts {
        self.of_the_project()
            .or_else(|| self.of_the_session())
            .or_else(|| self.of_signing_in())
            .or_else(|| self.of_passwords())
            .or_else(|| self.of_codes_and_providers())
            .unwrap_or_else(|| self.of_teams_and_keys())
    }

    fn of_the_project(&self) -> Option<Parts> {
        Some(match self {
            Self::BodyParsing(message) => {
                (400, "BODY_PARSING_ERROR", message.clone(), Some(json!({ "message": message })))
            }
            Self::Schema(message) => {
                (400, "SCHEMA_ERROR", message.clone(), Some(json!({ "message": message })))
            }
            Self::AccessTypeRequired => (400, "ACCESS_TYPE_REQUIRED", format!(
                "You must specify an access level for this Stack project. Make sure project API keys are provided (eg. x-stack-publishable-client-key) and you set the x-stack-access-type header to 'client', 'server', or 'admin'.\n\n{DOCS}"), None),
            Self::InvalidAccessType(given) => (400, "INVALID_ACCESS_TYPE", format!(
                "The x-stack-access-type header must be 'client', 'server', or 'admin', but was '{given}'."),
                Some(json!({ "accessType": given }))),
            Self::AccessTypeWithoutProjectId(given) => (400, "ACCESS_TYPE_WITHOUT_PROJECT_ID", format!(
                "The x-stack-access-type header was '{given}', but the x-stack-project-id header was not provided.\n\n{DOCS}"),
                Some(json!({ "request_type": given }))),
            Self::InsufficientAccessType(given, allowed) => {
                let names: Vec<_> = allowed.iter().map(|name| format!("'{name}'")).collect();
                (401, "INSUFFICIENT_ACCESS_TYPE", format!(
                    "The x-stack-access-type header must be {}, but was '{given}'.", names.join(" or ")),
                    Some(json!({ "actual_access_type": given, "allowed_access_types": allowed })))
            }
            Self::InvalidPublishableClientKey(id) => (401, "INVALID_PUBLISHABLE_CLIENT_KEY", format!(
                "The publishable key is not valid for the project {}. Does the project and/or the key exist?", quoted(id)),
                Some(json!({ "project_id": id }))),
            Self::InvalidSecretServerKey(id) => (401, "INVALID_SECRET_SERVER_KEY", format!(
                "The secret server key is not valid for the project {}. Does the project and/or the key exist?", quoted(id)),
                Some(json!({ "project_id": id }))),
            Self::InvalidSuperSecretAdminKey(id) => (401, "INVALID_SUPER_SECRET_ADMIN_KEY", format!(
                "The super secret admin key is not valid for the project {}. Does the project and/or the key exist?", quoted(id)),
                Some(json!({ "project_id": id }))),
            Self::PublishableClientKeyRequired(id) => (401, "PUBLISHABLE_CLIENT_KEY_REQUIRED_FOR_PROJECT",
                "Publishable client keys are required for this project. Create one in Project Keys, or disable this requirement there to allow keyless client access.".to_owned(),
                Some(json!({ "project_id": id }))),
            Self::CurrentProjectNotFound(id) => (400, "CURRENT_PROJECT_NOT_FOUND", format!(
                "The current project with ID {id} was not found. Please check the value of the x-stack-project-id header."),
                Some(json!({ "project_id": id }))),
            Self::BranchDoesNotExist(id) => (400, "BRANCH_DOES_NOT_EXIST",
                format!("The branch with ID {id} does not exist."), Some(json!({ "branch_id": id }))),
            _ => return None,
        })
    }

    fn of_the_session(&self) -> Option<Parts> {
        Some(match self {
            Self::SessionAuthentication(message) => (
                400,
                "SESSION_AUTHENTICATION_ERROR",
                message.clone(),
                Some(json!({ "message": message })),
            ),
            Self::UnparsableAccessToken => plain(
                401,
                "UNPARSABLE_ACCESS_TOKEN",
                "Access token is not parsable.",
            ),
            Self::AccessTokenExpired(at, project, user, session) => {
                let when = at.map_or_else(String::new, |at| {
                    format!(" (The access token expired at {}.)", iso(at))
                });
                (
                    401,
                    "ACCESS_TOKEN_EXPIRED",
                    format!(
                        "Access token has expired. Please refresh it and try again.{when} Project ID: {project}. User ID: {user}. Refresh token ID: {session}.\n\n{STALE}"
                    ),
                    Some(
                        json!({ "expired_at_millis": at.map(millis), "project_id": project, "user_id": user, "refresh_token_id": session }),
                    ),
                )
            }
            Self::InvalidProjectForAccessToken(expected, actual) => (
                401,
                "INVALID_PROJECT_FOR_ACCESS_TOKEN",
                format!(
                    "Access token not valid for this project. Expected project ID \"{expected}\", but the token is for project ID \"{actual}\"."
                ),
                Some(json!({ "expected_project_id": expected, "actual_project_id": actual })),
            ),
            Self::RefreshTokenNotFoundOrExpired => plain(
                401,
                "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED",
                "Refresh token not found for this project, or the session has expired/been revoked.",
            ),
            Self::CannotDeleteCurrentSession => plain(
                400,
                "CANNOT_DELETE_CURRENT_SESSION",
                "Cannot delete the current session.",
            ),
            Self::CannotGetOwnUserWithoutUser => plain(
                400,
                "CANNOT_GET_OWN_USER_WITHOUT_USER",
                "You have specified 'me' as a userId, but did not provide authentication for a user.",
            ),
            Self::UserIdDoesNotExist(id) => (
                400,
                "USER_ID_DOES_NOT_EXIST",
                format!("The given user with the ID {id} does not exist."),
                Some(json!({ "user_id": id })),
            ),
            Self::UserNotFound => plain(404, "USER_NOT_FOUND", "User not found."),
            Self::RestrictedUserNotAllowed(kind) => (
                403,
                "RESTRICTED_USER_NOT_ALLOWED",
                format!(
                    "The user in the access token is in restricted state. Reason: {kind}. Please pass the X-Stack-Allow-Restricted-User header if this is intended."
                ),
                Some(json!({ "restricted_reason": { "type": kind } })),
            ),
            Self::UserAuthenticationRequired => plain(
                401,
                "USER_AUTHENTICATION_REQUIRED",
                "User authentication required for this endpoint.",
            ),
            _ => return None,
        })
    }

    fn of_signing_in(&self) -> Option<Parts> {
        Some(match self {
            Self::UserEmailAlreadyExists(email, if_verified) => (
                409,
                "USER_EMAIL_ALREADY_EXISTS",
                format!(
                    "A user with email {} already exists{}",
                    quoted(email),
                    if *if_verified { UNVERIFIED } else { "." }
                ),
                Some(json!({ "email": email, "would_work_if_email_was_verified": if_verified })),
            ),
            Self::EmailNotVerified => {
                plain(400, "EMAIL_NOT_VERIFIED", "The email is not verified.")
            }
            Self::SignUpNotEnabled => plain(
                400,
                "SIGN_UP_NOT_ENABLED",
                "Creation of new accounts is not enabled for this project. Please ask the project owner to enable it.",
            ),
            Self::SignUpRejected(message) => (
                403,
                "SIGN_UP_REJECTED",
                message.clone(),
                Some(json!({ "message": message })),
            ),
            Self::BotChallengeFailed(message) => (
                400,
                "BOT_CHALLENGE_FAILED",
                message.clone(),
                Some(json!({ "message": message })),
            ),
            Self::PasswordAuthenticationNotEnabled => plain(
                400,
                "PASSWORD_AUTHENTICATION_NOT_ENABLED",
                "Password authentication is not enabled for this project.",
            ),
            Self::PasskeyAuthenticationNotEnabled => plain(
                400,
                "PASSKEY_AUTHENTICATION_NOT_ENABLED",
                "Passkey authentication is not enabled for this project.",
            ),
            Self::AnonymousAccountsNotEnabled => plain(
                400,
                "ANONYMOUS_ACCOUNTS_NOT_ENABLED",
                "Anonymous accounts are not enabled for this project.",
            ),
            Self::EmailPasswordMismatch => {
                plain(400, "EMAIL_PASSWORD_MISMATCH", "Wrong e-mail or password.")
            }
            Self::RedirectUrlNotWhitelisted => plain(
                400,
                "REDIRECT_URL_NOT_WHITELISTED",
                "Redirect URL not whitelisted. Did you forget to add this domain to the trusted domains list on the Stack Auth dashboard?",
            ),
            _ => return None,
        })
    }

    fn of_passwords(&self) -> Option<Parts> {
        Some(match self {
            Self::PasswordRequirementsNotMet(message) => (
                400,
                "PASSWORD_REQUIREMENTS_NOT_MET",
                message.clone(),
                Some(json!({ "message": message })),
            ),
            Self::PasswordTooShort(least) => (
                400,
                "PASSWORD_TOO_SHORT",
                format!("Password too short. Minimum length is {least}."),
                Some(json!({ "min_length": least })),
            ),
            Self::PasswordTooLong(most) => (
                400,
                "PASSWORD_TOO_LONG",
                format!("Password too long. Maximum length is {most}."),
                Some(json!({ "maxLength": most })),
            ),
            Self::UserDoesNotHavePassword => plain(
                400,
                "USER_DOES_NOT_HAVE_PASSWORD",
                "This user does not have password authentication enabled.",
            ),
            Self::PasswordConfirmationMismatch => plain(
                400,
                "PASSWORD_CONFIRMATION_MISMATCH",
                "Passwords do not match.",
            ),
            _ => return None,
        })
    }

    fn of_codes_and_providers(&self) -> Option<Parts> {
        Some(match self {
            Self::VerificationCodeNotFound => plain(404, "VERIFICATION_CODE_NOT_FOUND", "The verification code does not exist for this project."),
            Self::VerificationCodeExpired => plain(400, "VERIFICATION_CODE_EXPIRED", "The verification code has expired."),
            Self::VerificationCodeAlreadyUsed => plain(409, "VERIFICATION_CODE_ALREADY_USED", "The verification link has already been used."),
            Self::VerificationCodeMaxAttempts => plain(400, "VERIFICATION_CODE_MAX_ATTEMPTS_REACHED",
                "The verification code nonce has reached the maximum number of attempts. This code is not valid anymore."),
            Self::EmailAlreadyVerified => plain(409, "EMAIL_ALREADY_VERIFIED", "The e-mail is already verified."),
            Self::EmailIsNotPrimaryEmail(email, primary) => (400, "EMAIL_IS_NOT_PRIMARY_EMAIL", format!(
                "The given e-mail ({email}) must equal the user's primary e-mail ({primary})."),
                Some(json!({ "email": email, "primary_email": primary }))),
            Self::MultiFactorAuthenticationRequired(code) => (400, "MULTI_FACTOR_AUTHENTICATION_REQUIRED",
                "Multi-factor authentication is required for this user.".to_owned(), Some(json!({ "attempt_code": code }))),
            Self::InvalidTotpCode => plain(400, "INVALID_TOTP_CODE", "The TOTP code is invalid. Please try again."),
            Self::PasskeyRegistrationFailed(message) => (400, "PASSKEY_REGISTRATION_FAILED", message.clone(), Some(json!({ "message": message }))),
            Self::PasskeyAuthenticationFailed(message) => (400, "PASSKEY_AUTHENTICATION_FAILED", message.clone(), Some(json!({ "message": message }))),
            Self::OAuthProviderNotFound => plain(400, "OAUTH_PROVIDER_NOT_FOUND_OR_NOT_ENABLED", "The OAuth provider is not found or not enabled."),
            Self::InvalidOAuthClient(id) => (400, "INVALID_OAUTH_CLIENT_ID_OR_SECRET",
                "The OAuth client ID or secret is invalid. The client ID must be equal to the project ID (potentially with a hash and a branch ID), and the client secret must be a publishable client key.".to_owned(),
                Some(json!({ "client_id": id }))),
            Self::InvalidScope(scope) => (400, "INVALID_SCOPE", format!("The scope \"{scope}\" is not a valid OAuth scope for Stack."), Some(json!({ "scope": scope }))),
            Self::InvalidAuthorizationCode => plain(400, "INVALID_AUTHORIZATION_CODE", "The given authorization code is invalid."),
            Self::OuterOAuthTimeout => plain(408, "OUTER_OAUTH_TIMEOUT", "The OAuth flow has timed out. Please sign in again."),
            Self::OAuthProviderAccessDenied => plain(400, "OAUTH_PROVIDER_ACCESS_DENIED", "The OAuth provider denied access to the user."),
            Self::OAuthProviderTemporarilyUnavailable => plain(503, "OAUTH_PROVIDER_TEMPORARILY_UNAVAILABLE",
                "The OAuth provider is temporarily unavailable. Please try again later."),
            Self::OAuthConnectionTaken => plain(409, "OAUTH_CONNECTION_ALREADY_CONNECTED_TO_ANOTHER_USER", "The OAuth connection is already connected to another user."),
            Self::OAuthConnectionNotConnected => plain(400, "OAUTH_CONNECTION_NOT_CONNECTED_TO_USER", "The OAuth connection is not connected to any user."),
            Self::UserAlreadyConnected => plain(409, "USER_ALREADY_CONNECTED_TO_ANOTHER_OAUTH_CONNECTION",
                "The user is already connected to another OAuth account. Did you maybe selected the wrong account?"),
            Self::OAuthAccountIdTaken => plain(400, "OAUTH_PROVIDER_ACCOUNT_ID_ALREADY_USED_FOR_SIGN_IN", "A provider with the same account ID is already used for signing in."),
            Self::OAuthAccessTokenNotAvailable(provider, why) => (400, "OAUTH_ACCESS_TOKEN_NOT_AVAILABLE", format!(
                "Failed to retrieve an OAuth access token for the connected account (provider: {provider}). {why}"),
                Some(json!({ "provider": provider, "details": why }))),
            Self::ContactChannelTaken(value) => (409, "CONTACT_CHANNEL_ALREADY_USED_FOR_AUTH_BY_SOMEONE_ELSE", format!(
                "This email \"({value})\" is already used for authentication by another account."),
                Some(json!({ "type": "email", "contact_channel_value": value, "would_work_if_email_was_verified": false }))),
            _ => return None,
        })
    }

    fn of_teams_and_keys(&self) -> Parts {
        match self {
            Self::PermissionNotFound(id) => (
                404,
                "PERMISSION_NOT_FOUND",
                format!(
                    "Permission \"{id}\" not found. Make sure you created it on the dashboard."
                ),
                Some(json!({ "permission_id": id })),
            ),
            Self::TeamNotFound(id) => (
                404,
                "TEAM_NOT_FOUND",
                format!("Team {id} not found."),
                Some(json!({ "team_id": id })),
            ),
            Self::TeamMembershipNotFound(team, user) => (
                404,
                "TEAM_MEMBERSHIP_NOT_FOUND",
                format!("User {user} is not found in team {team}."),
                Some(json!({ "team_id": team, "user_id": user })),
            ),
            Self::TeamMembershipAlreadyExists => plain(
                409,
                "TEAM_MEMBERSHIP_ALREADY_EXISTS",
                "Team membership already exists.",
            ),
            Self::TeamPermissionRequired(team, user, id) => (
                401,
                "TEAM_PERMISSION_REQUIRED",
                format!("User {user} does not have permission {id} in team {team}."),
                Some(json!({ "team_id": team, "user_id": user, "permission_id": id })),
            ),
            Self::TeamInvitationEmailMismatch => plain(
                403,
                "TEAM_INVITATION_EMAIL_MISMATCH",
                "This team invitation was sent to a different email address. Sign in with the invited email, or add and verify that email on your account, then try again.",
            ),
            Self::ApiKeyNotFound => plain(404, "API_KEY_NOT_FOUND", "API key not found."),
            Self::ApiKeyExpired => plain(401, "API_KEY_EXPIRED", "API key has expired."),
            Self::WrongApiKeyType(expected, actual) => (
                400,
                "WRONG_API_KEY_TYPE",
                format!(
                    "This endpoint is for {expected} API keys, but a {actual} API key was provided."
                ),
                Some(json!({ "expected_type": expected, "actual_type": actual })),
            ),
            // The last of the list; whatever is missing above would show in the contract test.
            _ => plain(401, "API_KEY_REVOKED", "API key has been revoked."),
        }
    }

    /// Its body.
    pub(crate) fn body(&self) -> Value {
        let (_, code, error, details) = self.parts();
        match details {
            Some(details) => json!({ "code": code, "details": details, "error": error }),
            None => json!({ "code": code, "error": error }),
        }
    }
}

/// A time as JavaScript writes it.
pub(crate) fn iso(at: OffsetDateTime) -> String {
    at.format(format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
    ))
    .unwrap_or_default()
}

/// Milliseconds since 1970.
pub(crate) fn millis(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}
