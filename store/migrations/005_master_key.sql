-- The secrets of tracks (key, signing) are encrypted under a master key that is kept elsewhere. The one
-- row shows whether the right one is given; as long as there is none, they still stand there in clear.
CREATE TABLE master_key (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    proof  TEXT    NOT NULL, -- a known text, encrypted
    erased INTEGER NOT NULL  -- 0: free pages may still hold what stood there before
) STRICT;
