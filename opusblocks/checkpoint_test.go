package opusblocks

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"broadcastbot/internal/opus"
)

// listen reads the show as somebody who knows who signs it, but cannot sign.
func (s show) listen(file []byte) *Reader {
	form := Sealed(s.key)
	if s.plain {
		form = Plain()
	}
	return form.SignedBy(s.station.Public().(ed25519.PublicKey)).NewReader(bytes.NewReader(file))
}

// member is somebody who has the key of a show, but not that of its station.
func (s show) member() show { return show{key: s.key, plain: s.plain} }

// mustBlocks reads a file that is not looked at for checkpoints, and returns its blocks as they stand
// in it. The first one is block 0 and what is before it.
func (s show) mustBlocks(t testing.TB, file []byte) (all [][]byte) {
	t.Helper()
	r := s.member().open(file)
	if _, err := r.Head(); err != nil {
		t.Fatal(err)
	}
	all = append(all, file[:r.FirstBlock()])
	for _, b := range mustReadAll(t, r) {
		all = append(all, file[b.Offset:b.Offset+int64(b.Size)])
	}
	return all
}

// mustReadAll returns the blocks up to the end, or to where the file is cut off, without what is valid
// only until the next one is read.
func mustReadAll(t testing.TB, r *Reader) (all []Block) {
	t.Helper()
	for {
		block, err := r.ReadBlock()
		if err == io.EOF || errors.Is(err, ErrCutOff) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		block.Packets, block.Raw = nil, nil
		all = append(all, block)
	}
}

// TestCheckpoints: they stand where FORMAT.md says, and tell what it says.
func TestCheckpoints(t *testing.T) {
	eachSigned(t, func(t *testing.T, empty show) {
		s := empty.mustWrite(t, 120, varying) // twelve seconds
		r := s.listen(s.file)
		var sequences []uint32
		for {
			if _, ok := r.Checkpoint(); ok != (len(sequences) > 0) {
				t.Fatalf("Checkpoint says %v after %d of them", ok, len(sequences))
			}
			block, err := r.ReadBlock()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if c := block.Checkpoint; c != nil {
				sequences = append(sequences, c.Sequence)
				if c.Sequence != block.Sequence || c.Sample != block.End || !c.Time.Equal(testClock()) {
					t.Errorf("block %d until %d has %+v", block.Sequence, block.End, c)
				}
				if last, ok := r.Checkpoint(); last != *c || !ok {
					t.Errorf("the last one is %+v", last)
				}
			}
		}
		if want := []uint32{1, 51, 101, 121}; !slices.Equal(sequences, want) {
			t.Errorf("checkpoints in the blocks %v, want %v", sequences, want)
		}
	})
}

// TestUnsignedIsRefused by those who know that it should be signed.
func TestUnsignedIsRefused(t *testing.T) {
	eachSigned(t, func(t *testing.T, s show) {
		unsigned := s.member().mustWrite(t, 3, constant)
		packets, err := readAll(s.listen(unsigned.file))
		if !errors.Is(err, ErrCheckpoint) || len(packets) > 0 {
			t.Errorf("%d packets, then %v", len(packets), err)
		}
		nobody := s.form().SignedBy(ed25519.PublicKey{}).NewReader(bytes.NewReader(s.mustWrite(t, 3, constant).file))
		if packets, err := readAll(nobody); !errors.Is(err, ErrCheckpoint) || len(packets) > 0 {
			t.Errorf("a key of no bytes: %d packets, then %v", len(packets), err)
		}
		other := s
		other.station = newStation()
		if packets, err := readAll(s.listen(other.mustWrite(t, 3, constant).file)); !errors.Is(err, ErrCheckpoint) || len(packets) > 0 {
			t.Errorf("signed by another station: %d packets, then %v", len(packets), err)
		}
	})
}

