package pull

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"broadcastbot/internal/testhelp"
)

// TestHLS pulls streams that ffmpeg has cut into segments of each kind: as much sound comes as ffmpeg
// itself finds in them.
func TestHLS(t *testing.T) {
	const samples = 480000
	for name, arguments := range map[string]string{
		"ts":     "-b:a 96k -f hls -hls_time 2 -hls_list_size 0",
		"fmp4":   "-b:a 96k -f hls -hls_time 2 -hls_list_size 0 -hls_segment_type fmp4",
		"ranges": "-b:a 96k -f hls -hls_time 2 -hls_list_size 0 -hls_flags single_file",
		"whole":  "-b:a 96k -f hls -hls_time 2 -hls_list_size 0 -hls_flags single_file", // from a server that knows no ranges
		"master": "-b:a 96k -f hls -hls_time 2 -hls_list_size 0 -master_pl_name master.m3u8",
		"mp3":    "-b:a 96k -write_xing 0 -f segment -segment_time 2 -segment_list a.m3u8 -segment_format mp3",
	} {
		t.Run(name, func(t *testing.T) {
			testhelp.CheckGoroutines(t)
			dir := t.TempDir()
			last := "a.m3u8"
			if name == "mp3" {
				last = "%d.mp3"
			}
			mustMake(t, dir, samples, append(strings.Fields(arguments), last)...)
			files := http.FileServer(http.Dir(dir))
			address := mustServe(t, func(w http.ResponseWriter, r *http.Request) {
				if name == "whole" {
					r.Header.Del("Range")
				}
				files.ServeHTTP(w, r)
			})
			first := "/a.m3u8"
			if name == "master" {
				first = "/master.m3u8"
			}
			pcm, end := mustHear(t, pullerOf(t, address).mustOpen(t, address+first))
			mustEnd(t, end)
			mustBeSweep(t, align(pcm), samples, 6000)
			if judged := judge(t, dir); name != "mp3" && len(pcm) != judged {
				t.Errorf("%d samples came, ffmpeg has %d", len(pcm), judged)
			}
		})
	}
}

// judge counts the samples that ffmpeg finds.
func judge(t *testing.T, dir string) int {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-i", "a.m3u8", "-f", "s16le", "-ar", "48000", "-ac", "1", "-")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return len(out) / 2
}

// liveServer reveals one segment more with each look at its playlist, of which it keeps the last five. That
// begins with the mark of its byte order.
type liveServer struct {
	files    http.Handler
	segments []string

	mu     sync.Mutex
	shown  int
	broken int // requests that fail next
}

func (s *liveServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.broken > 0:
		s.broken--
		panic(http.ErrAbortHandler)
	case r.URL.Path != "/live.m3u8":
		s.files.ServeHTTP(w, r)
		return
	}
	s.shown = min(s.shown+1, len(s.segments))
	first := max(0, s.shown-5)
	fmt.Fprintf(w, "\xef\xbb\xbf#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:%d\n", first)
	for _, name := range s.segments[first:s.shown] {
		fmt.Fprintf(w, "#EXTINF:1,\n%s\n", name)
	}
	if s.shown == len(s.segments) {
		fmt.Fprint(w, "#EXT-X-ENDLIST\n")
	}
}

func mustLive(t *testing.T, samples int) *liveServer {
	t.Helper()
	dir := t.TempDir()
	mustMake(t, dir, samples, strings.Fields("-b:a 96k -f hls -hls_time 1 -hls_list_size 0 a.m3u8")...)
	list, err := os.ReadFile(filepath.Join(dir, "a.m3u8"))
	if err != nil {
		t.Fatal(err)
	}
	base, _ := url.Parse("http://x/")
	parsed, err := parsePlaylist(string(list), base)
	if err != nil {
		t.Fatal(err)
	}
	s := &liveServer{files: http.FileServer(http.Dir(dir))}
	for _, segment := range parsed.segments {
		s.segments = append(s.segments, segment.address.Path[1:])
	}
	return s
}

// TestLiveHLS begins three segments before the edge, with the first look at the playlist, misses none (the
// last one is nearly empty), and survives requests that fail.
func TestLiveHLS(t *testing.T) {
	testhelp.CheckGoroutines(t)
	const samples = 10 * 48000
	server := mustLive(t, samples)
	server.shown = 5
	address := mustServe(t, server.ServeHTTP)
	source := pullerOf(t, address).mustOpen(t, address+"/live.m3u8")
	server.mu.Lock()
	server.broken = 2
	server.mu.Unlock()
	pcm, end := mustHear(t, source)
	mustEnd(t, end)
	if want := (len(server.segments) - 4) * 48000; len(pcm) < want-7000 || len(pcm) > want+7000 {
		t.Errorf("%d samples came, want %d", len(pcm), want)
	}
}

