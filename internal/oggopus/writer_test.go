package oggopus

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"broadcastbot/internal/opus"
)

func TestWriterRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	tags := Tags{Vendor: "test", Comments: []string{"TITLE=Roundtrip"}}
	for range 100 {
		var want [][]byte
		for _, packet := range randomPackets(random, random.IntN(150)) {
			want = append(want, packet[:min(len(packet), maxSegments*255-1)])
		}
		var out bytes.Buffer
		w := NewWriter(&out, testHead, tags)
		w.PageDuration = time.Duration(random.IntN(1000)) * time.Millisecond
		for _, packet := range want {
			mustWrite(t, w, packet)
		}
		endTrim := min(len(want), 1) * random.IntN(960)
		if err := w.Close(endTrim); err != nil {
			t.Fatal(err)
		}
		r := NewReader(&out)
		mustEqualPackets(t, mustReadAll(t, r), want)
		if r.EndTrim() != endTrim || r.Truncated() || r.Stats() != (Stats{}) {
			t.Fatalf("end trim %d, want %d; truncated %v, %+v", r.EndTrim(), endTrim, r.Truncated(), r.Stats())
		}
		if r.Head() != testHead || !reflect.DeepEqual(r.Tags(), tags) {
			t.Fatalf("head %+v, tags %+v", r.Head(), r.Tags())
		}
	}
}

func TestWriterPages(t *testing.T) {
	for _, test := range []struct {
		name     string
		duration time.Duration
		size     int // of each of 120 packets of 20 ms
		want     []int64
	}{
		{"one second", time.Second, 80, []int64{48000, 96000, 115200}},
		{"every packet", 0, 80, nil},
		{"full of segments", time.Minute, 255, []int64{120 * 960}},
		{"many segments", time.Minute, 1275, []int64{42 * 960, 84 * 960, 120 * 960}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			w := NewWriter(&out, testHead, Tags{})
			w.PageDuration = test.duration
			packet := make([]byte, test.size)
			packet[0] = toc
			for range 120 {
				mustWrite(t, w, packet)
			}
			if err := w.Close(0); err != nil {
				t.Fatal(err)
			}
			want := test.want
			for i := range int64(120) {
				if test.want == nil {
					want = append(want, (i+1)*960)
				}
			}
			pages := mustParsePages(t, out.Bytes())
			var granules []int64
			for i, page := range pages {
				if page.First != (i == 0) || page.Last != (i == len(pages)-1) || page.Sequence != uint32(i) {
					t.Errorf("page %d of %d: %+v", i, len(pages), page)
				}
				if i >= 2 {
					granules = append(granules, page.Granule)
				}
			}
			if !reflect.DeepEqual(granules, want) {
				t.Errorf("granules %v, want %v", granules, want)
			}
		})
	}
}

func TestWriterFlush(t *testing.T) {
	var out bytes.Buffer
	w := NewWriter(&out, testHead, Tags{})
	for i, want := range []int{2, 3, 3, 4} { // pages after each step
		if i%2 == 1 {
			mustWrite(t, w, []byte{toc, byte(i)})
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if pages := mustParsePages(t, out.Bytes()); len(pages) != want {
			t.Errorf("step %d: %d pages, want %d", i, len(pages), want)
		}
	}
	if err := w.Close(500); err != nil { // too late to trim what was flushed
		t.Fatal(err)
	}
	pages := mustParsePages(t, out.Bytes())
	if last := pages[len(pages)-1]; !last.Last || last.Granule != -1 || len(last.Lacing) != 0 {
		t.Errorf("last page %+v, want an empty one", last)
	}
}

func TestWriterRefuses(t *testing.T) {
	var out bytes.Buffer
	w := NewWriter(&out, testHead, Tags{})
	for _, packet := range [][]byte{nil, {toc | 3, 0}, append([]byte{toc}, make([]byte, 65024)...)} {
		if err := w.WritePacket(packet); !errors.Is(err, opus.ErrBadPacket) {
			t.Errorf("packet of %d bytes: %v, want ErrBadPacket", len(packet), err)
		}
	}
	mustWrite(t, w, []byte{toc})
	if err := w.Close(0); err != nil {
		t.Fatal(err)
	}
	if err := w.WritePacket([]byte{toc}); err == nil {
		t.Error("a packet was accepted after Close")
	}
	if err := w.Close(0); err == nil {
		t.Error("second Close succeeds")
	}
	mustEqualPackets(t, mustReadAll(t, NewReader(&out)), [][]byte{{toc}})
}

func TestWriterKeepsError(t *testing.T) {
	full := errors.New("disk full")
	w := NewWriter(&failing{after: 2, err: full}, testHead, Tags{})
	mustWrite(t, w, []byte{toc})
	for _, step := range []func() error{
		w.Flush, w.Flush, func() error { return w.WritePacket([]byte{toc}) }, func() error { return w.Close(0) },
	} {
		if err := step(); !errors.Is(err, full) {
			t.Errorf("error %v, want %v", err, full)
		}
	}
}

// failing is an io.Writer that accepts some writes and then no more.
type failing struct {
	after int
	err   error
}

func (f *failing) Write(p []byte) (int, error) {
	if f.after--; f.after < 0 {
		return 0, f.err
	}
	return len(p), nil
}

func mustWrite(t testing.TB, w *Writer, packet []byte) {
	t.Helper()
	if err := w.WritePacket(packet); err != nil {
		t.Fatal(err)
	}
}

func mustParsePages(t testing.TB, b []byte) (pages []Page) {
	t.Helper()
	for len(b) > 0 {
		page, size, err := ParsePage(b)
		if err != nil {
			t.Fatal(err)
		}
		pages, b = append(pages, page), b[size:]
	}
	return pages
}
