package capture

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestPipePassesPacketsOn writes an Ogg stream page by page: each page's packet must
// come before the next page is written.
func TestPipePassesPacketsOn(t *testing.T) {
	checkGoroutines(t)
	dir := t.TempDir()
	mustRun(t, dir, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=2", "-c:a", "libopus", "-b:a", "32k", "-page_duration", "20000", "a.opus")
	file, err := os.ReadFile(filepath.Join(dir, "a.opus"))
	if err != nil {
		t.Fatal(err)
	}
	want, pages := oggPackets(t, file), splitPages(file)
	read, write := io.Pipe()
	heads := make(chan error)
	go func() {
		_, err := write.Write(bytes.Join(pages[:2], nil))
		heads <- err
	}()
	source := mustOpen(t, "pipe:-", Options{Stdin: read})
	if err := <-heads; err != nil {
		t.Fatal(err)
	}
	for i, page := range pages[2:] {
		if _, err := write.Write(page); err != nil {
			t.Fatal(err)
		}
		if got := mustRead(t, source); !bytes.Equal(got, want[i]) {
			t.Fatalf("packet %d is another", i)
		}
	}
	write.Close()
	if _, err := source.ReadPacket(t.Context()); !errors.Is(err, io.EOF) || source.EndTrim() == 0 {
		t.Errorf("at the end: %v, end trim %d", err, source.EndTrim())
	}
}

// TestStandardInputIsForOneShow opens the process's own standard input, which is another
// file for this test.
func TestStandardInputIsForOneShow(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	real := os.Stdin
	os.Stdin = read
	t.Cleanup(func() { os.Stdin, stdin.life = real, nil })
	if _, err := write.Write(make([]byte, 960*2)); err != nil {
		t.Fatal(err)
	}
	source := mustOpen(t, "pipe:-", Options{})
	if _, err := Open(t.Context(), "pipe:-", Options{}); err == nil || !strings.Contains(err.Error(), "another show is reading it") {
		t.Errorf("while the first show reads: %v", err)
	}
	mustRead(t, source) // it was not disturbed
	source.Close()
	if _, err := Open(t.Context(), "pipe:-", Options{}); err == nil || !strings.Contains(err.Error(), "an earlier show has read it") {
		t.Errorf("after the first show: %v", err)
	}
}

func splitPages(file []byte) (pages [][]byte) {
	for len(file) > 0 {
		end := bytes.Index(file[4:], []byte("OggS")) + 4
		if end == 3 {
			end = len(file)
		}
		pages = append(pages, file[:end])
		file = file[end:]
	}
	return pages
}

// TestPipeIsLive writes 20 ms at a time of raw samples and of a WAV without end: a
// packet must come for each.
func TestPipeIsLive(t *testing.T) {
	for name, header := range map[string][]byte{
		"raw":  nil,
		"WAV":  wavFile("fmt ", wavFormatChunk(1, 1, 48000, 16), "data*", []byte{}),
		"slow": wavFile("fmt ", wavFormatChunk(1, 1, 16000, 16), "data*", []byte{}),
	} {
		t.Run(name, func(t *testing.T) {
			checkGoroutines(t)
			read, write, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			rate := 48000
			if name == "slow" {
				rate = 16000
			}
			frame := func(i int) (b []byte) {
				for j := range rate / 50 {
					b = binary.LittleEndian.AppendUint16(b, uint16(sweep((i*rate/50+j)*48000/rate)))
				}
				return b
			}
			if _, err := write.Write(append(header, frame(0)...)); err != nil {
				t.Fatal(err)
			}
			source := mustOpen(t, "pipe:-", Options{Encoder: clean(1), Stdin: read})
			var packets [][]byte
			for i := 1; i < 50; i++ { // the filter of a resampler may hold one frame back
				if _, err := write.Write(frame(i)); err != nil {
					t.Fatal(err)
				}
				packets = append(packets, mustRead(t, source))
			}
			write.Close()
			packets = append(packets, mustReadAll(t, source)...)
			pcm := mustDecode(t, source.Format(), packets, source.EndTrim())
			if len(pcm) != 48000 {
				t.Errorf("%d samples came of 1 s", len(pcm))
			}
			if c := correlation(pcm, sweeps(0, len(pcm), 1)); c < 0.9 {
				t.Errorf("the sound is not what was written: correlation %.3f", c)
			}
		})
	}
}

// TestPipeReadsEnd checks that no read outlives its context, and no goroutine Close,
// although nothing is written.
func TestPipeReadsEnd(t *testing.T) {
	checkGoroutines(t)
	read, _ := io.Pipe()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := Open(ctx, "pipe:-", Options{Stdin: read}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Open says %v", err)
	}
	read, write := io.Pipe()
	go write.Write(make([]byte, 960*2))
	source := mustOpen(t, "pipe:-", Options{Encoder: clean(1), Stdin: read})
	mustRead(t, source)
	ctx, cancel = context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := source.ReadPacket(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("ReadPacket says %v", err)
	}
	go write.Write(make([]byte, 960*2))
	mustRead(t, source) // a cancelled read does no harm
	source.Close()
	if _, err := write.Write([]byte{1}); err == nil {
		t.Error("the pipe was not closed")
	}
}

// TestPipeCannotBeInterrupted checks that Close ends although a read does not: standard
// input may be a terminal.
func TestPipeCannotBeInterrupted(t *testing.T) {
	checkGoroutines(t)
	read, write := io.Pipe()
	go write.Write(make([]byte, 960*2))
	source := mustOpen(t, "pipe:-", Options{Encoder: clean(1), Stdin: struct{ io.Reader }{read}})
	mustRead(t, source)
	start := time.Now()
	source.Close()
	if took := time.Since(start); took > closeTimeout+time.Second {
		t.Errorf("Close took %v", took)
	}
	write.Close()
}

func TestPipeErrors(t *testing.T) {
	for _, test := range []struct{ name, content, want string }{
		{"nothing", "", "it ended before any sound came"},
		{"MP3", "ID3 and so on", "ffmpeg -i INPUT"},
		{"FLAC", "fLaC and so on", "ffmpeg -i INPUT"},
		{"MP4", "\x00\x00\x00\x20ftypM4A ", "ffmpeg -i INPUT"},
		{"Vorbis", "OggS and so on", "ffmpeg -i INPUT"},
		{"damaged WAV", "RIFF0000WAVEdata", "no data chunk"},
	} {
		t.Run(test.name, func(t *testing.T) {
			checkGoroutines(t)
			_, err := Open(t.Context(), "pipe:-", Options{Stdin: strings.NewReader(test.content)})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
