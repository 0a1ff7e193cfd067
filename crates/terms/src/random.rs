//! Randomness as an argument.

use std::sync::{Arc, Mutex};

use rand::{RngCore, SeedableRng};

/// Gives random bytes fit for keys. Cheap to clone. Seeded in tests, so that a failure can be
/// replayed from the seed it printed.
#[derive(Clone)]
pub struct Random(Source);

#[derive(Clone)]
enum Source {
    System,
    Seeded(Arc<Mutex<rand::rngs::StdRng>>),
}

impl Random {
    /// The system's generator (per thread, reseeded from the kernel).
    pub fn system() -> Random {
        Random(Source::System)
    }

    /// A generator that gives the same bytes for the same seed. Never for keys in production.
    pub fn seeded(seed: u64) -> Random {
        let generator = rand::rngs::StdRng::seed_from_u64(seed);
        Random(Source::Seeded(Arc::new(Mutex::new(generator))))
    }

    /// Fills `bytes`.
    #[allow(clippy::disallowed_methods, reason = "the home of randomness")]
    pub fn fill(&self, bytes: &mut [u8]) {
        match &self.0 {
            Source::System => rand::rng().fill_bytes(bytes),
            Source::Seeded(generator) => match generator.lock() {
                Ok(mut generator) => generator.fill_bytes(bytes),
                Err(poisoned) => poisoned.into_inner().fill_bytes(bytes),
            },
        }
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}

impl std::fmt::Debug for Random {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Random")
    }
}
