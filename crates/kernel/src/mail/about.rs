//! What each mail is for, in words for whoever edits it, and what its words may name.

use super::templates::Template;

/// What is to be known of a mail by whoever changes its words.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// What it is called.
    pub title: &'static str,
    /// When it is sent.
    pub when: &'static str,
    /// What its words may name besides [`EVERYWHERE`].
    pub placeholders: &'static [&'static str],
    /// What they must name: without it the mail is of no use.
    pub needed: Option<&'static str>,
}

/// What every mail may name.
pub const EVERYWHERE: [&str; 2] = ["product", "public_url"];

/// Title, when it is sent, and what it may name.
type Said = (&'static str, &'static str, &'static [&'static str]);

impl Template {
    /// What it is for. Nothing for mails that nothing sends.
    pub fn about(self) -> Option<About> {
        let (title, when, placeholders) = self
            .asked()
            .or_else(|| self.told())
            .or_else(|| self.elsewhere())?;
        let needed = matches!(self, Self::SignIn | Self::ConfirmCode | Self::StackSignIn);
        Some(About {
            title,
            when,
            placeholders,
            needed: needed.then_some("code"),
        })
    }

    /// What somebody asked for, or others for them.
    const fn asked(self) -> Option<Said> {
        Some(match self {
            Self::WelcomeVerify => (
                "Welcome",
                "Somebody signed up; the link proves that the address is theirs.",
                &["name", "link"],
            ),
            Self::AlreadyRegistered => (
                "Already registered",
                "Somebody signed up with an address that has an account.",
                &["name", "link"],
            ),
            Self::Invitation => (
                "Invitation",
                "Staff invite somebody.",
                &["name", "inviter", "link"],
            ),
            Self::SignIn => (
                "Code to sign in",
                "Somebody asked for a code and a link instead of a password.",
                &["name", "code", "link", "device"],
            ),
            Self::ConfirmCode => (
                "Code to confirm",
                "Somebody without a password is asked to confirm who they are.",
                &["name", "code", "device"],
            ),
            Self::ResetPassword => (
                "Reset the password",
                "Somebody forgot their password.",
                &["name", "link", "device"],
            ),
            Self::PasswordAsked => (
                "Choose a new password",
                "Staff took a password away.",
                &["name", "link"],
            ),
            Self::ExportReady => (
                "Copy of one's data",
                "A copy of somebody's data is ready.",
                &["name", "link", "days"],
            ),
            Self::DeletionAsked => (
                "Account to be deleted",
                "Somebody deleted their account; until the days are over they can come back.",
                &["name", "link", "days"],
            ),
            Self::Test => ("Test", "Sent by hand, to see whether mail arrives.", &[]),
            _ => return None,
        })
    }

    /// What tells somebody of what happened to their account.
    const fn told(self) -> Option<Said> {
        Some(match self {
            Self::NewDevice => (
                "New device",
                "An account was used on a device that is new to it.",
                &[
                    "name", "device", "address", "place", "how", "when", "link", "reset",
                ],
            ),
            Self::SessionCopied => (
                "Session ended",
                "A sign-in was copied, so it was ended.",
                &["name", "device", "address", "how", "when", "link", "reset"],
            ),
            Self::PasswordChanged => (
                "Password changed",
                "A password was changed or reset.",
                &["name", "device", "address", "how", "when", "link", "reset"],
            ),
            Self::FactorAdded => (
                "Way to sign in added",
                "A second step, a passkey or an account elsewhere was added.",
                &[
                    "name", "factor", "device", "address", "how", "when", "link", "reset",
                ],
            ),
            Self::FactorRemoved => (
                "Way to sign in removed",
                "One of them was taken away.",
                &[
                    "name", "factor", "device", "address", "how", "when", "link", "reset",
                ],
            ),
            Self::RecoveryCodeUsed => (
                "Recovery code used",
                "Somebody signed in with a recovery code.",
                &[
                    "name", "left", "device", "address", "how", "when", "link", "reset",
                ],
            ),
            Self::Impersonated => (
                "Staff in your place",
                "Somebody of the staff began to act in a member's place.",
                &["name", "by", "until", "may", "reason", "when", "link"],
            ),
            Self::AccountKept => (
                "Account kept",
                "Somebody who had deleted their account came back in time.",
                &["name", "device", "address", "how", "when", "link", "reset"],
            ),
            _ => return None,
        })
    }

    /// Changes of address, and what apps have mailed.
    const fn elsewhere(self) -> Option<Said> {
        Some(match self {
            Self::EmailChangeOld => (
                "New address: ask the old one",
                "Somebody wants another address for their account.",
                &["name", "old", "new", "link"],
            ),
            Self::EmailChangeNew => (
                "New address: ask the new one",
                "The same, at the new address.",
                &["name", "old", "new", "link"],
            ),
            Self::EmailChangedUndo => (
                "Address changed",
                "It has changed; the old address is told, with the way back.",
                &["name", "old", "new", "link"],
            ),
            Self::StackSignIn => (
                "App: code to sign in",
                "Somebody signs in to an app by code or link.",
                &["link", "code", "minutes"],
            ),
            Self::StackPasswordReset => (
                "App: reset the password",
                "Somebody forgot their password, in an app.",
                &["name", "link"],
            ),
            Self::StackTeamInvitation => (
                "App: invitation to a team",
                "Somebody is asked into a team of an app.",
                &["team", "link"],
            ),
            _ => return None,
        })
    }

    /// The mail of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|template| template.name() == name)
    }
}

/// What a placeholder stands for, for people.
pub fn meaning(placeholder: &str) -> &'static str {
    match placeholder {
        "name" => "How the reader is called",
        "link" => "Where the button leads",
        "reset" => "Where a new password is asked for",
        "code" => "The code",
        "minutes" => "For how many minutes it works",
        "days" => "How many days there are",
        "device" => "The browser and its system",
        "address" => "The network address",
        "place" => "Whether the network is one that the account knows",
        "how" => "On which device, or that staff did it",
        "when" => "Day and time",
        "factor" => "Which way to sign in",
        "left" => "How many codes are left",
        "old" => "The address before",
        "new" => "The new address",
        "team" => "The team",
        "inviter" => "Who invites",
        "by" => "Who of the staff",
        "until" => "Until when at the latest",
        "may" => "Whether they may change anything",
        "reason" => "Why; empty where members are not told",
        "product" => "What this place is called",
        "public_url" => "Its address",
        _ => "",
    }
}
