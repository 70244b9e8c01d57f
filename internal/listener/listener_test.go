package listener_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"broadcastbot/internal/gateway"
	"broadcastbot/internal/listener"
	"broadcastbot/internal/oggopus"
	"broadcastbot/opusblocks"
	"broadcastbot/uploader"
)

// show is a broadcast at a real gateway, of which a test controls every block.
type show struct {
	server  *httptest.Server
	line    *line // what listeners go through
	plain   bool  // not encrypted, there is no key
	key     opusblocks.Key
	id      string
	upload  *uploader.Upload
	writer  *opusblocks.Writer
	packets [][]byte
	random  *rand.Rand
	size    func() int
}

const token = "a token for tests"

func mustShow(t testing.TB, size func() int) *show {
	t.Helper()
	return mustMake(t, &show{key: opusblocks.NewKey(), size: size})
}

// inBothForms runs a test with a show that is encrypted and with one that is not.
func inBothForms(t *testing.T, size func() int, test func(*testing.T, *show)) {
	t.Run("encrypted", func(t *testing.T) { test(t, mustShow(t, size)) })
	t.Run("plain", func(t *testing.T) { test(t, mustMake(t, &show{plain: true, size: size})) })
}

func mustMake(t testing.TB, s *show) *show {
	t.Helper()
	g, err := gateway.New(gateway.Options{Dir: t.TempDir(), Token: token})
	if err != nil {
		t.Fatal(err)
	}
	s.server, s.random = httptest.NewServer(g.Handler()), rand.New(rand.NewPCG(5, 5))
	t.Cleanup(func() {
		g.Close()
		s.server.Close()
	})
	tus := &uploader.Tus{Client: s.server.Client(), Endpoint: s.server.URL + "/upload", Token: token}
	if s.upload, err = tus.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.id = path.Base(s.upload.URL)
	s.line = mustLine(t, s.server.Listener.Addr().String())
	head := opusblocks.Head{Channels: 1, PreSkip: 312, Title: "Test", Speaker: "@a:x", Started: time.UnixMilli(1795425442479)}
	if file := (&appender{t: t, upload: s.upload}); s.plain {
		s.writer, err = opusblocks.NewPlainWriter(file, head)
	} else {
		s.writer, err = opusblocks.NewWriter(file, s.key, head)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// appender uploads every write with a request of its own.
type appender struct {
	t      testing.TB
	upload *uploader.Upload
	offset int64
}

func (a *appender) Write(p []byte) (int, error) {
	err := a.upload.Append(a.t.Context(), a.offset, bytes.NewReader(p))
	a.offset += int64(len(p))
	return len(p), err
}

// mustSpeak adds n blocks of 100 ms.
func (s *show) mustSpeak(t testing.TB, n int) {
	t.Helper()
	for range n {
		packets := make([][]byte, 5)
		for i := range packets {
			packets[i] = make([]byte, s.size())
			packets[i][0] = 0x78
			for j := range packets[i][1:] {
				packets[i][1+j] = byte(s.random.Uint32())
			}
		}
		if err := s.writer.WriteBlock(packets); err != nil {
			t.Fatal(err)
		}
		s.packets = append(s.packets, packets...)
	}
}

func (s *show) mustFinish(t testing.TB) {
	t.Helper()
	if err := s.writer.Finish(nil, 0); err != nil {
		t.Fatal(err)
	}
	if err := s.upload.Finish(t.Context(), s.writer.Position().Offset); err != nil {
		t.Fatal(err)
	}
}

func (s *show) link() listener.Link {
	return listener.Link{URL: "http://" + s.line.address() + "/live/" + s.id, Key: s.key, Plain: s.plain}
}

func (s *show) mustOpen(t testing.TB) *listener.Stream {
	t.Helper()
	stream, err := listener.Open(t.Context(), s.link(), listener.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stream.Close() })
	return stream
}

func mustRead(t testing.TB, s *listener.Stream) []byte {
	t.Helper()
	packet, err := s.ReadPacket()
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

// mustNext reads and compares the packets that come next.
func mustNext(t testing.TB, s *listener.Stream, want [][]byte) {
	t.Helper()
	for i := range want {
		if !bytes.Equal(mustRead(t, s), want[i]) {
			t.Fatalf("packet %d of %d differs", i, len(want))
		}
	}
}

func mustEnd(t testing.TB, s *listener.Stream) {
	t.Helper()
	if packet, err := s.ReadPacket(); err != io.EOF {
		t.Fatalf("ReadPacket = %d bytes, %v, want io.EOF", len(packet), err)
	}
}

func constant() int { return 80 }

// line is a TCP proxy that can be cut, and that counts connections' requests.
type line struct {
	listener net.Listener
	target   string

	mu       sync.Mutex
	open     []net.Conn
	cut      bool
	requests int
}

func mustLine(t testing.TB, target string) *line {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &line{listener: l, target: target}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { p.carry(conn) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.setCut(true)
		running.Wait()
	})
	return p
}

func (p *line) address() string { return p.listener.Addr().String() }

// setCut breaks all connections, and refuses new ones as long as it is set.
func (p *line) setCut(cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = cut
	if !cut {
		return
	}
	for _, conn := range p.open {
		conn.Close()
	}
	p.open = nil
}

func (p *line) carry(near net.Conn) {
	defer near.Close()
	far, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer far.Close()
	p.mu.Lock()
	if p.cut {
		p.mu.Unlock()
		return
	}
	p.open = append(p.open, near, far)
	p.mu.Unlock()
	var up sync.WaitGroup
	up.Go(func() {
		io.Copy(far, counting{near, p})
		far.Close()
	})
	io.Copy(near, far)
	near.Close()
	up.Wait()
}

// counting counts the requests that pass, one Read for each: they are small.
type counting struct {
	net.Conn
	line *line
}

func (c counting) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.line.mu.Lock()
	defer c.line.mu.Unlock()
	c.line.requests += bytes.Count(b[:n], []byte(" HTTP/1.1\r\n"))
	return n, err
}

