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
	"testing/synctest"
	"time"

	"broadcastbot/internal/opus"
	"broadcastbot/internal/testhelp"
)

// mustFeed returns a feed that runs until the test ends.
func mustFeed(t *testing.T, in io.Reader, channels int) *Feed {
	t.Helper()
	feed := NewFeed(in, channels)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		feed.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-done })
	return feed
}

// mustSpeak writes a part of the sound that took so long to say, and waits as long before.
func mustSpeak(t *testing.T, out io.Writer, samples int, part []byte) {
	t.Helper()
	time.Sleep(opus.Duration(int64(samples)))
	if _, err := out.Write(part); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
}

// rawTone is raw mono sound at 400 Hz: each sample is one of two.
func rawTone(loudness int16, samples int) (raw []byte) {
	for i := range samples {
		if i%120 == 60 || i%120 == 0 {
			loudness = -loudness
		}
		raw = binary.LittleEndian.AppendUint16(raw, uint16(loudness))
	}
	return raw
}

// begin waits for the first packet of a show in a goroutine: with it the show is on air.
func begin(t *testing.T, source Source) (packets <-chan []byte) {
	all := make(chan []byte, 1<<16)
	go func() {
		defer close(all)
		for {
			packet, err := source.ReadPacket(t.Context())
			if err != nil {
				return
			}
			all <- packet
		}
	}()
	synctest.Wait()
	return all
}

// TestNothingFromBeforeTheShow says something secret before the show, while it is being prepared and
// between two shows, in portions of all sizes.
func TestNothingFromBeforeTheShow(t *testing.T) {
	const secret, public = 12000, 1
	for name, portion := range map[string]int{"10ms": 480, "20ms": 960, "33ms": 1584, "1s": 48000} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				read, write := io.Pipe()
				o := Options{Encoder: clean(1), Stdin: mustFeed(t, read, 1)}
				say := func(value int16, times int) {
					for range times {
						mustSpeak(t, write, portion, rawTone(value, portion))
					}
				}
				for range 2 {
					say(secret, 48000*3/portion)
					source := mustOpen(t, "pipe:-", o)
					say(secret, 2) // the room is being told
					time.Sleep(opus.Duration(int64(portion / 2)))
					heard := begin(t, source)
					// Half of the portion that is on its way was said before.
					mustSpeak(t, write, portion/2, append(rawTone(secret, portion/2), rawTone(public, portion/2)...))
					say(public, 48000*4/portion)
					source.Close()
					var packets [][]byte
					for packet := range heard {
						packets = append(packets, packet)
					}
					pcm := mustDecode(t, source.Format(), packets, 0)
					if loud := level(pcm); loud > 50 {
						t.Errorf("the level is %.0f: what was said before the show is in it", loud)
					}
					if least := 48000*4 - portion - 2*opus.FrameSize; len(pcm) < least {
						t.Errorf("%d samples were heard, want %d at least", len(pcm), least)
					}
				}
			})
		})
	}
}

// TestPipeIsDrained: whoever writes is not kept waiting while nobody is on air.
func TestPipeIsDrained(t *testing.T) {
	testhelp.CheckGoroutines(t)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	feed := mustFeed(t, read, 1)
	minutes := make([]byte, 100*2*opus.SampleRate)
	for _, state := range []string{"before", "after"} {
		if _, err := write.Write(minutes); err != nil {
			t.Fatal(err)
		}
		source := mustOpen(t, "pipe:-", Options{Encoder: clean(1), Stdin: feed})
		if _, err := write.Write(minutes); err != nil {
			t.Fatalf("%s a show: %v", state, err)
		}
		source.Close()
	}
}

