package opusblocks

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// vector is a file of testdata/vectors: see internal/vectorgen.
type vector struct {
	name    string
	expect  error // nil for "ok"
	key     Key
	packets int
	file    []byte
}

var errorsByName = map[string]error{
	"ok": nil, "ErrNotBlocks": ErrNotBlocks, "ErrWrongKey": ErrWrongKey, "ErrForged": ErrForged,
	"ErrOrder": ErrOrder, "ErrMalformed": ErrMalformed, "ErrCutOff": ErrCutOff,
}

func mustVectors(t testing.TB) []vector {
	t.Helper()
	paths, err := filepath.Glob("testdata/vectors/*")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no vectors in testdata/vectors (%v)", err)
	}
	var all []vector
	for _, path := range paths {
		all = append(all, mustVector(t, path))
	}
	return all
}

func mustVector(t testing.TB, path string) vector {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, file, ok := bytes.Cut(raw, []byte("\n\n"))
	if !ok {
		t.Fatalf("%s has no empty line", path)
	}
	v := vector{name: filepath.Base(path), file: file}
	for line := range strings.SplitSeq(string(head), "\n") {
		name, value, _ := strings.Cut(line, ": ")
		var err error
		switch name {
		case "expect":
			var known bool
			if v.expect, known = errorsByName[value]; !known {
				t.Fatalf("%s expects the unknown %q", path, value)
			}
		case "key":
			v.key, err = ParseFragment(value)
		case "packets":
			v.packets, err = strconv.Atoi(value)
		}
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	return v
}

// readAll reads until the end or the first error and returns all packets.
func readAll(r *Reader) (packets [][]byte, err error) {
	for {
		block, err := r.ReadBlock()
		if err == io.EOF {
			return packets, nil
		}
		if err != nil {
			return packets, err
		}
		for _, p := range block.Packets {
			packets = append(packets, bytes.Clone(p))
		}
	}
}

func TestVectors(t *testing.T) {
	for _, v := range mustVectors(t) {
		t.Run(v.name, func(t *testing.T) {
			r := NewReader(bytes.NewReader(v.file), v.key)
			packets, err := readAll(r)
			if !errors.Is(err, v.expect) || (err == nil) != (v.expect == nil) {
				t.Errorf("err = %v, want %v", err, v.expect)
			}
			if len(packets) != v.packets {
				t.Errorf("%d packets, want %d", len(packets), v.packets)
			}
			if v.expect == nil || v.expect == ErrCutOff {
				return
			}
			if _, again := r.ReadBlock(); again == nil || again.Error() != err.Error() {
				t.Errorf("second error = %v, want %v for ever", again, err)
			}
			r.Jump(bytes.NewReader(v.file[min(len(v.file), HeadSize):]), int64(HeadSize))
			if _, again := r.ReadBlock(); again == nil {
				t.Error("a jump has healed a reader that had failed")
			}
		})
	}
}

// TestReferenceVector holds the bytes that the only other implementation of
// the format writes (matrix-encrypt-attachment, branch matthew/streaming,
// commit 9ebfe0d), with plaintexts that are no Ogg pages.
func TestReferenceVector(t *testing.T) {
	key := Key{}
	for i := range key.Secret {
		key.Secret[i] = byte(i)
	}
	for i := range key.IV {
		key.IV[i] = 0xa0 + byte(i)
	}
	blocks := []struct{ plaintext, sealed string }{
		{"hello", "ffffffff000000001500000000000000247c31d1e31de1dc1c34c93fb116c430744fb29759"},
		{"", "ffffffff01000000100000000000000057be060add766c552230c5805d6d405d"},
		{"opus frame three", "ffffffff0200000020000000000000002557bac9618b9ce7dec710470d7a8ec58d1010e81ffade633e1ac71d4c7cd30d"},
		{strings.Repeat("x", 40), "ffffffff030000003800000000000000788e7bb5158a25424760fbddb9902eafd7c74065039b710369cbc6f88f2ca0eff00a69be859a658521e6c95dacd4962c1ffd9a6689964f73"},
	}
	s := newSealer(key)
	for i, b := range blocks {
		got := s.seal(append(make([]byte, HeaderSize), b.plaintext...), uint32(i))
		if want := mustHex(t, b.sealed); !bytes.Equal(got, want) {
			t.Errorf("block %d sealed\n%x, want\n%x", i, got, want)
		}
		opened, err := s.open(nil, mustHex(t, b.sealed))
		if err != nil || string(opened) != b.plaintext {
			t.Errorf("block %d opened = %q, %v", i, opened, err)
		}
	}

	var file bytes.Buffer
	file.WriteString(magic)
	for _, b := range blocks {
		file.Write(mustHex(t, b.sealed))
	}
	sequence := uint32(0)
	for scanned := range Scan(&file) {
		if scanned.Err != nil || scanned.Header.Sequence != sequence {
			t.Errorf("Scan gives %+v for block %d", scanned, sequence)
		}
		sequence++
	}
	if sequence != 4 {
		t.Errorf("Scan gives %d blocks, want 4", sequence)
	}
}
