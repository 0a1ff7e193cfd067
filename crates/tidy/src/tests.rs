//! Each check on a small tree that breaks its rule, and the house itself.

use std::path::Path;

use crate::deny::{Needs, is_allowed};
use crate::rule::Rules;
use crate::source::{functions, mask};
use crate::tree::Tree;
use crate::{Finding, check, document, ladder, law, name, size, table, test, word};

type Check = fn(&Tree, &Rules, &mut Vec<Finding>);

fn rules(more: &str) -> Rules {
    let base = r#"
        ladder = ["terms", "store", "access", "gateway"]
        names_banned = ["util", "handler", "core"]
        machine_folders = ["home"]
    "#;
    toml::from_str(&format!("{base}{more}")).expect("rules of the test")
}

/// What `check` finds in `files`, as `path:line:column`.
fn places(check: Check, rules: &Rules, files: &[(&str, &str)]) -> Vec<String> {
    let mut findings = Vec::new();
    check(&Tree::of(files), rules, &mut findings);
    findings.iter().map(|found| format!("{}:{}:{}", found.path, found.line, found.column)).collect()
}

fn one(check: Check, path: &str, text: &str) -> Vec<String> {
    places(check, &rules(""), &[(path, text)])
}

#[test]
fn a_crate_needs_only_crates_above_it() {
    let head = "[package]\nname = \"store\"\n";
    for (text, expected) in [
        ("[dependencies]\nterms.workspace = true\nserde = \"1\"\n", vec![]),
        ("[dependencies]\naccess.workspace = true\n", vec!["crates/store/Cargo.toml:4:1"]),
        ("[dev-dependencies]\ngateway = { path = \"\" }\n", vec!["crates/store/Cargo.toml:4:1"]),
        ("[dev-dependencies]\nstore = { path = \".\" }\n", vec![]),
        ("[lints]\naccess = 1\n", vec![]),
    ] {
        let found = one(ladder::check, "crates/store/Cargo.toml", &format!("{head}{text}"));
        assert_eq!(found, expected, "{text}");
    }
    assert_eq!(one(ladder::check, "crates/other/Cargo.toml", ""), ["crates/other/Cargo.toml:1:1"]);
}

#[test]
fn sizes_have_bounds_and_reasons() {
    let function = |lines: usize| format!("fn long() {{\n{}}}\n", "    step();\n".repeat(lines));
    let columns = |n: usize| format!("// {}\n", "ă".repeat(n - 3));
    let at = |place: &str| vec![format!("crates/a/src/{place}")];
    let path = "crates/a/src/noun.rs";
    for (text, expected) in [
        (function(70), vec![]),
        (function(71), at("noun.rs:1:1")),
        (format!("#[cfg(test)]\nmod tests {{\n{}}}\n", function(71)), vec![]),
        (format!("// one\n\n{}", function(70)), vec![]),
        ("step!();\n".repeat(500), vec![]),
        ("step!();\n".repeat(501), at("noun.rs:1:1")),
        (columns(100), vec![]),
        (columns(101), at("noun.rs:1:101")),
        (format!("const A: &str = \"{}\";\n", "x".repeat(120)), vec![]),
        (
            format!("#[rustfmt::skip]\nfn t() {{\n{}\n}}\n", columns(120).replace("//", "a;")),
            vec![],
        ),
    ] {
        assert_eq!(one(size::check, path, &text), expected, "{}", text.len());
    }
    assert!(one(size::check, "crates/a/src/tests.rs", &function(71)).is_empty());

    let excused =
        rules("[[size]]\nfile = \"a.rs\"\nfunction = \"long\"\nlines = 80\nreason = \"r\"");
    assert!(places(size::check, &excused, &[("a.rs", &function(80))]).is_empty());
    assert_eq!(places(size::check, &excused, &[("a.rs", &function(81))]), ["a.rs:1:1"]);
    // an exception without its function is itself found
    assert_eq!(places(size::check, &excused, &[("a.rs", "")]), ["tidy.toml:1:1"]);
}