// TestPipeIsPassedOnAtOnce writes an Ogg stream page by page: for each page's packet one must come
// before the next page is written, also where packets may have any size.
func TestPipeIsPassedOnAtOnce(t *testing.T) {
	dir := t.TempDir()
	mustRun(t, dir, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=2", "-c:a", "libopus", "-b:a", "32k", "-page_duration", "20000", "a.opus")
	pages := splitPages(mustReadFile(t, filepath.Join(dir, "a.opus")))
	for _, encoder := range []opus.EncoderOptions{opus.Defaults(), varying()} {
		synctest.Test(t, func(t *testing.T) {
			read, write := io.Pipe()
			o := Options{Encoder: encoder, Stdin: mustFeed(t, read, 1)}
			mustSpeak(t, write, 0, bytes.Join(pages[:2], nil))
			heard := begin(t, mustOpen(t, "pipe:-", o))
			for i, page := range pages[2 : len(pages)-1] {
				mustSpeak(t, write, opus.FrameSize, page)
				if i > 0 && len(heard) != i { // the first one may have begun before the show
					t.Fatalf("after %d pages, %d packets came", i+1, len(heard))
				}
			}
			write.Close()
		})
	}
}

// TestPipeHidesSizes: nobody knows how large the largest packet of a pipe will be.
func TestPipeHidesSizes(t *testing.T) {
	dir := t.TempDir()
	speak(t, dir)
	mustRun(t, dir, "ffmpeg", "-v", "error", "-i", "speech.wav", "-c:a", "libopus", "-b:a", "32k", "-page_duration", "20000", "a.opus")
	pages := splitPages(mustReadFile(t, filepath.Join(dir, "a.opus")))
	synctest.Test(t, func(t *testing.T) {
		read, write := io.Pipe()
		o := Options{Encoder: opus.Defaults(), Stdin: mustFeed(t, read, 1)}
		mustSpeak(t, write, 0, bytes.Join(pages[:2], nil))
		source := mustOpen(t, "pipe:-", o)
		heard := begin(t, source)
		for _, page := range pages[2:] {
			mustSpeak(t, write, opus.FrameSize, page)
		}
		write.Close()
		var packets [][]byte
		for packet := range heard {
			packets = append(packets, packet)
		}
		mustBeAlike(t, packets)
		pcm := mustDecode(t, source.Format(), packets, source.EndTrim())
		if missing := 48000*10 - len(pcm); missing < 0 || missing > 2*opus.FrameSize || level(pcm) < 500 {
			t.Errorf("%d samples are missing, the level is %.0f", missing, level(pcm))
		}
	})
}

// TestShowsTakeTurns: one show reads the feed at a time, and any number of them one after the other.
func TestShowsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read, write := io.Pipe()
		o := Options{Encoder: clean(1), Stdin: mustFeed(t, read, 1)}
		mustSpeak(t, write, 960, make([]byte, 960*2))
		for range 3 {
			source := mustOpen(t, "pipe:-", o)
			if _, err := openAs(t.Context(), "pipe:-", o); err == nil || !strings.Contains(err.Error(), "another show is reading it") {
				t.Errorf("while a show reads: %v", err)
			}
			heard := begin(t, source)
			for range 3 {
				mustSpeak(t, write, 960, make([]byte, 960*2))
			}
			if n := len(heard); n != 2 { // without the piece that may have begun before
				t.Errorf("%d packets came", n)
			}
			source.Close()
		}
		write.Close()
		synctest.Wait()
		if _, err := openAs(t.Context(), "pipe:-", o); err == nil || !strings.Contains(err.Error(), "it has ended") {
			t.Errorf("after the end: %v", err)
		}
	})
	if _, err := openAs(t.Context(), "pipe:-", Options{}); err == nil || !strings.Contains(err.Error(), "station's own source") {
		t.Errorf("without a feed: %v", err)
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
			rate := 48000
			if name == "slow" {
				rate = 16000
			}
			frame := func(i int) (b []byte) {
				for j := range rate / 50 {
					b = binary.LittleEndian.AppendUint16(b, uint16(testhelp.Sweep((i*rate/50+j)*48000/rate)))
				}
				return b
			}
			synctest.Test(t, func(t *testing.T) {
				read, write := io.Pipe()
				o := Options{Encoder: clean(1), Stdin: mustFeed(t, read, 1)}
				mustSpeak(t, write, 960, append(header, frame(0)...))
				source := mustOpen(t, "pipe:-", o)
				heard := begin(t, source)
				for i := 1; i < 50; i++ {
					mustSpeak(t, write, 960, frame(i))
					if n := len(heard); n < i-2 { // the filter of a resampler may hold one frame back
						t.Fatalf("after %d frames, %d packets came", i, n)
					}
				}
				write.Close()
				var packets [][]byte
				for packet := range heard {
					packets = append(packets, packet)
				}
				pcm := mustDecode(t, source.Format(), packets, source.EndTrim())
				from := 48000 - len(pcm)
				if from != 960 && from != 2*960 {
					t.Errorf("%d samples came of 1 s", len(pcm))
				}
				if c := testhelp.Correlation(pcm, sweeps(from, len(pcm), 1)); c < 0.9 {
					t.Errorf("the sound is not what was written: correlation %.3f", c)
				}
			})
		})
	}
}

// TestPipeReadsEnd checks that no read outlives its context, and no goroutine the feed,
// although nothing is written.
func TestPipeReadsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read, write := io.Pipe()
		o := Options{Encoder: clean(1), Stdin: mustFeed(t, read, 1)}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if _, err := openAs(ctx, "pipe:-", o); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Open says %v", err)
		}
		mustSpeak(t, write, 960, make([]byte, 960*2))
		source := mustOpen(t, "pipe:-", o)
		ctx, cancel = context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if _, err := source.ReadPacket(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("ReadPacket says %v", err)
		}
		heard := begin(t, source) // a cancelled read does no harm
		mustSpeak(t, write, 960, make([]byte, 960*2))
		mustSpeak(t, write, 960, make([]byte, 960*2))
		if len(heard) != 1 {
			t.Errorf("%d packets came", len(heard))
		}
	})
}

// TestPipeCannotBeInterrupted checks that the feed ends although a read does not: standard
// input may be a terminal.
func TestPipeCannotBeInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read, write := io.Pipe()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		start := time.Now()
		if err := NewFeed(struct{ io.Reader }{read}, 1).Run(ctx); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took > closeTimeout {
			t.Errorf("it took %v", took)
		}
		write.Close()
	})
}

func TestPipeErrors(t *testing.T) {
	for _, test := range []struct{ name, content, want string }{
		{"nothing", "", "it has ended"},
		{"MP3", "ID3 and so on", "ffmpeg -i INPUT"},
		{"FLAC", "fLaC and so on", "ffmpeg -i INPUT"},
		{"MP4", "\x00\x00\x00\x20ftypM4A ", "ffmpeg -i INPUT"},
		{"Vorbis", "OggS and so on", "ffmpeg -i INPUT"},
		{"damaged WAV", "RIFF0000WAVEdata", "no data chunk"},
	} {
		t.Run(test.name, func(t *testing.T) {
			testhelp.CheckGoroutines(t)
			_, err := openAs(t.Context(), "pipe:-", Options{Stdin: mustFeed(t, strings.NewReader(test.content), 1)})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
