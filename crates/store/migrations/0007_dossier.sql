-- Facts of dossiers for statistics, kept only while a legal ground is set. A dossier is known by a
-- keyed digest of its code; no name, number, address or text of a person stands here. Days are
-- civil ones of the platform's zone, as a number: received and due yyyyMMdd; finished,
-- progress_moment and closed_first yyyyMMddHHmmss as in the packets. What ends in _at is
-- microseconds since 1970, UTC.
CREATE TABLE dossier (
    id TEXT NOT NULL PRIMARY KEY,
    agency TEXT,
    procedure_code TEXT,
    domain_code TEXT,
    channel BIGINT,
    status BIGINT,
    received BIGINT,
    due BIGINT,
    finished BIGINT,
    record_at BIGINT,
    progress_status BIGINT,
    progress_moment BIGINT,
    progress_at BIGINT,
    closed_first BIGINT,
    erased_at BIGINT
);

-- What happened on each day in each agency: the figures of any period are sums over it.
CREATE TABLE dossier_day (
    agency TEXT NOT NULL,
    day BIGINT NOT NULL,
    received BIGINT NOT NULL,
    finished_in_time BIGINT NOT NULL,
    finished_late BIGINT NOT NULL,
    overdue_opened BIGINT NOT NULL,
    overdue_closed BIGINT NOT NULL,
    PRIMARY KEY (agency, day)
);

-- One row: whether facts are kept, on what legal ground, since when, from which day on they are
-- complete (as was stated, unless something happened since), and under which entry of the keyring
-- the codes are digested.
CREATE TABLE dossier_keeping (
    id BIGINT NOT NULL PRIMARY KEY,
    legal_ground TEXT,
    stated_from BIGINT,
    complete_from BIGINT,
    key_id BIGINT NOT NULL,
    begun_at BIGINT NOT NULL,
    ended_at BIGINT
);

-- The month and year packets: each is sent once. `records` is what was sent.
CREATE TABLE dossier_packet (
    span TEXT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    settled_at BIGINT,
    records TEXT
);
