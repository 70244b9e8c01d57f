package opusblocks

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"broadcastbot/opusblocks/blocks"
)

func TestWrittenIsRead(t *testing.T) {
	eachForm(t, func(t *testing.T, empty show) {
		for name, size := range sizes {
			s := empty.mustWrite(t, 20, size)
			r := s.open(s.file)
			head, err := r.Head()
			if err != nil || head != testHead {
				t.Fatalf("Head = %+v, %v", head, err)
			}
			packets, err := readAll(r)
			if err != nil {
				t.Fatal(err)
			}
			mustPackets(t, packets, s.packets)
			if end := r.Position(); end.Offset != int64(len(s.file)) || end.Sequence != 22 || end.Samples != 20*4800 {
				t.Errorf("%s: Position = %+v", name, end)
			}
		}
	})
}

func TestBlockZeroHasOneSize(t *testing.T) {
	for _, test := range []struct{ title, speaker, wantTitle string }{
		{"", "", ""},
		{"Town hall", "@alice:example.org", "Town hall"},
		{strings.Repeat("é", 2000), "@a:b", strings.Repeat("é", 405)},
		{strings.Repeat("x", 600), "@" + strings.Repeat("s", 253), strings.Repeat("x", 560)},
	} {
		var file bytes.Buffer
		head := testHead
		head.Title, head.Speaker = test.title, test.speaker
		key := NewKey()
		if _, err := Sealed(key).NewWriter(&file, head); err != nil {
			t.Fatal(err)
		}
		if file.Len() != HeadSize {
			t.Errorf("block 0 of a title of %d bytes ends at %d, want %d", len(test.title), file.Len(), HeadSize)
		}
		got, err := Sealed(key).NewReader(&file).Head()
		if err != nil || got.Speaker != test.speaker {
			t.Fatalf("Head = %+v, %v", got, err)
		}
		if !strings.HasPrefix(test.title, got.Title) || len(got.Title) < min(len(test.title), 500) {
			t.Errorf("title of %d bytes was cut to %d", len(test.title), len(got.Title))
		}
	}
}

func TestBadHeadIsRefused(t *testing.T) {
	eachForm(t, func(t *testing.T, s show) {
		for _, head := range []Head{{Channels: 0}, {Channels: 3}, {Channels: 1, Speaker: strings.Repeat("s", 2000)}} {
			var file bytes.Buffer
			if _, err := s.form().NewWriter(&file, head); err == nil || file.Len() > 0 {
				t.Errorf("a head of %d channels: %v after %d bytes", head.Channels, err, file.Len())
			}
		}
	})
}

func TestBadPacketsLeaveNoTrace(t *testing.T) {
	good := testPacket(rand.New(rand.NewPCG(1, 1)), 80)
	bad := map[string][][]byte{
		"not Opus": {good, {}}, "larger than a page": {append([]byte{0x78}, make([]byte, 65100)...)},
	}
	tooMuch := make([][]byte, 1000)
	for i := range tooMuch {
		tooMuch[i] = append([]byte{0x78}, make([]byte, 1200)...)
	}
	eachForm(t, func(t *testing.T, s show) {
		var file bytes.Buffer
		w := s.mustBegin(t, &file)
		for name, packets := range bad {
			if err := w.WriteBlock(packets); err == nil {
				t.Errorf("%s: no error", name)
			}
		}
		if !s.plain { // where it is many blocks
			if err := w.WriteBlock(tooMuch); err == nil {
				t.Error("larger than a block: no error")
			}
		}
		if err := w.Finish([][]byte{good}, 961); err == nil {
			t.Error("an end trim longer than the last block was accepted")
		}
		if err := w.Finish([][]byte{good}, 960); err != nil {
			t.Fatal(err)
		}
		packets, err := readAll(s.form().NewReader(&file))
		if err != nil {
			t.Fatal(err)
		}
		mustPackets(t, packets, [][]byte{good})
	})
}

// TestManySegmentsMakeManyPages: one Write all the same. In a plain file each of
// the pages is a block.
func TestManySegmentsMakeManyPages(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	var packets [][]byte
	for range 50 { // one second at 510 kbit/s
		packets = append(packets, testPacket(random, 1275))
	}
	eachForm(t, func(t *testing.T, s show) {
		file := &onceWriter{}
		w := s.mustBegin(t, file)
		if err := errors.Join(w.WriteBlock(packets), w.KeepAlive(), w.Finish(packets, 100)); err != nil || file.writes != 4 {
			t.Fatalf("%d writes, %v", file.writes, err)
		}
		r := s.form().NewReader(&file.Buffer)
		got, err := readAll(r)
		if err != nil {
			t.Fatal(err)
		}
		mustPackets(t, got, append(packets[:len(packets):len(packets)], packets...))
		if r.Position() != w.Position() {
			t.Errorf("the reader stands at %+v, the writer at %+v", r.Position(), w.Position())
		}
	})
}

// onceWriter counts the writes and refuses from a certain one on.
type onceWriter struct {
	bytes.Buffer
	writes, refuseFrom int
}

func (w *onceWriter) Write(p []byte) (int, error) {
	w.writes++
	if w.refuseFrom > 0 && w.writes >= w.refuseFrom {
		return 0, io.ErrShortWrite
	}
	return w.Buffer.Write(p)
}

