package opusblocks

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"reflect"
	"testing"
)

// TestOnBlockSaysWhatAReaderWill: block by block, and in the seek table that is
// made of them, also where a crash came between.
func TestOnBlockSaysWhatAReaderWill(t *testing.T) {
	several := func(*rand.Rand) int { return 1275 }
	eachForm(t, func(t *testing.T, s show) {
		for name, size := range map[string]func(*rand.Rand) int{
			"constant": constant, "varying": varying, "several pages": several,
		} {
			want, wrote := s.writeWithCrash(t, size)
			got, read := mustBlocks(t, s.open(s.file))
			if !reflect.DeepEqual(read, wrote) {
				t.Errorf("%s: the writer said\n%+v, the reader\n%+v", name, wrote, read)
			}
			if got.String() != want.String() || len(got.entries) < 10 {
				t.Errorf("%s: the table made while writing is %q, the one made of the file %q", name, want.String(), got.String())
			}
		}
	})
}

// writeWithCrash writes a show of a quarter of an hour with pauses in it, half
// of it after a crash, and returns what was noted of it meanwhile.
func (s *show) writeWithCrash(t *testing.T, size func(*rand.Rand) int) (table SeekTable, blocks []Block) {
	t.Helper()
	random := rand.New(rand.NewPCG(7, 7))
	note := func(b Block) {
		table.Add(b)
		blocks = append(blocks, cloneBlock(b))
	}
	var file bytes.Buffer
	w := s.mustBegin(t, &file)
	w.OnBlock = note
	mustWriteWithPauses(t, w, random, size)

	file.WriteString("OggS") // the beginning of a block that was not finished
	r := s.open(file.Bytes())
	table, blocks = mustBlocks(t, r)
	file.Truncate(int(r.Position().Offset))
	w = s.form().ResumeWriter(&file, r.Position())
	w.OnBlock = note
	mustWriteWithPauses(t, w, random, size)
	if err := w.Finish([][]byte{testPacket(random, 80)}, 400); err != nil {
		t.Fatal(err)
	}
	s.file = file.Bytes()
	return table, blocks
}

func mustWriteWithPauses(t *testing.T, w *Writer, random *rand.Rand, size func(*rand.Rand) int) {
	t.Helper()
	for range 450 {
		packets := make([][]byte, 50) // a second
		for i := range packets {
			packets[i] = testPacket(random, size(random))
		}
		err := w.WriteBlock(packets)
		if random.IntN(5) == 0 {
			err = errors.Join(err, w.KeepAlive())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// mustBlocks returns the blocks that r has, up to the end or a cut, and the seek
// table of them.
func mustBlocks(t *testing.T, r *Reader) (table SeekTable, blocks []Block) {
	t.Helper()
	for {
		b, err := r.ReadBlock()
		if err == io.EOF || errors.Is(err, ErrCutOff) {
			return table, blocks
		}
		if err != nil {
			t.Fatal(err)
		}
		table.Add(b)
		blocks = append(blocks, cloneBlock(b))
	}
}

// cloneBlock returns a block that stays valid. Of a packet it keeps its size and
// first byte.
func cloneBlock(b Block) Block {
	var packets [][]byte
	for _, p := range b.Packets {
		packets = append(packets, []byte{p[0], byte(len(p)), byte(len(p) >> 8)})
	}
	b.Packets = packets
	return b
}
