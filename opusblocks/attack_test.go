package opusblocks

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"broadcastbot/internal/oggopus"
	"broadcastbot/opusblocks/blocks"
)

// reseal returns a block as somebody makes it who has the key of a show, but not that of its
// station. change changes its page, whose checksum is repaired.
func (s show) reseal(t testing.TB, block []byte, change func(page []byte)) []byte {
	t.Helper()
	form := s.member().form().blocks()
	pages, err := form.Open(nil, block)
	if err != nil {
		t.Fatal(err)
	}
	change(pages)
	oggopus.PutChecksum(pages)
	if s.plain {
		return pages
	}
	return form.Append(nil, form.Sequence(block), pages)
}

// mustExpose fails unless a listener gets no more of a file than what is before the forged block,
// and what the station's checkpoints allow behind it.
func (s show) mustExpose(t testing.TB, name string, file []byte, forged int64) {
	t.Helper()
	r := s.listen(file)
	for {
		block, err := r.ReadBlock()
		if errors.Is(err, ErrCheckpoint) {
			return
		}
		if err != nil {
			t.Fatalf("%s: %v, want ErrCheckpoint", name, err)
		}
		if block.Last || block.Offset >= forged && block.End-s.sampleAt(forged) > CheckpointInterval+maxUnproven {
			t.Fatalf("%s: block %d was given out, which begins at sample %d", name, block.Sequence, block.Start)
		}
	}
}

// sampleAt returns the sample at which the block begins that stands at this byte.
func (s show) sampleAt(offset int64) int64 {
	for _, b := range s.blocks {
		if b.Offset >= offset {
			return b.Start
		}
	}
	return s.blocks[len(s.blocks)-1].End
}

// TestMemberCannotForge: somebody who listens has the key, and the server may be on his side.
func TestMemberCannotForge(t *testing.T) {
	eachSigned(t, func(t *testing.T, empty show) {
		s := empty.mustWrite(t, 120, constant)
		parts := s.mustBlocks(t, s.file) // block 0, ..., block 120, the end
		with := func(n int, block []byte) []byte {
			changed := slices.Clone(parts)
			changed[n] = block
			return slices.Concat(changed...)
		}
		offset := func(n int) int64 { return int64(len(slices.Concat(parts[:n]...))) }
		for _, n := range []int{1, 2, 50, 51, 52, 77, 100, 101, 119, 120, 121} {
			for name, change := range map[string]func(page []byte){
				"sound":     func(page []byte) { page[len(page)-1] ^= 1 },
				"first":     func(page []byte) { page[27+int(page[26])+1] ^= 0x80 }, // in its first packet
				"no change": func([]byte) {},
			} {
				file := with(n, s.reseal(t, parts[n], change))
				if bytes.Equal(file, s.file) {
					continue
				}
				s.mustExpose(t, fmt.Sprintf("%s of block %d", name, n), file, offset(n))
			}
			early := s.reseal(t, parts[n], func(page []byte) { page[5] |= 4 })
			if n < 121 {
				s.mustExpose(t, fmt.Sprintf("block %d is made the end", n), with(n, early), offset(n))
			}
		}
	})
}

// TestEquivocation: two stations that have a copy of the same show go on with it, in front of a
// server that mixes what they write. No listener hears more than one of them for long.
func TestEquivocation(t *testing.T) {
	eachSigned(t, func(t *testing.T, empty show) {
		s := empty.mustWrite(t, 120, constant)
		past := s.mustBlocks(t, s.file)
		const at = 30
		a, b := s.mustGoOn(t, past[:at+1], 120, 1), s.mustGoOn(t, past[:at+1], 120, 2)
		mustNotRepeat(t, s, s.file, a, b)
		for _, file := range [][]byte{a, b} {
			if _, err := readAll(s.listen(file)); err != nil {
				t.Fatal(err)
			}
		}
		futures := [][][]byte{past, s.mustBlocks(t, a), s.mustBlocks(t, b)}
		for i, one := range futures {
			for j, other := range futures {
				for _, n := range []int{at + 2, at + 7, at + 50, at + 51, 119} {
					mixed := slices.Concat(slices.Concat(one[:n]...), slices.Concat(other[n:]...))
					if i == j {
						continue
					}
					_, err := readAll(s.listen(mixed))
					if !errors.Is(err, ErrCheckpoint) && !errors.Is(err, ErrOrder) {
						t.Errorf("future %d, from block %d on future %d: %v", i, n, j, err)
					}
				}
			}
		}
	})
}

// mustGoOn goes on behind these blocks, up to block last and an end.
func (s show) mustGoOn(t testing.TB, past [][]byte, last int, seed uint64) []byte {
	t.Helper()
	file := bytes.NewBuffer(slices.Concat(past...))
	r := s.open(bytes.Clone(file.Bytes()))
	if _, err := readAll(r); !errors.Is(err, ErrCutOff) {
		t.Fatal(err)
	}
	w, err := s.form().ResumeWriter(file, r)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(seed, seed))
	for range last + 1 - len(past) {
		s.mustAdd(t, w, random, constant)
	}
	if err := w.Finish(nil, 0); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// mustNotRepeat fails where two different blocks were sealed under one key and nonce.
