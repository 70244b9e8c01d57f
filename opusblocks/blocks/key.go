package blocks

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// Version is the "v" of an encrypted file in this format (MSC4016, unstable).
const Version = "org.matrix.msc4016.v3"

// Key is what a listener must know: the AES-256 key and the fixed part of the
// nonce. Both are fresh for every file; a Key must never seal two files.
type Key struct {
	Secret [32]byte
	IV     [12]byte
}

// NewKey returns a fresh random key.
func NewKey() Key {
	var k Key
	rand.Read(k.Secret[:])
	rand.Read(k.IV[:])
	return k
}

// String hides the key, so that no log shows it.
func (k Key) String() string { return "(secret)" }

// GoString hides the key from %#v as well.
func (k Key) GoString() string { return "blocks.Key(secret)" }

// fragmentEncoding is strict: a wrong last character, whose unused bits differ,
// is refused instead of being read as the same key.
var fragmentEncoding = base64.RawURLEncoding.Strict()

// Fragment returns the key as it stands behind the # of a listen link: 59
// characters, base64url of secret and iv.
func (k Key) Fragment() string {
	return fragmentEncoding.EncodeToString(append(k.Secret[:], k.IV[:]...))
}

// ParseFragment is the inverse of Key.Fragment.
func ParseFragment(fragment string) (Key, error) {
	var k Key
	raw, err := fragmentEncoding.DecodeString(fragment)
	if err != nil || len(raw) != len(k.Secret)+len(k.IV) {
		return Key{}, errors.New("the key in the link is damaged: 59 characters are expected behind the #")
	}
	copy(k.Secret[:], raw)
	copy(k.IV[:], raw[len(k.Secret):])
	return k, nil
}

// File is the "file" object of a Matrix event (EncryptedFile, MSC4016).
type File struct {
	Version string            `json:"v"`
	URL     string            `json:"url,omitempty"`
	Key     jsonWebKey        `json:"key"`
	IV      string            `json:"iv"`
	Hashes  map[string]string `json:"hashes"`
}

type jsonWebKey struct {
	Algorithm   string   `json:"alg"`
	Extractable bool     `json:"ext"`
	K           string   `json:"k"`
	Operations  []string `json:"key_ops"`
	Type        string   `json:"kty"`
}

// File returns the event's "file" object for a file at url (an mxc:// address,
// or empty while there is none).
func (k Key) File(url string) File {
	return File{
		Version: Version,
		URL:     url,
		Key: jsonWebKey{
			Algorithm: "A256GCM", Extractable: true, Type: "oct",
			K:          base64.RawURLEncoding.EncodeToString(k.Secret[:]),
			Operations: []string{"encrypt", "decrypt"},
		},
		IV:     base64.RawStdEncoding.EncodeToString(k.IV[:]),
		Hashes: map[string]string{},
	}
}

// Secret returns the key inside an event's "file" object. Base64 is accepted
// with and without padding.
func (f File) Secret() (Key, error) {
	if f.Version != Version {
		return Key{}, fmt.Errorf("the file is of version %q, only %q is understood", f.Version, Version)
	}
	if f.Key.Algorithm != "A256GCM" {
		return Key{}, fmt.Errorf("the file's key is for %q, not A256GCM", f.Key.Algorithm)
	}
	var k Key
	if err := decodeExactly(k.Secret[:], base64.RawURLEncoding, f.Key.K); err != nil {
		return Key{}, fmt.Errorf("the file's key: %w", err)
	}
	if err := decodeExactly(k.IV[:], base64.RawStdEncoding, f.IV); err != nil {
		return Key{}, fmt.Errorf("the file's iv: %w", err)
	}
	return k, nil
}

func decodeExactly(dst []byte, encoding *base64.Encoding, s string) error {
	raw, err := encoding.DecodeString(strings.TrimRight(s, "="))
	if err != nil {
		return errors.New("not base64")
	}
	if len(raw) != len(dst) {
		return fmt.Errorf("has %d bytes, want %d", len(raw), len(dst))
	}
	copy(dst, raw)
	return nil
}
