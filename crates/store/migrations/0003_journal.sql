-- The outbox of audit: what changed in the registry and in people's rights, written in the same
-- transaction, on its way into the journal.
CREATE TABLE audit (
    id TEXT PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    verb TEXT NOT NULL,
    subject TEXT NOT NULL,
    state_before TEXT,
    state_after TEXT,
    node TEXT,
    drained_at BIGINT
);

CREATE INDEX audit_waiting ON audit (id) WHERE drained_at IS NULL;
