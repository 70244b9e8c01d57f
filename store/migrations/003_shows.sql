-- A show has tracks (its growing files) and announcements (its rooms); what is
-- done of its conclusion stands step by step. Times are milliseconds since 1970,
-- durations milliseconds. An empty string means "none (yet)".
CREATE TABLE show (
    id         TEXT PRIMARY KEY,
    speaker    TEXT    NOT NULL,
    title      TEXT    NOT NULL,
    source     TEXT    NOT NULL,
    started_at INTEGER NOT NULL,
    stage      TEXT    NOT NULL, -- starting, live, concluding, concluded
    reason     TEXT    NOT NULL  -- why it was interrupted
) STRICT;

CREATE TABLE track (
    show     TEXT    NOT NULL REFERENCES show (id) ON DELETE CASCADE,
    number   INTEGER NOT NULL, -- 0 is the one that links lead to
    id       TEXT    NOT NULL UNIQUE, -- of the gateway's recording
    gateway  TEXT    NOT NULL, -- public base URL
    plain    INTEGER NOT NULL, -- 1: not encrypted, key is empty
    key      TEXT    NOT NULL, -- secret: the event's "file" object
    channels INTEGER NOT NULL,
    bitrate  INTEGER NOT NULL, -- bit/s; 0 where packets vary
    block_ms INTEGER NOT NULL,
    reserved TEXT    NOT NULL, -- mxc address that is kept for the file
    mxc      TEXT    NOT NULL, -- mxc address at which the file is
    duration INTEGER NOT NULL,
    size     INTEGER NOT NULL,
    blocks   INTEGER NOT NULL,
    sha256   TEXT    NOT NULL,
    seek     TEXT    NOT NULL,
    wave     TEXT    NOT NULL, -- base64url, a byte per point
    level    REAL    NOT NULL, -- dBFS; 0: not known
    PRIMARY KEY (show, number)
) STRICT;

CREATE TABLE announcement (
    show        TEXT    NOT NULL REFERENCES show (id) ON DELETE CASCADE,
    number      INTEGER NOT NULL,
    room        TEXT    NOT NULL,
    event       TEXT    NOT NULL,
    revision    TEXT    NOT NULL, -- of the show, as the message tells it
    voice_event TEXT    NOT NULL,
    closed      INTEGER NOT NULL, -- 1: nothing can be said in the room any more
    PRIMARY KEY (show, number)
) STRICT;

CREATE TABLE step (
    show    TEXT NOT NULL REFERENCES show (id) ON DELETE CASCADE,
    name    TEXT NOT NULL,
    outcome TEXT NOT NULL, -- done, failed
    PRIMARY KEY (show, name)
) STRICT;

-- What did the last run leave open? What was on air when, and in which room?
CREATE INDEX show_unconcluded ON show (started_at) WHERE stage <> 'concluded';
CREATE INDEX show_started_at ON show (started_at);
CREATE INDEX announcement_room ON announcement (room);

-- Every broadcast of before had one file and one room. Its steps are not known,
-- but each of them can be done again. What was over without ever having been
-- announced stays unannounced.
INSERT INTO show SELECT id, speaker, title, source, started_at,
    CASE WHEN concluded = 1 THEN 'concluded'
         WHEN state <> 'live' THEN 'concluding'
         WHEN event = '' THEN 'starting'
         ELSE 'live' END,
    CASE WHEN state = 'interrupted' AND reason = '' THEN 'the bot was restarted in the middle of it'
         ELSE reason END
    FROM broadcast;
INSERT INTO track SELECT id, 0, id, gateway, plain, key, channels, bitrate, block_ms,
    CASE mxc_stored WHEN 0 THEN mxc ELSE '' END,
    CASE mxc_stored WHEN 0 THEN '' ELSE mxc END,
    duration, size, blocks, sha256, seek, wave, 0
    FROM broadcast;
INSERT INTO announcement SELECT id, 0, room, event, '', voice_event, event = '' AND state <> 'live'
    FROM broadcast;
DROP TABLE broadcast;
