//! Time-based one-time passwords (RFC 6238) as every authenticator app knows them: SHA-1, six
//! digits, thirty seconds, and one step of leeway on either side.

use crate::model::factors::Enrolment;
use anyhow::{Context, anyhow};
use aws_lc_rs::rand;
use base64::{Engine, engine::general_purpose::STANDARD};
use time::OffsetDateTime;
use totp_rs::{Builder, Totp};
use zeroize::Zeroizing;

/// 160 bits, as RFC 4226 §4 recommends.
const SECRET: usize = 20;

/// A new secret.
pub(crate) fn secret() -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let mut secret = Zeroizing::new(vec![0; SECRET]);
    rand::fill(&mut secret).ok().context("no randomness")?;
    Ok(secret)
}

/// The time step that a code belongs to, if it is right now.
pub(crate) fn step_of(
    secret: &[u8],
    code: &str,
    now: OffsetDateTime,
) -> anyhow::Result<Option<i64>> {
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    let now = u64::try_from(now.unix_timestamp())?;
    let step = builder(secret)
        .build()
        .map_err(unusable)?
        .check(&digits, now);
    Ok(step.map(i64::try_from).transpose()?)
}

/// What an app needs to learn a secret: by camera, or typed.
pub(crate) fn enrolment(secret: &[u8], issuer: &str, account: &str) -> anyhow::Result<Enrolment> {
    // A colon stands between the two in what the app reads.
    let plain = |text: &str| text.replace(':', " ");
    let totp: Totp = builder(secret)
        .with_issuer(Some(plain(issuer)))
        .with_account_name(plain(account))
        .build()
        .map_err(unusable)?;
    let picture = totp.to_qr_png().map_err(unusable)?;
    Ok(Enrolment {
        secret: totp.secret().to_base32().into(),
        uri: totp.to_url().map_err(unusable)?.into(),
        picture: format!("data:image/png;base64,{}", STANDARD.encode(picture)).into(),
    })
}

fn builder(secret: &[u8]) -> Builder {
    Builder::new().with_secret(secret.to_vec())
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn unusable(error: totp_rs::TotpError) -> anyhow::Error {
    anyhow!("a one-time password's secret: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, its last six digits.
        let secret = b"12345678901234567890";
        for (at, code, step) in [
            (59, "287082", 1),
            (1_111_111_109, "081804", 37_037_036),
            (20_000_000_000, "353130", 666_666_666),
        ] {
            let now = OffsetDateTime::from_unix_timestamp(at).unwrap();
            assert_eq!(step_of(secret, code, now).unwrap(), Some(step));
            let typed = format!("{} {}", &code[..3], &code[3..]);
            assert_eq!(step_of(secret, &typed, now).unwrap(), Some(step));
            let late = now + time::Duration::seconds(61);
            assert_eq!(step_of(secret, code, late).unwrap(), None);
        }
        let now = OffsetDateTime::from_unix_timestamp(59).unwrap();
        for nonsense in ["", "28708", "2870822", "28708x", "２８７０８２"] {
            assert_eq!(step_of(secret, nonsense, now).unwrap(), None);
        }
    }

    #[test]
    fn an_app_learns_whose_secret_it_is() {
        let enrolment = enrolment(&[7; 20], "Portico: Harbour", "ada@example.org").unwrap();
        assert!(
            enrolment
                .uri
                .expose()
                .starts_with("otpauth://totp/Portico%20%20Harbour:ada")
        );
        assert!(
            enrolment
                .picture
                .expose()
                .starts_with("data:image/png;base64,iVBOR")
        );
    }
}
