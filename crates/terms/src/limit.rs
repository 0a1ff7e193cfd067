//! Every limit of the platform, each with the clause or the reason that sets it.

use std::time::Duration;

/// Article 7.3: the platform answers within 30 seconds whatever the provider does.
pub const RESPONSE_MAX: Duration = Duration::from_secs(30);
/// The platform gives up here, so that the fault is complete at [`RESPONSE_MAX`]: timers set to
/// 30 s answered at 30.02 to 30.05 s in every gateway measured.
pub const DEADLINE: Duration = Duration::from_millis(29_500);
/// A request head must be complete after this long (slow clients, SEC-15).
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// A request head may be this long; beyond it `header_too_large` (431).
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
/// A request head may have this many fields: hyper's own limit, for which it keeps a place without
/// asking for memory.
pub const HEAD_FIELDS_MAX: usize = 100;
/// A keep-alive connection without a request is closed after this long.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(300);
/// A TLS handshake must be complete after this long.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// An answer up to this size is held back until it is complete; beyond it the bytes stream.
pub const HELD_BYTES_MAX: usize = 64 * 1024;
/// A connection to a provider must stand after this long, so that another endpoint can be tried.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// An idle connection to a provider is closed after this long.
pub const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// A provider's answer head may be this long.
pub const ANSWER_HEAD_BYTES_MAX: usize = 64 * 1024;

/// Article 7.4: what must be held at once at the least.
pub const CONNECTIONS_MIN: usize = 1_000;
/// Calls in flight on one node, default of `gateway.in_flight_max`.
pub const IN_FLIGHT_MAX: u32 = 4_096;
/// Calls in flight on one service version, default of `in_flight_max`: 1,000 calls hanging on one
/// provider are neither refused nor felt by others.
pub const VERSION_IN_FLIGHT_MAX: u32 = 2_048;
/// A request body, default of `body_max`.
pub const BODY_MAX: u64 = 32 * 1024 * 1024;

/// Bodies of known callers that one thread holds whole at once, bytes, copies of them included: a
/// façade must look into a body to know what is called.
pub const WHOLE_BYTES_MAX: usize = 192 * 1024 * 1024;
/// The part of it that the calls of one system may take: the others have room whatever one does.
pub const WHOLE_SYSTEM_BYTES_MAX: usize = 96 * 1024 * 1024;
/// The same of callers who are not known before their body has been read (a session stands in it):
/// two of the largest bodies. When it is full the network that holds most gives its worst body up.
pub const WHOLE_UNKNOWN_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The body of a caller who is not known must come this fast, bytes a second, once
/// [`UNKNOWN_GRACE`] is over: a poor mobile line has several times that.
pub const UNKNOWN_SPEED_MIN: u64 = 4 * 1024;
/// How long such a body may take before its speed matters: a handshake of a bad line and a pause.
pub const UNKNOWN_GRACE: Duration = Duration::from_secs(5);
/// A consumer that ended its side of the connection is told the first letter of its answer after
/// this long, then one more each [`LETTER_PAUSE`]: whoever has left answers that with a reset.
pub const LETTER_FIRST: Duration = Duration::from_millis(100);
/// Seven letters at this distance last for a call.
pub const LETTER_PAUSE: Duration = Duration::from_secs(4);
/// A body that ended before its end is refused after this long: by then it is known whether anybody
/// is left to be told.
pub const FAREWELL: Duration = Duration::from_millis(500);

/// A source of statistics is waited for this long, so that the sum of the others is told in time.
pub const STATISTIC_SOURCE_TIMEOUT: Duration = Duration::from_secs(25);
/// Facts that the platform keeps itself are waited for this long; then the sources are asked.
pub const STATISTIC_FACTS_TIMEOUT: Duration = Duration::from_secs(10);
/// The answer of one source of statistics, bytes.
pub const STATISTIC_ANSWER_MAX: usize = 1024 * 1024;

/// Packets whose facts wait to be written; those beyond are lost, and said to be.
pub const FACTS_WAITING_MAX: usize = 10_000;
/// Their bodies together, bytes.
pub const FACTS_WAITING_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Questions for figures that wait.
pub const FACTS_QUESTIONS_MAX: usize = 100;
/// Records of packets whose facts are written in one transaction: other writers wait some tenths of
/// a second.
pub const FACTS_WRITTEN_MAX: usize = 5_000;
/// The same when very many are brought in: other writers wait some seconds, but each counter is
/// written once for many dossiers.
pub const FACTS_LOADED_MAX: usize = 200_000;
/// Pause before facts that could not be written are tried again.
pub const FACTS_RETRY_PAUSE: Duration = Duration::from_secs(1);
/// Tries; then they are lost, and said to be.
pub const FACTS_RETRIES_MAX: u32 = 600;
/// How often what was lost is written down, what the facts lack is counted, and the number of
/// packets on their way is copied to the data folder.
pub const FACTS_LOOK: Duration = Duration::from_secs(1);
/// Shortest legal ground or reason that an officer gives, characters.
pub const REASON_CHARS_MIN: usize = 10;
/// Longest.
pub const REASON_CHARS_MAX: usize = 500;

