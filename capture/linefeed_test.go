package capture

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

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

// TestLineFalters: what was said before a show is not in it, however late it comes; what is said in it is,
// also where the line falters again.
func TestLineFalters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read, write := io.Pipe()
		feed := NewLineFeed(false)
		go func() {
			feed.ReadOgg(read, func(oggopus.Tags) {})
			feed.End(io.EOF)
		}()
		var line spoken
		write.Write(append(line.head(), line.seconds(1)...))
		synctest.Wait()
		source, err := feed.Open(t.Context(), Options{Encoder: opus.Defaults()})
		if err != nil {
			t.Fatal(err)
		}
		heard := begin(t, source)
		packets := 0
		for _, step := range []struct{ wait, said, heard int }{ // seconds
			{5, 12, 5}, {1, 1, 6}, {4, 4, 10}, {3, 5, 13},
		} {
			time.Sleep(time.Duration(step.wait) * time.Second)
			write.Write(line.seconds(step.said))
			synctest.Wait()
			if packets = len(heard); packets < 50*step.heard-2 || packets > 50*step.heard+2 {
				t.Errorf("%d packets after %+v", packets, step)
			}
		}
		write.Close()
	})
}

// spoken makes an Ogg Opus stream as somebody speaks.
type spoken struct {
	sequence uint32
	granule  int64
}

func (s *spoken) head() (b []byte) {
	head := oggopus.Head{Channels: 1}.Append(nil)
	tags := oggopus.Tags{}.Append(nil)
	for _, page := range []oggopus.Page{{First: true, Body: head}, {Body: tags}} {
		page.Sequence, page.Lacing = s.sequence, oggopus.AppendLacing(nil, len(page.Body))
		b = page.Append(b)
		s.sequence++
	}
	return b
}

// seconds returns so many more, in packets of 20 ms.
func (s *spoken) seconds(n int) (b []byte) {
	for range n {
		s.granule += opus.SampleRate
		page := oggopus.Page{Sequence: s.sequence, Granule: s.granule, Lacing: bytes.Repeat([]byte{3}, 50), Body: bytes.Repeat([]byte{8, 0, 0}, 50)}
		b = page.Append(b)
		s.sequence++
	}
	return b
}
