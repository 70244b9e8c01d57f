package icecast

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"broadcastbot/capture"
	"broadcastbot/internal/opus"
	"broadcastbot/internal/testhelp"
)

// chunked is a stream with the framing of HTTP/1.1.
func chunked(stream []byte) []byte {
	var b bytes.Buffer
	for len(stream) > 0 {
		n := min(len(stream), 1000)
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, stream[:n])
		stream = stream[n:]
	}
	b.WriteString("0\r\n\r\n")
	return b.Bytes()
}

// TestHeads: every way in which programs ask is understood, on a port of our own and on a shared one,
// and all of the sound arrives.
func TestHeads(t *testing.T) {
	stream := mustOpus(t, 0, 2)
	for _, test := range []struct {
		name, head, status string
		body               []byte
		later              string // status behind the body
		ownOnly            bool
	}{
		{name: "PUT", head: "PUT /icecast/abc HTTP/1.1\r\nHost: x\r\nContent-Type: audio/ogg\r\n", status: "HTTP/1.0 200 OK", body: stream},
		{name: "PUT 1.0", head: "PUT /icecast/abc.opus HTTP/1.0\r\nContent-Type: application/ogg\r\n", status: "HTTP/1.0 200 OK", body: stream},
		{name: "PUT expecting", head: "PUT /icecast/abc HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n", status: "HTTP/1.1 100 Continue", body: stream, later: "HTTP/1.0 200 OK"},
		{name: "PUT with length", head: fmt.Sprintf("PUT /icecast/abc HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n", len(stream)),
			status: "HTTP/1.1 100 Continue", body: append(bytes.Clone(stream), "garbage behind it"...), later: "HTTP/1.0 200 OK"},
		{name: "PUT chunked", head: "PUT /icecast/abc HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n",
			status: "HTTP/1.1 100 Continue", body: chunked(stream), later: "HTTP/1.0 200 OK"},
		{name: "POST", head: "POST /icecast/abc HTTP/1.1\r\nHost: x\r\n", status: "HTTP/1.0 200 OK", body: stream},
		{name: "SOURCE 1.0", head: "SOURCE /icecast/abc.ogg HTTP/1.0\r\nice-name: no name\r\n", status: "HTTP/1.0 200 OK", body: stream},
		{name: "SOURCE 1.1", head: "SOURCE /icecast/abc HTTP/1.1\r\nHost: x\r\n", status: "HTTP/1.0 200 OK", body: stream},
		{name: "SOURCE ICE", head: "SOURCE /abc ICE/1.0\r\n", status: "HTTP/1.0 200 OK", body: stream, ownOnly: true},
		{name: "PUT without host", head: "PUT /abc HTTP/1.1\r\n", status: "HTTP/1.0 200 OK", body: stream, ownOnly: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newStation(t, Options{Auto: true})
			for port, address := range map[string]string{"own": s.own, "shared": s.shared} {
				if port == "shared" && test.ownOnly {
					continue
				}
				conn, status := dial(t, address, test.head+basic(password))
				if status != test.status {
					t.Fatalf("%s: the answer is %q, want %q", port, status, test.status)
				}
				if _, err := conn.Write(test.body); err != nil {
					t.Fatal(err)
				}
				conn.(*net.TCPConn).CloseWrite()
				show := s.mustShow()
				show.mustHave(t, 2*opus.SampleRate, sweep)
				if show.err != io.EOF || show.title != "" {
					t.Errorf("%s: the show %q ends with %v", port, show.title, show.err)
				}
				rest, _ := io.ReadAll(conn)
				if !strings.Contains(string(rest), test.later) {
					t.Errorf("%s: the last answer is %q, want %q", port, rest, test.later)
				}
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := newStation(t, Options{})
	for _, test := range []struct{ name, head, status string }{
		{"probe", "SOURCE /icecast/abc HTTP/1.0\r\nContent-Length: 0\r\n", "HTTP/1.0 401 The password is missing"},
		{"password", "PUT /icecast/abc HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n" + basic("wrong"), "HTTP/1.0 401 Mount or password is wrong"},
		{"mount", "PUT /icecast/nobody HTTP/1.1\r\nHost: x\r\n" + basic(password), "HTTP/1.0 401 Mount or password is wrong"},
		{"MP3", "PUT /icecast/abc HTTP/1.1\r\nHost: x\r\nContent-Type: audio/mpeg\r\n" + basic(password),
			"HTTP/1.0 415 audio/mpeg means MP3: set the program to Opus in Ogg, type audio/ogg"},
		{"WebM", "PUT /icecast/abc HTTP/1.1\r\nHost: x\r\nContent-Type: audio/webm; codecs=opus\r\n" + basic(password),
			"HTTP/1.0 415 audio/webm means WebM: set the program to Opus in Ogg, type audio/ogg"},
		{"listener", "GET /icecast/abc HTTP/1.1\r\nHost: x\r\n", "HTTP/1.0 404 There is nothing to hear here: shows have links of their own"},
		{"method", "DELETE /icecast/abc HTTP/1.1\r\nHost: x\r\n" + basic(password), "HTTP/1.0 405 Programs push with PUT or SOURCE"},
	} {
		for _, address := range []string{s.own, s.shared} {
			conn, status := dial(t, address, test.head)
			if status != test.status {
				t.Errorf("%s: the answer is %q, want %q", test.name, status, test.status)
			}
			if rest, err := io.ReadAll(conn); err != nil || !strings.Contains(string(rest), "Connection: close") {
				t.Errorf("%s: %v, %q", test.name, err, rest)
			}
		}
	}
	if told := s.heard(); len(told) > 0 {
		t.Errorf("Alice was told %q", told)
	}
}

// TestBadHeads: what is not a request gets a line, or nothing, and never keeps a program waiting.
func TestBadHeads(t *testing.T) {
	t.Parallel()
	s := newStation(t, Options{})
	for _, head := range []string{
		"\r\n", "hello\r\n", "PUT /abc\r\n", "PUT /abc HTTP/9\r\n", "PUT /abc HTTP/1.0\r\nx y\r\n",
		"PUT /abc HTTP/1.0\r\nContent-Length: -1\r\n", "PROXY TCP4 1 2 3\r\n", "PROXY TCP4 192.0.2.7 192.0.2.2 1 2\r\nhello\r\n", "PUT /abc HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n",
		"PUT /" + strings.Repeat("a", 40000) + " HTTP/1.0\r\n", "PUT /abc HTTP/1.0\r\nIce-Name: " + strings.Repeat("a", 40000) + "\r\n",
	} {
		if _, status := dial(t, s.own, head); status != "HTTP/1.0 400 This is not HTTP" {
			t.Errorf("%.40q: %q", head, status)
		}
	}
}

// TestForeignStream: a codec that only the stream shows is refused, the speaker is told why, once, and
// so is the program when it tries again.
func TestForeignStream(t *testing.T) {
	t.Parallel()
	s := newStation(t, Options{Auto: true})
	vorbis := mustForeign(t)
	const head = "PUT /icecast/abc HTTP/1.1\r\nHost: x\r\nContent-Type: audio/ogg\r\nExpect: 100-continue\r\n"
	const want = "not an Ogg Opus stream: it holds FLAC; set the encoder to Opus"
	conn, _ := dial(t, s.own, head+basic(password))
	if _, err := conn.Write(vorbis); err != nil {
		t.Fatal(err)
	}
	if rest, _ := io.ReadAll(conn); !strings.Contains(string(rest), "HTTP/1.0 415 "+want) {
		t.Errorf("the answer is %q", rest)
	}
	if _, status := dial(t, s.own, head+basic(password)); status != "HTTP/1.0 415 "+want {
		t.Errorf("the second answer is %q", status)
	}
	testhelp.Eventually(t, "Alice is told", func() bool { return len(s.heard()) == 1 })
	if got := s.heard()[0]; got != alice+": Your program is connected, but cannot be on air: "+want+"." {
		t.Errorf("Alice was told %q", got)
	}
	if _, status := dial(t, s.own, strings.Replace(head, "abc", "xyz", 1)+basic(password)); status != "HTTP/1.1 100 Continue" {
		t.Errorf("another mount is answered %q", status)
	}
}

// mustForeign is an Ogg stream of another codec, longer than what is read at once.
func mustForeign(t *testing.T) []byte {
	t.Helper()
	out, err := mustCommand(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "anoisesrc=d=3", "-c:a", "flac", "-f", "ogg", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestStartIsRefused: a program that may not go on air is cut off, and its speaker told once; as soon as
// it may, it is on air.
func TestStartIsRefused(t *testing.T) {
	t.Parallel()
	s := newStation(t, Options{Auto: true})
	s.startErr = errNotNow
	stream := mustOpus(t, 0, 1)
	for range 3 {
		conn, _ := dial(t, s.own, head+basic(password))
		conn.Write(stream)
		io.Copy(io.Discard, conn) // it ends
	}
	s.mu.Lock()
	s.startErr = nil
	s.mu.Unlock()
	conn, _ := dial(t, s.own, head+basic(password))
	conn.Write(stream)
	s.mustStart()
	testhelp.Eventually(t, "Alice is told", func() bool { return len(s.heard()) == 1 })
}

// TestBackBeforeRefusal: a program that comes back while it is decided whether the show of its first
// connection may begin is cut off with the answer.
func TestBackBeforeRefusal(t *testing.T) {
	t.Parallel()
	s := newStation(t, Options{Auto: true})
	s.startErr, s.asked = errNotNow, make(chan struct{})
	first, _ := dial(t, s.own, head+basic(password))
	stream := mustOpus(t, 0, 1)
	first.Write(stream[:len(stream)-1]) // its end does not come
	s.asked <- struct{}{}
	second, _ := dial(t, s.own, head+basic(password))
	io.Copy(io.Discard, first) // it is cut off
	s.asked <- struct{}{}
	io.Copy(io.Discard, second)
	testhelp.Eventually(t, "Alice is told", func() bool { return len(s.heard()) == 1 })
}

// TestReconnect: a line that breaks in the middle of a page goes on in the same show. The newest
// connection wins, because the old one may be dead without anybody having noticed.
func TestReconnect(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"closed", "reset", "silent"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			s := newStation(t, Options{Auto: true})
			const head = "SOURCE /abc HTTP/1.0\r\nice-name: Friday  night\r\n"
			first, _ := dial(t, s.own, head+basic(password))
			first.Write(append(mustOpus(t, 0, 2), "OggS\x00\x02 the beginning of a page"...))
			show := s.mustStart()
			if how == "reset" {
				first.(*net.TCPConn).SetLinger(0)
			}
			if how != "silent" {
				first.Close()
				testhelp.Eventually(t, "the line is down", show.isDown)
			}
			second, _ := dial(t, s.own, head+basic(password))
			second.Write(mustOpus(t, 2, 2))
			second.(*net.TCPConn).CloseWrite()
			<-show.ended
			show.mustHave(t, 4*opus.SampleRate, sweep)
			if show.err != io.EOF || show.title != "Friday night" {
				t.Errorf("the show %q ends with %v", show.title, show.err)
			}
		})
	}
}

// TestLineGone: a show whose line does not come back ends with that reason, and what came is in it.
func TestLineGone(t *testing.T) {
	t.Parallel()
	s := newStation(t, Options{Auto: true, Grace: 1})
	conn, _ := dial(t, s.own, head+basic(password))
	conn.Write(mustOpus(t, 0, 2))
	show := s.mustStart()
	conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
	<-show.ended
	if !errors.Is(show.err, capture.ErrLineGone) {
		t.Errorf("the show ends with %v", show.err)
	}
}

// TestBySpeaker: without auto a program can send for long before its speaker goes on air, and after
// the show; the show waits for it to come back, and is not ended by it.
func TestBySpeaker(t *testing.T) {
	t.Parallel()
	s := newStation(t, Options{})
	kinds := capture.Kinds{s.server.Kind()}
	by := capture.Asker{Room: room, User: alice}
	if _, err := kinds.Grant(t.Context(), by, "icecast"); err != errNotConnected {
		t.Error("nothing is connected:", err)
	}
	conn, _ := dial(t, s.own, head+basic(password))
	conn.Write(mustOpus(t, 0, 1))
	testhelp.Eventually(t, "it may be on air", func() bool { _, err := kinds.Grant(t.Context(), by, "icecast"); return err == nil })
	for name, asker := range map[string]capture.Asker{"icecast": {Room: room, User: "@bob:example.org"}, "icecast:xyz": by} {
		if spec, err := kinds.Grant(t.Context(), asker, name); err == nil {
			t.Errorf("%s may open %s", asker.User, spec)
		}
	}
	spec, err := kinds.Grant(t.Context(), by, "icecast")
	if err != nil || spec != "icecast:abc" {
		t.Fatal(spec, err)
	}
	if err := s.begin(spec, "", capture.Options{}); err != nil {
		t.Fatal(err)
	}
	show := s.mustStart()
	if err := s.begin(spec, "", capture.Options{}); err == nil {
		t.Error("two shows read it")
	}
	conn.Write(mustOpus(t, 0, 1))
	conn.Close()
	testhelp.Eventually(t, "the line is down", show.isDown)
	dial(t, s.own, head+basic(password))
	testhelp.Eventually(t, "the line is up", func() bool { return !show.isDown() })
}

// TestAfterRestart: the show of before waits for its program.
func TestAfterRestart(t *testing.T) {
	t.Parallel()
	s := newStation(t, Options{Auto: true})
	if err := s.begin("icecast:abc", "", capture.Options{Resumed: true, Recorded: 48000}); err != nil {
		t.Fatal(err)
	}
	show := s.mustStart()
	conn, _ := dial(t, s.own, head+basic(password))
	conn.Write(mustOpus(t, 0, 2))
	conn.(*net.TCPConn).CloseWrite()
	<-show.ended
	show.mustHave(t, 2*opus.SampleRate, sweep)
	if len(s.shows) > 0 {
		t.Error("another show has begun")
	}
}

// TestStats: who sends learns how many listen, and nobody else does.
func TestStats(t *testing.T) {
	t.Parallel()
	s := newStation(t, Options{})
	dial(t, s.own, "SOURCE /xyz HTTP/1.0\r\n"+basic(password)) // from an address that nobody knows
	conn, _ := dial(t, s.own, "PROXY TCP4 192.0.2.9 192.0.2.2 1 2\r\nSOURCE /abc HTTP/1.0\r\n"+basic(password))
	conn.Write(mustOpus(t, 0, 1))
	proxied, _ := dial(t, s.own, "PROXY TCP4 192.0.2.7 192.0.2.2 1 2\r\nGET /status-json.xsl HTTP/1.0\r\n")
	if rest, err := io.ReadAll(proxied); err != nil || !strings.HasSuffix(string(rest), `{"icestats":{}}`) {
		t.Errorf("stats for a stranger behind a proxy: %s", rest)
	}
	get := func(path, headers string) string {
		conn, status := dial(t, s.shared, "GET /icecast"+path+" HTTP/1.1\r\nHost: radio\r\n"+headers)
		rest, err := io.ReadAll(conn)
		if err != nil {
			t.Fatal(err)
		}
		return status + string(rest)
	}
	want := `{"icestats":{"source":{"listenurl":"http://radio/abc","listeners":7,"server_type":"audio/ogg"}}}`
	testhelp.Eventually(t, "the mount is in the stats", func() bool { return strings.HasSuffix(get("/status-json.xsl", "X-Forwarded-For: 192.0.2.9\r\n"), want) })
	if got := get("/status-json.xsl", ""); !strings.HasSuffix(got, `{"icestats":{}}`) {
		t.Errorf("stats for somebody from an unknown address: %s", got)
	}
	const stranger = "X-Forwarded-For: 192.0.2.1\r\n"
	for _, said := range []string{"", "X-Forwarded-For: 192.0.2.9\r\n"} { // by the stranger, before the proxy
		if got := get("/status-json.xsl", said+stranger); !strings.HasSuffix(got, `{"icestats":{}}`) {
			t.Errorf("stats for a stranger who says %q: %s", said, got)
		}
	}
	if err := s.begin("icecast:abc", "", capture.Options{}); err != nil {
		t.Fatal(err)
	}
	source := s.mustStart().source.(capture.PlayingSource)
	if got := get("/admin/metadata?mode=updinfo&mount=/abc&song=A%20-%20B", basic(password)); !strings.Contains(got, "<return>1</return>") || source.Playing() != "A - B" {
		t.Errorf("metadata: %s, and %q is playing", got, source.Playing())
	}
	conn.Write(mustOpus(t, 0, 1, "-metadata", "artist=C", "-metadata", "title=D"))
	testhelp.Eventually(t, "a tag says what is playing", func() bool { return source.Playing() == "C - D" })
	if got := get("/admin/metadata?mode=updinfo&mount=/abc&song=A", basic("wrong")); !strings.Contains(got, " 401 ") {
		t.Errorf("metadata of a stranger: %s", got)
	}
}

// TestClose: everybody is cut off.
func TestClose(t *testing.T) {
	t.Parallel()
	s := newStation(t, Options{Auto: true})
	conn, _ := dial(t, s.shared, "SOURCE /icecast/abc HTTP/1.0\r\n"+basic(password))
	conn.Write(mustOpus(t, 0, 1))
	show := s.mustStart()
	idle, err := net.Dial("tcp", s.own)
	if err != nil {
		t.Fatal(err)
	}
	s.server.Close()
	<-show.ended
	io.Copy(io.Discard, idle)
	if _, err := http.Get("http://" + s.shared + "/icecast/status-json.xsl"); err == nil {
		t.Error("requests are answered after the end")
	}
}
