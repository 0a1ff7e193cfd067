-- The registry: who takes part, what is offered, who subscribed. `body` is the entry as the
-- registry file states it, in canonical JSON, defaults left out; the columns beside it are what is
-- looked up or joined. Sealed texts are readable with the keyring only.
CREATE TABLE member (
    code TEXT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL,
    body TEXT NOT NULL
);

CREATE TABLE system (
    code TEXT NOT NULL PRIMARY KEY,
    member TEXT NOT NULL,
    state TEXT NOT NULL,
    body TEXT NOT NULL
);

CREATE TABLE service (
    code TEXT NOT NULL PRIMARY KEY,
    provider TEXT NOT NULL,
    body TEXT NOT NULL
);

CREATE TABLE version (
    service TEXT NOT NULL,
    version TEXT NOT NULL,
    state TEXT NOT NULL,
    body TEXT NOT NULL,
    auth_sealed TEXT,
    tls_sealed TEXT,
    PRIMARY KEY (service, version)
);

CREATE TABLE subscription (
    id BIGINT NOT NULL PRIMARY KEY,
    system TEXT NOT NULL,
    service TEXT NOT NULL,
    version TEXT NOT NULL,
    environment TEXT NOT NULL,
    state TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (system, service, version, environment)
);