/// A `bulk` version: the whole call.
pub const BULK_MAX: Duration = Duration::from_secs(15 * 60);
/// A `bulk` version: least speed of either body, bytes a second, mean of [`BULK_WINDOW`].
pub const BULK_SPEED_MIN: u64 = 64 * 1024;
/// The span over which [`BULK_SPEED_MIN`] is averaged.
pub const BULK_WINDOW: Duration = Duration::from_secs(10);

/// Article 12 step 3: a token lives one hour unless the system's setting says otherwise.
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(3_600);
/// Longest lifetime that can be set for a system.
pub const TOKEN_LIFETIME_MAX: Duration = Duration::from_secs(24 * 3_600);
/// A token issued this far in the future is still accepted: clocks of nodes differ.
pub const TOKEN_SKEW: Duration = Duration::from_secs(60);
/// A token request's body.
pub const TOKEN_BODY_MAX: usize = 16 * 1024;
/// TOK-09: both secrets of a rotated credential work this long, default of `--overlap`.
pub const SECRET_OVERLAP: Duration = Duration::from_secs(24 * 3_600);
/// The longest overlap: beyond it the old secret should be seen for what it is, a second secret.
pub const SECRET_OVERLAP_MAX: Duration = Duration::from_secs(90 * 24 * 3_600);
/// TOK-10: failed secrets of one consumer key or one address within [`FAILURE_WINDOW`].
pub const FAILURES_MAX: u32 = 10;
/// TOK-10: the span in which failures are counted.
pub const FAILURE_WINDOW: Duration = Duration::from_secs(60);
/// TOK-10: keys and addresses whose failures are remembered, before the oldest are forgotten.
pub const FAILURE_SUBJECTS_MAX: usize = 32_768;
/// Slow hashes of carried-over secrets computed at once: each takes 19 MiB and some 20 ms of a
/// core.
pub const WEAK_CHECKS_MAX: usize = 2;
/// A check of a carried-over secret waits this long for its turn.
pub const WEAK_CHECK_WAIT: Duration = Duration::from_secs(5);

/// Article 18.5: the journal is kept at least two years.
pub const JOURNAL_RETENTION_MONTHS_MIN: u32 = 24;
/// A disk that has not made the journal durable after this long counts as failed: calls are then
/// refused before a provider is asked, and those that wait are told in time.
pub const SYNC_TIMEOUT: Duration = Duration::from_secs(10);
/// A journal's batch that closed [`SYNC_CROWD`] records is followed by the next one this much
/// later, so that one write and one sync serve more calls.
pub const SYNC_PACE: Duration = Duration::from_micros(800);
/// With fewer records in a batch, waiting for [`SYNC_PACE`] would cost each more than it saves.
pub const SYNC_CROWD: usize = 4;
/// A log segment is closed at this size.
pub const SEGMENT_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// A log segment is closed at this age.
pub const SEGMENT_AGE_MAX: Duration = Duration::from_secs(5 * 60);
/// A signed root is kept for every so many rows, so that `verify` names a block.
pub const BLOCK_ROWS: usize = 1_024;
/// Disk held back for rows of identified callers; below it anonymous refusals are folded at once.
pub const DISK_RESERVE_BYTES: u64 = 256 * 1024 * 1024;
/// LOG-08: a warning is given when the journal's disk is fuller than this, per cent.
pub const DISK_WARN_PERCENT: u64 = 85;
/// Denied rows written one by one: burst.
pub const DENIED_ROWS_BURST: u32 = 10_000;
/// Denied rows written one by one: refill a minute.
pub const DENIED_ROWS_PER_MINUTE: u32 = 600;
/// Records that may be open or waiting for the disk at once on one node.
pub const RECORDS_MAX: usize = 65_536;

/// Live within one second: a change of the registry is looked for this often (SQLite).
pub const CHANGE_LOOK_SQLITE: Duration = Duration::from_millis(200);
/// The same on PostgreSQL, beside LISTEN/NOTIFY.
pub const CHANGE_LOOK_POSTGRES: Duration = Duration::from_secs(2);
/// Changes that fall within this span are taken over together.
pub const CHANGE_GATHER: Duration = Duration::from_millis(100);
/// The catalogue is rebuilt whole this often, as a check of the deltas.
pub const CATALOGUE_REBUILD: Duration = Duration::from_secs(600);