func TestBestVariant(t *testing.T) {
	base, _ := url.Parse("https://radio.example/hls/")
	for text, want := range map[string]string{
		"#EXT-X-STREAM-INF:BANDWIDTH=64000,CODECS=\"mp4a.40.2\"\nlow\n#EXT-X-STREAM-INF:BANDWIDTH=128000,CODECS=\"mp4a.40.2\"\nhigh\n":              "https://radio.example/hls/high",
		"#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=1x1\n/big\n#EXT-X-STREAM-INF:BANDWIDTH=500000,RESOLUTION=1x1\n/small\n":                      "https://radio.example/small",
		"#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a,b\",DEFAULT=YES,URI=\"sound.m3u8\"\n#EXT-X-STREAM-INF:BANDWIDTH=5,RESOLUTION=1x1,AUDIO=\"a\"\nfilm\n": "https://radio.example/hls/sound.m3u8",
	} {
		list, err := parsePlaylist("#EXTM3U\n"+text, base)
		if err != nil || list.best().address == nil || list.best().address.String() != want {
			t.Errorf("%v, %v, want %s", list.best(), err, want)
		}
	}
}

// TestSegmentsAreFound: a show goes on where it was, at the first that is still there, or at the edge of a
// server that has begun anew.
func TestSegmentsAreFound(t *testing.T) {
	base, _ := url.Parse("https://radio.example/")
	for _, test := range []struct {
		begun             bool
		next, first, want int64
		ended             bool
	}{
		{false, 0, 100, 103, false}, {false, 0, 100, 100, true}, {true, 104, 100, 104, false}, {true, 50, 100, 100, false},
		{true, 106, 100, -1, false}, {true, 5000, 0, 3, false},
	} {
		text := fmt.Sprintf("#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXT-X-MEDIA-SEQUENCE:%d\n%s", test.first, strings.Repeat("#EXTINF:5,\nx\n", 6))
		if test.ended {
			text += "#EXT-X-ENDLIST"
		}
		list, err := parsePlaylist(text, base)
		if err != nil {
			t.Fatal(err)
		}
		h := &hls{stream: &stream{log: silent}, list: list, begun: test.begun, next: test.next}
		got := int64(-1)
		if s, found := h.find(); found {
			got = s.number
		}
		if got != test.want {
			t.Errorf("%+v: segment %d", test, got)
		}
	}
}

// TestHLSStops: a stream whose playlist does not grow ends with its context.
func TestHLSStops(t *testing.T) {
	testhelp.CheckGoroutines(t)
	server := mustLive(t, 3*48000)
	server.segments = append(server.segments[:2], "never")
	address := mustServe(t, func(w http.ResponseWriter, r *http.Request) {
		server.mu.Lock()
		server.shown = 1
		server.mu.Unlock()
		server.ServeHTTP(w, r)
	})
	source := pullerOf(t, address).mustOpen(t, address+"/live.m3u8")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	for ctx.Err() == nil {
		if _, err := source.ReadPacket(ctx); err != nil && ctx.Err() == nil {
			t.Fatal(err)
		}
	}
	source.Close()
}

// saidTwice is a playlist that numbers its segments anew in its middle.
const saidTwice = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:0\na\n#EXT-X-MEDIA-SEQUENCE:1000\nb\n"

func TestNumbersAreSaidTwice(t *testing.T) {
	base, _ := url.Parse("https://radio.example/")
	list, err := parsePlaylist(saidTwice, base)
	if err != nil {
		t.Fatal(err)
	}
	h := &hls{stream: &stream{log: silent}, list: list}
	for i, want := range []string{"a", "b"} {
		s, found := h.find()
		if !found || s.number != int64(i) || s.address.Path != "/"+want {
			t.Errorf("segment %d is %+v, %v", i, s, found)
		}
		h.next = s.number + 1
	}
	if s, found := h.find(); found {
		t.Errorf("a third segment %+v", s)
	}
}

func FuzzPlaylist(f *testing.F) {
	for _, seed := range []string{
		"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-MAP:URI=\"i\",BYTERANGE=\"5@1\"\n#EXT-X-BYTERANGE:5@3\nx\n#EXT-X-ENDLIST\n",
		"#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"a\"\nx\n", "#EXT-X-MEDIA:TYPE=AUDIO,URI=\"\n", "#EXT-X-KEY:METHOD=NONE\n",
		saidTwice, "#EXTM3U\n%zz\n#EXT-X-MAP:URI=\"%zz\"\n#EXT-X-BYTERANGE:9223372036854775807@9223372036854775807\nx\n#EXT-X-BYTERANGE:-1\nx\n",
	} {
		f.Add(seed)
	}
	base, _ := url.Parse("https://radio.example/")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := parsePlaylist(text, base)
		if err != nil {
			return
		}
		list.best()
		h := &hls{stream: &stream{log: silent}, list: list}
		for range 3 {
			if s, found := h.find(); found {
				if s.address == nil || s.number < 0 || s.part.offset < 0 || s.part.length < 0 || s.part.offset+s.part.length < 0 {
					t.Fatalf("segment %+v", s)
				}
				h.next = s.number + 1
			}
		}
	})
}
