package capture

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"broadcastbot/internal/oggopus"
	"broadcastbot/internal/testhelp"
)

var errCut = errors.New("the line was cut")

// part is what comes over one connection of a stream: some bytes, and then an error, or nothing for ever.
type part struct {
	content []byte
	end     error
}

// connector hands out parts, one for each connection.
type connector struct {
	parts  []part
	opened int
	again  bool  // the first part comes again and again
	err    error // why there are no more connections
}

func (c *connector) connect(ctx context.Context) (io.ReadCloser, error) {
	if c.again {
		c.opened = 0
	}
	if c.opened == len(c.parts) {
		return nil, c.err
	}
	p := c.parts[c.opened]
	c.opened++
	return io.NopCloser(io.MultiReader(bytes.NewReader(p.content), failing{ctx, p.end})), nil
}

// failing returns an error, or nil when its context ends.
type failing struct {
	ctx context.Context
	err error
}

func (f failing) Read([]byte) (int, error) {
	if f.err == nil {
		<-f.ctx.Done()
		return 0, f.ctx.Err()
	}
	return 0, f.err
}

// mustEncode has ffmpeg encode two seconds of the sweep, in pages of 20 ms.
func mustEncode(t *testing.T, bitrate string) []byte {
	t.Helper()
	dir := t.TempDir()
	mustSweep(t, dir, "a.opus", 0, 96000, "-c:a", "libopus", "-b:a", bitrate, "-page_duration", "20000")
	return mustReadFile(t, filepath.Join(dir, "a.opus"))
}

// TestStreamGoesOn: a stream that breaks off goes on in the same sound, and ends where it says so.
func TestStreamGoesOn(t *testing.T) {
	sound, second, third := mustEncode(t, "96k"), mustEncode(t, "95k"), mustEncode(t, "94k")
	for name, last := range map[string]error{"the sound ends": io.EOF, "the stream is gone": errCut} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &connector{parts: []part{{sound, errCut}, {nil, errCut}, {second[:len(second)/2], errCut}, {third, last}}, err: io.EOF}
				source, err := OpenStream(t.Context(), Stream{Name: "x", Connect: c.connect, Grace: time.Minute}, Options{Encoder: clean(1), FullSpeed: true})
				if err != nil {
					t.Fatal(err)
				}
				defer source.Close()
				pcm := mustDecode(t, source.Format(), mustReadAll(t, source), source.EndTrim())
				half := len(pcm) - 2*96000
				if half < 40000 || half > 56000 {
					t.Fatalf("%d samples came", len(pcm))
				}
				for from, at := range map[int]int{0: 0, 96000: 0, 96000 + half: 0} {
					if got := testhelp.Correlation(pcm[from:from+9600], sweeps(at, 9600, 1)); got < 0.95 {
						t.Errorf("from sample %d on it is another sound: correlation %.3f", from, got)
					}
				}
			})
		})
	}
}

// TestStreamIsRepeated: a server begins a connection with what was heard before the break, and with what was
// lost in it. Nothing is heard twice, and nothing is missing.
func TestStreamIsRepeated(t *testing.T) {
	pages := splitPages(mustEncode(t, "96k"))
	first, second := bytes.Join(pages[:61], nil), bytes.Join(append(pages[:2:2], pages[31:]...), nil)
	c := &connector{parts: []part{{first[:len(first)-50], errCut}, {second, io.EOF}}}
	source, err := OpenStream(t.Context(), Stream{Name: "x", Connect: c.connect, Grace: time.Minute}, Options{Encoder: clean(1), FullSpeed: true})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	pcm := mustDecode(t, source.Format(), mustReadAll(t, source), source.EndTrim())
	if len(pcm) != 96000 {
		t.Fatalf("%d samples came, want 96000", len(pcm))
	}
	for from := 0; from < 96000; from += 2400 {
		if got := testhelp.Correlation(pcm[from:from+2400], sweeps(from, 2400, 1)); got < 0.95 {
			t.Errorf("from sample %d on it is another sound: correlation %.3f", from, got)
		}
	}
}