/// A scrape or a probe must be asked within this time.
pub const OPS_HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection of a watcher is answered and over within this time.
pub const OPS_CONNECTION_TIMEOUT: Duration = Duration::from_secs(15);
/// Connections of watchers at once.
pub const OPS_CONNECTIONS_MAX: usize = 64;
/// A certificate that ends sooner is warned of.
pub const CERTIFICATE_WARN: Duration = Duration::from_secs(30 * 24 * 3_600);
/// Rows that `journal search` gives when not told otherwise.
pub const SEARCH_ROWS: usize = 1_000;

/// Connections of a stand-in's load: more is nobody's rehearsal.
pub const STAND_IN_CONNECTIONS_MAX: usize = 10_000;
/// Calls a second of a stand-in's load.
pub const STAND_IN_RATE_MAX: u32 = 1_000_000;
/// Longest load, session or pause of a stand-in.
pub const STAND_IN_DURATION_MAX: Duration = Duration::from_secs(30 * 24 * 3_600);

/// A graceful stop waits this long for calls in flight.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(30);
/// A registry file may be this large.
pub const REGISTRY_FILE_MAX: u64 = 256 * 1024 * 1024;
/// Visible ASCII characters of a reference taken from a header.
pub const REFERENCE_CHARS_MAX: usize = 128;

/// A packet that is read and checked: the default of `body_max`.
pub const PACKET_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Objects and lists within one another in a packet: the standard's tables need eight.
pub const PACKET_DEPTH_MAX: usize = 32;
/// Names and values in one packet, 16 bytes of memory each: 6,000 dossiers with every field of
/// theirs, or 60,000 progress rows. More would hold up the thread that reads them.
pub const PACKET_VALUES_MAX: usize = 800_000;
/// Members of one object: the largest of the standard has 27, with what clients add 38.
pub const PACKET_MEMBERS_MAX: usize = 4_096;
/// Parameters in the query of a packet path: the standard's pulls have at most six.
pub const PACKET_PARAMETERS_MAX: usize = 64;
/// Records in one packet: portals were seen to take ten, our batches have some hundreds.
pub const PACKET_RECORDS_MAX: usize = 10_000;
/// Names without a field that a check remembers, so that each is told once.
pub const PACKET_STRANGERS_MAX: usize = 64;
/// Signs of a value whose form a report shows; the others are an ellipsis.
pub const PACKET_MASK_SIGNS_MAX: usize = 40;
/// Findings that `packet report` keeps of one packet of one system: their paths come from tables,
/// so they are few.
pub const PACKET_FINDINGS_MAX: usize = 1_000;
/// Violations that a report keeps; the others are counted.
pub const PACKET_VIOLATIONS_MAX: usize = 100;
/// Once so many violations are counted and the packet is refused anyway, no further record is
/// looked at: the number says how many there are at least.
pub const PACKET_VIOLATIONS_COUNT_MAX: u32 = 10_000;
/// A packet table file may be this large.
pub const PACKET_TABLE_BYTES_MAX: usize = 1024 * 1024;
/// Table files in the data folder.
pub const PACKET_TABLE_FILES_MAX: usize = 500;
/// Lists within one another in a packet table: the standard's have three.
pub const PACKET_TABLE_LEVELS_MAX: usize = 8;
/// Fields on one level of a packet table: the longest built in has 38.
pub const PACKET_TABLE_FIELDS_MAX: usize = 512;
/// The folder of table files is looked at this often; a change counts when two looks see the same.
pub const PACKET_TABLE_LOOK: Duration = Duration::from_millis(200);

/// A session at the national portal is used this long, as public clients do; its true life is not
/// known.
pub const PORTAL_SESSION_LIFETIME: Duration = Duration::from_secs(10 * 60);
/// A login at the national portal must be answered after this long.
pub const PORTAL_LOGIN_TIMEOUT: Duration = Duration::from_secs(15);
/// A login that was refused is not tried again before this has passed: calls that keep coming must
/// not lock the account.
pub const PORTAL_LOGIN_PAUSE: Duration = Duration::from_secs(5);
/// A session at the national portal that is refused sooner than this after its login was ended by
/// another login with the account, as it seems: the portal keeps one session a user.
pub const PORTAL_SESSION_SHORT: Duration = Duration::from_secs(60);
/// After the second such session in a row the next login waits this long, twice as long after each
/// further one: nodes and programs that share an account must not take turns at logging in.
pub const PORTAL_RENEWAL_PAUSE: Duration = Duration::from_millis(250);
/// The longest such wait.
pub const PORTAL_RENEWAL_PAUSE_MAX: Duration = Duration::from_secs(2);
/// So often one call is sent again under a new session; then the portal's refusal passes.
pub const PORTAL_RENEWALS_MAX: u32 = 2;
/// Accounts at portals whose sessions are kept.
pub const PORTAL_SESSIONS_MAX: usize = 256;
/// Progress rows in one call of the national portal: the one public client that sends many cuts
/// them so.
pub const PORTAL_PROGRESS_ROWS_MAX: usize = 10;
