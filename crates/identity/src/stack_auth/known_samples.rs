//! One of each known error, for the contract test that compares them with the SDK's classes.

use super::known::Known;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

impl Known {
    fn samples() -> Vec<Self> {
        let text = || "something".to_owned();
        let id = Uuid::from_u128(1 << 76 | 2 << 62 | 1);
        let mut samples = vec![
            Self::BodyParsing(text()),
            Self::Schema(text()),
            Self::AccessTypeRequired,
            Self::InvalidAccessType(text()),
            Self::AccessTypeWithoutProjectId("client".to_owned()),
            Self::InsufficientAccessType("client".to_owned(), &["server", "admin"]),
            Self::InvalidPublishableClientKey(text()),
            Self::InvalidSecretServerKey(text()),
            Self::InvalidSuperSecretAdminKey(text()),
            Self::PublishableClientKeyRequired(text()),
            Self::CurrentProjectNotFound(text()),
            Self::BranchDoesNotExist(text()),
            Self::SessionAuthentication(text()),
            Self::UnparsableAccessToken,
            Self::AccessTokenExpired(
                Some(OffsetDateTime::UNIX_EPOCH + time::Duration::DAY),
                id,
                id,
                id,
            ),
            Self::AccessTokenExpired(None, id, id, id),
            Self::InvalidProjectForAccessToken(id, id),
            Self::RefreshTokenNotFoundOrExpired,
            Self::CannotDeleteCurrentSession,
            Self::UserEmailAlreadyExists("a\"b@example.org".to_owned(), false),
            Self::UserEmailAlreadyExists(text(), true),
            Self::EmailNotVerified,
            Self::CannotGetOwnUserWithoutUser,
            Self::UserIdDoesNotExist(text()),
            Self::UserNotFound,
            Self::RestrictedUserNotAllowed("restricted_by_administrator"),
            Self::UserAuthenticationRequired,
            Self::SignUpNotEnabled,
            Self::SignUpRejected(text()),
            Self::BotChallengeFailed(text()),
            Self::PasswordAuthenticationNotEnabled,
            Self::PasskeyAuthenticationNotEnabled,
            Self::AnonymousAccountsNotEnabled,
            Self::EmailPasswordMismatch,
            Self::RedirectUrlNotWhitelisted,
            Self::PasswordRequirementsNotMet(text()),
            Self::PasswordTooShort(10),
            Self::PasswordTooLong(70),
            Self::UserDoesNotHavePassword,
            Self::PasswordConfirmationMismatch,
            Self::VerificationCodeNotFound,
            Self::VerificationCodeExpired,
            Self::VerificationCodeAlreadyUsed,
            Self::VerificationCodeMaxAttempts,
            Self::EmailAlreadyVerified,
            Self::EmailIsNotPrimaryEmail(text(), text()),
            Self::MultiFactorAuthenticationRequired(text()),
            Self::InvalidTotpCode,
            Self::PasskeyRegistrationFailed(text()),
            Self::PasskeyAuthenticationFailed(text()),
            Self::OAuthProviderNotFound,
        ];
        samples.extend(Self::samples_of_providers_and_teams());
        samples
    }

    fn samples_of_providers_and_teams() -> Vec<Self> {
        let text = || "something".to_owned();
        vec![
            Self::InvalidOAuthClient(None),
            Self::InvalidScope(text()),
            Self::InvalidAuthorizationCode,
            Self::OuterOAuthTimeout,
            Self::OAuthProviderAccessDenied,
            Self::OAuthProviderTemporarilyUnavailable,
            Self::OAuthConnectionTaken,
            Self::OAuthConnectionNotConnected,
            Self::UserAlreadyConnected,
            Self::OAuthAccountIdTaken,
            Self::OAuthAccessTokenNotAvailable(text(), text()),
            Self::ContactChannelTaken(text()),
            Self::PermissionNotFound(text()),
            Self::TeamNotFound(text()),
            Self::TeamMembershipNotFound(text(), text()),
            Self::TeamMembershipAlreadyExists,
            Self::TeamPermissionRequired(text(), text(), text()),
            Self::TeamInvitationEmailMismatch,
            Self::ApiKeyNotFound,
            Self::ApiKeyExpired,
            Self::ApiKeyRevoked,
            Self::WrongApiKeyType("user", "team"),
        ]
    }
}

/// Every known error that this face may answer with: its status and its body.
pub fn known_errors() -> Vec<Value> {
    Known::samples()
        .iter()
        .map(|known| json!({ "status": known.parts().0, "body": known.body() }))
        .collect()
}
