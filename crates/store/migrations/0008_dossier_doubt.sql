-- What keeps the facts of dossiers from being complete. A doubt is what packets told of a dossier
-- of which it is not known whether the portal took them: the columns of `dossier`, and the first
-- day on which a figure would change if it did. It goes when a later packet, or an officer, settles
-- it.
CREATE TABLE dossier_doubt (
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
    erased_at BIGINT,
    first_day BIGINT NOT NULL
);

-- Packets, or records of packets, whose facts were lost or could not be read: any figure may lack
-- them, until an officer says that they were brought in.
CREATE TABLE dossier_gap (
    id TEXT NOT NULL PRIMARY KEY,
    noted_at BIGINT NOT NULL,
    cause TEXT NOT NULL,
    lost BIGINT NOT NULL
);