func TestOneWritePerBlock(t *testing.T) {
	packets := [][]byte{testPacket(rand.New(rand.NewPCG(1, 1)), 80)}
	eachForm(t, func(t *testing.T, s show) {
		file := &onceWriter{refuseFrom: 4}
		w := s.mustBegin(t, file)
		if err := errors.Join(w.WriteBlock(packets), w.KeepAlive()); err != nil || file.writes != 3 {
			t.Fatalf("%d writes for 3 blocks, %v", file.writes, err)
		}
		before := w.Position()
		if err := w.WriteBlock(packets); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("WriteBlock = %v, want the writer's error", err)
		}
		// The number is spent: nothing may be sealed after it, not even the end.
		file.refuseFrom = 0
		for name, err := range map[string]error{
			"WriteBlock": w.WriteBlock(packets), "KeepAlive": w.KeepAlive(), "Finish": w.Finish(nil, 0),
		} {
			if !errors.Is(err, io.ErrShortWrite) {
				t.Errorf("%s after the error = %v", name, err)
			}
		}
		if file.writes != 4 {
			t.Errorf("%d writes, want 4", file.writes)
		}
		if at := w.Position(); at.Offset != before.Offset || at.Samples != before.Samples {
			t.Errorf("what was not written is counted: %+v after %+v", at, before)
		}
	})
}

func TestFinishedWriterRefuses(t *testing.T) {
	eachForm(t, func(t *testing.T, s show) {
		w := s.mustBegin(t, io.Discard)
		if err := w.Finish(nil, 0); err != nil {
			t.Fatal(err)
		}
		if err := w.KeepAlive(); !errors.Is(err, ErrFinished) {
			t.Errorf("KeepAlive = %v, want ErrFinished", err)
		}
		if err := w.Finish(nil, 0); !errors.Is(err, ErrFinished) {
			t.Errorf("Finish = %v, want ErrFinished", err)
		}
	})
}

func TestLastSequenceNumberIsForTheEnd(t *testing.T) {
	packets := [][]byte{testPacket(rand.New(rand.NewPCG(1, 1)), 80)}
	eachForm(t, func(t *testing.T, s show) {
		f := s.form()
		w := &Writer{
			file:  blocks.ResumeWriter(io.Discard, f.blocks(), blocks.Position{Offset: 1 << 40, Sequence: 1<<32 - 2}),
			pages: newPageWriter(f, continuity{page: 1<<32 - 1}),
		}
		if err := w.WriteBlock(packets); err != nil {
			t.Fatal(err)
		}
		if err := w.WriteBlock(packets); !errors.Is(err, ErrFull) {
			t.Errorf("WriteBlock = %v, want ErrFull", err)
		}
		if err := w.KeepAlive(); !errors.Is(err, ErrFull) {
			t.Errorf("KeepAlive = %v, want ErrFull", err)
		}
		if err := w.Finish(packets, 0); err != nil {
			t.Errorf("Finish = %v", err)
		}
	})
}

func TestResumedFileIsOneFile(t *testing.T) {
	eachForm(t, func(t *testing.T, empty show) {
		s := empty.mustWrite(t, 10, varying)
		cut := int(s.blocks[6].Offset) + 40 // inside block 7
		r := s.open(s.file[:cut])
		if _, err := readAll(r); !errors.Is(err, ErrCutOff) {
			t.Fatalf("err = %v, want ErrCutOff", err)
		}
		at := r.Position()
		if at.Offset != s.blocks[6].Offset {
			t.Fatalf("whole blocks end at %d, want %d", at.Offset, s.blocks[6].Offset)
		}
		file := bytes.NewBuffer(bytes.Clone(s.file[:at.Offset]))
		w, err := s.form().ResumeWriter(file, r)
		if err := errors.Join(err, w.WriteBlock(s.packets[30:35]), w.KeepAlive(), w.Finish(s.packets[35:37], 500)); err != nil {
			t.Fatal(err)
		}
		packets, err := readAll(s.form().NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		mustPackets(t, packets, s.packets[:37])
	})
}

func TestHotPathDoesNotAllocate(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	packets := make([][]byte, 5)
	for i := range packets {
		packets[i] = testPacket(random, 80)
	}
	eachForm(t, func(t *testing.T, empty show) {
		w := empty.mustBegin(t, io.Discard)
		// Behind a sign of life a block is signed, which allocates under the race detector: one after the other.
		for name, write := range map[string]func() error{
			"WriteBlock": func() error { return w.WriteBlock(packets) },
			"KeepAlive":  w.KeepAlive,
		} {
			if n := testing.AllocsPerRun(200, func() {
				if err := write(); err != nil {
					t.Fatal(err)
				}
			}); n != 0 {
				t.Errorf("%s allocates %v times", name, n)
			}
		}

		s := empty.mustWrite(t, 300, constant)
		r := s.open(s.file)
		if n := testing.AllocsPerRun(200, func() {
			if _, err := r.ReadBlock(); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("ReadBlock allocates %v times", n)
		}
	})
}

// TestOneHour sends an hour of sound through writer and reader: no packet is
// lost, the time is exact, and neither side keeps anything.
func TestOneHour(t *testing.T) {
	const blocks = 36000
	key := NewKey()
	r, w := io.Pipe()
	packets := make([][]byte, 5)
	for i := range packets {
		packets[i] = testPacket(rand.New(rand.NewPCG(1, uint64(i))), 80)
	}
	written := make(chan error, 1)
	go func() {
		writer, err := Sealed(key).NewWriter(w, testHead)
		for range blocks {
			if err == nil {
				err = writer.WriteBlock(packets)
			}
		}
		if err == nil {
			err = writer.Finish(nil, 0)
		}
		written <- err
	}()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	reader := Sealed(key).NewReader(r)
	var n int
	for {
		block, err := reader.ReadBlock()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for i, packet := range block.Packets {
			if !bytes.Equal(packet, packets[i]) {
				t.Fatalf("packet %d differs", n)
			}
			n++
		}
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if n != 5*blocks || reader.Position().Samples != 3600*sampleRate {
		t.Errorf("%d packets, %d samples", n, reader.Position().Samples)
	}
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 1<<20 {
		t.Errorf("an hour allocates %d bytes", allocated)
	}
}
