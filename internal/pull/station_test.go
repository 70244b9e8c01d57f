package pull

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/testhelp"
)

// TestStationGoesOn: a station that breaks off is connected to again, and its sound goes on in the same
// source. When it does not know the stream any more, that has ended.
func TestStationGoesOn(t *testing.T) {
	const samples = 96000
	for name, arguments := range map[string]string{"a.opus": "-c:a libopus", "a.mp3": "", "a.ogg": "-c:a libvorbis"} {
		t.Run(name, func(t *testing.T) {
			testhelp.CheckGoroutines(t)
			var contents [][]byte
			for _, bitrate := range []string{"96k", "112k", "128k"} { // what was heard already would be left out
				contents = append(contents, mustSound(t, samples, name, append(strings.Fields(arguments), "-b:a", bitrate)...))
			}
			asked := 0
			address := mustServe(t, func(w http.ResponseWriter, r *http.Request) {
				asked++
				if asked > 3 {
					http.NotFound(w, r)
					return
				}
				w.Header().Set("icy-name", "Radio")
				w.Write(contents[asked-1])
				if asked == 2 { // not even the end of the connection comes in order
					panic(http.ErrAbortHandler)
				}
			})
			pcm, end := mustHear(t, pullerOf(t, address).mustOpen(t, address))
			mustEnd(t, end)
			if len(pcm) < 3*samples-3000 || len(pcm) > 3*samples+9000 {
				t.Errorf("%d samples came, want %d", len(pcm), 3*samples)
			}
		})
	}
}

// TestComesBackBroken: a station that comes back as a playlist without a valid address is asked again.
func TestComesBackBroken(t *testing.T) {
	testhelp.CheckGoroutines(t)
	content := mustSound(t, 48000, "a.opus", "-c:a", "libopus")
	asked := 0
	address := mustServe(t, func(w http.ResponseWriter, r *http.Request) {
		switch asked++; asked {
		case 1:
			w.Header().Set("icy-name", "Radio")
			w.Write(content)
		case 2:
			io.WriteString(w, "#EXTM3U\n%zz-secret\n")
		default:
			http.NotFound(w, r)
		}
	})
	_, end := mustHear(t, pullerOf(t, address).mustOpen(t, address))
	mustEnd(t, end)
	if asked < 3 {
		t.Errorf("it was asked for %d times", asked)
	}
}

// TestStationIsGone: a station that does not come back ends the show, and says that its line was down.
func TestStationIsGone(t *testing.T) {
	testhelp.CheckGoroutines(t)
	content := mustSound(t, 48000, "a.opus", "-c:a", "libopus")
	asked := 0
	address := mustServe(t, func(w http.ResponseWriter, r *http.Request) {
		if asked++; asked > 1 {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		w.Header().Set("icy-name", "Radio")
		w.Write(content)
	})
	p := pullerOf(t, address)
	p.options.Grace = time.Second
	pcm, end := mustHear(t, p.mustOpen(t, address))
	if !errors.Is(end, capture.ErrLineGone) || len(pcm) < 47000 {
		t.Errorf("after %d samples it ended with %v", len(pcm), end)
	}
}

// TestShoutcast: old servers do not quite speak HTTP.
func TestShoutcast(t *testing.T) {
	content := mustSound(t, 96000, "a.mp3")
	address := mustAnswer(t, func(c net.Conn) {
		io.WriteString(c, "ICY 200 OK\r\ncontent-type: audio/mpeg\r\n\r\n")
		c.Write(content)
	})
	pcm, end := mustHear(t, pullerOf(t, address).mustOpen(t, address))
	mustEnd(t, end)
	if len(pcm) < 96000 {
		t.Errorf("%d samples came", len(pcm))
	}
}

// mustAnswer has a server of its own kind answer each request.
func mustAnswer(t *testing.T, answer func(net.Conn)) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				c.Read(make([]byte, 4096))
				answer(c)
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}

