//! Every command's help in both languages, every example, and the slips.

use std::ffi::OsString;

use clap::Command;
use terms::fault::Language;
use unicode_width::UnicodeWidthStr;

use super::{command, example, language, part, styled, text};

/// The words of a line, as a shell takes it apart: quotes keep a word together.
fn words(line: &str) -> Vec<OsString> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    assert!(quote.is_none(), "a quote stays open: {line}");
    words.extend(word);
    words.into_iter().map(OsString::from).collect()
}

/// What is told about a line that clap ends itself.
fn told(line: &str, language: Language) -> String {
    let error = command(language).try_get_matches_from(words(line)).expect_err(line);
    styled(&text(&error, language), false)
}

/// Every command, with all that stands before it; `true` when it has none below.
fn paths(command: &Command, before: &str, found: &mut Vec<(String, bool)>) {
    let path = format!("{before}{}", command.get_name());
    found.push((path.clone(), !command.has_subcommands()));
    for below in command.get_subcommands() {
        paths(below, &format!("{path} "), found);
    }
}

fn all() -> Vec<(String, bool)> {
    let mut found = Vec::new();
    paths(&command(Language::Vi), "", &mut found);
    assert!(found.len() > 30, "{}", found.len());
    found
}

#[test]
fn every_help_fits_the_window_and_speaks_one_language() {
    // Words of one language that the help of the other must not hold.
    let english = [
        "Usage",
        "Options",
        "Arguments",
        "Commands",
        "default",
        "Print",
        "possible",
        " the ",
        " of ",
        "Examples",
    ];
    let vietnamese = ["Cách", "mặc định", "Tùy", "Lệnh", "hoặc", "không", "của", "Ví dụ"];
    for (path, _) in all() {
        for flag in ["-h", "--help"] {
            for (language, foreign) in
                [(Language::Vi, &english[..]), (Language::En, &vietnamese[..])]
            {
                let help = told(&format!("{path} {flag}"), language);
                for line in help.lines() {
                    assert!(line.width() <= 100, "{path}: {line:?}");
                    assert!(!line.contains('\u{1b}'), "{path}: {line:?}");
                }
                for word in foreign {
                    assert!(!help.contains(word), "{path} {flag}: {word:?} in\n{help}");
                }
            }
        }
    }
}

#[test]
fn every_text_has_a_part_for_each_language() {
    fn check(command: &Command, path: &str) {
        let both = |what: &str, text: Option<String>| {
            let text = text.unwrap_or_else(|| panic!("{path}: {what} has no text"));
            let (vi, en) = (part(&text, Language::Vi), part(&text, Language::En));
            // names that are the same in both languages
            assert!(vi != en || text.is_ascii() && text.len() < 15, "{path}: {what}: {text}");
        };
        both("about", command.get_about().map(ToString::to_string));
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
            both(arg.get_id().as_str(), arg.get_help().map(ToString::to_string));
        }
        for below in command.get_subcommands() {
            check(below, &format!("{path} {}", below.get_name()));
        }
    }
    use clap::CommandFactory;
    check(&super::Line::command(), "lgsp");
}

#[test]
fn every_command_has_an_example_that_can_be_typed() {
    for (path, leaf) in all() {
        let Some(examples) = example::of(&path) else {
            assert!(!leaf, "{path} has no example in help/example.rs");
            continue;
        };
        // indented by two; a line that the help breaks could not be copied
        assert!(examples.iter().all(|line| line.width() <= 98), "{path}: end it with \\");
        let lines = examples.join("\n").replace("\\\n", " ");
        for line in lines.lines() {
            assert!(path == "lgsp" || line.starts_with(&path), "{path}: {line}");
            let line = line.split(['<', '>']).next().expect("a first part").trim();
            let read = command(Language::En).try_get_matches_from(words(line));
            assert!(read.is_ok(), "{line}: {}", read.unwrap_err());
        }
    }
}

