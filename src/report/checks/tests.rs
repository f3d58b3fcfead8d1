//! One suite with each kind of standing, in each format.

use std::path::Path;
use std::time::Duration;

use chrono::DateTime;

use super::{CheckFormat, render};
use crate::domain::check::{
    Candidate, Check, CheckResult, Finding, Group, Standing, SuiteRecord, Trial, judge,
};

fn check(id: &'static str, group: Group) -> Check {
    Check {
        id,
        group,
        title: "A <title>",
        proves: "something",
        hazard: "a mistake",
        naive: "a naive way",
        sound: "a sound way",
        own_server: None,
        yours: false,
        forced: false,
    }
}

fn judged(naive: Finding, sound: Finding) -> Standing {
    let trial = |candidate, finding| Trial {
        candidate,
        finding,
        evidence: vec!["2 of 3 | <script>alert(1)</script> \u{1}".into()],
    };
    let (naive, tested) = (
        trial(Candidate::Naive, naive),
        trial(Candidate::Sound, sound),
    );
    let (verdict, ground) = judge(&naive, &tested);
    Standing::Judged {
        verdict,
        ground,
        naive,
        tested,
    }
}

fn suite() -> SuiteRecord {
    let caught = || Finding::Caught("it lost one".into());
    let passed = || Finding::Passed("it lost none".into());
    let result = |id, group, standing| CheckResult {
        check: check(id, group),
        standing,
        took: Duration::from_millis(5),
    };
    SuiteRecord {
        began: DateTime::from_timestamp(1_767_225_600, 0).unwrap(),
        took: Duration::from_secs(3),
        server: "Redis 7.0.15".into(),
        address: None,
        layout: None,
        seed: 7,
        store_command: None,
        tool_version: "0".into(),
        cancelled: false,
        results: vec![
            result("lock-a", Group::Lock, judged(caught(), passed())),
            result("lock-b", Group::Lock, judged(caught(), caught())),
            result("retry-c", Group::Retry, judged(passed(), passed())),
            result(
                "retry-d",
                Group::Retry,
                Standing::NotRun("no server".into()),
            ),
        ],
    }
}

fn text(format: CheckFormat) -> String {
    String::from_utf8(render(format, &suite())).unwrap()
}

#[test]
fn junit_tells_failures_errors_and_skips_apart() {
    let xml = text(CheckFormat::Junit);
    let counts = [
        "tests=\"4\"",
        "failures=\"1\"",
        "errors=\"1\"",
        "skipped=\"1\"",
    ];
    for count in counts {
        assert!(xml.contains(count), "{count}: {xml}");
    }
    assert!(xml.contains("<skipped message=\"no server\""), "{xml}");
    assert!(!xml.contains('\u{1}'));
    assert!(xml.contains("proves nothing"), "{xml}");
}

#[test]
fn json_holds_every_trial() {
    let json: serde_json::Value = serde_json::from_str(&text(CheckFormat::Json)).unwrap();
    assert_eq!(json["verdict"], "violated");
    assert_eq!(json["counts"]["held"], 1);
    assert_eq!(json["checks"][2]["verdict"], "inconclusive");
    assert_eq!(json["checks"][3]["verdict"], "not_run");
    assert_eq!(json["checks"][1]["tested"]["finding"], "caught");
}

#[test]
fn nothing_of_a_stores_words_becomes_markup() {
    let page = text(CheckFormat::Html);
    assert!(!page.contains("<script"), "{page}");
    assert!(page.contains("&lt;script&gt;"));
    let markdown = text(CheckFormat::Markdown);
    assert!(markdown.contains("\\<script\\>"), "{markdown}");
    let bare = markdown.replace("\\<", "");
    assert!(!bare.contains('<'), "{markdown}");
    assert!(markdown.contains("✘ Violated"), "{markdown}");
}

#[test]
fn a_report_is_known_by_its_ending() {
    for format in CheckFormat::ALL {
        let path = format!("a.{}", format.ending());
        assert_eq!(CheckFormat::from_path(Path::new(&path)), Ok(format));
    }
    let error = CheckFormat::from_path(Path::new("a.csv")).unwrap_err();
    assert!(error.contains(".xml (JUnit XML)"), "{error}");
}
