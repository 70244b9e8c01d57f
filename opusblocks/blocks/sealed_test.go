package blocks

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestReferenceVector holds the bytes that the only other implementation of the
// format writes (matrix-encrypt-attachment, branch matthew/streaming, commit
// 9ebfe0d). It leaves the checksum out.
func TestReferenceVector(t *testing.T) {
	vector := []struct{ payload, sealed string }{
		{"hello", "ffffffff000000001500000000000000247c31d1e31de1dc1c34c93fb116c430744fb29759"},
		{"", "ffffffff01000000100000000000000057be060add766c552230c5805d6d405d"},
		{"opus frame three", "ffffffff0200000020000000000000002557bac9618b9ce7dec710470d7a8ec58d1010e81ffade633e1ac71d4c7cd30d"},
		{strings.Repeat("x", 40), "ffffffff030000003800000000000000788e7bb5158a25424760fbddb9902eafd7c74065039b710369cbc6f88f2ca0eff00a69be859a658521e6c95dacd4962c1ffd9a6689964f73"},
	}
	form := NewSealed(countingKey(), testLayout)
	file := []byte(magic)
	for i, v := range vector {
		want := mustHex(t, v.sealed)
		got := bytes.TrimPrefix(form.Append(nil, uint32(i), []byte(v.payload)), []byte(magic))
		clear(got[12:16])
		if !bytes.Equal(got, want) {
			t.Errorf("block %d sealed\n%x, want\n%x", i, got, want)
		}
		opened, err := form.Open(nil, want)
		if err != nil || string(opened) != v.payload {
			t.Errorf("block %d opened = %q, %v", i, opened, err)
		}
		file = append(file, want...)
	}

	sequence := uint32(0)
	for scanned := range Scan(bytes.NewReader(file)) {
		if scanned.Err != nil || scanned.Header.Sequence != sequence {
			t.Errorf("Scan gives %+v for block %d", scanned, sequence)
		}
		sequence++
	}
	if sequence != 4 {
		t.Errorf("Scan gives %d blocks, want 4", sequence)
	}
}

// TestBlockInHex holds the example at the end of FORMAT.md.
func TestBlockInHex(t *testing.T) {
	got := NewSealed(countingKey(), testLayout).Append(nil, 0, []byte("hello"))
	want := mustHex(t, "4d584303"+"ffffffff"+"00000000"+"15000000"+"6c07dc2b"+"247c31d1e3"+"1de1dc1c34c93fb116c430744fb29759")
	if !bytes.Equal(got, want) {
		t.Errorf("%x, want\n%x", got, want)
	}
}

// TestHeadCommitsToTheKey: whatever else block 0 says, each of the 64 bytes has
// to be there.
func TestHeadCommitsToTheKey(t *testing.T) {
	key := NewKey()
	for i := range testHead {
		head := bytes.Clone(testHead)
		head[i] ^= 1
		form := NewSealed(key, testLayout)
		_, err := NewReader(bytes.NewReader(form.Append(nil, 0, head)), form).Head()
		inside := i >= testLayout.Commitment && i < testLayout.Commitment+CommitmentSize
		if errors.Is(err, ErrWrongKey) != inside || (err == nil) == inside {
			t.Errorf("byte %d of the head is another: %v", i, err)
		}
	}
}

func TestHeadRefusals(t *testing.T) {
	f := mustFile(t, 2, constant)
	form := NewSealed(f.key, testLayout)
	for name, test := range map[string]struct {
		file []byte
		want error
	}{
		"no magic":         {[]byte("OggS and so on"), ErrNotBlocks},
		"half the magic":   {[]byte("MX"), ErrCutOff},
		"another key":      {mustFile(t, 1, constant).bytes, ErrWrongKey},
		"another size":     {append(form.Append(nil, 0, testHead[:99]), f.block(1)...), ErrMalformed},
		"block 1 first":    {slices.Concat([]byte(magic), form.Append(nil, 1, testHead)), ErrMalformed},
		"no block at all":  {slices.Concat([]byte(magic), make([]byte, 500)), ErrMalformed},
		"nothing at all":   {nil, ErrCutOff},
		"block 0 is twice": {slices.Concat(f.head(), f.head()[len(magic):]), ErrOrder},
	} {
		if _, err := readAll(f.open(test.file)); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}