#[test]
fn names_say_what_is_inside() {
    for (path, text, expected) in [
        ("crates/a/src/noun.rs", "struct Caller;", vec![]),
        ("crates/a/src/noun_util.rs", "", vec!["crates/a/src/noun_util.rs:1:1"]),
        ("crates/core/src/lib.rs", "", vec!["crates/core/src/lib.rs:1:1"]),
        ("a.rs", "pub struct HeadHandler;", vec!["a.rs:1:12"]),
        ("a.rs", "mod util {}", vec!["a.rs:1:5"]),
        ("a.rs", "enum Encore {}\ntype Corel = u8;", vec![]),
        ("a.rs", "// struct Handler\nlet a = \"struct Handler\";", vec![]),
        ("a.rs", "use core::fmt; fn f(handler: u8) {}", vec![]),
    ] {
        assert_eq!(one(name::check, path, text), expected, "{path} {text}");
    }
}

#[test]
fn a_table_stands_in_one_file() {
    let check: Check = |tree, _, findings| table::check(tree, findings);
    let migration = ("m/1.sql", "CREATE TABLE credential (a BIGINT);\n");
    let store = ("a/credential/store.rs", "let q = \"SELECT a FROM credential\";");
    let other = ("a/another.rs", "let q = r#\"\nDELETE FROM credential\"#;");
    let spoken = ("a/third.rs", "// FROM credential\nlet q = \"one credential from a FROM b\";");
    let tests = ("a/tests.rs", "let q = \"UPDATE credential SET a = 1\";");
    let found = places(check, &rules(""), &[migration, store, other, spoken, tests]);
    assert_eq!(found, ["a/another.rs:2:13"]);
}

#[test]
fn tests_run_and_do_not_wait_for_luck() {
    for (path, text, expected) in [
        ("a.rs", "#[test]\n#[ignore]\nfn t() {}", vec!["a.rs:2:1"]),
        ("a.rs", "#[test]\n#[should_panic]\nfn t() {}", vec!["a.rs:2:1"]),
        ("a.rs", "fn work() { sleep(1); }", vec![]),
        ("a.rs", "#[cfg(test)]\nmod t { fn f() { sleep(1); } }", vec!["a.rs:2:18"]),
        ("tests/it/a.rs", "tokio::time::sleep(d).await;", vec!["tests/it/a.rs:1:14"]),
    ] {
        assert_eq!(one(test::check, path, text), expected, "{text}");
    }
    let excused = rules("[[sleep]]\nfile = \"tests.rs\"\nreason = \"r\"");
    assert!(places(test::check, &excused, &[("tests.rs", "sleep(1)")]).is_empty());
}

#[test]
fn documents_have_one_title_and_no_machine_path() {
    let home = ["/ho", "me/me/x"].concat();
    for (path, text, expected) in [
        ("a.md", "# One\n```\n# no title\n```\n## Two\n", vec![]),
        ("a.md", "# One\n\n# Two\n", vec!["a.md:3:1"]),
        ("a.md", "text\n", vec!["a.md:1:1"]),
        ("a.sh", &format!("cd {home}"), vec!["a.sh:1:4"]),
        ("a.sh", &format!("cd src{home}; open $there{home}"), vec![]),
    ] {
        assert_eq!(one(document::check, path, text), expected, "{text}");
    }
}

#[test]
fn words_that_may_stand_nowhere_are_found_whole() {
    let rules = rules("[[word]]\ntext = \"LATER\"\ninstead = \"now\"");
    let found = places(word::check, &rules, &[("a.md", "LATERAL\nsee: LATER\n")]);
    assert_eq!(found, ["a.md:2:6"]);
}

#[test]
fn the_conformance_map_names_tests_that_exist() {
    let source =
        "#[test]\nfn holds() {}\n#[tokio::test(flavor = \"x\")]\nasync fn waits() {}\nfn no() {}";
    let map =
        |state: &str| format!("| Id | Text | State |\n|---|---|---|\n| A1 | text | {state} |\n");
    for (state, right) in [
        ("planned", true),
        ("not yet: waits for a bridge", true),
        ("tested by `gateway::holds`, gateway::waits", true),
        ("tested by `gateway::no`", false),
        ("tested by `access::holds`", false),
        ("done", false),
    ] {
        let tree = Tree::of(&[
            ("crates/gateway/src/tests.rs", source),
            ("docs/conformance.md", &map(state)),
        ]);
        let mut findings = Vec::new();
        law::check(&tree, &mut findings);
        findings.retain(|found| found.path == "docs/conformance.md");
        assert_eq!(findings.is_empty(), right, "{state}: {findings:?}");
    }
}

