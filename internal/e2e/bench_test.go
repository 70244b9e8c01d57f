package e2e

import (
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/broadcast"
	"broadcastbot/internal/gateway"
	"broadcastbot/internal/link"
	"broadcastbot/internal/listener"
	"broadcastbot/internal/masterkey"
	"broadcastbot/internal/recordings"
	"broadcastbot/store"
	"broadcastbot/uploader"
)

// stamped is a source that writes the time of capture into each packet, which
// has the form of 20 ms of Opus at 32 kbit/s.
type stamped struct {
	start time.Time
	n     int
}

func (*stamped) Format() capture.Format { return capture.Format{Channels: 1, Bitrate: 32000} }
func (*stamped) EndTrim() int           { return 0 }
func (*stamped) Close() error           { return nil }

func (s *stamped) ReadPacket(ctx context.Context) ([]byte, error) {
	if s.n == 0 {
		s.start = time.Now()
	}
	s.n++
	due := time.NewTimer(time.Until(s.start.Add(time.Duration(s.n) * 20 * time.Millisecond)))
	defer due.Stop()
	select {
	case <-due.C:
		return stamp(time.Now()), nil
	case <-ctx.Done():
		s.n--
		return nil, ctx.Err()
	}
}

func stamp(at time.Time) []byte {
	packet := make([]byte, 80)
	packet[0] = 0x78
	binary.LittleEndian.PutUint64(packet[8:], uint64(at.UnixNano()))
	return packet
}

// age is how long ago a packet was captured.
func age(packet []byte) time.Duration {
	return time.Since(time.Unix(0, int64(binary.LittleEndian.Uint64(packet[8:]))))
}

// silentRoom is an Announcer for shows without a room, and a homeserver without
// media.
type silentRoom struct{}

func (silentRoom) Ready(context.Context) error { return nil }
func (silentRoom) Announce(context.Context, *store.Show, string) (string, error) {
	return "$announcement", nil
}
func (silentRoom) Update(context.Context, *store.Show, store.Announcement) (string, error) {
	return "$edit", nil
}
func (silentRoom) IsRemoved(context.Context, store.Announcement) (bool, error)    { return false, nil }
func (silentRoom) IsOver(context.Context, store.Announcement) (bool, error)       { return false, nil }
func (silentRoom) Retract(context.Context, *store.Show, store.Announcement) error { return nil }
func (silentRoom) MayGoOn(context.Context, *store.Show, string) error             { return nil }
func (silentRoom) PostVoice(context.Context, *store.Show, store.Announcement, string) (string, error) {
	return "$voice", nil
}
func (silentRoom) Say(context.Context, string, string) error { return nil }
func (silentRoom) Reserve(context.Context) string            { return "" }
func (silentRoom) Upload(context.Context, *store.Track, string) (string, error) {
	return "mxc://example.org/file", nil
}
func (silentRoom) Release(context.Context, string) error { return nil }

// mustStudio starts a show of the source between a manager and a gateway.
func mustStudio(b *testing.B, source capture.Source) (store.Show, *broadcast.Manager) {
	b.Helper()
	dir := b.TempDir()
	catalogue, err := recordings.Open(recordings.Disk(filepath.Join(dir, "recordings")))
	if err != nil {
		b.Fatal(err)
	}
	g, err := gateway.New(gateway.Options{Recordings: catalogue, Token: "token"})
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(g.Handler())
	db, err := store.Open(b.Context(), filepath.Join(dir, "db"), masterkey.File(filepath.Join(dir, "key")))
	if err != nil {
		b.Fatal(err)
	}
	m := broadcast.NewManager(broadcast.Options{
		Store: db, Announcer: silentRoom{}, Media: silentRoom{}, PublicURL: server.URL, SpoolDir: dir, BlockDuration: 100 * time.Millisecond,
		Gateway:    &uploader.Tus{Client: server.Client(), Endpoint: server.URL + "/upload", Token: "token"},
		OpenSource: func(context.Context, string, capture.Options) (capture.Source, error) { return source, nil },
		Log:        slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	show, _, err := m.Start(b.Context(), broadcast.Request{Rooms: []string{"!r:x"}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
		db.Close()
		g.Close()
		server.Close()
	})
	return show, m
}

func mustListen(b *testing.B, show store.Show) *listener.Stream {
	b.Helper()
	address, err := link.Parse(show.Main().ListenURL())
	if err != nil {
		b.Fatal(err)
	}
	stream, err := listener.Open(b.Context(), address, listener.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { stream.Close() })
	return stream
}

// plainStream is the peer: the same packets over the simplest HTTP there is, a
// flush for every 100 ms, with neither encryption nor files.
func plainStream(source capture.Source) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for n := 1; ; n++ {
			packet, err := source.ReadPacket(r.Context())
			if err != nil {
				return
			}
			w.Write(packet)
			if n%5 == 0 {
				w.(http.Flusher).Flush()
			}
		}
	}))
}

const measured = 500 // packets: ten seconds

