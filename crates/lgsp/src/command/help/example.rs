//! An example for each command, at the end of its help.

/// Command, and lines that can be typed as they stand.
#[rustfmt::skip]
const EXAMPLES: &[(&str, &[&str])] = &[
    ("lgsp", &[
        "lgsp demo",
        "lgsp serve --data lgsp-data",
        "lgsp apply -f registry.yaml --dry-run",
        "lgsp packet check hoso.json --lang en",
    ]),
    ("lgsp serve", &[
        "lgsp serve --data /var/lib/lgsp --config /etc/lgsp.toml",
        "lgsp serve --live 127.0.0.1:0 --trial off --ops 127.0.0.1:9090",
    ]),
    ("lgsp demo", &[
        "lgsp demo",
        "lgsp demo --once --json --data thu-nghiem",
    ]),
    ("lgsp apply", &[
        "lgsp apply -f registry.yaml --dry-run",
        "lgsp apply -f members.yaml services.yaml --keys-out keys.jsonl",
    ]),
    ("lgsp export", &[
        "lgsp export > registry.yaml",
    ]),
    ("lgsp show", &[
        "lgsp show services",
        "lgsp show systems one-stop --json",
    ]),
    ("lgsp key issue", &[
        "lgsp key issue --system one-stop --environment trial > key.jsonl",
    ]),
    ("lgsp key rotate", &[
        "lgsp key rotate Vvm86TXxuACswhf88uwenQCLXgZ --overlap 7d",
    ]),
    ("lgsp key revoke", &[
        "lgsp key revoke Vvm86TXxuACswhf88uwenQCLXgZ",
    ]),
    ("lgsp key list", &[
        "lgsp key list --system one-stop",
    ]),
    ("lgsp journal search", &[
        "lgsp journal search --from 2026-11-21 --to 2026-11-21 --outcome failed",
        "lgsp journal search --exchange 01a201b2-c3b8-786f-b847-1b2a6eafd79f --json",
    ]),
    ("lgsp journal stats", &[
        "lgsp journal stats --by day,service,outcome --from 2026-11-01",
    ]),
    ("lgsp journal export", &[
        "lgsp journal export --from 2026-11-01 --to 2026-11-30 --format csv --out journal.csv",
    ]),
    ("lgsp journal verify", &[
        "lgsp journal verify --data /var/lib/lgsp",
    ]),
    ("lgsp packet list", &[
        "lgsp packet list",
    ]),
    ("lgsp packet show", &[
        "lgsp packet show DongBoHoSoMC",
    ]),
    ("lgsp packet sample", &[
        "lgsp packet sample DongBoHoSoMC > hoso.json",
    ]),
    ("lgsp packet check", &[
        "lgsp packet check hoso.json",
        "lgsp packet check - --packet DongBoHoSoMC --side data --mode refuse < hoso.json",
    ]),
    ("lgsp packet report", &[
        "lgsp packet report --from 2026-11-01 --out report.html",
    ]),
    ("lgsp statistics status", &[
        "lgsp statistics status",
    ]),
    ("lgsp statistics list", &[
        "lgsp statistics list --json",
    ]),
    ("lgsp statistics resend", &[
        "lgsp statistics resend 2026-03",
        "lgsp statistics resend 2026",
    ]),
    ("lgsp statistics settle", &[
        "lgsp statistics settle taken --reason '15/BC-STTTT, 2026-11-20' --yes",
    ]),
    ("lgsp statistics recount", &[
        "lgsp statistics recount",
    ]),
    ("lgsp statistics rebuild", &[
        "lgsp statistics rebuild --yes",
    ]),
    ("lgsp statistics erase", &[
        "lgsp statistics erase --codes ma-ho-so.txt --reason '15/BC-STTTT, 2026-11-20' \\",
        "    --legal-ground '12/STTTT-CNTT, 2026-11-02' --yes",
    ]),
    ("lgsp doctor", &[
        "lgsp doctor --data /var/lib/lgsp --config /etc/lgsp.toml",
    ]),
    ("lgsp keyring list", &[
        "lgsp keyring list",
    ]),
    ("lgsp keyring rotate", &[
        "lgsp keyring rotate",
    ]),
    ("lgsp keyring retire", &[
        "lgsp keyring retire 1",
    ]),
    ("lgsp config check", &[
        "lgsp config check --config /etc/lgsp.toml",
    ]),
    ("lgsp config show", &[
        "lgsp config show --json",
    ]),
    ("lgsp simulate portal", &[
        "lgsp simulate portal",
        "lgsp simulate portal --listen 127.0.0.1:0 --account 000.00.07.H01:secret --session 2m",
    ]),
    ("lgsp simulate provider", &[
        "lgsp simulate provider --listen 127.0.0.1:9102 --control 127.0.0.1:9103",
    ]),
    ("lgsp simulate consumer", &[
        "lgsp simulate consumer http://127.0.0.1:8280 /datdai/1.0/tra-cuu?maThua=7 \\",
        "    --credential key.jsonl --rate 50 --duration 30s",
    ]),
];

/// The examples of a command, named with all that stands before it.
pub(super) fn of(path: &str) -> Option<&'static [&'static str]> {
    EXAMPLES.iter().find(|(known, _)| *known == path).map(|(_, lines)| *lines)
}