// TestPacketsGrowByAConstant, whatever their padding: with packets of one size the blocks with
// checkpoints have one size too, and so have the others.
func TestPacketsGrowByAConstant(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for _, size := range []int{80, 141, 142, 143, 255, 256, 300, 510, 640} {
		eachSigned(t, func(t *testing.T, s show) {
			var file bytes.Buffer
			w := s.mustBegin(t, &file)
			for range 300 {
				var packets [][]byte
				for range 5 {
					padded, err := opus.PadTo(nil, testPacket(random, max(1, size-random.IntN(60))), size)
					if err != nil {
						padded = testPacket(random, size)
					}
					packets = append(packets, padded)
				}
				if err := w.WriteBlock(packets); err != nil {
					t.Fatal(err)
				}
			}
			sizes := map[string]bool{}
			for _, block := range mustReadAll(t, s.listen(file.Bytes())) {
				sizes[fmt.Sprintf("%v %d %d", block.Checkpoint != nil, block.Size, block.Size-block.extra)] = true
			}
			if len(sizes) != 2 {
				t.Errorf("packets of %d bytes: blocks of the sizes %v", size, sizes)
			}
		})
	}
}

// TestSoundFromAnotherShow may have checkpoints in it: here they are padding like any other.
func TestSoundFromAnotherShow(t *testing.T) {
	eachSigned(t, func(t *testing.T, s show) {
		other := show{plain: true, station: newStation()}.mustWrite(t, 120, constant)
		var packets [][]byte
		for r := other.open(other.file); ; {
			block, err := r.ReadBlock()
			if err != nil {
				break
			}
			for _, p := range block.Packets {
				packets = append(packets, bytes.Clone(p))
			}
		}
		var file bytes.Buffer
		w := s.mustBegin(t, &file)
		if err := w.WriteBlock(packets[2:5]); err != nil { // so that the checkpoints stand elsewhere
			t.Fatal(err)
		}
		for rest := range slices.Chunk(packets, 5) {
			if err := w.WriteBlock(rest); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Finish(nil, 0); err != nil {
			t.Fatal(err)
		}
		got, err := readAll(s.listen(file.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		mustPackets(t, got, slices.Concat(packets[2:5], packets))
	})
}

// TestDamagedPacketsAreSigned: what a decoder would not understand does not end a show.
func TestDamagedPacketsAreSigned(t *testing.T) {
	eachSigned(t, func(t *testing.T, s show) {
		for _, packet := range [][]byte{{0x7B, 0x41, 200}, {0x7B, 0x41}, {0x7B, 0xC3, 255}, {0x78}, {0x79, 1, 2}, {0x7A, 200}, {0x7B, 0x06, 1}} {
			var file bytes.Buffer
			w := s.mustBegin(t, &file)
			if err := errors.Join(w.WriteBlock([][]byte{packet}), w.WriteBlock([][]byte{packet}), w.Finish(nil, 0)); err != nil {
				t.Fatalf("%x: %v", packet, err)
			}
			r := s.listen(file.Bytes())
			if _, err := readAll(r); err != nil {
				t.Errorf("%x: %v", packet, err)
			}
			if samples, _ := opus.PacketDuration(packet); r.Position().Samples != 2*int64(samples) {
				t.Errorf("%x: %d samples, want twice %d", packet, r.Position().Samples, samples)
			}
		}
	})
}

// TestEndTrimOfManyPackets: what is trimmed away does not have to be in the file, so that the rest
// fits on the last page.
func TestEndTrimOfManyPackets(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	var packets [][]byte
	for range 300 {
		packets = append(packets, testPacket(random, 300))
	}
	eachForm(t, func(t *testing.T, s show) {
		for _, trim := range []int{0, 1, 959, 960, 961, 100 * 960, 299*960 + 500, 300 * 960} {
			var file bytes.Buffer
			w := s.mustBegin(t, &file)
			if err := errors.Join(w.WriteBlock(packets[:5]), w.Finish(packets, trim)); err != nil {
				t.Fatalf("trim of %d: %v", trim, err)
			}
			r := s.open(file.Bytes())
			if _, err := readAll(r); err != nil {
				t.Errorf("trim of %d: %v", trim, err)
			}
			if got, want := r.Position().Samples, int64(305*960-trim); got != want {
				t.Errorf("trim of %d: the end is at %d, want %d", trim, got, want)
			}
		}
	})
}

// TestResumedIsOneSignedFile: the digests go on, in another epoch too, and the clock says when.
func TestResumedIsOneSignedFile(t *testing.T) {
	eachSigned(t, func(t *testing.T, empty show) {
		s := empty.mustWrite(t, 70, varying)
		r := s.open(s.file[:s.blocks[60].Offset+7])
		if _, err := readAll(r); !errors.Is(err, ErrCutOff) {
			t.Fatal(err)
		}
		file := bytes.NewBuffer(bytes.Clone(s.file[:r.Position().Offset]))
		later := testClock().Add(time.Minute)
		form := s.member().form().Signing(s.station, func() time.Time { return later })
		w, err := form.ResumeWriter(file, r)
		if err := errors.Join(err, w.KeepAlive(), w.WriteBlock(s.packets[:5]), w.WriteBlock(s.packets[:5]), w.Finish(nil, 0)); err != nil {
			t.Fatal(err)
		}
		var got []Checkpoint
		for r := s.listen(file.Bytes()); ; {
			block, err := r.ReadBlock()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if block.Checkpoint != nil {
				got = append(got, *block.Checkpoint)
			}
		}
		if len(got) != 4 || got[2].Sequence != 62 || !got[2].Time.Equal(later) || got[3].Sequence != 64 {
			t.Errorf("checkpoints %+v", got)
		}
	})
}

// TestClockBehindAPause: samples do not count a pause, so the time is known again with the next
// checkpoint only, and a writer makes that at once. Not every writer has to.
func TestClockBehindAPause(t *testing.T) {
	eachSigned(t, func(t *testing.T, empty show) {
		s := empty.mustWrite(t, 10, constant)
		for _, atOnce := range []bool{true, false} {
			var file bytes.Buffer
			w, err := s.form().NewWriter(&file, Head{Channels: 1})
			if err := errors.Join(err, w.WriteBlock(s.packets[:5]), w.WriteBlock(s.packets[5:10]), w.KeepAlive()); err != nil {
				t.Fatal(err)
			}
			if !atOnce {
				w.pages.due = CheckpointInterval
			}
			if err := errors.Join(w.WriteBlock(s.packets[10:15]), w.WriteBlock(s.packets[15:20]), w.Finish(nil, 0)); err != nil {
				t.Fatal(err)
			}
			r := s.listen(file.Bytes())
			for i, known := range []bool{true, true, false, atOnce, atOnce, true} {
				block, err := r.ReadBlock()
				if err != nil {
					t.Fatal(err)
				}
				if _, ok := r.Clock(); ok != known {
					t.Errorf("at once %v: the time of block %d is known: %v", atOnce, block.Sequence, ok)
				}
				if wanted := i == 0 || i == 5 || atOnce && i == 3; (block.Checkpoint != nil) != wanted {
					t.Errorf("at once %v: block %d has a checkpoint: %v", atOnce, block.Sequence, !wanted)
				}
			}
		}
	})
}

// TestResumeNeedsAllOfTheFile, or the next digest would be wrong.
func TestResumeNeedsAllOfTheFile(t *testing.T) {
	eachSigned(t, func(t *testing.T, empty show) {
		s := empty.mustWrite(t, 10, constant)
		jumped := s.mustOpen(t)
		jumped.Jump(bytes.NewReader(s.file[s.blocks[4].Offset:]), s.blocks[4].Offset)
		if _, err := jumped.ReadBlock(); err != nil {
			t.Fatal(err)
		}
		unverified := s.member().open(s.file[:s.blocks[4].Offset])
		if _, err := readAll(unverified); !errors.Is(err, ErrCutOff) {
			t.Fatal(err)
		}
		for name, r := range map[string]*Reader{"jumped": jumped, "unverified": unverified} {
			if _, err := s.form().ResumeWriter(io.Discard, r); err == nil {
				t.Errorf("%s: no error", name)
			}
		}
		ended := s.mustOpen(t)
		if _, err := readAll(ended); err != nil {
			t.Fatal(err)
		}
		if _, err := s.form().ResumeWriter(io.Discard, ended); !errors.Is(err, ErrFinished) {
			t.Errorf("after the end: %v, want ErrFinished", err)
		}
	})
}
