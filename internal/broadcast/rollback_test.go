package broadcast

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/gateway"
	"broadcastbot/internal/link"
	"broadcastbot/internal/listener"
	"broadcastbot/internal/showtest"
	"broadcastbot/opusblocks"
	"broadcastbot/store"
	"broadcastbot/uploader"
)

// wiretap keeps all that ever left for one file: each upload, with what stood before it.
type wiretap struct {
	mu    sync.Mutex
	file  []byte   // as the gateway has it
	files [][]byte // all that it ever was
}

// tap notes the uploads to a gateway. Afterwards the tapped file is as the gateway has it.
func (w *wiretap) tap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(response http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch {
			offset, _ := strconv.ParseInt(r.Header.Get("Upload-Offset"), 10, 64)
			r.Body = &tappedBody{ReadCloser: r.Body, tap: w, offset: offset}
		}
		next.ServeHTTP(response, r)
	})
}

type tappedBody struct {
	io.ReadCloser
	tap    *wiretap
	offset int64
}

func (b *tappedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.tap.note(b.offset, p[:n])
	b.offset += int64(n)
	return n, err
}

func (w *wiretap) note(offset int64, part []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if offset < int64(len(w.file)) {
		w.files = append(w.files, bytes.Clone(w.file))
	}
	if offset <= int64(len(w.file)) {
		w.file = append(w.file[:offset:offset], part...)
	}
}

// all returns every file that left.
func (w *wiretap) all() [][]byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append(w.files, w.file)
}

// site is a machine with a station on it: manager, gateway, and a folder with all that they keep.
type site struct {
	*studio
	gateway *gateway.Gateway
	tap     wiretap
}

// mustSite starts a station on what is in a folder. Listeners reach it at publicURL.
func mustSite(t *testing.T, dir, publicURL string) *site {
	t.Helper()
	s := &site{studio: &studio{room: new(room), dir: dir}}
	for _, recording := range mustGlob(t, filepath.Join(dir, "recordings", "*.part")) {
		s.tap.file = mustReadFile(t, recording)
	}
	s.gateway = mustOpenGateway(t, dir, gateway.Options{})
	s.server = httptest.NewServer(s.tap.tap(s.gateway.Handler()))
	s.Manager = mustManager(t, dir, s.server.URL, s.room, s.open)
	s.PublicURL, s.ResumeWithin = publicURL, time.Hour
	s.runs(t)
	t.Cleanup(s.mustDie)
	return s
}