// TestEvilServers harm nobody: each is given up, in a sentence.
func TestEvilServers(t *testing.T) {
	for name, test := range map[string]struct {
		answer func(net.Conn)
		want   string
	}{
		"silent":       {func(c net.Conn) { io.Copy(io.Discard, c) }, "it does not answer"},
		"hangs up":     {func(net.Conn) {}, "it cannot be reached"},
		"half a head":  {func(c net.Conn) { io.WriteString(c, "HTTP/1.1 200 OK\r\nX: "); io.Copy(io.Discard, c) }, "it does not answer"},
		"slow head":    {func(c net.Conn) { drip(c, "HTTP/1.1 200 OK\r\nX: ", "x") }, "it does not answer"},
		"endless head": {func(c net.Conn) { flood(c, "HTTP/1.1 200 OK\r\n", "X: "+strings.Repeat("x", 1000)+"\r\n") }, "it cannot be reached"},
		"head of one":  {func(c net.Conn) { flood(c, "HTTP/1.1 200 OK\r\nX: ", strings.Repeat("x", 1000)) }, "it cannot be reached"},
		"many 100":     {func(c net.Conn) { flood(c, "", "HTTP/1.1 100 Continue\r\n\r\n") }, "it cannot be reached"},
		"no body":      {func(c net.Conn) { io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n"); io.Copy(io.Discard, c) }, "it does not answer"},
		"empty":        {func(c net.Conn) { io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") }, "there is no sound in it"},
		"no HTTP":      {func(c net.Conn) { io.WriteString(c, "SSH-2.0-OpenSSH_9.2\r\n"); io.Copy(io.Discard, c) }, "it cannot be reached"},
		"a page":       {func(c net.Conn) { io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n<html>"+strings.Repeat("x", 5000)) }, "ffmpeg cannot decode it"},
		"refuses":      {func(c net.Conn) { io.WriteString(c, "HTTP/1.1 401 \x1b[31mHello\r\n\r\n") }, "it answers: 401 Unauthorized"},
		"gone":         {func(c net.Conn) { io.WriteString(c, "HTTP/1.1 404 x\r\n\r\n") }, "it answers: 404 Not Found"},
		"huge list":    {func(c net.Conn) { flood(c, "HTTP/1.1 200 OK\r\n\r\n#EXTM3U\n", "#x\n") }, "a playlist of more than"},
		"round":        {func(c net.Conn) { io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n#EXTM3U\n/\n") }, "one playlist leads to the other"},
		"hls round": {func(c net.Conn) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n/\n")
		}, "one playlist leads to the other"},
		"hls inside":    {hlsOf("http://169.254.169.254/"), "not among the hosts"},
		"hls encrypted": {hlsOf("/x\n#EXT-X-KEY:METHOD=AES-128,URI=\"file:///etc/passwd\""), "encrypted"},
	} {
		t.Run(name, func(t *testing.T) {
			testhelp.CheckGoroutines(t)
			address := mustAnswer(t, test.answer)
			_, err := pullerOf(t, address).tryOpen(t, address+"/?secret")
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func hlsOf(segment string) func(net.Conn) {
	return func(c net.Conn) {
		io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n"+segment+"\n")
	}
}

func flood(c net.Conn, start, more string) {
	io.WriteString(c, start)
	for {
		if _, err := io.WriteString(c, more); err != nil {
			return
		}
	}
}

func drip(c net.Conn, start, more string) {
	io.WriteString(c, start)
	for {
		if _, err := io.WriteString(c, more); err != nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// TestPlaylistLeadsOn: stations publish addresses of playlists with the address of the stream.
func TestPlaylistLeadsOn(t *testing.T) {
	content := mustSound(t, 48000, "a.opus", "-c:a", "libopus")
	address := mustServe(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/a.m3u":
			fmt.Fprintf(w, "\xef\xbb\xbf#EXTM3U\r\n#EXTINF:-1,Radio\r\nsound\r\n")
		case "/a.pls":
			fmt.Fprintf(w, "[Playlist]\nNumberOfEntries=1\nFile1=http://%s/sound\nTitle1=x\n", r.Host)
		case "/first.pls":
			fmt.Fprintf(w, "\xef\xbb\xbf[playlist]\r\nnumberofentries=2\r\nVersion=2\r\nTitle1=File9=x\r\nfile1 = http://%s/sound\r\nFile2=/\r\n", r.Host)
		case "/query.m3u":
			fmt.Fprint(w, "#EXTM3U\nfiles/sound.opus?token=1\n")
		case "/none.pls":
			fmt.Fprint(w, "[playlist]\nNumberOfEntries=0\nFilename=/sound\n")
		case "/empty":
			fmt.Fprint(w, "#EXTM3U\n")
		case "/away":
			fmt.Fprint(w, "#EXTM3U\nhttp://192.168.1.1/\n")
		case "/sound", "/files/sound.opus":
			if r.URL.Path == "/files/sound.opus" && r.URL.RawQuery != "token=1" {
				http.NotFound(w, r)
				return
			}
			w.Header().Set("Content-Length", fmt.Sprint(len(content)))
			bytes.NewReader(content).WriteTo(w)
		default:
			http.NotFound(w, r)
		}
	})
	for _, name := range []string{"/a.m3u", "/a.pls", "/first.pls", "/query.m3u"} {
		pcm, end := mustHear(t, pullerOf(t, address).mustOpen(t, address+name))
		mustEnd(t, end)
		mustBeSweep(t, pcm, 48000, 0)
	}
	for name, want := range map[string]string{"/empty": "the playlist is empty", "/none.pls": "the playlist is empty", "/away": "not among the hosts"} {
		if _, err := pullerOf(t, address).tryOpen(t, address+name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestStopWhileItWaits: a show that is stopped leaves nothing behind, whatever its server does.
func TestStopWhileItWaits(t *testing.T) {
	testhelp.CheckGoroutines(t)
	content := mustSound(t, 48000, "a.mp3")
	address := mustAnswer(t, func(c net.Conn) {
		io.WriteString(c, "HTTP/1.1 200 OK\r\nicy-br: 128\r\n\r\n")
		c.Write(content)
		io.Copy(io.Discard, c)
	})
	source := pullerOf(t, address).mustOpen(t, address)
	for range 30 {
		if _, err := source.ReadPacket(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		if _, err := source.ReadPacket(ctx); err != nil {
			t.Fatal(err)
		}
		if line := source.(capture.LineSource); !line.LineDown().IsZero() {
			break
		}
		cancelSoon, stop := context.WithTimeout(ctx, 100*time.Millisecond)
		_, err := source.ReadPacket(cancelSoon)
		stop()
		if errors.Is(err, context.DeadlineExceeded) {
			break
		}
	}
	if err := source.Close(); err != nil {
		t.Error(err)
	}
}