// BenchmarkFrameToListener prints how old a packet is when a listener has it.
// A block of 100 ms makes its first packet 80 ms old before anything is sent.
func BenchmarkFrameToListener(b *testing.B) {
	for b.Loop() {
		peer := plainStream(&stamped{})
		response, err := http.Get(peer.URL)
		if err != nil {
			b.Fatal(err)
		}
		show, _ := mustStudio(b, &stamped{})
		stream := mustListen(b, show)
		var ours, theirs []time.Duration
		done := make(chan struct{})
		go func() {
			defer close(done)
			packet := make([]byte, 80)
			for range measured {
				if _, err := io.ReadFull(response.Body, packet); err != nil {
					return
				}
				theirs = append(theirs, age(packet))
			}
		}()
		for range measured {
			packet, err := stream.ReadPacket()
			if err != nil {
				b.Fatal(err)
			}
			ours = append(ours, age(packet))
		}
		<-done
		response.Body.Close()
		peer.Close()
		report(b, "ours", ours)
		report(b, "plain", theirs)
		b.ReportMetric(float64(percentile(ours, 99))/float64(percentile(theirs, 99)), "p99-ratio")
	}
}

func report(b *testing.B, name string, ages []time.Duration) {
	b.ReportMetric(percentile(ages, 50).Seconds()*1000, name+"-p50-ms")
	b.ReportMetric(percentile(ages, 99).Seconds()*1000, name+"-p99-ms")
}

func percentile(all []time.Duration, p int) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(len(sorted)*p/100, len(sorted)-1)]
}

// BenchmarkFirstSound prints how long it takes from a link to the first packet
// of a show that runs.
func BenchmarkFirstSound(b *testing.B) {
	show, _ := mustStudio(b, &stamped{})
	first := mustListen(b, show)
	for range 50 {
		if _, err := first.ReadPacket(); err != nil {
			b.Fatal(err)
		}
	}
	var took []time.Duration
	for b.Loop() {
		took = took[:0]
		for range 20 {
			began := time.Now()
			stream := mustListen(b, show)
			if err := stream.GoLive(); err != nil {
				b.Fatal(err)
			}
			if _, err := stream.ReadPacket(); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(began))
			stream.Close()
		}
	}
	report(b, "ours", took)
}

// BenchmarkSeek prints how many requests a seek takes, beside ffmpeg's in a
// plain Ogg Opus file of the same sound.
func BenchmarkSeek(b *testing.B) {
	show, m := mustStudio(b, &finite{packets: 50 * 600})
	for {
		if _, live := m.Status("!r:x"); !live {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	transport := &countingTransport{}
	address, err := link.Parse(show.Main().ListenURL())
	if err != nil {
		b.Fatal(err)
	}
	stream, err := listener.Open(b.Context(), address, listener.Options{Client: &http.Client{Transport: transport}})
	if err != nil {
		b.Fatal(err)
	}
	defer stream.Close()
	opened := transport.requests.Load()
	var took []time.Duration
	for b.Loop() {
		transport.requests.Store(0)
		took = took[:0]
		for i := range 100 {
			began := time.Now()
			if err := stream.SeekTo(time.Duration(i*37%600) * time.Second); err != nil {
				b.Fatal(err)
			}
			if _, err := stream.ReadPacket(); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(began))
		}
	}
	report(b, "ours", took)
	b.ReportMetric(float64(opened), "requests-to-open")
	b.ReportMetric(float64(transport.requests.Load())/100, "requests-per-seek")
	if n := ffmpegSeek(b); n > 0 {
		b.ReportMetric(float64(n), "ffmpeg-requests-open-and-seek")
	}
}

// finite is a source of so many packets, as fast as they are read.
type finite struct {
	stamped
	packets int
}

func (f *finite) ReadPacket(context.Context) ([]byte, error) {
	if f.packets == 0 {
		return nil, io.EOF
	}
	f.packets--
	return stamp(time.Now()), nil
}

type countingTransport struct{ requests atomic.Int64 }

func (t *countingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	t.requests.Add(1)
	return http.DefaultTransport.RoundTrip(r)
}

// ffmpegSeek returns the requests that ffmpeg needs to open a file and seek in
// it once; 0 where there is no ffmpeg.
func ffmpegSeek(b *testing.B) int {
	b.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		b.Log("no peer:", err)
		return 0
	}
	dir := b.TempDir()
	write := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "anoisesrc=d=600:r=48000:a=0.1",
		"-ac", "1", "-c:a", "libopus", "-b:a", "32k", "-vbr", "off", "-compression_level", "0", filepath.Join(dir, "peer.opus"))
	if out, err := write.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		http.FileServer(http.Dir(dir)).ServeHTTP(w, r)
	}))
	defer server.Close()
	read := exec.Command("ffmpeg", "-v", "error", "-ss", "300", "-i", server.URL+"/peer.opus", "-t", "1", "-f", "null", "-")
	if out, err := read.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return int(requests.Load())
}