#[test]
fn a_slip_is_told_in_the_language_asked_for() {
    for (line, vi, en) in [
        ("lgsp fly", "không có lệnh “fly”", "unrecognized subcommand 'fly'"),
        ("lgsp servee", "lệnh gần giống: serve", "a similar subcommand exists: 'serve'"),
        ("lgsp serve --fast", "không có tùy chọn hay tham số “--fast”", "unexpected argument"),
        ("lgsp serve --liv x", "tùy chọn gần giống: --live", "a similar argument exists"),
        ("lgsp key issue --system a", "thiếu --environment <ENVIRONMENT>", "required arguments"),
        ("lgsp key issue --environment dev", "không nhận giá trị “dev”", "invalid value 'dev'"),
        ("lgsp show", "thiếu <WHAT>", "required arguments"),
        ("lgsp show cats", "các giá trị được nhận: members, systems", "possible values"),
        ("lgsp journal search --limit x", "phải là số nguyên không âm", "invalid digit"),
        ("lgsp journal search --limit", "cần một giá trị", "a value is required"),
        ("lgsp journal search --limit 1 --limit 2", "chỉ được nêu một lần", "multiple times"),
        ("lgsp key rotate K --overlap 9y", "0s, 30m, 24h", "0s, 30m, 24h"),
        ("lgsp keyring retire 300", "phải trong khoảng 0..=255", "300 is not in 0..=255"),
        ("lgsp packet show X --toml --json", "không đi cùng", "cannot be used with"),
        ("lgsp simulate provider --listen x", "phải có dạng IP:cổng", "invalid socket address"),
        ("lgsp --lang fr config show", "không nhận giá trị “fr”", "invalid value 'fr'"),
    ] {
        let (said_vi, said_en) = (told(line, Language::Vi), told(line, Language::En));
        assert!(said_vi.contains(vi), "{line}: {said_vi}");
        assert!(said_en.contains(en), "{line}: {said_en}");
        for english in ["error", "Usage", "OPTIONS", "similar", "For more"] {
            assert!(!said_vi.contains(english), "{line}: {said_vi}");
        }
    }
}

#[test]
fn the_language_is_known_before_the_line_is() {
    for (line, expected) in [
        ("lgsp serve", Language::Vi),
        ("lgsp --lang en fly", Language::En),
        ("lgsp fly --lang=en", Language::En),
        ("lgsp fly --lang", Language::Vi),
        ("lgsp fly --lang fr", Language::Vi),
        ("lgsp simulate consumer -- --lang en", Language::Vi),
    ] {
        assert_eq!(language(&words(line)), expected, "{line}");
    }
}

/// The lines of the shell blocks of a document, comments and what belongs to the shell left out.
fn shell_lines(document: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let joined = document.replace("\\\n", " ");
    let mut shell = false;
    for line in joined.lines() {
        if let Some(fence) = line.trim_start().strip_prefix("```") {
            shell = !shell && matches!(fence, "" | "sh" | "bash" | "console");
        } else if shell {
            let line = line.trim_start().trim_start_matches("$ ");
            let line = line.split(" #").next().unwrap_or_default();
            let line = line.split(['<', '>', '|', ';']).next().unwrap_or_default();
            lines.extend(line.starts_with("lgsp ").then(|| line.trim().to_owned()));
        }
    }
    lines
}

#[test]
fn every_command_line_in_the_documents_can_be_typed() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut documents = vec![root.join("README.md"), root.join("README.vi.md")];
    for folder in ["docs", "docs/manual", "docs/protocol"] {
        let entries = std::fs::read_dir(root.join(folder)).expect("the documents are there");
        documents.extend(entries.flatten().map(|entry| entry.path()));
    }
    documents.retain(|path| path.extension().is_some_and(|ending| ending == "md"));
    let mut seen = 0;
    for path in documents {
        let text = std::fs::read_to_string(&path).expect("the document is there");
        for line in shell_lines(&text) {
            let read = command(Language::En).try_get_matches_from(words(&line));
            assert!(read.is_ok(), "{}: {line}: {}", path.display(), read.unwrap_err());
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen} lines were found");
}
