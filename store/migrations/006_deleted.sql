-- When the newest show of a room that was deleted had started, in milliseconds since 1970: who asks
-- twice for the last show to be deleted does not mean the one before it.
CREATE TABLE deleted (
    room       TEXT PRIMARY KEY,
    started_at INTEGER NOT NULL
) STRICT;

-- The messages that edit an announcement, with a space between them. Those of before are not known.
ALTER TABLE announcement ADD COLUMN edits TEXT NOT NULL DEFAULT '';
