//! The files of the repository, read once.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::Finding;
use crate::source::{Masked, mask};

/// A text file of the repository.
pub struct File {
    /// Path from the root, with `/`.
    pub path: String,
    /// Its text.
    pub text: String,
    /// For Rust files: the same with comments and literals taken apart.
    pub masked: Option<Masked>,
}

/// All text files, in the order of paths.
pub struct Tree {
    /// The files.
    pub files: Vec<File>,
}

impl Tree {
    /// Reads what git knows, and what it would take in: new files are checked before the commit.
    pub fn read(root: &Path) -> Result<Tree> {
        let listed = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .context("git ls-files")?;
        ensure!(listed.status.success(), "git ls-files: {}", listed.status);
        let mut paths: Vec<String> =
            String::from_utf8(listed.stdout)?.split_terminator('\0').map(str::to_owned).collect();
        paths.sort();
        paths.dedup();
        let mut files = Vec::with_capacity(paths.len());
        for path in paths {
            // a file deleted but not yet committed, or one that is no text, is not looked at
            if let Ok(text) = std::fs::read_to_string(root.join(&path)) {
                files.push(File::new(path, text));
            }
        }
        Ok(Tree { files })
    }

    /// A tree given as paths and texts.
    pub fn of(files: &[(&str, &str)]) -> Tree {
        let files =
            files.iter().map(|(path, text)| File::new((*path).to_owned(), (*text).to_owned()));
        Tree { files: files.collect() }
    }

    /// The file at `path`.
    pub fn find(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }
}

impl File {
    fn new(path: String, text: String) -> File {
        let masked = path.ends_with(".rs").then(|| mask(&text));
        File { path, text, masked }
    }

    /// Does its name end so?
    pub fn is(&self, extension: &str) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, end)| end == extension)
    }

    /// Does all of it serve tests, or is it no code of ours?
    pub fn is_test(&self) -> bool {
        let mut parts = self.path.split('/');
        parts.any(|part| matches!(part, "tests" | "tests.rs" | "fuzz" | "benches"))
    }

    /// Is it brought in or made by a program, so that our form does not bind it?
    pub fn is_foreign(&self) -> bool {
        let mut parts = self.path.split('/');
        parts.any(|part| matches!(part, "fixtures" | "vendor" | "snapshots" | "corpus"))
            || self.path.ends_with("Cargo.lock")
            || self.path == "LICENCE"
    }

    /// A finding at byte `offset`.
    pub fn finding(&self, offset: usize, text: String) -> Finding {
        let before = &self.text[..offset];
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        Finding {
            path: self.path.clone(),
            line: before.matches('\n').count() + 1,
            column: self.text[start..offset].chars().count() + 1,
            text,
        }
    }

    /// Its lines with the byte offset of each.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut offset = 0;
        self.text.split_inclusive('\n').map(move |line| {
            let start = offset;
            offset += line.len();
            (start, line.trim_end_matches(['\n', '\r']))
        })
    }
}