func mustGlob(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func mustReadFile(t *testing.T, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// mustDie ends a station as a power cut does: nothing more leaves it.
func (s *site) mustDie() {
	s.server.CloseClientConnections()
	s.server.Close()
	s.gateway.Close()
	s.endLife()
	s.end()
}

// snapshot copies what a station keeps, all of one moment, while it runs. The disk has a block before
// the gateway has it, so the gateway's files are copied first.
func (s *site) snapshot(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, folder := range []string{"recordings", "spool"} {
		if err := os.CopyFS(filepath.Join(dir, folder), os.DirFS(filepath.Join(s.dir, folder))); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "key"), mustReadFile(t, filepath.Join(s.dir, "key")), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Options.Store.DB().Exec("VACUUM INTO ?", filepath.Join(dir, "db")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// front is the address that listeners know, whichever machine is behind it.
type front struct {
	server *httptest.Server
	behind atomic.Pointer[site]
}

func mustFront(t *testing.T) *front {
	t.Helper()
	f := new(front)
	f.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.behind.Load().gateway.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(f.server.Close)
	return f
}

// mustRead reads packets until so many have been read.
func mustRead(t *testing.T, stream *listener.Stream, n int) (packets [][]byte) {
	t.Helper()
	for len(packets) < n {
		packet, err := stream.ReadPacket()
		if err != nil {
			t.Fatalf("after %d packets: %v", len(packets), err)
		}
		packets = append(packets, packet)
	}
	return packets
}

// TestRestoredFromACopy: a station dies in the middle of a show, and goes on from a copy of its disk,
// recordings included, that is some seconds older. So it does not know of blocks that it has sent.
func TestRestoredFromACopy(t *testing.T) {
	t.Parallel()
	for name, plain := range map[string]bool{"encrypted": false, "plain": true} {
		t.Run(name, func(t *testing.T) { testRestoredFromACopy(t, plain) })
	}
}

func testRestoredFromACopy(t *testing.T, plain bool) {
	public := mustFront(t)
	first := mustSite(t, t.TempDir(), public.server.URL)
	first.plain = plain
	public.behind.Store(first)
	show := first.mustStart(t, "tone:440")
	witness := first.mustStream(t, show)
	heard := mustRead(t, witness, 25)
	copied := first.snapshot(t)
	heard = append(heard, mustRead(t, witness, 100)...)

	first.mustDie()
	second := mustSite(t, copied, public.server.URL)
	public.behind.Store(second)
	second.begin()
	<-second.resumed
	again := second.mustStream(t, show)
	for len(mustRead(t, again, 1)) > 0 && again.Position() < witness.Position()+time.Second { // goes on beyond what was sent before
	}
	mustNotContinue(t, witness, heard, first.tape.packets)
	if _, err := second.Stop(t.Context(), "!r:x"); err != nil {
		t.Fatal(err)
	}
	end := second.mustConclude(t)
	if end.ID != show.ID || end.State() != store.StateEnded {
		t.Errorf("show %s is %s, want %s", end.ID, end.State(), show.ID)
	}
	replay := showtest.Sound(t, mustHear(t, second.mustStream(t, show)))
	kept := len(replay) - len(second.tape.packets)
	mustEqual(t, replay, append(heard[:kept:kept], second.tape.packets...))
	if !plain {
		if n := showtest.SealedOnce(t, show.Main().Key, append(first.tap.all(), second.tap.all()...)); n != 2 {
			t.Errorf("%d epochs, want that of before and that of after", n)
		}
	}
}

// mustNotContinue: who has heard what the restored station does not know is not told that the show is
// over, or was interrupted; nor do they hear anything as if it were what comes next.
func mustNotContinue(t *testing.T, witness *listener.Stream, heard, sent [][]byte) {
	t.Helper()
	var err error
	for packet := []byte(nil); err == nil; { // what has arrived already comes first
		if packet, err = witness.ReadPacket(); err == nil {
			heard = append(heard, packet)
		}
		if len(heard) > len(sent) {
			t.Fatal("the witness hears on")
		}
	}
	if !errors.Is(err, listener.ErrNotContinued) || errors.Is(err, opusblocks.ErrCutOff) {
		t.Errorf("the witness is told %v", err)
	}
	mustEqual(t, heard, sent[:len(heard)])
}

// TestEndedShowStaysOffAir: the room was told that the show is over. A copy of the disk, recordings
// included, from before that does not open the microphone again.
func TestEndedShowStaysOffAir(t *testing.T) {
	t.Parallel()
	public := mustFront(t)
	first := mustSite(t, t.TempDir(), public.server.URL)
	public.behind.Store(first)
	show := first.mustStart(t, "tone:440")
	mustRead(t, first.mustStream(t, show), 25)
	copied := first.snapshot(t)
	if _, err := first.Stop(t.Context(), "!r:x"); err != nil {
		t.Fatal(err)
	}
	first.mustConclude(t)
	first.mustDie()

	second := mustSite(t, copied, public.server.URL)
	public.behind.Store(second)
	second.room = first.room
	second.Announcer, second.Media = first.room, first.room
	second.OpenSource = func(context.Context, string, capture.Options) (capture.Source, error) {
		t.Error("the microphone was opened")
		return nil, io.ErrUnexpectedEOF
	}
	if end := second.mustConclude(t); end.State() != store.StateInterrupted || end.Reason != reason(errRestarted) {
		t.Errorf("the show is %s because %q", end.State(), end.Reason)
	}
}

// TestTwins: two stations run on copies of one disk at the same time, and both go on with the show.
func TestTwins(t *testing.T) {
	t.Parallel()
	public := mustFront(t)
	first := mustSite(t, t.TempDir(), public.server.URL)
	public.behind.Store(first)
	show := first.mustStart(t, "tone:440")
	mustRead(t, first.mustStream(t, show), 25)
	twins := []*site{first}
	for range 2 {
		twin := mustSite(t, first.snapshot(t), public.server.URL)
		public.behind.Store(twin)
		twin.begin()
		<-twin.resumed
		mustRead(t, twin.mustStream(t, show), 100)
		twins = append(twins, twin)
	}
	var left [][]byte
	for _, twin := range twins {
		if _, err := twin.Stop(t.Context(), "!r:x"); err != nil {
			t.Fatal(err)
		}
		twin.mustSettle(t)
		left = append(left, twin.tap.all()...)
	}
	if n := showtest.SealedOnce(t, show.Main().Key, left); n != 3 {
		t.Errorf("%d epochs, want one for each station", n)
	}
}

// TestTwinsAtOneGateway: the two stations send to one gateway, so that its file is made of both.
func TestTwinsAtOneGateway(t *testing.T) {
	t.Parallel()
	public := mustFront(t)
	first := mustSite(t, t.TempDir(), public.server.URL)
	public.behind.Store(first)
	show := first.mustStart(t, "tone:440")
	mustRead(t, first.mustStream(t, show), 25)
	twin := mustSite(t, first.snapshot(t), public.server.URL)
	twin.Gateway = first.Gateway
	twin.begin()
	<-twin.resumed
	stream := twin.mustStream(t, show)
	for _, err := stream.ReadPacket(); err == nil; _, err = stream.ReadPacket() {
		if stream.Position() > 2*time.Second {
			break
		}
	}
	for _, s := range []*site{twin, first} { // what is then still to be done may never work
		if _, err := s.Stop(t.Context(), "!r:x"); err != nil && !errors.Is(err, ErrNotLive) {
			t.Fatal(err)
		}
	}
	showtest.SealedOnce(t, show.Main().Key, first.tap.all())
}

// mustBeSetBack is a station at a remote gateway whose disk is set back to where the show had 25
// packets, after the station has done something more. The new one tells the same room.
func mustBeSetBack(t *testing.T, more func(*site, *listener.Stream)) (second *site, show store.Show) {
	t.Helper()
	remote := mustGateway(t, t.TempDir(), gateway.Options{})
	at := &uploader.Tus{Client: http.DefaultClient, Endpoint: remote.URL + "/upload", Token: testToken}
	first := mustSite(t, t.TempDir(), remote.URL)
	first.Gateway = at
	show = first.mustStart(t, "tone:440")
	stream := first.mustStream(t, show)
	mustRead(t, stream, 25)
	copied := first.snapshot(t)
	more(first, stream)
	first.mustDie()
	second = mustSite(t, copied, remote.URL)
	second.Gateway, second.room = at, first.room
	second.Announcer, second.Media = first.room, first.room
	return second, show
}

// stopped is what has become of a show that ends in order.
func stopped(t *testing.T) func(*site, *listener.Stream) {
	return func(s *site, stream *listener.Stream) {
		mustRead(t, stream, 50)
		if _, err := s.Stop(t.Context(), "!r:x"); err != nil {
			t.Fatal(err)
		}
		s.mustConclude(t)
	}
}

// TestOlderDiskRetellsNothing: a room that was told how its show has ended is not told how an older
// copy of the disk has it, whether the gateway answers the station or not.
func TestOlderDiskRetellsNothing(t *testing.T) {
	t.Parallel()
	for name, token := range map[string]string{"the gateway has more": testToken, "the gateway says nothing": "wrong"} {
		t.Run(name, func(t *testing.T) {
			s, show := mustBeSetBack(t, stopped(t))
			s.Gateway = &uploader.Tus{Client: http.DefaultClient, Endpoint: show.Main().Gateway + "/upload", Token: token}
			edits := len(s.room.updated)
			s.mustSettle(t)
			if len(s.room.updated) > edits || len(s.room.voiced) != 1 {
				t.Errorf("the room got %d edits more, and %d voice messages", len(s.room.updated)-edits, len(s.room.voiced))
			}
			last := s.room.updated[edits-1]
			mustHear(t, s.mustReplay(t, last))
			left := s.mustList(t, store.Filter{})[0]
			if last.State() != store.StateEnded || left.Stage != store.Concluded || !left.VoiceMayBePosted() {
				t.Errorf("the room reads that it is %s; on record it is %s, with %v", last.State(), left.Stage, left.Steps)
			}
			s.Gateway.(*uploader.Tus).Token = testToken
			s.mustDelete(t, show)
		})
	}
}

// TestOlderDiskOfAShowOnAir: a room that believes that its show is on air is told that it is not, and
// nothing that is not true of the gateway's file.
func TestOlderDiskOfAShowOnAir(t *testing.T) {
	t.Parallel()
	s, show := mustBeSetBack(t, func(_ *site, stream *listener.Stream) { mustRead(t, stream, 50) })
	end := s.mustConclude(t)
	if len(s.room.voiced) > 0 || end.State() != store.StateInterrupted || end.Main().SHA256 != "" || end.Main().Extent != (store.Extent{}) {
		t.Errorf("%d voice messages, the show is %s, as %+v", len(s.room.voiced), end.State(), end.Main().Recap)
	}
	if len(mustReadFile(t, s.spoolPath(show.ID))) == 0 {
		t.Error("the spool is empty")
	}
	stream := s.mustReplay(t, end)
	heard, err := 0, error(nil)
	for ; err == nil; heard++ {
		_, err = stream.ReadPacket()
	}
	if heard < 75 || !errors.Is(err, opusblocks.ErrCutOff) {
		t.Errorf("%d packets are heard, then %v", heard, err)
	}
}

// mustReplay opens the link that a room is told at the end.
func (s *studio) mustReplay(t *testing.T, show store.Show) *listener.Stream {
	t.Helper()
	address, err := link.Parse(show.Main().ReplayURL())
	if err != nil {
		t.Fatal(err)
	}
	stream, err := listener.Open(t.Context(), address, listener.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stream.Close() })
	return stream
}
