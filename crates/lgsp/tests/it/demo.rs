//! `lgsp demo`: from nothing to the province's main job, and nobody else's folder touched.

use serde_json::Value;

use crate::program::{run, text};

#[test]
fn the_demo_holds_from_nothing_and_again() {
    let folder = tempfile::tempdir().unwrap();
    for round in ["from nothing", "again in the same folder"] {
        let output = run(folder.path(), &["demo", "--once", "--json"]);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{round}: {told}{}", text(&output.stdout));
        let steps: Vec<Value> =
            text(&output.stdout).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        for step in &steps {
            let keys: Vec<&String> = step.as_object().unwrap().keys().collect();
            assert_eq!(keys, ["ok", "step", "text"], "{step}");
            assert_eq!(step["ok"], true, "{round}: {step}");
        }
        let names: Vec<&str> = steps.iter().filter_map(|s| s["step"].as_str()).collect();
        let expected = [
            "stand-ins",
            "apply",
            "key",
            "platform",
            "token",
            "land",
            "portal-login",
            "dossier-new",
            "dossier-again",
            "dossier-supplement",
            "dossier-done",
            "dossier-progress",
            "rating",
            "statistics",
            "procedure",
            "decisions",
            "petition",
            "petitions-waiting",
            "petition-result",
            "petition-document",
            "petitions-public",
            "question",
            "questions-sent",
            "question-answer",
            "questions-agency",
            "packet-wrong",
            "portal-bytes",
            "portal-holds",
            "unsubscribed",
            "timeout",
            "revoke",
            "revoked",
            "journal",
            "verify",
        ];
        assert_eq!(names, expected, "{round}");
    }
    let kept = folder.path().join("lgsp-demo");
    assert!(kept.join("journal").is_dir() && kept.join("province.yaml").is_file());
    let verified = run(folder.path(), &["journal", "verify", "--data", "lgsp-demo"]);
    assert_eq!(verified.status.code(), Some(0), "what it leaves verifies");
}

#[test]
fn people_get_a_table_in_their_language() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["demo", "--once", "--lang", "en", "--data", "d"]);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{shown}{}", text(&output.stderr));
    for expected in ["Look up land parcel 123", "journal verify --data d", "not_subscribed"] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
}

#[test]
fn a_folder_of_others_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("lgsp-demo");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("lgsp.db"), "precious").unwrap();
    let output = run(folder.path(), &["demo", "--once", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(std::fs::read(data.join("lgsp.db")).unwrap(), b"precious");
    assert!(!data.join("lgsp.lock").exists());
}