func (p *line) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests
}

func TestFollowsFromTheBeginning(t *testing.T) {
	inBothForms(t, constant, testFollowsFromTheBeginning)
}

func testFollowsFromTheBeginning(t *testing.T, s *show) {
	s.mustSpeak(t, 3)
	stream := s.mustOpen(t)
	if head := stream.Head(); head.Title != "Test" || head.PreSkip != 312 || stream.Discard() != 312 {
		t.Errorf("head %+v, discard %d", head, stream.Discard())
	}
	mustNext(t, stream, s.packets)
	for range 5 {
		s.mustSpeak(t, 1)
		mustNext(t, stream, s.packets[len(s.packets)-5:])
	}
	if err := s.writer.KeepAlive(); err != nil {
		t.Fatal(err)
	}
	s.mustFinish(t)
	mustEnd(t, stream)
	if want := 800*time.Millisecond - 312*time.Second/48000; stream.Position() != want {
		t.Errorf("Position = %v, want %v", stream.Position(), want)
	}
	if edge, finished, err := stream.Edge(t.Context()); err != nil || !finished || edge != stream.Position() {
		t.Errorf("Edge = %v, %v, %v", edge, finished, err)
	}
}

func TestGoLive(t *testing.T) {
	inBothForms(t, constant, testGoLive)
}

func testGoLive(t *testing.T, s *show) {
	s.mustSpeak(t, 100)
	stream := s.mustOpen(t)
	if err := stream.GoLive(); err != nil {
		t.Fatal(err)
	}
	if stream.Discard() != 300*48 {
		t.Errorf("Discard = %d, want 300 ms", stream.Discard())
	}
	// A pre-roll and a block before the edge: that is 400 ms.
	mustNext(t, stream, s.packets[len(s.packets)-20:])
	s.mustSpeak(t, 1)
	mustNext(t, stream, s.packets[len(s.packets)-5:])
}

func TestGoLiveBeforeAnySound(t *testing.T) {
	inBothForms(t, constant, testGoLiveBeforeAnySound)
}

func testGoLiveBeforeAnySound(t *testing.T, s *show) {
	stream := s.mustOpen(t)
	if err := stream.GoLive(); err != nil {
		t.Fatal(err)
	}
	s.mustSpeak(t, 1)
	mustNext(t, stream, s.packets)
	if stream.Discard() != 312 {
		t.Errorf("Discard = %d, want the pre-skip", stream.Discard())
	}
}

func TestSeekWhileLiveAndAfter(t *testing.T) {
	inBothForms(t, constant, testSeekWhileLiveAndAfter)
}