func mustNotRepeat(t testing.TB, s show, files ...[]byte) {
	t.Helper()
	if s.plain {
		return
	}
	type nonce struct {
		key      Key
		sequence uint32
	}
	used := map[nonce][]byte{}
	for _, file := range files {
		for b := range blocks.Scan(bytes.NewReader(file)) {
			at := nonce{s.key.Derive(b.Epoch), b.Header.Sequence}
			body := file[b.Offset+blocks.HeaderSize : b.Offset+b.Size]
			if before, again := used[at]; again && !bytes.Equal(before, body) {
				t.Fatalf("block %d is sealed twice under one key", b.Header.Sequence)
			}
			used[at] = body
		}
	}
}

// TestSeekIsCovered: wherever a listener seeks to, and whatever block is forged there: either it is
// not played, or the next checkpoint exposes it.
func TestSeekIsCovered(t *testing.T) {
	eachSigned(t, func(t *testing.T, empty show) {
		s := empty.mustWrite(t, 200, varying)
		parts := s.mustBlocks(t, s.file)
		for n := 40; n < 200; n += 13 {
			forged := slices.Clone(parts)
			forged[n] = s.reseal(t, parts[n], func(page []byte) { page[len(page)-1] ^= 1 })
			file := slices.Concat(forged...)
			for sample := int64(n-10) * 4800; sample <= int64(n)*4800; sample += 2400 {
				played, err := s.playFrom(file, sample, uint32(n))
				if played && !errors.Is(err, ErrCheckpoint) {
					t.Fatalf("from sample %d: the forged block %d was played, then %v", sample, n, err)
				}
			}
		}
	})
}

// playFrom seeks and plays to the end or the first error, and says whether this block was played.
func (s show) playFrom(file []byte, sample int64, sequence uint32) (played bool, err error) {
	r := s.listen(file)
	if _, err := r.Head(); err != nil {
		return false, err
	}
	k := NewSeeker(r, func(offset int64) (io.Reader, error) { return bytes.NewReader(file[offset:]), nil })
	block, err := k.SeekTo(sample)
	for err == nil {
		played = played || block.Sequence == sequence
		block, err = r.ReadBlock()
	}
	return played, err
}

// TestLongBlockNeedsACheckpoint, or one block could hold minutes of forged sound.
func TestLongBlockNeedsACheckpoint(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	var long [][]byte
	for range 101 {
		long = append(long, testPacket(random, 80))
	}
	eachSigned(t, func(t *testing.T, s show) {
		var file bytes.Buffer
		w := s.mustBegin(t, &file)
		if err := errors.Join(w.WriteBlock(long[:5]), w.WriteBlock(long[:100]), w.WriteBlock(long)); err != nil {
			t.Fatal(err)
		}
		var signed []bool
		for _, block := range mustReadAll(t, s.listen(file.Bytes())) {
			signed = append(signed, block.Checkpoint != nil)
		}
		if !slices.Equal(signed, []bool{true, false, true}) {
			t.Errorf("checkpoints: %v", signed)
		}
	})
}

// Whatever blocks of several futures of a show a server sends, and in which order: what a checkpoint
// proves is the beginning of one of them.
func FuzzCheckpoints(f *testing.F) {
	s := show{key: NewKey(), station: newStation()}.mustWrite(f, 6, constant)
	past := s.mustBlocks(f, s.file)
	futures := [][][]byte{past}
	for seed := range uint64(3) {
		futures = append(futures, s.mustBlocks(f, s.mustGoOn(f, past[:3+seed], 6, seed)))
	}
	f.Add([]byte{0x01, 0x02, 0x13, 0x14, 0x15, 0x16, 0x17})
	f.Fuzz(func(t *testing.T, order []byte) {
		sent := [][]byte{past[0]}
		for _, b := range order {
			future := futures[int(b>>4)%len(futures)]
			sent = append(sent, future[1+int(b&15)%(len(future)-1)])
		}
		r := s.listen(slices.Concat(sent...))
		for read := 1; ; read++ {
			block, err := r.ReadBlock()
			if err == io.EOF {
				return
			}
			if err != nil {
				mustBeKnown(t, err)
				return
			}
			if block.Checkpoint != nil && !slices.ContainsFunc(futures, func(f [][]byte) bool { return beginsWith(f, sent[:read+1]) }) {
				t.Fatalf("%x: block %d proves what no station wrote", order, block.Sequence)
			}
		}
	})
}

func beginsWith(all, some [][]byte) bool {
	return len(some) <= len(all) && slices.EqualFunc(all[:len(some)], some, bytes.Equal)
}
