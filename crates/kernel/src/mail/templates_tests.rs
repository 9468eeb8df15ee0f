//! What the words of a mail may and may not do.

use super::*;
use serde_json::json;

fn templates() -> Templates {
    Templates::built_in("Portico", &Url::parse("https://portico.example/").unwrap()).unwrap()
}

fn all_vars() -> serde_json::Value {
    let mut vars = examples();
    vars["link"] = json!("https://portico.example/go?token=a-b_c&next=%2Fhome");
    vars["excerpt"] = json!("First line.\nSecond line.");
    vars
}

#[test]
fn every_mail_has_its_three_parts_and_loads_nothing() {
    for template in Template::ALL {
        let mail = templates().render(template, &all_vars()).unwrap();
        assert!(
            !mail.subject.is_empty() && !mail.subject.contains('\n'),
            "{template:?}"
        );
        assert!(mail.html.starts_with("<!doctype html>"), "{template:?}");
        assert!(
            mail.html.contains("prefers-color-scheme: dark"),
            "{template:?}"
        );
        assert!(
            !mail.html.contains("{{") && !mail.text.contains("{{"),
            "{template:?}"
        );
        for loader in [
            "<img",
            "<link",
            "<script",
            "@import",
            "url(",
            "fonts.googleapis",
        ] {
            assert!(!mail.html.contains(loader), "{template:?} has {loader}");
        }
        assert!(
            !mail.text.contains('<')
                && mail
                    .text
                    .ends_with("-- \nPortico\nhttps://portico.example/\n"),
            "{template:?}"
        );
    }
}

#[test]
fn the_link_is_the_same_in_the_button_the_address_and_the_text() {
    let mail = templates()
        .render(Template::WelcomeVerify, &all_vars())
        .unwrap();
    let link = "https://portico.example/go?token=a-b_c&next=%2Fhome";
    assert!(
        mail.text
            .contains(&format!("Confirm my address:\n{link}\n")),
        "{}",
        mail.text
    );
    let hrefs: Vec<_> = mail
        .html
        .split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    let decoded: Vec<_> = hrefs
        .iter()
        .map(|href| {
            href.replace("&#x2f;", "/")
                .replace("&#x3d;", "=")
                .replace("&amp;", "&")
        })
        .collect();
    assert_eq!(
        decoded,
        [link, link, "https://portico.example/"],
        "{hrefs:?}"
    );
}

#[test]
fn a_name_is_text_and_never_markup() {
    let vars = json!({"name": "<b>Ada</b> & \"Co\" {{ link }} <mj-raw><script>1</script></mj-raw>", "link": "https://portico.example/"});
    let mail = templates().render(Template::WelcomeVerify, &vars).unwrap();
    for markup in ["<b>", "<script", "<mj-raw", "&amp;lt;"] {
        assert!(!mail.html.contains(markup), "{markup}");
    }
    assert!(mail.html.contains("&lt;b&gt;Ada"), "{}", mail.html);
    assert!(
        mail.html.contains("{{ link }}"),
        "a variable is not a template"
    );
    assert!(
        mail.text.contains("<b>Ada</b> & \"Co\""),
        "text is not escaped: {}",
        mail.text
    );
}

#[test]
fn an_excerpt_keeps_its_lines_and_is_escaped() {
    let vars = json!({"title": "T", "excerpt": "a <i>\nb", "link": "https://portico.example/"});
    let mail = templates()
        .render(Template::UpdatePublished, &vars)
        .unwrap();
    assert!(
        mail.html.contains("a &lt;i&gt;<br />b") || mail.html.contains("a &lt;i&gt;<br/>b"),
        "{}",
        mail.html
    );
    assert!(mail.text.contains("a <i>\nb"));
}

#[test]
fn a_subject_cannot_carry_a_header() {
    let vars = json!({"title": "Hello\r\nBcc: eve@example.org", "excerpt": "e", "link": "https://portico.example/"});
    let mail = templates()
        .render(Template::UpdatePublished, &vars)
        .unwrap();
    assert_eq!(mail.subject, "Hello Bcc: eve@example.org");
    let vars =
        json!({"title": "x".repeat(5000), "excerpt": "e", "link": "https://portico.example/"});
    assert_eq!(
        templates()
            .render(Template::UpdatePublished, &vars)
            .unwrap()
            .subject
            .len(),
        200
    );
}

#[test]
fn a_missing_variable_and_a_bad_link_are_errors() {
    let fails = |vars: serde_json::Value| {
        format!(
            "{:#}",
            templates()
                .render(Template::WelcomeVerify, &vars)
                .unwrap_err()
        )
    };
    assert!(fails(json!({"name": "Ada"})).contains("undefined"));
    assert!(fails(json!("Ada")).contains("no object"));
    for link in [
        "javascript:alert(1)",
        "data:text/html,x",
        "/relative?token=geheim",
        "mailto:eve@example.org",
    ] {
        let error = fails(json!({"name": "Ada", "link": link}));
        assert!(
            error.contains("link") && !error.contains("geheim"),
            "{error}"
        );
    }
}

#[test]
fn a_template_that_runs_too_long_is_stopped() {
    let mut source = Source::parse(Template::Test.source()).unwrap();
    source.note = Some(
        "{% for i in range(10000) %}{% for j in range(10000) %}.{% endfor %}{% endfor %}".into(),
    );
    let error = format!(
        "{:#}",
        templates().render_source(&source, &json!({})).unwrap_err()
    );
    assert!(error.contains("fuel"), "{error}");
}

#[test]
fn a_source_with_an_unknown_field_is_refused() {
    assert!(
        Source::parse("subject='s'\npreheader='p'\nheading='h'\nparagraphs=[]\nlead='x'").is_err()
    );
}

#[test]
fn an_operators_own_text_takes_the_place_of_ours() {
    let folder = std::env::temp_dir().join(format!("portico-texts-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let load = |text: &str| {
        std::fs::write(folder.join("new_device.toml"), text).unwrap();
        let url = Url::parse("https://portico.example/").unwrap();
        Templates::load("Portico", &url, Some(&folder))
    };
    let own = "subject = 'Hey {{ name }}'\npreheader = ''\nheading = 'New: {{ device }}'\nparagraphs = []";
    let mail = load(own)
        .unwrap()
        .render(Template::NewDevice, &all_vars())
        .unwrap();
    assert_eq!(mail.subject, "Hey Ada");
    assert!(mail.text.starts_with("New: Firefox on Linux"));
    for faulty in ["subject = 'x'", &own.replace("{{ name }}", "{{ nobody }}")] {
        assert!(load(faulty).is_err());
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
