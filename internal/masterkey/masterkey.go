// Package masterkey is the one key under which a database keeps all others. It is stored elsewhere,
// so that a copy of the database alone, such as a backup, opens nothing.
package masterkey

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
)

const keySize = 32 // bytes

// Key is the master key. It is only ever used through keys that are derived from it (HKDF-SHA256,
// RFC 5869).
type Key struct{ secret [keySize]byte }

// New returns a fresh random key.
func New() (k Key) {
	rand.Read(k.secret[:])
	return k
}

// ErrMalformed means that a text is no key.
var ErrMalformed = errors.New("it has to be 32 random bytes in base64, as openssl rand -base64 32 prints them")

// Parse reads 32 bytes of base64, of either alphabet, padded or not.
func Parse(text string) (k Key, err error) {
	text = strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(strings.TrimSpace(text), "="))
	secret, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(secret) != keySize { // the decoder's error would quote the text
		return Key{}, ErrMalformed
	}
	return Key{[keySize]byte(secret)}, nil
}

// text is what Parse reads.
func (k Key) text() string { return base64.StdEncoding.EncodeToString(k.secret[:]) }

// String hides the key, so that no log shows it.
func (k Key) String() string { return "(secret)" }

// GoString hides the key from %#v as well.
func (k Key) GoString() string { return "masterkey.Key(secret)" }

// Derive returns a key of 32 bytes for one purpose. Keys of different purposes tell nothing of each
// other.
func (k Key) Derive(purpose string) []byte {
	key, err := hkdf.Key(sha256.New, k.secret[:], nil, purpose, keySize)
	if err != nil {
		panic("masterkey: " + err.Error()) // only for sizes that HKDF cannot yield
	}
	return key
}

// ErrWrongKey means that something was sealed under another key, or for another place, or altered.
var ErrWrongKey = errors.New("it was encrypted with another key, or is damaged")

// sealedEncoding is how sealed secrets stand in text.
var sealedEncoding = base64.RawStdEncoding.Strict()

// Seal encrypts a secret (AES-256-GCM with a random nonce). Only Open with the same place can read
// it, so that nobody can exchange two secrets of one database.
func (k Key) Seal(place string, secret []byte) string {
	return sealedEncoding.EncodeToString(k.aead().Seal(nil, nil, secret, []byte(place)))
}

// Open is the inverse of Seal. Its only error is ErrWrongKey.
func (k Key) Open(place, sealed string) ([]byte, error) {
	raw, err := sealedEncoding.DecodeString(sealed)
	if err != nil {
		return nil, ErrWrongKey
	}
	secret, err := k.aead().Open(nil, nil, raw, []byte(place))
	if err != nil {
		return nil, ErrWrongKey
	}
	return secret, nil
}

func (k Key) aead() cipher.AEAD {
	block, err := aes.NewCipher(k.Derive("org.broadcastbot.seal.v1"))
	if err != nil {
		panic("masterkey: " + err.Error()) // only for keys of a wrong size
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("masterkey: " + err.Error()) // only for ciphers other than AES
	}
	return aead
}
