package capture

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"testing"

	"broadcastbot/internal/oggopus"
	"broadcastbot/internal/opus"
)

// mustLink makes 2 seconds of Ogg Opus with a title.
func mustLink(t *testing.T, name string, arguments ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	words := append([]string{"-v", "error", "-f", "lavfi", "-i", "sine=f=440:d=2:r=48000"}, arguments...)
	mustRun(t, dir, "ffmpeg", append(words, "-c:a", "libopus", "-b:a", "64k", "-metadata", "title="+name, "a.opus")...)
	return mustReadFile(t, filepath.Join(dir, "a.opus"))
}

// readSource returns what is heard of a source that ends.
func readSource(t *testing.T, source Source) <-chan []int16 {
	heard := make(chan []int16, 1)
	go func() {
		var packets [][]byte
		for {
			packet, err := source.ReadPacket(t.Context())
			if err != nil {
				break
			}
			packets = append(packets, packet)
		}
		heard <- mustDecode(t, source.Format(), packets, source.EndTrim())
	}()
	return heard
}

// TestLineFeedKeepsAll: the streams of several connections, of different shapes and one of them cut in
// the middle of a page, are one sound without a sample too few or too many.
func TestLineFeedKeepsAll(t *testing.T) {
	feed := NewLineFeed(true)
	whole := mustLink(t, "One")
	pages := splitPages(whole)
	last := len(pages) - 1
	cut := slices.Concat(slices.Concat(pages[:last]...), pages[last][:len(pages[last])/2])
	chain := append(mustLink(t, "Two", "-ac", "2", "-frame_duration", "60"), mustLink(t, "Three", "-frame_duration", "10")...)

	var titles []string
	note := func(tags oggopus.Tags) { titles = append(titles, tags.Get("title")) }
	ended := make(chan []error)
	started := make(chan struct{}, 8)
	go func() {
		var errs []error
		for _, stream := range [][]byte{cut, chain} {
			errs = append(errs, feed.ReadOgg(bytes.NewReader(stream), func(tags oggopus.Tags) {
				note(tags)
				started <- struct{}{}
			}))
		}
		feed.End(io.EOF)
		ended <- errs
	}()
	<-started // the head has come, and nothing is lost until there is a show
	source, err := feed.Open(t.Context(), Options{Encoder: clean(1)})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	heard := readSource(t, source)
	if errs := <-ended; !errors.Is(errs[0], io.ErrUnexpectedEOF) || errs[1] != nil {
		t.Errorf("the connections end with %v, want an early end and none", errs)
	}
	want := 2*2*opus.SampleRate + samplesOfPages(t, slices.Concat(pages[:last]...))
	if pcm := <-heard; len(pcm) != want {
		t.Errorf("%d samples were heard, want %d", len(pcm), want)
	}
	if !slices.Equal(titles, []string{"One", "Two", "Three"}) {
		t.Errorf("the titles are %q", titles)
	}
}

// samplesOfPages is how much sound an Ogg stream has, without its pre-skip.
func samplesOfPages(t *testing.T, stream []byte) (samples int) {
	t.Helper()
	reader := oggopus.NewReader(bytes.NewReader(stream))
	for {
		packet, err := reader.ReadPacket()
		if err != nil {
			return samples - reader.Head().PreSkip
		}
		samples += packet.Samples
	}
}

// TestLineFeedDropsWhatNobodyHears: before a show and after it, whoever sends is not kept waiting.
func TestLineFeedDropsWhatNobodyHears(t *testing.T) {
	stream := mustLink(t, "One")
	feed := NewLineFeed(false)
	for range 2 {
		if err := feed.ReadOgg(bytes.NewReader(stream), func(oggopus.Tags) {}); err != nil {
			t.Fatal(err)
		}
		source, err := feed.Open(t.Context(), Options{Encoder: clean(1)})
		if err != nil {
			t.Fatal(err)
		}
		source.Close()
	}
}

func TestLineFeedRefusesOthers(t *testing.T) {
	dir := t.TempDir()
	mustRun(t, dir, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=1", "-c:a", "flac", "-f", "ogg", "a.ogg")
	err := NewLineFeed(false).ReadOgg(bytes.NewReader(mustReadFile(t, filepath.Join(dir, "a.ogg"))), func(oggopus.Tags) {
		t.Error("it has begun")
	})
	if !errors.Is(err, oggopus.ErrNotOpus) {
		t.Error(err)
	}
}