#[test]
fn fault_examples_are_compared_with_the_code() {
    let right = r#"{"type":"urn:lgsp:fault:internal","title":"The platform failed","status":500,"detail":"d","code":"internal","blame":"platform","retry":false,"reached":false,"exchange":null}"#;
    for (text, right) in [
        (right.to_owned(), true),
        (right.replace("500", "501"), false),
        (right.replace("The platform failed", "Oh"), false),
        (right.replace(":internal\"", ":other\""), false),
        (right.replace("\"retry\":false", "\"retry\":\"no\""), false),
    ] {
        let tree = Tree::of(&[("docs/protocol/fault.md", &text)]);
        let mut findings = Vec::new();
        law::check(&tree, &mut findings);
        let told: Vec<String> = findings.iter().map(ToString::to_string).collect();
        let missing = told.iter().any(|text| text.contains("no example of `internal` in `en`"));
        assert_eq!(!missing, right, "{text}");
    }
}

#[test]
fn limits_stand_in_the_document() {
    let tree = Tree::of(&[
        ("crates/terms/src/limit.rs", "pub const A_MAX: u8 = 1;\npub const B_MAX: u8 = 1;\n"),
        ("docs/limit.md", "| `A_MAX` | 1 |\n| `GONE` | 1 |\n"),
    ]);
    let mut findings = Vec::new();
    law::check(&tree, &mut findings);
    let told: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(told.iter().any(|text| text.starts_with("crates/terms/src/limit.rs:2:1: `B_MAX`")));
    assert!(told.iter().any(|text| text.starts_with("docs/limit.md:2:1: no limit `GONE`")));
}

#[test]
fn rust_is_taken_apart() {
    for (source, code, strings) in [
        ("a // \"b\"\nc", "a       \nc", "        \n "),
        ("a \"b\\\"c\" d", "a \"    \" d", "   b\\\"c   "),
        ("r#\"a\"b\"# c", "r#\"   \"# c", "   a\"b    "),
        ("'\"' x 'a 'b", "' ' x 'a 'b", "           "),
        ("/* a /* b */ c */ d", "                  d", "                   "),
        ("b\"x\" br\"y\"", "b\" \" br\" \"", "  x     y "),
    ] {
        let masked = mask(source);
        assert_eq!(masked.code, code, "{source}");
        assert_eq!(masked.strings, strings, "{source}");
    }
    let found: Vec<&str> =
        functions("fn a(x: [u8; 2]) -> u8 { b() } fn c(); impl Fn for D { fn e() {} }")
            .iter()
            .map(|function| function.name)
            .collect();
    assert_eq!(found, ["a", "e"]);
}

#[test]
fn licences_are_expressions() {
    let allow = ["MIT".to_owned(), "ISC".to_owned(), "Apache-2.0".to_owned()];
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0 AND MIT", false),
        ("ISC AND (GPL-3.0 OR MIT)", true),
        ("GPL-3.0 OR MIT AND ISC", true),
        ("MIT/Apache-2.0", true),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("", false),
        ("MIT MIT", false),
    ] {
        assert_eq!(is_allowed(expression, &allow), expected, "{expression}");
    }
}

#[test]
fn the_graph_is_read_from_depths() {
    let mut needs = Needs::default();
    needs.read("0 lgsp v1 (path)|EUPL-1.2\n1 hyper v1|MIT\n2 http v1|MIT\n1 http v1|MIT (*)\n\n0 a v1|MIT\n1 b v2|\n");
    let pairs: Vec<String> =
        needs.pairs.iter().map(|(needed, by)| format!("{by}>{needed}")).collect();
    assert_eq!(pairs, ["a>b", "hyper>http", "lgsp>http", "lgsp>hyper"]);
    assert_eq!(needs.licences["http v1"], "MIT");
}

#[test]
fn the_house_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let tree = Tree::read(&root).expect("the tree can be read");
    let findings = check(&tree, &Rules::read(&root).expect("tidy.toml can be read"));
    let told: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
}
