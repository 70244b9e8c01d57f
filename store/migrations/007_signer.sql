-- What is needed of the key for checkpoints when the file is complete: the key itself (signing) goes.
ALTER TABLE track ADD COLUMN signer TEXT NOT NULL DEFAULT ''; -- base64 of an Ed25519 public key
