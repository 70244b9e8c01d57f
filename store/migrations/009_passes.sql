-- Passes let one speaker put one show on air from the studio page. The secret is in nothing but the link
-- that the speaker gets. Times are milliseconds since 1970.
CREATE TABLE pass (
    source     TEXT PRIMARY KEY,     -- of the pass's show
    hash       TEXT    NOT NULL UNIQUE, -- base64 of the SHA-256 of the secret
    room       TEXT    NOT NULL,
    speaker    TEXT    NOT NULL,
    title      TEXT    NOT NULL,
    expires_at INTEGER NOT NULL, -- when it is too late to begin the show
    used       INTEGER NOT NULL  -- 1: its show begins, or has begun; 2: nothing can begin with it any more
) STRICT;