// TestRecent: what was heard long ago is new again.
func TestRecent(t *testing.T) {
	r := newRecent()
	packet := func(i int) oggPacket {
		return oggPacket{Packet: oggopus.Packet{Data: numberedPacket(i), Granule: int64(i) * 960}}
	}
	for i := range 2 * recentPackets {
		if r.has(packet(i)) || !r.has(packet(i)) {
			t.Fatalf("packet %d", i)
		}
	}
	if r.has(packet(recentPackets - 1)) {
		t.Error("everything is remembered")
	}
	if !r.has(packet(recentPackets+1)) || len(r.heard) != recentPackets || len(r.order) != recentPackets {
		t.Errorf("%d packets are remembered", len(r.heard))
	}
}

// TestStreamIsGone: a stream that does not come back in time, or sends no sound, ends. Meanwhile its line
// is down.
func TestStreamIsGone(t *testing.T) {
	sound := mustEncode(t, "96k")
	garbage := bytes.Repeat([]byte("OggS is not enough. "), 1000)
	for name, after := range map[string][]part{
		"no connection": nil, "silence": {{nil, nil}}, "garbage": {{append(bytes.Clone(sound[:47]), garbage...), nil}},
		"the same again and again": nil,
		"silence again and again":  {{nil, errCut}, {nil, errCut}, {nil, errCut}, {nil, errCut}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &connector{parts: append([]part{{sound, errCut}}, after...), err: errCut, again: name == "the same again and again"}
				source, err := OpenStream(t.Context(), Stream{Name: "x", Connect: c.connect, Grace: time.Minute}, Options{Encoder: clean(1), FullSpeed: true})
				if err != nil {
					t.Fatal(err)
				}
				defer source.Close()
				for range 100 {
					mustRead(t, source)
				}
				start := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				if _, err := source.ReadPacket(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Fatal("while the line is down:", err)
				}
				if since := source.(LineSource).LineDown(); since.IsZero() || since.After(start) {
					t.Errorf("the line is down since %v, want %v", since, start)
				}
				if _, err := source.ReadPacket(t.Context()); !errors.Is(err, ErrLineGone) {
					t.Error("it ended with", err)
				}
				if took := time.Since(start); took < 59*time.Second || took > 75*time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// TestStreamWithoutSound is not opened, and not connected to again.
func TestStreamWithoutSound(t *testing.T) {
	for name, p := range map[string]part{"nothing": {nil, nil}, "an end": {nil, io.EOF}, "a cut": {[]byte("Ogg"), errCut}} {
		synctest.Test(t, func(t *testing.T) {
			c := &connector{parts: []part{p, p}}
			start := time.Now()
			if _, err := OpenStream(t.Context(), Stream{Name: "x", Connect: c.connect, Grace: time.Hour}, Options{}); err == nil || c.opened != 1 {
				t.Errorf("%s: after %d connections: %v", name, c.opened, err)
			}
			if took := time.Since(start); took > firstSound {
				t.Errorf("%s: it took %v", name, took)
			}
		})
	}
}

// TestStreamKeepsItsPace: what a server sends at once is handed out in real time, also after a stall.
func TestStreamKeepsItsPace(t *testing.T) {
	sounds := [][]byte{mustEncode(t, "96k"), mustEncode(t, "95k")}
	synctest.Test(t, func(t *testing.T) {
		opened := 0
		connect := func(ctx context.Context) (io.ReadCloser, error) {
			if opened++; opened == 2 {
				time.Sleep(20 * time.Second)
			}
			return io.NopCloser(io.MultiReader(bytes.NewReader(sounds[(opened-1)%2]), failing{ctx, errCut})), nil
		}
		source, err := OpenStream(t.Context(), Stream{Name: "x", Connect: connect, Grace: time.Minute}, Options{Encoder: clean(1)})
		if err != nil {
			t.Fatal(err)
		}
		defer source.Close()
		read := func(n int) time.Duration {
			start := time.Now()
			for range n {
				mustRead(t, source)
			}
			return time.Since(start)
		}
		near := func(got, want time.Duration) bool {
			return got > want-150*time.Millisecond && got < want+150*time.Millisecond
		}
		if took := read(95); !near(took, 95*20*time.Millisecond) {
			t.Errorf("95 packets took %v", took)
		}
		read(6)
		if took := read(90); !near(took, 90*20*time.Millisecond) {
			t.Errorf("after the stall, 90 packets took %v", took)
		}
	})
}