func testSeekWhileLiveAndAfter(t *testing.T, s *show) {
	s.mustSpeak(t, 200)
	stream := s.mustOpen(t)
	if err := stream.GoLive(); err != nil {
		t.Fatal(err)
	}
	mustRead(t, stream)
	seek := func(moment time.Duration) {
		t.Helper()
		before := s.line.count()
		if err := stream.SeekTo(moment); err != nil {
			t.Fatal(err)
		}
		if n := s.line.count() - before; n != 1 {
			t.Errorf("seek to %v took %d requests, want 1", moment, n)
		}
		target := int64(moment)*48000/int64(time.Second) + 312
		first := int((target - min(target, 300*48)) / 960)
		mustNext(t, stream, s.packets[first:first+10])
		if want := int(target) - first*960; stream.Discard() != want {
			t.Errorf("seek to %v: discard %d, want %d", moment, stream.Discard(), want)
		}
	}
	moments := []time.Duration{0, 100 * time.Millisecond, time.Second, 7777 * time.Millisecond, 12345678 * time.Microsecond, 19 * time.Second}
	for _, moment := range moments {
		seek(moment)
	}
	if err := stream.SeekTo(time.Hour); err != nil { // beyond the edge is the edge
		t.Fatal(err)
	}
	mustNext(t, stream, s.packets[len(s.packets)-20:])
	s.mustSpeak(t, 1)
	mustNext(t, stream, s.packets[len(s.packets)-5:])

	s.mustFinish(t)
	mustEnd(t, stream)
	for _, moment := range moments {
		seek(moment)
	}
	if err := stream.SeekTo(time.Hour); err != nil {
		t.Fatal(err)
	}
	mustEnd(t, stream)
}

func TestBrokenLineLosesNothing(t *testing.T) {
	inBothForms(t, constant, testBrokenLineLosesNothing)
}

func testBrokenLineLosesNothing(t *testing.T, s *show) {
	s.mustSpeak(t, 10)
	stream := s.mustOpen(t)
	mustNext(t, stream, s.packets)
	for range 3 {
		s.line.setCut(true)
		before := len(s.packets)
		s.mustSpeak(t, 20)
		time.AfterFunc(400*time.Millisecond, func() { s.line.setCut(false) })
		mustNext(t, stream, s.packets[before:])
	}
	s.line.setCut(true)
	s.line.setCut(false)
	s.mustFinish(t)
	mustEnd(t, stream)
}

func TestInterruptedShow(t *testing.T) {
	inBothForms(t, constant, testInterruptedShow)
}

