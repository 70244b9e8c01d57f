package store

import (
	"cmp"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"broadcastbot/opusblocks"
)

// Track is one growing file of a show: one rendition of its sound.
type Track struct {
	ID            string             // of the gateway's recording: 22 characters base64url
	Gateway       string             // public base URL of the gateway that serves it
	Plain         bool               // not encrypted, for rooms that are not either
	Key           opusblocks.Key     // of no use where the track is plain
	Signing       ed25519.PrivateKey // signs the file's checkpoints; nil: it has none, or is complete
	Channels      int
	Bitrate       int // bit/s; 0 where packets vary in size
	BlockDuration time.Duration

	Reserved string // mxc:// address that the homeserver keeps for the finished file
	MXC      string // mxc:// address of the finished file, once it is there

	Recap

	signer ed25519.PublicKey // see Signer
}

// Extent is how much of a file there is.
type Extent struct {
	Duration time.Duration // of the sound, in whole milliseconds
	Size     int64         // bytes
	Blocks   int64
}

// Recap is what a finished file turned out to be.
type Recap struct {
	Extent
	SHA256 string  // base64, unpadded, of the file as listeners get it; "" until it was read back
	Seek   string  // opusblocks.SeekTable
	Wave   string  // what a player draws, as links have it: link.FormatWave
	Level  float64 // root mean square of all of the sound, in dBFS; 0 until it was read back
}

// Address is the mxc:// address that the homeserver has, or will have, the file
// at; "" where there is none.
func (t *Track) Address() string { return cmp.Or(t.MXC, t.Reserved) }

// Form is how the track's file is read.
func (t *Track) Form() opusblocks.Form { return t.Link().Form() }

// WritingForm is how the track's file is made, and read. captured says when the sound that is written
// was captured.
func (t *Track) WritingForm(captured func() time.Time) opusblocks.Form {
	form := t.Form()
	if t.Signing != nil {
		form = form.Signing(t.Signing, captured)
	}
	return form
}

// storedKey is the key as it stands in the database.
func (t *Track) storedKey() (string, error) {
	if t.Plain {
		return "", nil
	}
	key, err := json.Marshal(t.Key.File(""))
	return string(key), err
}

// setKey is the inverse of storedKey.
func (t *Track) setKey(stored string) error {
	if t.Plain {
		return nil
	}
	var file opusblocks.File
	err := json.Unmarshal([]byte(stored), &file)
	if err == nil {
		t.Key, err = file.Secret()
	}
	if err != nil {
		return fmt.Errorf("key of track %s: %w", t.ID, err)
	}
	return nil
}

// storedSigning is the key for checkpoints as it stands in the database: its seed, 43 characters of
// base64, or "".
func (t *Track) storedSigning() string {
	if t.Signing == nil {
		return ""
	}
	return base64.RawStdEncoding.EncodeToString(t.Signing.Seed())
}

// setSigning is the inverse of storedSigning.
func (t *Track) setSigning(stored string) error {
	if stored == "" {
		return nil
	}
	seed, err := base64.RawStdEncoding.DecodeString(stored)
	if err != nil || len(seed) != ed25519.SeedSize {
		return fmt.Errorf("signing key of track %s is damaged", t.ID)
	}
	t.Signing = ed25519.NewKeyFromSeed(seed)
	return nil
}

// storedSigner is the public half as it stands in the database: 43 characters of base64, or "".
func (t *Track) storedSigner() string { return base64.RawStdEncoding.EncodeToString(t.Signer()) }

// setSigner is the inverse of storedSigner.
func (t *Track) setSigner(stored string) error {
	if stored == "" || t.Signing != nil {
		return nil
	}
	key, err := base64.RawStdEncoding.DecodeString(stored)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return fmt.Errorf("signer of track %s is damaged", t.ID)
	}
	t.signer = key
	return nil
}
