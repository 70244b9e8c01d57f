-- One line per broadcast, running or over. Times are milliseconds since 1970,
-- durations milliseconds. An empty string means "none (yet)".
CREATE TABLE broadcast (
    id          TEXT PRIMARY KEY, -- of the gateway's recording
    room        TEXT    NOT NULL,
    speaker     TEXT    NOT NULL,
    title       TEXT    NOT NULL,
    source      TEXT    NOT NULL,
    state       TEXT    NOT NULL,
    reason      TEXT    NOT NULL, -- why it was interrupted
    key         TEXT    NOT NULL, -- secret: the event's "file" object
    channels    INTEGER NOT NULL,
    bitrate     INTEGER NOT NULL, -- bit/s; 0 where packets vary
    block_ms    INTEGER NOT NULL,
    gateway     TEXT    NOT NULL, -- public base URL
    event       TEXT    NOT NULL, -- the announcement
    voice_event TEXT    NOT NULL, -- the voice message
    mxc         TEXT    NOT NULL,
    mxc_stored  INTEGER NOT NULL, -- 0: reserved only, 1: the file is there
    concluded   INTEGER NOT NULL, -- 1: the room has been told the end
    started_at  INTEGER NOT NULL,
    duration    INTEGER NOT NULL,
    size        INTEGER NOT NULL,
    blocks      INTEGER NOT NULL,
    sha256      TEXT    NOT NULL,
    seek        TEXT    NOT NULL
) STRICT;

-- The two questions asked at every start: what runs in this room, and what did
-- the last run leave open?
CREATE INDEX broadcast_unconcluded ON broadcast (room) WHERE concluded = 0;
