package showtest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"broadcastbot/opusblocks"
	"broadcastbot/opusblocks/blocks"
)

// sealing is what may be used once: a key, and a nonce with it.
type sealing struct {
	key   blocks.Key
	nonce [16]byte
}

// SealedOnce checks that no two ciphertexts among the files have one key and one nonce, and returns
// how many epochs there are.
func SealedOnce(t testing.TB, key opusblocks.Key, files [][]byte) (epochs int) {
	t.Helper()
	sealed, began := map[sealing][]byte{}, map[blocks.Epoch]bool{}
	for _, file := range files {
		for block := range blocks.Scan(bytes.NewReader(file)) {
			if block.Header == (blocks.Header{}) || errors.Is(block.Err, blocks.ErrCutOff) {
				continue
			}
			used := sealing{key: key.Derive(block.Epoch)}
			binary.LittleEndian.PutUint32(used.nonce[:4], block.Header.Sequence)
			copy(used.nonce[4:], used.key.IV[:])
			ciphertext := file[block.Offset:][:block.Size]
			if before, again := sealed[used]; again && !bytes.Equal(before, ciphertext) {
				t.Fatalf("block %d is sealed twice under one key", block.Header.Sequence)
			}
			sealed[used], began[block.Epoch] = ciphertext, true
		}
	}
	if len(sealed) < 6 {
		t.Fatalf("only %d blocks left: what was tested?", len(sealed))
	}
	return len(began)
}
