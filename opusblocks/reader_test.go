package opusblocks

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestReaderTakesBytesAsTheyCome(t *testing.T) {
	s := mustShow(t, 8, varying)
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"one byte":       iotest.OneByteReader,
		"halves":         iotest.HalfReader,
		"data with EOF":  iotest.DataErrReader,
		"several blocks": func(r io.Reader) io.Reader { return r },
	} {
		packets, err := readAll(NewReader(wrap(bytes.NewReader(s.file)), s.key))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		mustPackets(t, packets, s.packets)
	}
}

func TestCutAtEveryByte(t *testing.T) {
	s := mustShow(t, 3, constant)
	for n := range len(s.file) {
		r := NewReader(bytes.NewReader(s.file[:n]), s.key)
		packets, err := readAll(r)
		if !errors.Is(err, ErrCutOff) {
			t.Fatalf("cut at %d: err = %v, want ErrCutOff", n, err)
		}
		// The rest arrives: nothing is lost and nothing comes twice.
		r.Continue(bytes.NewReader(s.file[r.Position().Offset:]))
		rest, err := readAll(r)
		if err != nil {
			t.Fatalf("continued at %d: %v", n, err)
		}
		mustPackets(t, append(packets, rest...), s.packets)
	}
}

func TestFlipEveryBit(t *testing.T) {
	s := mustShow(t, 2, constant)
	for at := range s.file {
		block, checksum := placeOf(s, at)
		for bit := range 8 {
			file := bytes.Clone(s.file)
			file[at] ^= 1 << bit
			packets, err := readAll(NewReader(bytes.NewReader(file), s.key))
			switch {
			case checksum && err != nil:
				t.Fatalf("byte %d: a wrong checksum is a reason to refuse: %v", at, err)
			case !checksum && err == nil:
				t.Fatalf("byte %d, bit %d: not noticed", at, bit)
			case !checksum:
				mustBeKnown(t, err)
				mustPackets(t, packets, s.packets[:5*max(0, block-1)])
			}
		}
	}
}

// placeOf says which block a byte belongs to, and whether to its checksum.
func placeOf(s show, at int) (block int, checksum bool) {
	start := len(magic)
	for i := 0; ; i++ {
		size := HeaderSize + int(rawHeader(s.file[start:]).length())
		if at < start+size {
			return i, at >= start+12 && at < start+HeaderSize
		}
		start += size
	}
}

func TestSourceErrorsAreNotFinal(t *testing.T) {
	s := mustShow(t, 4, constant)
	broken := errors.New("line is down")
	half := len(s.file) / 2
	r := NewReader(io.MultiReader(bytes.NewReader(s.file[:half]), iotest.ErrReader(broken)), s.key)
	packets, err := readAll(r)
	if !errors.Is(err, broken) {
		t.Fatalf("err = %v, want the source's", err)
	}
	r.Continue(bytes.NewReader(s.file[r.Position().Offset:]))
	rest, err := readAll(r)
	if err != nil {
		t.Fatal(err)
	}
	mustPackets(t, append(packets, rest...), s.packets)
}

// TestEndIsAuthenticated: after the last block nothing more is read, so a
// server can neither append nor hold up the end.
func TestEndIsAuthenticated(t *testing.T) {
	s := mustShow(t, 1, constant)
	never := iotest.ErrReader(errors.New("was read"))
	r := NewReader(io.MultiReader(bytes.NewReader(s.file), never), s.key)
	if _, err := readAll(r); err != nil {
		t.Error(err)
	}
}

func TestJumpToEveryByte(t *testing.T) {
	s := mustShow(t, 6, varying)
	for offset := HeadSize; offset < len(s.file); offset++ {
		r := NewReader(bytes.NewReader(s.file[:HeadSize]), s.key)
		if _, err := r.Head(); err != nil {
			t.Fatal(err)
		}
		r.Jump(bytes.NewReader(s.file[offset:]), int64(offset))
		first := 0
		for first < len(s.blocks) && s.blocks[first].Offset < int64(offset) {
			first++
		}
		packets, err := readAll(r)
		if offset > len(s.file)-HeaderSize-TagSize && err != nil {
			mustBeKnown(t, err) // no whole block is left
			continue
		}
		if first == len(s.blocks) && err != nil {
			mustBeKnown(t, err)
			continue
		}
		if err != nil {
			t.Fatalf("jump to %d: %v", offset, err)
		}
		mustPackets(t, packets, s.packets[5*first:])
	}
}

func TestJumpKnowsTheTime(t *testing.T) {
	s := mustShow(t, 6, varying)
	r := NewReader(bytes.NewReader(s.file), s.key)
	if _, err := r.Head(); err != nil {
		t.Fatal(err)
	}
	at := s.blocks[2].Offset + 1
	r.Jump(bytes.NewReader(s.file[at:]), at)
	got, err := r.ReadBlock()
	if err != nil {
		t.Fatal(err)
	}
	want := s.blocks[3]
	if got.Sequence != want.Sequence || got.Offset != want.Offset || got.Start != want.Start || got.End != want.End {
		t.Errorf("landed on %+v, want %+v", got, want)
	}
}

func TestWriteOgg(t *testing.T) {
	s := mustShow(t, 4, varying)
	var plain bytes.Buffer
	if err := WriteOgg(&plain, NewReader(bytes.NewReader(s.file), s.key)); err != nil {
		t.Fatal(err)
	}
	whole := plain.Len()
	if !strings.HasPrefix(plain.String(), "OggS") {
		t.Error("not an Ogg stream")
	}
	plain.Reset()
	if err := WriteOgg(&plain, NewReader(bytes.NewReader(s.file[:len(s.file)-1]), s.key)); !errors.Is(err, ErrCutOff) {
		t.Errorf("err = %v, want ErrCutOff", err)
	}
	if lost := whole - plain.Len(); lost != 27 { // only the nil page that ends it
		t.Errorf("%d bytes lost with the end, want 27", lost)
	}
	if err := WriteOgg(&plain, NewReader(bytes.NewReader(s.file), NewKey())); !errors.Is(err, ErrWrongKey) {
		t.Errorf("err = %v, want ErrWrongKey", err)
	}
}

func FuzzReader(f *testing.F) {
	vectors := mustVectors(f)
	for _, v := range vectors {
		f.Add(v.file, uint16(0))
		f.Add(v.file, uint16(HeadSize+7))
	}
	key := vectors[0].key
	f.Fuzz(func(t *testing.T, file []byte, jump uint16) {
		r := NewReader(bytes.NewReader(file), key)
		if _, err := readAll(r); err != nil {
			mustBeKnown(t, err)
		}
		if int(jump) < HeadSize || int(jump) > len(file) {
			return
		}
		r = NewReader(bytes.NewReader(file), key)
		if _, err := r.Head(); err != nil {
			return
		}
		r.Jump(bytes.NewReader(file[jump:]), int64(jump))
		if _, err := readAll(r); err != nil {
			mustBeKnown(t, err)
		}
	})
}
