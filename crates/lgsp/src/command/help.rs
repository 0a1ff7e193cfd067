//! Help and slips of the keyboard in the person's language: what clap would say in English, and an
//! example for each command.

mod example;
mod slip;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};

use clap::builder::StyledStr;
use clap::error::ErrorKind;
use clap::{Arg, Command, CommandFactory, FromArgMatches};
use terms::fault::Language;

use super::{GENERAL, Line, WIDTH};
use crate::host;
use crate::output::Exit;

/// Between the Vietnamese and the English part of a text.
const BOTH: &str = " · ";

/// What clap writes by itself, and the same in Vietnamese; longer ones before their beginnings.
const WORDS: [(&str, &str); 10] = [
    ("Usage:", "Cách dùng:"),
    ("Commands:", "Lệnh:"),
    ("Arguments:", "Tham số:"),
    ("Options:", "Tùy chọn:"),
    ("[OPTIONS]", "[TÙY CHỌN]"),
    ("<COMMAND>", "<LỆNH>"),
    ("[COMMAND]", "[LỆNH]"),
    ("Print this message or the help of the given subcommand(s)", "Trợ giúp của một lệnh"),
    ("Print help", "In trợ giúp này"),
    ("Print version", "In phiên bản"),
];

/// Reads the command line. Help, version, and what is wrong with the line are told here.
pub(super) fn read(arguments: &[OsString]) -> Result<Line, Exit> {
    let language = language(arguments);
    let mut command = command(language);
    let matches = command.try_get_matches_from_mut(arguments);
    let error = match matches.and_then(|matches| Line::from_arg_matches(&matches)) {
        Ok(line) => return Ok(line),
        Err(error) => error,
    };
    let text = text(&error, language);
    // A message that cannot be printed leaves the exit code to speak.
    if error.use_stderr() {
        let _ = io::stderr().lock().write_all(styled(&text, io::stderr().is_terminal()).as_bytes());
        return Err(Exit::Usage);
    }
    let _ = io::stdout().lock().write_all(styled(&text, io::stdout().is_terminal()).as_bytes());
    Err(Exit::Done)
}

fn styled(text: &StyledStr, terminal: bool) -> String {
    if terminal { text.ansi().to_string() } else { text.to_string() }
}

/// Help as clap lays it out; a slip in a sentence of ours where the person reads Vietnamese.
fn text(error: &clap::Error, language: Language) -> StyledStr {
    let help = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    match language {
        Language::En => {
            let text = error.render().ansi().to_string();
            let cause = std::error::Error::source(error).map(ToString::to_string);
            match cause.filter(|_| error.kind() == ErrorKind::ValueValidation) {
                Some(cause) => text.replace(&cause, part(&cause, language)).into(),
                None => text.into(),
            }
        }
        Language::Vi if help => vietnamese(&error.render().ansi().to_string()).into(),
        Language::Vi if error.kind() == ErrorKind::DisplayVersion => error.render(),
        Language::Vi => slip::vietnamese(error).into(),
    }
}

/// The words of clap in Vietnamese.
fn vietnamese(text: &str) -> String {
    WORDS.iter().fold(text.to_owned(), |text, (en, vi)| text.replace(en, vi))
}

/// The language asked for, before the line is known to be right.
fn language(arguments: &[OsString]) -> Language {
    let mut words = arguments.iter().filter_map(|word| word.to_str()).take_while(|w| *w != "--");
    let mut language = Language::Vi;
    while let Some(word) = words.next() {
        let value = match word.strip_prefix("--lang") {
            Some("") => words.next(),
            Some(rest) => rest.strip_prefix('='),
            None => None,
        };
        match value {
            Some("en") => language = Language::En,
            Some("vi") => language = Language::Vi,
            _ => {}
        }
    }
    language
}

/// The command line with its texts in one language and an example for each command.
fn command(language: Language) -> Command {
    let width = host::terminal_width().unwrap_or(WIDTH).min(WIDTH);
    localise(Line::command().term_width(width), language, "lgsp")
}

fn localise(command: Command, language: Language, path: &str) -> Command {
    let about = command.get_about().map(|text| part(&text.to_string(), language).to_owned());
    let names: Vec<String> = command.get_subcommands().map(|c| c.get_name().to_owned()).collect();
    let mut command = command.mut_args(|arg| localise_arg(arg, language));
    if let Some(about) = about {
        command = command.about(about);
    }
    if let Some(examples) = example::of(path) {
        let title = if language == Language::Vi { "Ví dụ:" } else { "Examples:" };
        let lines = examples.iter().map(|example| format!("\n  {example}")).collect::<String>();
        command = command.after_help(format!("{title}{lines}"));
    }
    for name in names {
        let path = format!("{path} {name}");
        command = command.mut_subcommand(name, |one| localise(one, language, &path));
    }
    command
}

/// One text for a flag: what it is, what it may be, what it is unless told otherwise. The last two
/// are said here, since clap would say them in English.
fn localise_arg(arg: Arg, language: Language) -> Arg {
    let mut help = arg.get_help().map(|t| part(&t.to_string(), language).to_owned());
    let general = arg.get_help_heading() == Some(GENERAL);
    let takes_values = arg.get_action().takes_values();
    if takes_values {
        let help = help.get_or_insert_default();
        help.push_str(&values(&arg, language));
        let default: Vec<_> =
            arg.get_default_values().iter().map(|v| v.to_string_lossy()).collect();
        if !default.is_empty() {
            let word = if language == Language::Vi { "mặc định" } else { "default" };
            help.push_str(&format!(" [{word}: {}]", default.join(", ")));
        }
    }
    let arg = match help {
        Some(help) => arg.help(help),
        None => arg,
    };
    let arg = match takes_values {
        true => arg.hide_possible_values(true).hide_default_value(true),
        false => arg,
    };
    if general { arg.help_heading(part(GENERAL, language)) } else { arg }
}

/// The words that a flag takes, each with its meaning where that is told.
fn values(arg: &Arg, language: Language) -> String {
    let values = arg.get_possible_values();
    let values = values.iter().filter(|value| !value.is_hide_set());
    let values: Vec<String> = values
        .map(|value| match value.get_help() {
            Some(help) => format!("{}: {}", value.get_name(), part(&help.to_string(), language)),
            None => value.get_name().to_owned(),
        })
        .collect();
    match (values.is_empty(), values.iter().any(|value| value.contains(": ")), language) {
        (true, ..) => String::new(),
        (_, true, _) => format!(" ({})", values.join("; ")),
        (_, _, Language::Vi) => format!(" [giá trị: {}]", values.join(", ")),
        (_, _, Language::En) => format!(" [values: {}]", values.join(", ")),
    }
}

/// The part of a text of two languages; the whole of one that is the same in both.
fn part(text: &str, language: Language) -> &str {
    match (text.split_once(BOTH), language) {
        (Some((vi, _)), Language::Vi) => vi,
        (Some((_, en)), Language::En) => en,
        (None, _) => text,
    }
}

#[cfg(test)]
mod tests;
