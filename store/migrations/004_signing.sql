-- The key that signs the checkpoints of a track. What was made before has none.
ALTER TABLE track ADD COLUMN signing TEXT NOT NULL DEFAULT ''; -- secret: base64 of an Ed25519 seed
