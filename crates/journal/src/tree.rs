//! The Merkle tree of RFC 6962, 2.1 over the canonical bytes of rows, in the order of the file.

use aws_lc_rs::digest::{Context, Digest, SHA256, digest};
use terms::limit::BLOCK_ROWS;

/// A node of the tree.
pub(crate) type Hash = [u8; 32];

pub(crate) fn bytes_of(digest: &Digest) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest.as_ref());
    hash
}

fn leaf(row: &[u8]) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(&[0]);
    context.update(row);
    bytes_of(&context.finish())
}

fn node(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(left);
    bytes[33..].copy_from_slice(right);
    bytes_of(&digest(&SHA256, &bytes))
}

/// A tree that grows by one row at a time, keeping one hash a level.
#[derive(Default)]
pub(crate) struct Tree {
    /// Roots of the perfect subtrees so far, largest first.
    peaks: Vec<Hash>,
    rows: u64,
    block: Vec<Hash>,
    block_rows: usize,
    blocks: Vec<Hash>,
}

impl Tree {
    /// Takes the next row.
    pub(crate) fn push(&mut self, row: &[u8]) {
        let leaf = leaf(row);
        grow(&mut self.peaks, self.rows, leaf);
        self.rows += 1;
        grow(&mut self.block, self.block_rows as u64, leaf);
        self.block_rows += 1;
        if self.block_rows == BLOCK_ROWS {
            self.blocks.push(fold(&self.block));
            self.block.clear();
            self.block_rows = 0;
        }
    }

    /// Rows taken.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// The root over all rows and the root of each block of [`BLOCK_ROWS`] rows, the last one
    /// maybe shorter. A block's root is a node of the whole tree, `BLOCK_ROWS` being a power of 2.
    pub(crate) fn finish(mut self) -> (Hash, Vec<Hash>) {
        if self.block_rows > 0 {
            self.blocks.push(fold(&self.block));
        }
        (fold(&self.peaks), self.blocks)
    }
}

/// Adds a leaf: as many peaks are joined as the number of leaves before has trailing ones.
fn grow(peaks: &mut Vec<Hash>, before: u64, leaf: Hash) {
    let mut hash = leaf;
    for _ in 0..before.trailing_ones() {
        if let Some(left) = peaks.pop() {
            hash = node(&left, &hash);
        }
    }
    peaks.push(hash);
}

/// The root: peaks joined from the smallest; of no leaf the hash of nothing.
fn fold(peaks: &[Hash]) -> Hash {
    peaks
        .iter()
        .rev()
        .copied()
        .reduce(|right, left| node(&left, &right))
        .unwrap_or_else(|| bytes_of(&digest(&SHA256, b"")))
}
