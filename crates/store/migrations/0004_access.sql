-- Consumer keys with hashed secrets. Times are microseconds since 1970, UTC. A hash reads
-- hmac:KEYID:HEX or is an argon2id text in PHC form; a secret itself is never stored.
CREATE TABLE credential (
    number BIGINT NOT NULL PRIMARY KEY,
    consumer_key TEXT NOT NULL UNIQUE,
    system TEXT NOT NULL,
    environment TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    previous_hash TEXT,
    previous_until BIGINT,
    weak_until BIGINT,
    valid_from BIGINT NOT NULL,
    revoked_at BIGINT,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT
);

CREATE INDEX credential_by_system ON credential (system, environment);

-- Revoked tokens until their expiry, by the hex of their tag: a token cannot be made from it.
CREATE TABLE revocation (
    tag TEXT NOT NULL PRIMARY KEY,
    credential_number BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT NOT NULL
);

CREATE INDEX revocation_by_expiry ON revocation (expires_at);
