package listener_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"broadcastbot/internal/link"
	"broadcastbot/internal/listener"
	"broadcastbot/internal/oggopus"
	"broadcastbot/internal/showtest"
	"broadcastbot/opusblocks"
)

// show stands at a real gateway, of which a test controls every block
// and the size of every packet.
type show struct {
	*showtest.Show
	random *rand.Rand
	size   func() int
}

func mustShow(t testing.TB, size func() int) *show {
	t.Helper()
	return &show{showtest.New(t), rand.New(rand.NewPCG(5, 5)), size}
}

func mustPlainShow(t testing.TB, size func() int) *show {
	t.Helper()
	return &show{showtest.NewPlain(t), rand.New(rand.NewPCG(5, 5)), size}
}

// inBothForms runs a test with a show that is encrypted and with one that is not.
func inBothForms(t *testing.T, size func() int, test func(*testing.T, *show)) {
	t.Run("encrypted", func(t *testing.T) { test(t, mustShow(t, size)) })
	t.Run("plain", func(t *testing.T) { test(t, mustPlainShow(t, size)) })
}

// mustSpeak adds n blocks of 100 ms.
func (s *show) mustSpeak(t testing.TB, n int) {
	t.Helper()
	for range n {
		s.Speak(t, s.packets(5))
	}
}

// packets makes n packets of 20 ms.
func (s *show) packets(n int) [][]byte {
	packets := make([][]byte, n)
	for i := range packets {
		packets[i] = make([]byte, s.size())
		packets[i][0] = 0x78
		for j := range packets[i][1:] {
			packets[i][1+j] = byte(s.random.Uint32())
		}
	}
	return packets
}

func (s *show) link() link.Link {
	l := link.Link{Base: s.Line.URL(), ID: s.ID, Key: s.Key, Plain: s.Plain}
	if s.Signed {
		l.Signer = s.Signing.Public().(ed25519.PublicKey)
	}
	return l
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

func TestFollowsFromTheBeginning(t *testing.T) {
	inBothForms(t, constant, testFollowsFromTheBeginning)
}

func testFollowsFromTheBeginning(t *testing.T, s *show) {
	s.mustSpeak(t, 3)
	stream := s.mustOpen(t)
	if head := stream.Head(); head.Title != showtest.Head.Title || head.PreSkip != 312 || stream.Discard() != 312 {
		t.Errorf("head %+v, discard %d", head, stream.Discard())
	}
	mustNext(t, stream, s.Packets)
	for range 5 {
		s.mustSpeak(t, 1)
		mustNext(t, stream, s.Packets[len(s.Packets)-5:])
	}
	if err := s.Writer.KeepAlive(); err != nil {
		t.Fatal(err)
	}
	s.Finish(t)
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
	mustNext(t, stream, s.Packets[len(s.Packets)-20:])
	s.mustSpeak(t, 1)
	mustNext(t, stream, s.Packets[len(s.Packets)-5:])
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
	mustNext(t, stream, s.Packets)
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
		before := len(s.Line.Requests())
		if err := stream.SeekTo(moment); err != nil {
			t.Fatal(err)
		}
		if n := len(s.Line.Requests()) - before; n != 1 {
			t.Errorf("seek to %v took %d requests, want 1", moment, n)
		}
		target := int64(moment)*48000/int64(time.Second) + 312
		first := int((target - min(target, 300*48)) / 960)
		mustNext(t, stream, s.Packets[first:first+10])
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
	mustNext(t, stream, s.Packets[len(s.Packets)-20:])
	s.mustSpeak(t, 1)
	mustNext(t, stream, s.Packets[len(s.Packets)-5:])

	s.Finish(t)
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
	mustNext(t, stream, s.Packets)
	for range 3 {
		s.Line.SetCut(true)
		before := len(s.Packets)
		s.mustSpeak(t, 20)
		time.AfterFunc(400*time.Millisecond, func() { s.Line.SetCut(false) })
		mustNext(t, stream, s.Packets[before:])
	}
	s.Line.SetCut(true)
	s.Line.SetCut(false)
	s.Finish(t)
	mustEnd(t, stream)
}

func TestInterruptedShow(t *testing.T) {
	inBothForms(t, constant, testInterruptedShow)
}

func testInterruptedShow(t *testing.T, s *show) {
	s.mustSpeak(t, 10)
	if err := s.Upload.Finish(t.Context(), s.Writer.Position().Offset); err != nil {
		t.Fatal(err)
	}
	stream := s.mustOpen(t)
	for range 2 {
		mustNext(t, stream, s.Packets)
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
	mustNext(t, stream, s.Packets)
	if err := s.Upload.Delete(t.Context()); err != nil {
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
	unknown.ID = "AAAAAAAAAAAAAAAAAAAAAA"
	if _, err := listener.Open(t.Context(), unknown, listener.Options{}); !errors.Is(err, listener.ErrGone) {
		t.Errorf("unknown show: %v", err)
	}
	noKey := s.link()
	noKey.Plain = true
	if _, err := listener.Open(t.Context(), noKey, listener.Options{}); err == nil || !strings.Contains(err.Error(), "the link has no key") {
		t.Errorf("no key: %v", err)
	}
}

// TestEndlessAnswer: a gateway that sends more than it was asked for, without end, is not read for ever.
func TestEndlessAnswer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Range", "bytes 0-9330/*")
		w.WriteHeader(http.StatusPartialContent)
		for junk := make([]byte, 1<<20); ; {
			if _, err := w.Write(junk); err != nil {
				return
			}
		}
	}))
	t.Cleanup(server.Close)
	l := link.Link{Base: server.URL, ID: "AAAAAAAAAAAAAAAAAAAAAA", Key: opusblocks.NewKey()}
	if _, err := listener.Open(t.Context(), l, listener.Options{}); !errors.Is(err, opusblocks.ErrNotBlocks) {
		t.Errorf("%v, want %v", err, opusblocks.ErrNotBlocks)
	}
}

// TestPlainShowBehindAKey: whoever has a key wants what was sealed with it.
func TestPlainShowBehindAKey(t *testing.T) {
	s := mustPlainShow(t, constant)
	s.mustSpeak(t, 2)
	sealed := s.link()
	sealed.Plain, sealed.Key = false, opusblocks.NewKey()
	if _, err := listener.Open(t.Context(), sealed, listener.Options{}); !errors.Is(err, opusblocks.ErrNotBlocks) {
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
			at := s.Writer.Position()
			s.mustSpeak(t, 1)
			table.Add(opusblocks.Block{Offset: at.Offset, Start: at.Samples, Packets: s.Packets[:1]})
		}
		s.Finish(t)
		written := s.link()
		written.Seek = table
		read, err := link.Parse(written.PageURL())
		if err != nil {
			t.Fatal(err)
		}
		stream, err := listener.Open(t.Context(), read, listener.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer stream.Close()
		before := len(s.Line.Requests())
		if err := stream.SeekTo(15 * time.Second); err != nil {
			t.Fatal(err)
		}
		mustNext(t, stream, s.Packets[(15*48000+312-300*48)/960:][:10])
		if n := len(s.Line.Requests()) - before; n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

func TestSaved(t *testing.T) {
	inBothForms(t, constant, testSaved)
}

func testSaved(t *testing.T, s *show) {
	s.mustSpeak(t, 50)
	s.Finish(t)
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
