-- What tells whether a node holds the keyring of this database: no key stands here.
CREATE TABLE keyring (
    id BIGINT PRIMARY KEY,
    check_value TEXT NOT NULL,
    created BIGINT NOT NULL
);
