package blocks

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

func scanAll(r io.Reader) (all []Scanned) {
	for s := range Scan(r) {
		all = append(all, s)
	}
	return all
}

func TestScanSoundFile(t *testing.T) {
	f := mustFile(t, 6, varying)
	all := scanAll(bytes.NewReader(f.bytes))
	if len(all) != 7 {
		t.Fatalf("%d stretches, want 7 blocks", len(all))
	}
	offset := int64(len(magic))
	for i, b := range all {
		if b.Err != nil || b.Header.Sequence != uint32(i) || b.Offset != offset {
			t.Errorf("stretch %d = %+v", i, b)
		}
		offset += b.Size
	}
	if offset != int64(len(f.bytes)) {
		t.Errorf("stretches end at %d of %d", offset, len(f.bytes))
	}
}

func TestScanFindsDamage(t *testing.T) {
	sound := mustFile(t, 6, constant)
	at, next := sound.offsets[2], sound.offsets[3]
	for name, test := range map[string]struct {
		damage func(file []byte) []byte
		want   error
	}{
		"flipped ciphertext": {func(f []byte) []byte { f[at+40] ^= 1; return f }, ErrForged},
		"flipped marker":     {func(f []byte) []byte { f[at] ^= 1; return f }, ErrMalformed},
		"flipped length":     {func(f []byte) []byte { f[at+9] ^= 1; return f }, ErrMalformed},
		"huge length":        {func(f []byte) []byte { f[at+11] = 0xFF; return f }, ErrMalformed},
		"dropped block":      {func(f []byte) []byte { return append(f[:at], f[next:]...) }, ErrOrder},
		"inserted bytes":     {func(f []byte) []byte { return append(f[:at:at], append([]byte("junk"), f[at:]...)...) }, ErrMalformed},
		"cut off":            {func(f []byte) []byte { return f[:len(f)-3] }, ErrCutOff},
	} {
		t.Run(name, func(t *testing.T) {
			file := test.damage(bytes.Clone(sound.bytes))
			var found error
			covered := int64(len(magic))
			for _, b := range scanAll(bytes.NewReader(file)) {
				if b.Offset != covered {
					t.Errorf("a stretch at %d, the one before ended at %d", b.Offset, covered)
				}
				covered += b.Size
				found = errors.Join(found, b.Err)
			}
			if !errors.Is(found, test.want) {
				t.Errorf("found %v, want %v", found, test.want)
			}
			if covered != int64(len(file)) {
				t.Errorf("%d of %d bytes were looked at", covered, len(file))
			}
		})
	}
}

func TestScanOtherFiles(t *testing.T) {
	for _, file := range []string{"", "MX", "OggS and so on"} {
		all := scanAll(bytes.NewReader([]byte(file)))
		if len(all) != 1 || !errors.Is(all[0].Err, ErrNotBlocks) {
			t.Errorf("Scan(%q) = %+v", file, all)
		}
	}
	broken := errors.New("disk is broken")
	all := scanAll(io.MultiReader(bytes.NewReader([]byte(magic)), iotest.ErrReader(broken)))
	if len(all) != 1 || !errors.Is(all[0].Err, broken) {
		t.Errorf("Scan = %+v, want the source's error", all)
	}
}
