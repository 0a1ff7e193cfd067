//! What is held back, and in how many pieces.

use super::*;

#[test]
fn small_chunks_are_held_together_in_their_order() {
    let table: [(&str, &[usize], usize, usize); 6] = [
        ("nothing", &[], 1, 0),
        ("one", &[1], 1, 1),
        ("single bytes", &[1], HELD_BYTES_MAX, 2),
        ("large ones", &[CHUNK_MIN], 4, 4),
        ("mixed", &[1, CHUNK_MIN], 3, 6),
        ("empty ones between", &[0, 5, 0], 3, 2),
    ];
    for (name, sizes, times, most) in table {
        let mut gathered = Gathered::default();
        let mut whole = Vec::new();
        for size in sizes.iter().cycle().take(sizes.len() * times) {
            let start = whole.len();
            whole.extend((start..start + size).map(|at| u8::try_from(at % 251).unwrap()));
            gathered.add(Bytes::copy_from_slice(&whole[start..]));
        }
        assert_eq!(gathered.length, whole.len(), "{name}");
        let chunks = gathered.end();
        assert!(chunks.len() <= most, "{name}: {} chunks", chunks.len());
        assert!(chunks.iter().all(|chunk| !chunk.is_empty()), "{name}");
        assert_eq!(chunks.iter().flatten().copied().collect::<Vec<u8>>(), whole, "{name}");
    }
}
