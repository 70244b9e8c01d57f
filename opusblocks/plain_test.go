package opusblocks

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"broadcastbot/internal/oggopus"
)

func TestPlainIsRead(t *testing.T) {
	for _, size := range []func(*rand.Rand) int{constant, varying} {
		s := mustPlainShow(t, 20, size)
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
			t.Errorf("Position = %+v", end)
		}
	}
}

// TestPlainIsAnOpusFile: another reader finds the same in it, signs of life and
// all.
func TestPlainIsAnOpusFile(t *testing.T) {
	packet := testPacket(rand.New(rand.NewPCG(1, 1)), 80)
	var file bytes.Buffer
	w, err := NewPlainWriter(&file, testHead)
	if err != nil {
		t.Fatal(err)
	}
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

// TestPlainBlockOfManyPages: one Write, as many blocks as pages.
func TestPlainBlockOfManyPages(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	var packets [][]byte
	for range 50 { // one second at 510 kbit/s
		packets = append(packets, testPacket(random, 1275))
	}
	file := &onceWriter{}
	w, err := NewPlainWriter(file, testHead)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.WriteBlock(packets), w.KeepAlive(), w.Finish(packets, 100)); err != nil || file.writes != 4 {
		t.Fatalf("%d writes, %v", file.writes, err)
	}
	r := NewPlainReader(&file.Buffer)
	got, err := readAll(r)
	if err != nil {
		t.Fatal(err)
	}
	mustPackets(t, got, append(packets, packets...))
	if r.Position() != w.Position() {
		t.Errorf("the reader stands at %+v, the writer at %+v", r.Position(), w.Position())
	}
}

func TestPlainCutAtEveryByte(t *testing.T) {
	s := mustPlainShow(t, 3, varying)
	for n := range len(s.file) {
		r := s.open(s.file[:n])
		packets, err := readAll(r)
		if !errors.Is(err, ErrCutOff) {
			t.Fatalf("cut at %d: err = %v, want ErrCutOff", n, err)
		}
		r.Continue(bytes.NewReader(s.file[r.Position().Offset:]))
		rest, err := readAll(r)
		if err != nil {
			t.Fatalf("continued at %d: %v", n, err)
		}
		mustPackets(t, append(packets, rest...), s.packets)
	}
}

// TestPlainFlipEveryBit: damage is found, if not forgery.
func TestPlainFlipEveryBit(t *testing.T) {
	s := mustPlainShow(t, 2, constant)
	for at := range s.file {
		for bit := range 8 {
			file := bytes.Clone(s.file)
			file[at] ^= 1 << bit
			packets, err := readAll(s.open(file))
			if err == nil {
				t.Fatalf("byte %d, bit %d: not noticed", at, bit)
			}
			mustBeKnown(t, err)
			mustPackets(t, packets, s.packets[:len(packets)])
		}
	}
}

