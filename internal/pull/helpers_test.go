package pull

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/opus"
)

var silent = slog.New(slog.DiscardHandler)

var quick = limits{reply: time.Second, quiet: time.Second, gone: 100 * time.Millisecond}

// clean is how sound comes through the encoder best.
var clean = opus.EncoderOptions{Channels: 1, Bitrate: 64000, Complexity: 5, Application: opus.Audio}

// mustServe serves on loopback and returns the address.
func mustServe(t *testing.T, handler http.HandlerFunc) (address string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// pullerOf may ask the servers of these addresses.
func pullerOf(t *testing.T, addresses ...string) *Puller {
	t.Helper()
	var hosts Hosts
	for _, address := range addresses {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		hosts = append(hosts, u.Host)
	}
	p := newPuller(Options{Hosts: hosts, Grace: 5 * time.Second}, quick)
	t.Cleanup(p.client.CloseIdleConnections)
	return p
}

func (p *Puller) mustOpen(t *testing.T, address string) capture.Source {
	t.Helper()
	source, err := p.tryOpen(t, address)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func (p *Puller) tryOpen(t *testing.T, address string) (capture.Source, error) {
	t.Helper()
	var log bytes.Buffer
	source, err := p.Kinds().Open(t.Context(), address, capture.Options{
		Encoder: clean, FullSpeed: true, Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	t.Cleanup(func() {
		if source != nil {
			source.Close()
		}
		if strings.Contains(log.String(), "secret") {
			t.Errorf("the log tells a secret:\n%s", log.String())
		}
	})
	return source, err
}

// mustHear decodes all of a source, and returns why it ended.
func mustHear(t *testing.T, source capture.Source) (pcm []int16, end error) {
	t.Helper()
	decoder, err := opus.NewDecoder(1)
	if err != nil {
		t.Fatal(err)
	}
	frame := make([]int16, opus.MaxPacketSamples)
	for {
		packet, err := source.ReadPacket(t.Context())
		if err != nil {
			return pcm[min(source.Format().PreSkip, len(pcm)) : len(pcm)-source.EndTrim()], err
		}
		n, err := decoder.Decode(packet, frame)
		if err != nil {
			t.Fatal(err)
		}
		pcm = append(pcm, frame[:n]...)
	}
}

// sweep is a tone that rises: no two moments of it are alike.
func sweep(i int) int16 {
	t := float64(i) / opus.SampleRate
	return int16(10000 * math.Sin(2*math.Pi*(300*t+250*t*t)))
}

func sweeps(from, n int) (pcm []int16) {
	for i := range n {
		pcm = append(pcm, sweep(from+i))
	}
	return pcm
}

// mustMake has ffmpeg make something of so much of the sweep, in a folder.
func mustMake(t *testing.T, dir string, samples int, arguments ...string) {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed")
	}
	var raw []byte
	for _, sample := range sweeps(0, samples) {
		raw = append(raw, byte(sample), byte(uint16(sample)>>8))
	}
	cmd := exec.CommandContext(t.Context(), "ffmpeg", append([]string{"-v", "error", "-f", "s16le", "-ar", "48000", "-ac", "1", "-i", "-"}, arguments...)...)
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(raw)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", cmd, err, out)
	}
}

// mustSound is mustMake for a file of this name, and returns it.
func mustSound(t *testing.T, samples int, name string, arguments ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	mustMake(t, dir, samples, append(arguments, name)...)
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// mustBeSweep fails the test unless the sound is the sweep, with so many samples more or fewer.
func mustBeSweep(t *testing.T, pcm []int16, samples, tolerance int) {
	t.Helper()
	if off := len(pcm) - samples; off < -tolerance || off > tolerance {
		t.Fatalf("%d samples came, want %d", len(pcm), samples)
	}
	const window = 4800
	for i := 0; i+window <= min(len(pcm), samples); i += window {
		if c := correlation(pcm[i:i+window], sweeps(i, window)); c < 0.9 {
			t.Errorf("from sample %d on it is another sound: correlation %.3f", i, c)
		}
	}
}

func correlation(a, b []int16) float64 {
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	return ab / math.Sqrt(aa*bb+1)
}

// mustEnd fails the test unless a source comes to its end in order.
func mustEnd(t *testing.T, end error) {
	t.Helper()
	if !errors.Is(end, io.EOF) {
		t.Fatalf("it ended with %v", end)
	}
}

// checkGoroutines fails the test when goroutines are left at its end.
func checkGoroutines(t *testing.T) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before && time.Now().Before(deadline); {
			time.Sleep(5 * time.Millisecond)
		}
		if n := runtime.NumGoroutine(); n > before {
			stacks := make([]byte, 1<<16)
			t.Errorf("%d goroutines before, %d after:\n%s", before, n, stacks[:runtime.Stack(stacks, true)])
		}
	})
}
