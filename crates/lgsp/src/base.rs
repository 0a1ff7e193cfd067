//! What server and commands stand on alike: the configuration, the open database, the keyring.

use std::path::Path;

use access::credential::Issuer;
use keyring::{Keyring, KeyringError};
use store::{Store, StoreError};
use terms::clock::Clock;
use terms::fault::Sentence;
use terms::random::Random;

use crate::config::Config;
use crate::output::{self, Exit, Failure};

/// The parts that work beside a running server on the same data folder.
#[derive(Clone)]
pub struct Base {
    /// What the program runs by.
    pub config: Config,
    /// The database, its migrations run.
    pub store: Store,
    /// The keyring, compared with the database.
    pub keyring: Keyring,
    /// Time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
}

impl Base {
    /// Opens database and keyring; both are made where they are not there yet.
    ///
    /// # Errors
    /// Exit 3 when the database or a file cannot be had, or the keyring is of another platform.
    pub async fn open(config: Config, clock: Clock, random: Random) -> Result<Base, Failure> {
        make_folder(&config.data)?;
        let store = Store::open(&store::Config { url: config.database.clone() }).await?;
        let keyring = Keyring::open(&config.keyring, &clock, &random)?;
        keyring.check(&store).await?;
        Ok(Base { config, store, keyring, clock, random })
    }

    /// The same for a command that changes nothing or needs what is there: a data folder that does
    /// not exist is a slip of the keyboard, not a new platform.
    ///
    /// # Errors
    /// Exit 2 when the data folder is not there.
    pub async fn find(config: Config, clock: Clock, random: Random) -> Result<Base, Failure> {
        must_exist(&config)?;
        Base::open(config, clock, random).await
    }

    /// Issues and changes credentials.
    pub fn issuer(&self) -> Issuer {
        Issuer::new(self.keyring.clone(), self.clock.clone(), self.random.clone())
    }
}

/// Is the data folder there? With a database server it need not be: a node may keep nothing there.
///
/// # Errors
/// Exit 2 when it is not.
pub fn must_exist(config: &Config) -> Result<(), Failure> {
    if config.data.is_dir() || !config.database.starts_with("sqlite:") {
        return Ok(());
    }
    let data = config.data.display();
    Err(Failure::usage(
        format!("không có thư mục dữ liệu {data}; chọn bằng --data"),
        format!("there is no data folder {data}; choose it with --data"),
    ))
}

fn make_folder(data: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data);
    made.map_err(|error| {
        let data = data.display();
        Failure::io(
            Exit::Unable,
            &format!("không tạo được thư mục dữ liệu {data}"),
            &format!("cannot make the data folder {data}"),
            &error,
        )
    })
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        let exit = match error {
            StoreError::Url { .. } => Exit::Usage,
            _ => Exit::Unable,
        };
        Failure { exit, sentence: Some(with_causes(&error.sentence(), &error)) }
    }
}

impl From<KeyringError> for Failure {
    fn from(error: KeyringError) -> Failure {
        let exit = match error {
            KeyringError::Unknown { .. } | KeyringError::Current { .. } | KeyringError::Full => {
                Exit::Refused
            }
            _ => Exit::Unable,
        };
        Failure { exit, sentence: Some(with_causes(&error.sentence(), &error)) }
    }
}

/// The sentence with what stands behind the error: its own text does not repeat its causes. In
/// Vietnamese a refusal of the operating system is told, or else the causes' own words in
/// parentheses.
pub(crate) fn with_causes(sentence: &Sentence, error: &dyn std::error::Error) -> Sentence {
    let (mut causes, mut system) = (Vec::<String>::new(), None);
    let mut next = error.source();
    while let Some(cause) = next {
        let raw = cause.to_string();
        if !sentence.en.contains(&raw) && !causes.iter().any(|told| told.contains(&raw)) {
            causes.push(raw);
        }
        system = system.or_else(|| cause.downcast_ref().map(output::cause));
        next = cause.source();
    }
    if causes.is_empty() {
        return sentence.clone();
    }
    let causes = causes.join(": ");
    let vi = match system {
        Some(system) => format!("{}: {}", sentence.vi, system.vi),
        None => format!("{} ({causes})", sentence.vi),
    };
    Sentence::made(vi, format!("{}: {causes}", sentence.en))
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::fmt;
    use std::io;

    use terms::fault::Sentence;

    use super::with_causes;

    /// An error with what stands behind it.
    #[derive(Debug)]
    struct Link(&'static str, Option<Box<dyn Error>>);

    impl fmt::Display for Link {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Link {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref()
        }
    }

    #[test]
    fn causes_are_told_once_and_the_systems_in_vietnamese() {
        let refused = || io::Error::from_raw_os_error(libc::ECONNREFUSED);
        let raw = refused().to_string();
        let sentence = Sentence::new("không mở được", "cannot be opened");
        for (error, vi, en) in [
            (Link("top", None), "không mở được".to_owned(), "cannot be opened".to_owned()),
            (
                Link("top", Some(Box::new(Link("no such table", None)))),
                "không mở được (no such table)".to_owned(),
                "cannot be opened: no such table".to_owned(),
            ),
            (
                Link("top", Some(Box::new(Link("lost", Some(Box::new(refused())))))),
                format!("không mở được: bên kia từ chối kết nối ({raw})"),
                format!("cannot be opened: lost: {raw}"),
            ),
        ] {
            let told = with_causes(&sentence, &error);
            assert_eq!((&*told.vi, &*told.en), (&*vi, &*en));
        }
    }
}