func testInterruptedShow(t *testing.T, s *show) {
	s.mustSpeak(t, 10)
	if err := s.upload.Finish(t.Context(), s.writer.Position().Offset); err != nil {
		t.Fatal(err)
	}
	stream := s.mustOpen(t)
	for range 2 {
		mustNext(t, stream, s.packets)
		if _, err := stream.ReadPacket(); !errors.Is(err, opusblocks.ErrCutOff) {
			t.Fatalf("err = %v, want ErrCutOff", err)
		}
		if err := stream.SeekTo(0); err != nil {
			t.Fatal(err)
		}
	}
	if err := stream.SeekTo(time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.ReadPacket(); !errors.Is(err, opusblocks.ErrCutOff) {
		t.Fatalf("err = %v, want ErrCutOff", err)
	}
}

func TestDeletedShow(t *testing.T) {
	s := mustShow(t, constant)
	s.mustSpeak(t, 2)
	stream := s.mustOpen(t)
	mustNext(t, stream, s.packets)
	if err := s.upload.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.ReadPacket(); !errors.Is(err, listener.ErrGone) {
		t.Errorf("err = %v, want ErrGone", err)
	}
}

func TestWrongLinks(t *testing.T) {
	s := mustShow(t, constant)
	wrongKey := s.link()
	wrongKey.Key = opusblocks.NewKey()
	if _, err := listener.Open(t.Context(), wrongKey, listener.Options{}); !errors.Is(err, opusblocks.ErrWrongKey) {
		t.Errorf("wrong key: %v", err)
	}
	unknown := s.link()
	unknown.URL = s.server.URL + "/live/AAAAAAAAAAAAAAAAAAAAAA"
	if _, err := listener.Open(t.Context(), unknown, listener.Options{}); !errors.Is(err, listener.ErrGone) {
		t.Errorf("unknown show: %v", err)
	}
	noKey := s.link()
	noKey.Plain = true
	if _, err := listener.Open(t.Context(), noKey, listener.Options{}); err == nil || !strings.Contains(err.Error(), "the link has no key") {
		t.Errorf("no key: %v", err)
	}
}

// TestPlainShowBehindAKey: whoever has a key wants what was sealed with it.
func TestPlainShowBehindAKey(t *testing.T) {
	s := mustMake(t, &show{plain: true, size: constant})
	s.mustSpeak(t, 2)
	link := s.link()
	link.Plain, link.Key = false, opusblocks.NewKey()
	if _, err := listener.Open(t.Context(), link, listener.Options{}); !errors.Is(err, opusblocks.ErrNotBlocks) {
		t.Errorf("err = %v, want ErrNotBlocks", err)
	}
	if stream := s.mustOpen(t); !stream.Plain() {
		t.Error("the listener is not told that the show is not encrypted")
	}
}

// TestSeekWithTheTableOfTheLink: where packets vary in size, it makes the first
// request the right one.
func TestSeekWithTheTableOfTheLink(t *testing.T) {
	sizes := rand.New(rand.NewPCG(2, 2))
	inBothForms(t, func() int { return 20 + sizes.IntN(200) }, func(t *testing.T, s *show) {
		var table opusblocks.SeekTable
		for range 200 {
			at := s.writer.Position()
			s.mustSpeak(t, 1)
			table.Add(opusblocks.Block{Offset: at.Offset, Start: at.Samples, Packets: s.packets[:1]})
		}
		s.mustFinish(t)
		link, err := listener.ParseLink("http://x/listen/" + s.id + "#" + s.key.Fragment() + "&seek=" + table.String())
		if err != nil {
			t.Fatal(err)
		}
		full := s.link()
		full.Table = link.Table
		stream, err := listener.Open(t.Context(), full, listener.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer stream.Close()
		before := s.line.count()
		if err := stream.SeekTo(15 * time.Second); err != nil {
			t.Fatal(err)
		}
		mustNext(t, stream, s.packets[(15*48000+312-300*48)/960:][:10])
		if n := s.line.count() - before; n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

func TestParseLink(t *testing.T) {
	key := opusblocks.NewKey()
	const page = "https://radio.example.org/a/listen/AbC_-"
	for text, want := range map[string]struct {
		plain bool
		start time.Duration // -1: none
		table bool
	}{
		" " + page + "#" + key.Fragment() + "\n":                   {false, -1, false},
		page + "#" + key.Fragment() + "&t=12.5":                    {false, 12500 * time.Millisecond, false},
		page + "#" + key.Fragment() + "&wave=AAD_&seek=8wgA&new=1": {false, -1, true},
		page + "#" + key.Fragment() + "&seek=!&t=-1&&=":            {false, -1, false},
		page + "#" + key.Fragment() + "&t=NaN":                     {false, -1, false},
		page + "#" + key.Fragment() + "&t=1e99":                    {false, -1, false},
		page:                                                       {true, -1, false},
		page + "#":                                                 {true, -1, false},
		page + "#t=0":                                              {true, 0, false},
		page + "#seek=8wgA&t=7":                                    {true, 7 * time.Second, true},
		page + "#&wave=AAD_&t=90":                                  {true, 90 * time.Second, false},
	} {
		got, err := listener.ParseLink(text)
		if err != nil || got.URL != "https://radio.example.org/a/live/AbC_-" || got.Plain != want.plain || !got.Plain && got.Key != key {
			t.Errorf("ParseLink(%q) = %v, plain %v, %v", text, got.URL, got.Plain, err)
		}
		start := time.Duration(-1)
		if got.Start != nil {
			start = *got.Start
		}
		if start != want.start || (got.Table.String() != "") != want.table {
			t.Errorf("ParseLink(%q): start %v, table %q", text, start, got.Table)
		}
	}
	for _, bad := range []string{
		"", "https://radio.example.org/listen/abc#short", "https://radio.example.org/listen/abc#short&t=1",
		"ftp://radio.example.org/listen/abc#" + key.Fragment(), "https://radio.example.org/live/abc#" + key.Fragment(),
		"https://radio.example.org/listen/#" + key.Fragment(), "/listen/abc#" + key.Fragment(),
	} {
		if _, err := listener.ParseLink(bad); err == nil {
			t.Errorf("ParseLink(%q) is no error", bad)
		}
	}
}

func TestSaved(t *testing.T) {
	inBothForms(t, constant, testSaved)
}

func testSaved(t *testing.T, s *show) {
	s.mustSpeak(t, 50)
	s.mustFinish(t)
	stream := s.mustOpen(t)
	if err := stream.SeekTo(2 * time.Second); err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	saver := listener.NewSaver(&file, stream)
	var want [][]byte
	for {
		packet, err := stream.ReadPacket()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, packet)
		if err := saver.WritePacket(packet); err != nil {
			t.Fatal(err)
		}
	}
	if err := saver.Close(stream.EndTrim()); err != nil {
		t.Fatal(err)
	}
	saved := oggopus.NewReader(&file)
	for i := range want {
		packet, err := saved.ReadPacket()
		if err != nil || !bytes.Equal(packet.Data, want[i]) {
			t.Fatalf("packet %d: %v", i, err)
		}
	}
	if got := saved.Head().PreSkip; got != stream.Discard() || got < 300*48 {
		t.Errorf("pre-skip %d, want the pre-roll %d", got, stream.Discard())
	}
}
