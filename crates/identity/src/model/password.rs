//! Passwords, and what a good one is (NIST SP 800-63B §3.1.1).

use kernel::{Error, Result};
use secrecy::{ExposeSecret, SecretString};
use unicode_normalization::UnicodeNormalization;

/// Characters that the estimator looks at: its cost grows with length, and what is longer
/// than this is not weak.
const ESTIMATED: usize = 72;

/// What the operator asks of passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// The fewest characters.
    pub shortest: usize,
    /// The most: said out loud rather than cut.
    pub longest: usize,
    /// The lowest score of the estimator, 0 to 4.
    pub score: u8,
}

/// A password that meets the policy.
#[derive(Debug, Clone)]
pub struct NewPassword(SecretString);

/// What the estimator thinks of a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimate {
    /// 0 (guessed at once) to 4.
    pub score: u8,
    /// What is wrong with it, in words, where it is not taken.
    pub fault: Option<Fault>,
}

/// A fault of a password: a stable code and words for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// For machines.
    pub code: &'static str,
    /// For the person who types.
    pub message: String,
}

/// One form for each password, however it was typed: two keyboards compose an accented letter
/// in two ways.
pub(crate) fn normalised(text: &str) -> SecretString {
    text.nfkc().collect::<String>().into()
}

/// Looks at a password; `inputs` are words that a guesser would try first.
pub fn estimate(text: &SecretString, inputs: &[&str], policy: &PasswordPolicy) -> Estimate {
    let password = normalised(text.expose_secret());
    let password = password.expose_secret();
    let length = password.chars().count();
    let fault = |code, message: String| Some(Fault { code, message });
    if length > policy.longest {
        let message = format!("Use at most {} characters.", policy.longest);
        return Estimate {
            score: 0,
            fault: fault("too_long", message),
        };
    }
    let head: String = password.chars().take(ESTIMATED).collect();
    let guessed = zxcvbn::zxcvbn(&head, inputs);
    let score = u8::from(guessed.score());
    let shortest = policy.shortest;
    if length < shortest {
        let message = format!("Use at least {shortest} characters; a few words make a good one.");
        return Estimate {
            score: score.min(1),
            fault: fault("too_short", message),
        };
    }
    if score >= policy.score {
        return Estimate { score, fault: None };
    }
    let hint = guessed
        .feedback()
        .and_then(zxcvbn::feedback::Feedback::warning)
        .map_or_else(String::new, |warning| format!(" {warning}"));
    let message = format!("This password is easy to guess.{hint} Add a word or two.");
    Estimate {
        score,
        fault: fault("too_weak", message),
    }
}

impl NewPassword {
    /// Checks length and strength; `inputs` are words that a guesser would try first.
    pub fn parse(text: &SecretString, inputs: &[&str], policy: &PasswordPolicy) -> Result<Self> {
        match estimate(text, inputs, policy).fault {
            Some(fault) => Err(Error::field("password", fault.code, fault.message)),
            None => Ok(Self(normalised(text.expose_secret()))),
        }
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: PasswordPolicy = PasswordPolicy {
        shortest: 10,
        longest: 200,
        score: 3,
    };

    fn fault_of(text: &str) -> Option<&'static str> {
        estimate(&text.into(), &["ada@example.org"], &POLICY)
            .fault
            .map(|fault| fault.code)
    }

    #[test]
    fn weak_passwords_are_refused_and_passphrases_taken() {
        assert_eq!(fault_of("short"), Some("too_short"));
        assert_eq!(fault_of("password1234"), Some("too_weak"));
        assert_eq!(fault_of("aaaaaaaaaaaa"), Some("too_weak"));
        assert_eq!(fault_of("ada@example.org"), Some("too_weak"));
        assert_eq!(fault_of("four quiet arches by the sea"), None);
    }

    #[test]
    fn length_is_counted_in_characters_and_nothing_is_cut() {
        assert_eq!(fault_of(&"é".repeat(201)), Some("too_long"));
        let long = "four quiet arches by the sea ".repeat(6);
        let parsed = NewPassword::parse(&long.as_str().into(), &[], &POLICY).unwrap();
        assert_eq!(parsed.expose(), long);
    }

    #[test]
    fn two_ways_to_type_a_letter_are_one_password() {
        let (composed, apart) = ("caf\u{e9} by the quiet sea", "cafe\u{301} by the quiet sea");
        let parse = |text: &str| NewPassword::parse(&text.into(), &[], &POLICY).unwrap();
        assert_eq!(parse(composed).expose(), parse(apart).expose());
    }
}
