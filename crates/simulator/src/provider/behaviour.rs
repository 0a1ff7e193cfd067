//! What a path asks the provider to do.

/// What is done; numbers in a path are bytes or milliseconds, as the name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    Welcome,
    LandParcel,
    Echo,
    Headers,
    Size { bytes: u64 },
    Chunked { bytes: u64 },
    Delay { millis: u64 },
    Drip { pause_millis: u64, bytes: u64, first_bytes: u64 },
    DripHead { pause_millis: u64 },
    Hang,
    NeverCloses { bytes: u64 },
    Reset,
    ResetMidway { bytes: u64 },
    Status { code: u16 },
    Broken { kind: String },
    CloseAfter,
    Redirect,
    Unknown,
}

impl Behaviour {
    /// Reads a path. The first segment that names a behaviour decides, so that a base path before
    /// it does no harm; absent numbers have a default, bad ones make the path unknown.
    pub(crate) fn of(path: &str) -> Behaviour {
        let segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
        if segments.is_empty() {
            return Behaviour::Welcome;
        }
        (0..segments.len())
            .find_map(|at| named(segments[at], &segments[at + 1..]))
            .unwrap_or(Behaviour::Unknown)
    }
}

fn named(name: &str, rest: &[&str]) -> Option<Behaviour> {
    let number = |at: usize, default: u64| match rest.get(at) {
        Some(text) => text.parse().ok(),
        None => Some(default),
    };
    let behaviour = match name {
        "tra-cuu" => Some(Behaviour::LandParcel),
        "echo" => Some(Behaviour::Echo),
        "headers" => Some(Behaviour::Headers),
        "size" => number(0, 256).map(|bytes| Behaviour::Size { bytes }),
        "chunked" => number(0, 256).map(|bytes| Behaviour::Chunked { bytes }),
        "delay" => number(0, 100).map(|millis| Behaviour::Delay { millis }),
        "drip" => drip(number(0, 1_000), number(1, 60), number(2, 0)),
        "drip-head" => number(0, 1_000).map(|pause_millis| Behaviour::DripHead { pause_millis }),
        "hang" => Some(Behaviour::Hang),
        "never-closes" => number(0, 1_000).map(|bytes| Behaviour::NeverCloses { bytes }),
        "reset" => Some(Behaviour::Reset),
        "reset-midway" => number(0, 1_000).map(|bytes| Behaviour::ResetMidway { bytes }),
        "status" => status(rest.first().copied().unwrap_or("200")),
        "broken" => rest.first().map(|kind| Behaviour::Broken { kind: (*kind).to_owned() }),
        "close-after" => Some(Behaviour::CloseAfter),
        "redirect" => Some(Behaviour::Redirect),
        _ => return None,
    };
    Some(behaviour.unwrap_or(Behaviour::Unknown))
}

fn drip(pause: Option<u64>, bytes: Option<u64>, first: Option<u64>) -> Option<Behaviour> {
    Some(Behaviour::Drip { pause_millis: pause?, bytes: bytes?, first_bytes: first? })
}

fn status(text: &str) -> Option<Behaviour> {
    let code = text.parse().ok().filter(|code| (200..=999).contains(code));
    code.map(|code| Behaviour::Status { code })
}
