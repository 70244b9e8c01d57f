package broadcast

import (
	"context"
	"os"
	"testing"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/gateway"
)

// longShow is a source of as many hours as it has packets, at full speed, and of
// silence after that.
type longShow struct {
	packets [][]byte // repeated
	left    int
	over    chan struct{} // closed when the last packet has been read
}

func (s *longShow) Format() capture.Format {
	return capture.Format{Channels: 1, PreSkip: 312, Bitrate: 32000}
}

func (s *longShow) ReadPacket(ctx context.Context) ([]byte, error) {
	if s.left == 0 {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if s.left--; s.left == 0 {
		close(s.over)
	}
	return s.packets[s.left%len(s.packets)], nil
}

func (s *longShow) EndTrim() int { return 0 }
func (s *longShow) Close() error { return nil }

// BenchmarkEndOfThreeHours: how long somebody waits who stops a show of three
// hours and starts the next one. The peer is one pass over the recording, for
// its hash and its waveform, which is what has to be known of it in the end.
func BenchmarkEndOfThreeHours(b *testing.B) {
	for range b.N {
		benchmarkEnd(b, 3*time.Hour)
	}
}

func benchmarkEnd(b *testing.B, length time.Duration) {
	dir := b.TempDir()
	server := mustGateway(b, dir, gateway.Options{})
	source := &longShow{packets: mustTone(b), left: int(length / (20 * time.Millisecond)), over: make(chan struct{})}
	// The homeserver takes its time, so that the spool is still there to be read.
	homeserver := &room{uploading: make(chan struct{})}
	m := mustManager(b, dir, server.URL, homeserver, func(ctx context.Context, spec string, o capture.Options) (capture.Source, error) {
		if spec == "long" {
			return source, nil
		}
		return capture.BuiltIn(capture.Limits{}).Open(ctx, spec, capture.Options{})
	})
	m.BlockDuration = time.Second // so that the disk, which is not measured, has less to do
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	show, _, err := m.Start(b.Context(), Request{Rooms: []string{"!r:x"}, Source: "long"})
	if err != nil {
		b.Fatal(err)
	}
	<-source.over

	begin := time.Now()
	if _, err := m.Stop(b.Context(), "!r:x"); err != nil {
		b.Fatal(err)
	}
	stop := time.Since(begin)
	if _, started, err := m.Start(b.Context(), Request{Rooms: []string{"!r:x"}, Source: "tone:440"}); err != nil || !started {
		b.Fatal(started, err)
	}
	start := time.Since(begin)

	begin = time.Now()
	spool, err := os.Open(m.spoolPath(show.ID))
	if err != nil {
		b.Fatal(err)
	}
	defer spool.Close()
	if _, err := readRecap(spool, show.Main().Form()); err != nil {
		b.Fatal(err)
	}
	pass := time.Since(begin)
	close(homeserver.uploading)
	cancel()
	if err := <-done; err != nil {
		b.Error(err)
	}
	b.ReportMetric(stop.Seconds(), "s-to-answer")
	b.ReportMetric(start.Seconds(), "s-to-next-start")
	b.ReportMetric(pass.Seconds(), "s-to-read-back")
	b.ReportMetric(start.Seconds()/pass.Seconds(), "of-reading-back")
	b.ReportMetric(0, "ns/op")
}

// mustTone returns two seconds of packets.
func mustTone(b *testing.B) (packets [][]byte) {
	b.Helper()
	tone, err := capture.BuiltIn(capture.Limits{}).Open(b.Context(), "tone:440,duration=2s", capture.Options{FullSpeed: true})
	if err != nil {
		b.Fatal(err)
	}
	defer tone.Close()
	for {
		packet, err := tone.ReadPacket(b.Context())
		if err != nil {
			return packets
		}
		packets = append(packets, packet)
	}
}
