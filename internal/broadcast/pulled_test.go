package broadcast

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/gateway"
	"broadcastbot/internal/oggopus"
	"broadcastbot/internal/opus"
	"broadcastbot/internal/pull"
)

// TestPulledShow puts the stream of another station on air, which breaks and comes back: the show
// goes on in the same recording, and says meanwhile that its line is down.
func TestPulledShow(t *testing.T) {
	t.Parallel()
	asked, comeBack := make(chan int, 9), make(chan struct{})
	station := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- 1
		tone := "tone:440"
		if len(asked) > 1 {
			tone = "tone:550" // what was heard already would be left out
			select {
			case <-comeBack:
			case <-r.Context().Done():
				return
			}
		}
		w.Header().Set("icy-name", "Radio")
		speakPages(t, w, tone, 100)
	}))
	defer station.Close()
	s := &studio{room: new(room), dir: t.TempDir()}
	s.server = mustGateway(t, s.dir, gateway.Options{})
	puller := pull.New(pull.Options{Hosts: pull.Hosts{strings.TrimPrefix(station.URL, "http://")}, Grace: time.Minute})
	s.Manager = mustManager(t, s.dir, s.server.URL, s.room, func(ctx context.Context, spec string, o capture.Options) (capture.Source, error) {
		return puller.Kinds().Open(ctx, spec, o)
	})
	s.runs(t)
	t.Cleanup(func() { s.end() })

	show := s.mustStart(t, station.URL+"/stream?token=1")
	stream := s.mustStream(t, show)
	hear := func(n int) {
		t.Helper()
		for range n {
			if _, err := stream.ReadPacket(); err != nil {
				t.Fatal(err)
			}
		}
	}
	hear(90)
	deadline := time.Now().Add(20 * time.Second)
	for status, _ := s.Status("!r:x"); status.LineDown.IsZero(); status, _ = s.Status("!r:x") {
		if time.Now().After(deadline) {
			t.Fatal("the line is never down")
		}
		time.Sleep(50 * time.Millisecond)
	}
	close(comeBack)
	hear(90)
	if status, _ := s.Status("!r:x"); !status.LineDown.IsZero() {
		t.Error("the line is down still")
	}
	if _, err := s.Stop(t.Context(), "!r:x"); err != nil {
		t.Fatal(err)
	}
	if ended := s.mustConclude(t); ended.Reason != "" || ended.Main().Duration < 3500*time.Millisecond {
		t.Errorf("%q, %v", ended.Reason, ended.Main().Duration)
	}
}

// speakPages writes so many packets of a tone as Ogg Opus, at the pace of real time.
func speakPages(t *testing.T, w http.ResponseWriter, spec string, packets int) {
	tone, err := capture.BuiltIn(capture.Limits{}).Open(t.Context(), spec, capture.Options{FullSpeed: true})
	if err != nil {
		t.Error(err)
		return
	}
	defer tone.Close()
	var page bytes.Buffer
	out := oggopus.NewWriter(&page, oggopus.Head{Channels: 1, PreSkip: tone.Format().PreSkip}, oggopus.Tags{})
	out.PageDuration = 20 * time.Millisecond
	for range packets {
		packet, err := tone.ReadPacket(t.Context())
		if err != nil || out.WritePacket(packet) != nil {
			return
		}
		io.Copy(w, &page)
		w.(http.Flusher).Flush()
		time.Sleep(opus.Duration(opus.FrameSize))
	}
}
