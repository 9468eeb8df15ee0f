//! What the words of a mail may say, and how they are refused.

use super::{super::templates::Template, *};
use crate::error::Error;
use proptest::prelude::*;

fn words(template: Template) -> (About, Source, Words) {
    let source = Source::parse(template.source()).unwrap();
    let words = Words::of(&source);
    (template.about().unwrap(), source, words)
}

fn faults(template: Template, change: impl FnOnce(&mut Words)) -> Vec<(String, &'static str)> {
    let (about, source, mut words) = words(template);
    change(&mut words);
    match words.checked(&about, &source) {
        Ok(_) => Vec::new(),
        Err(Error::Invalid(faults)) => faults
            .into_iter()
            .map(|fault| (fault.field.into_owned(), fault.code))
            .collect(),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn our_own_words_are_good_and_name_only_what_their_mail_knows() {
    for template in Template::ALL {
        let Some(about) = template.about() else {
            continue;
        };
        let (_, source, words) = words(template);
        assert_eq!(
            words.checked(&about, &source).unwrap(),
            words,
            "{template:?}"
        );
    }
}

#[test]
fn every_fault_is_told_with_its_field() {
    let found = faults(Template::NewDevice, |words| {
        words.subject = String::new();
        words.heading = "Hello {{ nam }}".into();
        words.paragraphs[1] = "{{ name|upper }}".into();
        words.paragraphs[2] = "x".repeat(2_001);
        words.button = Some(" ".into());
        words.note = Some("a\u{7}b".into());
    });
    let expected = [
        ("subject", "required"),
        ("heading", "unknown_placeholder"),
        ("paragraphs[1]", "unreadable_placeholder"),
        ("paragraphs[2]", "too_long"),
        ("button", "required"),
        ("note", "invalid"),
    ];
    assert_eq!(
        found,
        expected.map(|(field, code)| (field.to_owned(), code))
    );
}

#[test]
fn nothing_of_a_templates_language_but_names_and_what_is_left_out() {
    for bad in [
        "{{ 7 * 7 }}",
        "{{ self }}",
        "{{ name.__class__ }}",
        "{{ range(9) }}",
        "{% for x in name %}{{ x }}{% endfor %}",
        "{% set name = 1 %}",
        "{% include 'layout' %}",
        "{% if name %}open",
        "{% endif %}",
        "{% else %}",
        "{# a note #}",
        "{{ name",
        "{{ }}",
        "{{ not }}",
        "{%}",
        "{{}",
        "{#}",
        "{% if name %}a{% else %}b{% else %}c{% endif %}",
    ] {
        let found = faults(Template::NewDevice, |words| words.heading = bad.into());
        assert_eq!(
            found,
            [("heading".to_owned(), "unreadable_placeholder")],
            "{bad}"
        );
    }
    for good in [
        "{ a } }} %} #}",
        "{{name}} and {{ device }}",
        "{% if place %}In {{ place }}{% else %}somewhere{% endif %}.",
    ] {
        assert_eq!(
            faults(Template::NewDevice, |words| words.heading = good.into()),
            []
        );
    }
}

#[test]
fn a_code_stays_in_the_mail_that_is_for_it() {
    let found = faults(Template::SignIn, |words| {
        words.heading = "Your code".into();
        words.paragraphs = vec!["It is in the subject.".into()];
    });
    assert_eq!(found, [("paragraphs".to_owned(), "needed_placeholder")]);
}

#[test]
fn a_mail_without_a_button_gets_none() {
    let found = faults(Template::ConfirmCode, |words| {
        words.button = Some("Go".into());
    });
    assert_eq!(found, [("button".to_owned(), "not_here")]);
}

proptest! {
    /// What passes the check is also what the template's language can read.
    #[test]
    fn what_is_taken_can_be_rendered(text in "(\\{\\{ ?(name|device|left)? ?\\}\\}|\\{% ?(if name|else|endif) ?%\\}|[a-z{}%# ]){0,8}") {
        let (about, source, mut words) = words(Template::NewDevice);
        words.heading = format!("x{text}");
        if let Ok(words) = words.checked(&about, &source) {
            let url = url::Url::parse("https://portico.example/").unwrap();
            let templates = super::super::templates::Templates::built_in("Portico", &url).unwrap();
            prop_assert!(templates.trial(Template::NewDevice, &words).is_ok(), "{}", words.heading);
        }
    }
}
