-- The Matrix accounts whose keys of rooms come from the devices that wrote with them, all of them. Older
-- programs also took keys that somebody passed on, with the owner that this somebody named.
CREATE TABLE direct_room_keys (
    account TEXT PRIMARY KEY
) STRICT;
