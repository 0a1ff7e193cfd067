-- The feed of changes: one row says where the database stands, the others which keys changed.
CREATE TABLE revision (
    id BIGINT PRIMARY KEY,
    current BIGINT NOT NULL,
    reload BIGINT NOT NULL
);

INSERT INTO revision (id, current, reload) VALUES (1, 0, 0);

CREATE TABLE change (
    revision BIGINT NOT NULL,
    noun TEXT NOT NULL,
    key TEXT NOT NULL,
    PRIMARY KEY (revision, noun, key)
);
