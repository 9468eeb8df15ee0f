//! What staff of the demo tenant, a rowing club with a boathouse, wrote over the months.

use updates::model::Audience;

#[derive(Clone, Copy)]
enum Addressed {
    Everyone,
    Tier(&'static str),
}

/// An update of the demo tenant.
pub(super) struct Text {
    pub(super) days_ago: i64,
    pub(super) title: &'static str,
    pub(super) body: &'static str,
    pub(super) action: Option<&'static str>,
    audience: Addressed,
}

impl Text {
    pub(super) fn audience(&self) -> Audience {
        match self.audience {
            Addressed::Everyone => Audience::Everyone,
            Addressed::Tier(tier) => Audience::Tier {
                tier: tier.to_owned(),
            },
        }
    }
}

const fn said(days_ago: i64, title: &'static str, body: &'static str) -> Text {
    Text {
        days_ago,
        title,
        body,
        action: None,
        audience: Addressed::Everyone,
    }
}

const fn asked(
    days_ago: i64,
    title: &'static str,
    action: &'static str,
    body: &'static str,
) -> Text {
    Text {
        days_ago,
        title,
        body,
        action: Some(action),
        audience: Addressed::Everyone,
    }
}

const fn told(days_ago: i64, tier: &'static str, title: &'static str, body: &'static str) -> Text {
    Text {
        days_ago,
        title,
        body,
        action: None,
        audience: Addressed::Tier(tier),
    }
}

/// The oldest first.
pub(super) const UPDATES: [Text; 24] = [
    said(
        196,
        "Welcome to our new home on the web",
        "From today this is where you find what concerns you as a member: what is on at the boathouse, what we ask of you, and your account.\n\nThe notice board by the door stays. It is simply no longer the only one.",
    ),
    asked(
        188,
        "Please confirm your emergency contact",
        "My contact is right",
        "We row on open water, and we want to reach the right person if something happens. Look at the contact we have for you and confirm it, or write to us with the right one.\n\nIt takes a minute and we ask once a year.",
    ),
    said(
        175,
        "Spring opening of the boathouse",
        "The slipway is repaired and the season begins on Saturday at nine. There is coffee, there is cake, and the first boats go out at ten.\n\nBring somebody who has never sat in a boat. That is how most of us began.",
    ),
    said(
        161,
        "New opening hours from next month",
        "Weekdays from six in the morning until nine in the evening, weekends from seven. The gym follows the same hours.\n\nOutside them your key card opens the side door, as before.",
    ),
    asked(
        150,
        "Choose your work day for this season",
        "I have chosen a day",
        "Each of us gives one day a season to the house and the boats. The list hangs in the hall and is here as well: paint, ropes, the garden, the kitchen.\n\nIf you cannot come on any of the days, tell us, and we find something you can do from home.",
    ),
    said(
        139,
        "Two new double sculls",
        "Thanks to everyone who gave. The boats are called Heron and Kingfisher and hang in bay two. Please take one of the trained coxes along for your first time out.",
    ),
    said(
        128,
        "Water temperature and cold-water rules",
        "The water is still below twelve degrees. Until it is warmer we row in groups of at least two boats, with life vests, within sight of the shore.\n\nThis is the one rule for which we send people home.",
    ),
    said(
        117,
        "Summer regatta: first dates",
        "The regatta is on the last weekend of July. Crews can sign up from the first of June. There is a race for people who began this year.",
    ),
    asked(
        104,
        "Regatta: sign up your crew",
        "Our crew is signed up",
        "Sign up by the fifteenth so that the draw can be made. A crew needs a name, a boat class and one person we can call.\n\nIf you have no crew yet but want one, say so; we bring people together.",
    ),
    said(
        96,
        "The showers are being renewed",
        "For two weeks the showers on the ground floor are closed. Those upstairs are open to everyone; please be quick in the evenings.",
    ),
    said(
        88,
        "Thank you for the regatta",
        "Thirty-one crews, two hundred guests, one capsize (everyone laughed, everyone is well). Photographs hang in the hall.\n\nA special word for the kitchen, which fed us all twice.",
    ),
    said(
        79,
        "Beginners' course in September",
        "Eight evenings, Tuesdays at six. Members may bring one friend for half the fee. Places are few: the last course was full in two days.",
    ),
    asked(
        71,
        "Read the new safety rules",
        "I have read them",
        "The rules were last written nine years ago. The new ones are shorter. What changed: lights from dusk on, a phone in every boat, and nobody goes out alone before eight.\n\nPlease read them and confirm, so that we know everyone has.",
    ),
    said(
        63,
        "Storm on Thursday: boathouse closed",
        "The weather service expects gusts of over eighty kilometres an hour. The house stays closed all Thursday. Boats on the outer racks come in on Wednesday evening; helping hands are welcome at six.",
    ),
    said(
        55,
        "After the storm",
        "No boat was damaged. One tree lies across the path to the car park; come in from the other side until Monday.",
    ),
    said(
        46,
        "Autumn hours and lights",
        "It gets dark early again. Bow and stern lights hang charged by the door. Put them back on the charger, please: an empty light is no light.",
    ),
    asked(
        38,
        "Vote on the new boat",
        "I have voted",
        "There is money for one new boat. The committee proposes a coxed four; others want two singles. Both cases are written out in the hall, a page each.\n\nVote by Sunday evening. Every member has one vote.",
    ),
    said(
        29,
        "The result of the vote",
        "The coxed four wins, with one hundred and twelve votes against sixty-three. It is ordered and comes in March.\n\nThose who wanted the singles argued well, and the committee has put them first on the list for next year.",
    ),
    told(
        24,
        "patron",
        "Your rack for the winter",
        "Racks are numbered anew. The number on your key card holds, also where the old paint says otherwise. Boats that stay outside need a cover from the first frost on.",
    ),
    said(
        17,
        "Winter training begins",
        "Ergometers on Mondays and Thursdays at half past six, yoga on Wednesdays. No booking; come when you can. The room is small and warm.",
    ),
    said(
        9,
        "Annual accounts are ready",
        "The accounts of the year are laid out in the office and will be presented at the meeting. In one line: we end with a little more than we began with, and the roof is paid.",
    ),
    told(
        6,
        "trial",
        "How to go on after your trial month",
        "We hope you have found your seat. If you want to stay, tell the office which way suits you: as a rower, or as a friend of the house. If not, return the key card, and thank you for having come.",
    ),
    asked(
        4,
        "Annual meeting on the twelfth",
        "I am coming",
        "At seven in the evening in the hall, with soup. On the list: accounts, the election of two committee members, the new boat's name.\n\nPlease say whether you are coming so that there is enough soup.",
    ),
    said(
        1,
        "Ice on the jetty this morning",
        "The jetty is slippery until the sun reaches it at about ten. We have put grit down. Take the ramp rather than the steps, and take your time.",
    ),
];
