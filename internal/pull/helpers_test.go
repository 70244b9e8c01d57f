package pull

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/opus"
	"broadcastbot/internal/testhelp"
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

func sweeps(from, n int) (pcm []int16) {
	for i := range n {
		pcm = append(pcm, testhelp.Sweep(from+i))
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
		if c := testhelp.Correlation(pcm[i:i+window], sweeps(i, window)); c < 0.9 {
			t.Errorf("from sample %d on it is another sound: correlation %.3f", i, c)
		}
	}
}

// mustEnd fails the test unless a source comes to its end in order.
func mustEnd(t *testing.T, end error) {
	t.Helper()
	if !errors.Is(end, io.EOF) {
		t.Fatalf("it ended with %v", end)
	}
}
