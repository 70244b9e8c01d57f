package opusblocks

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
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
	plain   bool
	key     Key               // where it is not plain
	signer  ed25519.PublicKey // nil: not known
	packets int
	file    []byte
}

var errorsByName = map[string]error{
	"ok": nil, "ErrNotBlocks": ErrNotBlocks, "ErrWrongKey": ErrWrongKey, "ErrForged": ErrForged,
	"ErrOrder": ErrOrder, "ErrMalformed": ErrMalformed, "ErrCheckpoint": ErrCheckpoint, "ErrCutOff": ErrCutOff,
}

func mustVectors(t testing.TB) []vector {
	t.Helper()
	var all []vector
	for _, folder := range []string{"vectors", "epochs", "checkpoints"} {
		paths, err := filepath.Glob(filepath.Join("testdata", folder, "*"))
		if err != nil || len(paths) == 0 {
			t.Fatalf("no vectors in testdata/%s (%v)", folder, err)
		}
		for _, path := range paths {
			all = append(all, mustVector(t, path))
		}
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
		case "plain":
			v.plain = true
		case "signer":
			v.signer, err = base64.RawURLEncoding.DecodeString(value)
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

func (v vector) form() Form {
	if v.plain {
		return Plain().SignedBy(v.signer)
	}
	return Sealed(v.key).SignedBy(v.signer)
}

func TestVectors(t *testing.T) {
	for _, v := range mustVectors(t) {
		t.Run(v.name, func(t *testing.T) {
			r := v.form().NewReader(bytes.NewReader(v.file))
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
			r.Jump(bytes.NewReader(v.file[min(len(v.file), int(r.FirstBlock())):]), r.FirstBlock())
			if _, again := r.ReadBlock(); again == nil {
				t.Error("a jump has healed a reader that had failed")
			}
		})
	}
}