func TestPlainRefusals(t *testing.T) {
	s := mustPlainShow(t, 4, constant)
	sealed := mustShow(t, 1, constant)
	second := s.blocks[1]
	without := append(bytes.Clone(s.file[:second.Offset]), s.file[s.blocks[2].Offset:]...)
	garbage := append(bytes.Clone(s.file[:second.Offset]), make([]byte, 100)...)
	for name, test := range map[string]struct {
		file []byte
		want error
	}{
		"sealed":       {sealed.file, ErrNotBlocks},
		"page missing": {without, ErrOrder},
		"zeros":        {garbage, ErrMalformed},
		"empty":        {nil, ErrCutOff},
	} {
		if _, err := readAll(s.open(test.file)); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	if _, err := readAll(NewReader(bytes.NewReader(s.file), NewKey())); !errors.Is(err, ErrNotBlocks) {
		t.Errorf("a plain file where there is a key: %v, want ErrNotBlocks", err)
	}
}

func TestPlainResumedFileIsOneFile(t *testing.T) {
	s := mustPlainShow(t, 10, varying)
	r := s.open(s.file[:s.blocks[6].Offset+40]) // inside a page
	if _, err := readAll(r); !errors.Is(err, ErrCutOff) {
		t.Fatalf("err = %v, want ErrCutOff", err)
	}
	at := r.Position()
	file := bytes.NewBuffer(bytes.Clone(s.file[:at.Offset]))
	w := ResumePlainWriter(file, at)
	if err := errors.Join(w.WriteBlock(s.packets[30:35]), w.KeepAlive(), w.Finish(s.packets[35:37], 500)); err != nil {
		t.Fatal(err)
	}
	packets, err := readAll(s.open(file.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	mustPackets(t, packets, s.packets[:37])
}

func TestPlainSeeks(t *testing.T) {
	for _, size := range []func(*rand.Rand) int{constant, varying} {
		s := mustPlainShow(t, 12, size)
		k, _ := mustSeeker(t, s)
		for sample := int64(-10); sample < 12*4800+10; sample += 239 {
			mustSeek(t, k, s, sample)
		}
		k.Table = SeekTable{entries: []point{{3, 0}, {int64(len(s.file)) + 500, 9 * 4800}}} // a wrong one
		for sample := int64(-10); sample < 12*4800+10; sample += 2390 {
			mustSeek(t, k, s, sample)
		}
	}
	s := mustPlainShow(t, 3000, constant)
	k, opened := mustSeeker(t, s)
	mustSeek(t, k, s, 0)
	random := rand.New(rand.NewPCG(3, 3))
	for range 50 {
		*opened = 0
		mustSeek(t, k, s, random.Int64N(3000*4800))
		if *opened != 1 {
			t.Fatalf("%d requests, want 1", *opened)
		}
	}
}

// TestPlainJumpPassesSignsOfLife: they do not tell the time.
func TestPlainJumpPassesSignsOfLife(t *testing.T) {
	packet := testPacket(rand.New(rand.NewPCG(1, 1)), 80)
	var file bytes.Buffer
	w, err := NewPlainWriter(&file, testHead)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.WriteBlock([][]byte{packet}); err != nil {
		t.Fatal(err)
	}
	at := w.Position().Offset
	if err := errors.Join(w.KeepAlive(), w.KeepAlive(), w.WriteBlock([][]byte{packet}), w.Finish(nil, 0)); err != nil {
		t.Fatal(err)
	}
	r := NewPlainReader(bytes.NewReader(file.Bytes()))
	if _, err := r.Head(); err != nil {
		t.Fatal(err)
	}
	r.Jump(bytes.NewReader(file.Bytes()[at:]), at)
	if b, err := r.ReadBlock(); err != nil || b.Sequence != 4 || b.Start != 960 || b.End != 1920 {
		t.Errorf("landed on %+v, %v", b, err)
	}
}

func TestSeekTableWithin(t *testing.T) {
	var table SeekTable
	for i := range int64(600) {
		table.Add(Block{Offset: 200 + i*40000, Start: i * tableStep, Packets: [][]byte{{0x78}}})
	}
	whole := table.String()
	coarse := table.Within(2000)
	if n := len(coarse.String()); n > 2000 || n < 900 || table.String() != whole {
		t.Errorf("%d characters of %d", n, len(whole))
	}
	for i := range int64(600) {
		offset, ok := coarse.Lookup(i * tableStep)
		if early := 200 + i*40000 - offset; !ok || early < 0 || early > 4*40000 {
			t.Fatalf("Lookup(block %d) = %d, %v: %d bytes early", i, offset, ok, early)
		}
	}
	if same := table.Within(1 << 20); same.String() != whole {
		t.Error("a table that fits was made coarser")
	}
}

func FuzzPlainReader(f *testing.F) {
	s := mustPlainShow(f, 3, varying)
	f.Add(s.file, uint16(0))
	f.Add(s.file, uint16(s.blocks[1].Offset-7))
	f.Fuzz(func(t *testing.T, file []byte, jump uint16) {
		r := s.open(file)
		if _, err := readAll(r); err != nil {
			mustBeKnown(t, err)
		}
		r = s.open(file)
		if _, err := r.Head(); err != nil || int64(jump) < r.FirstBlock() || int(jump) > len(file) {
			return
		}
		r.Jump(bytes.NewReader(file[jump:]), int64(jump))
		if _, err := readAll(r); err != nil {
			mustBeKnown(t, err)
		}
	})
}
