//! The log reader on bytes of any kind.

use super::*;
use crate::frame::{self, Found, kind};
use crate::segment::{self, Begin, MAGIC};

/// How long the fuzzer may look.
const FUZZ_TIME: Duration = Duration::from_secs(20);
/// How many inputs it may try.
const FUZZ_INPUTS: usize = 200_000;

fn segment_of(rows: u32) -> Vec<u8> {
    let begin = Begin {
        node: "n1".into(),
        sequence: 1,
        opened_at: Timestamp::from_secs(1),
        previous: (0, 0),
    };
    let mut bytes = MAGIC.to_vec();
    let mut put = |number: u32, kind: u8, payload: &dyn Fn(&mut Vec<u8>)| {
        let at = bytes.len();
        frame::push(&mut bytes, kind, |out| payload(out));
        frame::seal(&mut bytes[at..at + frame::HEAD], number);
    };
    put(0, kind::BEGIN, &|out| begin.encode(out));
    for number in 1..=rows {
        let row = full_row(ExchangeId::from_bytes([9; 16]), Timestamp::from_secs(2));
        let kind = if number % 2 == 0 { kind::ROW } else { kind::OPEN };
        put(number, kind, &|out| row.encode(out));
    }
    bytes
}

/// Reads `bytes` as every reader does; nothing may panic, and what is found lies in order.
fn read_all(bytes: &[u8]) -> (usize, usize) {
    let (mut frames, mut faults) = (0, 0);
    let mut before = 0;
    for found in segment::scan(bytes) {
        let offset = match found {
            Found::Frame(frame) => {
                frames += 1;
                let _ = crate::row::opened_at(frame.payload);
                if let Ok(row) = Row::decode(frame.payload) {
                    let mut again = Vec::new();
                    row.encode(&mut again);
                    assert_eq!(again, frame.payload);
                    let _ = row.to_json();
                }
                frame.offset
            }
            Found::Damage { offset, .. } | Found::Torn { offset } => {
                faults += 1;
                offset
            }
        };
        assert!(offset >= before && offset <= bytes.len());
        before = offset;
    }
    (frames, faults)
}

#[test]
fn the_reader_never_panics_and_finds_what_was_changed() {
    let whole = segment_of(6);
    assert_eq!(read_all(&whole), (7, 0));
    bolero::check!()
        .with_type::<(Vec<u8>, Vec<(u16, u8)>, u16, bool)>()
        .with_max_len(2_048)
        .with_iterations(FUZZ_INPUTS)
        .with_test_time(FUZZ_TIME)
        .for_each(|(raw, changes, cut, from_whole)| {
            read_all(raw);
            let _ = Row::decode(raw);
            let mut bytes = if *from_whole { whole.clone() } else { [&MAGIC[..], raw].concat() };
            for (at, flip) in changes {
                let at = usize::from(*at) % bytes.len();
                bytes[at] ^= flip;
            }
            let changed = *from_whole && bytes != whole;
            assert!(!changed || read_all(&bytes).1 > 0, "a change was not found");
            bytes.truncate(usize::from(*cut) % (bytes.len() + 1));
            read_all(&bytes);
        });
}
