-- Shows that are not encrypted, and what the closing link draws. What was made
-- before is encrypted and has no drawing.
ALTER TABLE broadcast ADD COLUMN plain INTEGER NOT NULL DEFAULT 0; -- 1: not encrypted, key is empty
ALTER TABLE broadcast ADD COLUMN wave TEXT NOT NULL DEFAULT ''; -- base64url, a byte per point
