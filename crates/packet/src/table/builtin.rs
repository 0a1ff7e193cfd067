//! The tables that the program brings: one file a packet, as the data folder has them.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use super::{Envelopes, Level, Table, Tables, read};

/// A service outside Table 1 of the standard that real traffic uses.
#[derive(Debug)]
pub(crate) struct Auxiliary {
    pub(crate) name: Arc<str>,
    pub(crate) parameters: Level,
}

/// The files of the 15 packets, in the order of the standard.
macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$((concat!($name, ".toml"), include_str!(concat!("../../tables/", $name, ".toml"))),)*]
    };
}

const FILES: &[(&str, &str)] = files![
    "DongBoHoSoMC",
    "CapNhatTienDoHoSoMC",
    "DongBoDanhGia",
    "DongBoThongKeHoSo",
    "LayThuTuc",
    "LayQDCB",
    "DongBoPAKNDiaPhuong",
    "DanhSachPAKNChoXuLy",
    "DongBoKetQuaXuLyPAKN",
    "LayTaiLieuPAKN",
    "DanhSachPAKNCongKhai",
    "DongBoHoiDap",
    "LayDanhSachHoiDapGuiTuDVCQG",
    "DongBoKetQuaHoiDapGuiTuDVCQG",
    "LayDanhSachHoiDapBoCoQuan",
];

const ENVELOPE: (&str, &str) = ("envelope.toml", include_str!("../../tables/envelope.toml"));
const AUXILIARY: (&str, &str) = ("auxiliary.toml", include_str!("../../tables/auxiliary.toml"));

/// Read once: the texts are constant.
static BUILTIN: LazyLock<Tables> = LazyLock::new(|| {
    let tables: Vec<Table> = FILES
        .iter()
        .filter_map(|(name, text)| {
            let mut table = read::table(name, text).ok()?;
            table.file = None;
            Some(table)
        })
        .collect();
    let envelope = read::envelopes(ENVELOPE.0, ENVELOPE.1)
        .unwrap_or_else(|_| Envelopes { request: Level::default(), answer: Level::default() });
    let auxiliary = read::auxiliaries(AUXILIARY.0, AUXILIARY.1).unwrap_or_default();
    Tables::made(tables, auxiliary.into(), Arc::new(envelope))
});

pub(super) fn tables() -> Tables {
    BUILTIN.clone()
}

/// Every name of a field, in small letters.
static NAMES: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let mut names = HashSet::new();
    let tables = tables();
    let Envelopes { request, answer } = tables.envelopes();
    let levels = tables.iter().flat_map(|table| [&table.fields, &table.parameters]);
    for level in levels.chain([request, answer]) {
        collect(level, &mut names);
    }
    names
});

fn collect(level: &Level, names: &mut HashSet<String>) {
    for field in level.iter() {
        names.extend(field.name.as_deref().map(str::to_ascii_lowercase));
        collect(&field.children, names);
    }
}

pub(super) fn names() -> &'static HashSet<String> {
    &NAMES
}
