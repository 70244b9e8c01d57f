package opusblocks

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"broadcastbot/internal/oggopus"
	"broadcastbot/opusblocks/blocks"
)

func TestReaderTakesBytesAsTheyCome(t *testing.T) {
	eachForm(t, func(t *testing.T, empty show) {
		s := empty.mustWrite(t, 8, varying)
		for name, wrap := range map[string]func(io.Reader) io.Reader{
			"one byte":       iotest.OneByteReader,
			"halves":         iotest.HalfReader,
			"data with EOF":  iotest.DataErrReader,
			"several blocks": func(r io.Reader) io.Reader { return r },
		} {
			packets, err := readAll(s.form().NewReader(wrap(bytes.NewReader(s.file))))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			mustPackets(t, packets, s.packets)
		}
	})
}

func TestCutAtEveryByte(t *testing.T) {
	eachForm(t, func(t *testing.T, empty show) {
		for _, size := range sizes {
			s := empty.mustWrite(t, 3, size)
			for n := range len(s.file) {
				r := s.open(s.file[:n])
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
	})
}

// TestFlipEveryBit: damage is found, and what comes before it is given out. Only
// a wrong checksum of a sealed block is no reason to refuse it, until a checkpoint says
// that the file has other bytes.
func TestFlipEveryBit(t *testing.T) {
	eachForm(t, func(t *testing.T, empty show) {
		s := empty.mustWrite(t, 2, constant)
		for at := range s.file {
			before, checksum := s.placeOf(at)
			for bit := range 8 {
				file := bytes.Clone(s.file)
				file[at] ^= 1 << bit
				packets, err := readAll(s.open(file))
				switch {
				case checksum && s.station != nil && at < s.endOffset():
					if !errors.Is(err, ErrCheckpoint) {
						t.Fatalf("byte %d, bit %d: %v, want ErrCheckpoint", at, bit, err)
					}
				case checksum && err != nil:
					t.Fatalf("byte %d: a wrong checksum is a reason to refuse: %v", at, err)
				case !checksum && err == nil:
					t.Fatalf("byte %d, bit %d: not noticed", at, bit)
				case !checksum:
					mustBeKnown(t, err)
					mustPackets(t, packets, s.packets[:5*before])
				}
			}
		}
	})
}

// placeOf says how many blocks with sound are wholly before a byte, and whether
// the byte is one of a sealed block's checksum.
func (s show) placeOf(at int) (before int, checksum bool) {
	starts := []int{0}
	if !s.plain {
		starts[0] = blocks.MagicSize
	}
	for _, b := range s.blocks {
		starts = append(starts, int(b.Offset))
	}
	starts = append(starts, s.endOffset())
	block := len(starts) - 1
	for block > 0 && at < starts[block] {
		block--
	}
	inBlock := at - starts[block]
	return max(0, block-1), !s.plain && inBlock >= 12 && inBlock < blocks.HeaderSize
}

// endPage returns how many bytes the end has in clear: none of them are sound that is to be heard.
func (s show) endPage() int {
	const emptyPage = 27
	if s.station == nil {
		return emptyPage
	}
	return emptyPage + 1 + len(silentEnd[0]) + checkpointGrowth
}

// endOffset returns where the end begins.
func (s show) endOffset() int {
	if s.plain {
		return len(s.file) - s.endPage()
	}
	return len(s.file) - blocks.HeaderSize - s.endPage() - blocks.TagSize
}

func TestSourceErrorsAreNotFinal(t *testing.T) {
	eachForm(t, func(t *testing.T, empty show) {
		s := empty.mustWrite(t, 4, constant)
		broken := errors.New("line is down")
		half := len(s.file) / 2
		r := s.form().NewReader(io.MultiReader(bytes.NewReader(s.file[:half]), iotest.ErrReader(broken)))
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
	})
}

// TestRefusedBlockIsNotCounted: whoever cuts the file at the position has only
// blocks that are good.
func TestRefusedBlockIsNotCounted(t *testing.T) {
	eachForm(t, func(t *testing.T, empty show) {
		s := empty.mustWrite(t, 4, constant)
		other := show{key: s.key, plain: s.plain}.mustWrite(t, 4, constant) // of another Ogg stream
		at := s.blocks[2].Offset
		r := s.open(slices.Concat(s.file[:at], other.file[at:]))
		packets, err := readAll(r)
		if !errors.Is(err, ErrMalformed) {
			t.Fatalf("err = %v, want ErrMalformed", err)
		}
		mustPackets(t, packets, s.packets[:10])
		if end := r.Position(); end.Offset != at || end.Sequence != 3 || end.Samples != 2*4800 || end.Page != 4 {
			t.Errorf("Position = %+v", end)
		}
	})
}

// TestEndIsAuthenticated: after the last block nothing more is read, so a server
// can neither append nor hold up the end.
func TestEndIsAuthenticated(t *testing.T) {
	eachForm(t, func(t *testing.T, empty show) {
		s := empty.mustWrite(t, 1, constant)
		never := iotest.ErrReader(errors.New("was read"))
		if _, err := readAll(s.form().NewReader(io.MultiReader(bytes.NewReader(s.file), never))); err != nil {
			t.Error(err)
		}
	})
}

func TestJumpToEveryByte(t *testing.T) {
	eachForm(t, func(t *testing.T, empty show) {
		s := empty.mustWrite(t, 6, varying)
		for offset := int(s.blocks[0].Offset); offset < len(s.file); offset++ {
			r := s.mustOpen(t)
			r.Jump(bytes.NewReader(s.file[offset:]), int64(offset))
			first := 0
			for first < len(s.blocks) && s.blocks[first].Offset < int64(offset) {
				first++
			}
			packets, err := readAll(r)
			if first == len(s.blocks) && err != nil { // no whole block is left, or none but the end
				mustBeKnown(t, err)
				continue
			}
			if err != nil {
				t.Fatalf("jump to %d: %v", offset, err)
			}
			mustPackets(t, packets, s.packets[5*first:])
		}
	})
}

// mustOpen returns a reader that has read block 0.
func (s show) mustOpen(t testing.TB) *Reader {
	t.Helper()
	r := s.open(s.file)
	if _, err := r.Head(); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestJumpKnowsTheTime(t *testing.T) {
	eachForm(t, func(t *testing.T, empty show) {
		s := empty.mustWrite(t, 6, varying)
		at := s.blocks[2].Offset + 1
		mustLand(t, s, at, s.blocks[3])
	})
}

// TestJumpPassesSignsOfLife: they do not tell the time.
func TestJumpPassesSignsOfLife(t *testing.T) {
	eachForm(t, func(t *testing.T, s show) {
		random := rand.New(rand.NewPCG(1, 1))
		var file bytes.Buffer
		w := s.mustBegin(t, &file)
		s.mustAdd(t, w, random, constant)
		at := w.Position().Offset
		if err := errors.Join(w.KeepAlive(), w.KeepAlive()); err != nil {
			t.Fatal(err)
		}
		s.mustAdd(t, w, random, constant)
		s.file = file.Bytes()
		mustLand(t, s, at, s.blocks[1])
	})
}

// mustLand jumps, and compares the first block there.
func mustLand(t *testing.T, s show, at int64, want Block) {
	t.Helper()
	r := s.mustOpen(t)
	r.Jump(bytes.NewReader(s.file[at:]), at)
	got, err := r.ReadBlock()
	if err != nil {
		t.Fatal(err)
	}
	if got.Sequence != want.Sequence || got.Offset != want.Offset || got.Start != want.Start || got.End != want.End {
		t.Errorf("landed on %+v, want %+v", got, want)
	}
}

func TestPlainRefusals(t *testing.T) {
	s := show{plain: true}.mustWrite(t, 4, constant)
	encrypted := mustShow(t, 1, constant)
	second := s.blocks[1].Offset
	for name, test := range map[string]struct {
		file []byte
		want error
	}{
		"sealed":       {encrypted.file, ErrNotBlocks},
		"page missing": {slices.Concat(s.file[:second], s.file[s.blocks[2].Offset:]), ErrOrder},
		"zeros":        {slices.Concat(s.file[:second], make([]byte, 100)), ErrMalformed},
		"empty":        {nil, ErrCutOff},
	} {
		if _, err := readAll(s.open(test.file)); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	if _, err := readAll(encrypted.open(s.file)); !errors.Is(err, ErrNotBlocks) {
		t.Errorf("a plain file where there is a key: %v, want ErrNotBlocks", err)
	}
}

// TestPlainIsAnOpusFile: another reader finds the same in it, signs of life and
// all.
func TestPlainIsAnOpusFile(t *testing.T) {
	packet := testPacket(rand.New(rand.NewPCG(1, 1)), 80)
	var file bytes.Buffer
	w := show{plain: true}.mustBegin(t, &file)
	if strings.Contains(file.String(), commitmentName) || file.Len() > 250 {
		t.Errorf("a head of %d bytes", file.Len())
	}
	if err := errors.Join(w.KeepAlive(), w.WriteBlock([][]byte{packet, packet}), w.KeepAlive(), w.KeepAlive(), w.Finish([][]byte{packet}, 400)); err != nil {
		t.Fatal(err)
	}
	other := oggopus.NewReader(&file)
	for i, granule := range []int64{960, 1920, 2480} {
		got, err := other.ReadPacket()
		if err != nil || !bytes.Equal(got.Data, packet) || got.Granule != granule {
			t.Errorf("packet %d ends at %d, %v", i, got.Granule, err)
		}
	}
	if _, err := other.ReadPacket(); err != io.EOF || other.Truncated() || other.EndTrim() != 400 {
		t.Errorf("err %v, truncated %v, end trim %d", err, other.Truncated(), other.EndTrim())
	}
	if other.Tags().Get("TITLE") != testHead.Title || other.Stats() != (oggopus.Stats{}) {
		t.Errorf("tags %v, stats %+v", other.Tags(), other.Stats())
	}
}

func TestWriteOgg(t *testing.T) {
	eachForm(t, func(t *testing.T, empty show) {
		s := empty.mustWrite(t, 4, varying)
		var ogg bytes.Buffer
		if err := WriteOgg(&ogg, s.open(s.file)); err != nil {
			t.Fatal(err)
		}
		whole := ogg.Len()
		if !strings.HasPrefix(ogg.String(), "OggS") {
			t.Error("not an Ogg stream")
		}
		if s.plain && !bytes.Equal(ogg.Bytes(), s.file) {
			t.Error("a plain file was changed")
		}
		ogg.Reset()
		if err := WriteOgg(&ogg, s.open(s.file[:len(s.file)-1])); !errors.Is(err, ErrCutOff) {
			t.Errorf("err = %v, want ErrCutOff", err)
		}
		if lost := whole - ogg.Len(); lost != s.endPage() {
			t.Errorf("%d bytes lost with the end, want %d", lost, s.endPage())
		}
	})
	s := mustShow(t, 1, constant)
	if err := WriteOgg(io.Discard, Sealed(NewKey()).NewReader(bytes.NewReader(s.file))); !errors.Is(err, ErrWrongKey) {
		t.Errorf("err = %v, want ErrWrongKey", err)
	}
}

func FuzzReader(f *testing.F) {
	vectors := mustVectors(f)
	for _, v := range vectors {
		f.Add(v.file, uint16(0))
		f.Add(v.file, uint16(HeadSize+7))
	}
	s := show{key: vectors[0].key}
	f.Fuzz(func(t *testing.T, file []byte, jump uint16) { s.fuzz(t, file, int(jump)) })
}

func FuzzPlainReader(f *testing.F) {
	s := show{plain: true}.mustWrite(f, 3, varying)
	f.Add(s.file, uint16(0))
	f.Add(s.file, uint16(s.blocks[1].Offset-7))
	f.Fuzz(func(t *testing.T, file []byte, jump uint16) { s.fuzz(t, file, int(jump)) })
}

// FuzzSignedReader reads what looks as if a station had signed it.
func FuzzSignedReader(f *testing.F) {
	s := show{station: ed25519.NewKeyFromSeed(countingBytes(0xc0, ed25519.SeedSize))} // that of the vectors
	for _, v := range mustVectors(f) {
		if v.signer == nil {
			continue
		}
		f.Add(v.file, v.plain, uint16(0))
		f.Add(v.file, v.plain, uint16(HeadSize+7))
		if !v.plain {
			s.key = v.key
		}
	}
	f.Fuzz(func(t *testing.T, file []byte, plain bool, jump uint16) {
		s := s
		s.plain = plain
		s.fuzz(t, file, int(jump))
	})
}

func countingBytes(first byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = first + byte(i)
	}
	return b
}

// fuzz reads any bytes as the show's file, from the beginning and after a jump.
func (s show) fuzz(t *testing.T, file []byte, jump int) {
	if _, err := readAll(s.open(file)); err != nil {
		mustBeKnown(t, err)
	}
	r := s.open(file)
	if _, err := r.Head(); err != nil || int64(jump) < r.FirstBlock() || jump > len(file) {
		return
	}
	r.Jump(bytes.NewReader(file[jump:]), int64(jump))
	if _, err := readAll(r); err != nil {
		mustBeKnown(t, err)
	}
}

// TestTimeOverflows: behind a jump, no page is taken whose beginning would be before all time.
func TestTimeOverflows(t *testing.T) {
	for _, granule := range []int64{math.MinInt64, -960} {
		page := oggopus.Page{Granule: granule}
		var c continuity
		c.anchor(&page, 960)
		if err := c.follow(&page, 960); !errors.Is(err, ErrMalformed) {
			t.Errorf("granule position %d: %v", granule, err)
		}
	}
}
