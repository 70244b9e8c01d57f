-- Where programs of speakers push sound to, each mount for one speaker's shows in one room. The hash is
-- the SHA-256 of a random password.
CREATE TABLE mount (
    id            TEXT PRIMARY KEY,
    room          TEXT NOT NULL,
    speaker       TEXT NOT NULL,
    password_hash BLOB NOT NULL,
    created       INTEGER NOT NULL, -- milliseconds since 1970
    UNIQUE (room, speaker)
) STRICT;
