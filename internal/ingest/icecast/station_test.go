package icecast

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/opus"
	"broadcastbot/internal/testhelp"
	"broadcastbot/store"
)

const (
	password = "right"
	room     = "!room:example.org"
	alice    = "@alice:example.org"
	patience = 2 * time.Minute // for what happens at once on an idle machine
)

// station is a server, on a port of its own and on one that is shared, with what it needs of the
// others: it has the mounts "abc" and "xyz" of Alice, each for a room, and its shows record.
type station struct {
	t      *testing.T
	server *Server
	own    string // host:port
	shared string // host:port

	mu       sync.Mutex
	startErr error
	asked    chan struct{} // StartFor takes one when it is called, and one before it answers; nil: none
	told     []string
	shows    chan *show
	wrong    atomic.Int64 // passwords
	void     atomic.Bool  // all mounts are, but Authorize has not seen it yet
}

// show is what was on air.
type show struct {
	title  string
	source capture.Source
	pcm    []int16
	read   atomic.Int64 // samples so far
	err    error        // why it has ended
	ended  chan struct{}
}

func newStation(t *testing.T, o Options) *station {
	t.Helper()
	s := &station{t: t, shows: make(chan *show, 16)}
	o.Mounts, o.Stage, o.Direct, o.Listeners = s, s, s.tell, s.countListeners
	if o.Grace == 0 {
		o.Grace = patience
	}
	if testing.Verbose() {
		o.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	s.server = New(o)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.own = listener.Addr().String()
	serving := make(chan error, 1)
	go func() { serving <- s.server.Serve(t.Context(), listener) }() // the context ends before the cleanup
	mux := http.NewServeMux()
	mux.Handle(Prefix+"/", s.server.Handler())
	shared := httptest.NewServer(mux)
	s.shared = shared.Listener.Addr().String()
	t.Cleanup(func() {
		s.server.Close()
		shared.Close()
		if err := <-serving; err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *station) Authorize(_ context.Context, mount, given string) (store.Mount, error) {
	if mount != "abc" && mount != "xyz" || subtle.ConstantTimeCompare([]byte(given), []byte(password)) != 1 {
		s.wrong.Add(1)
		return store.Mount{}, store.ErrWrongPassword
	}
	return store.Mount{ID: mount, Room: rooms[mount], Speaker: alice}, nil
}

var rooms = map[string]string{"abc": room, "xyz": "!other:example.org"}

func (s *station) Mount(_ context.Context, in, speaker string) (store.Mount, error) {
	for mount, room := range rooms {
		if in == room && speaker == alice && !s.void.Load() {
			return store.Mount{ID: mount, Room: room, Speaker: alice}, nil
		}
	}
	return store.Mount{}, store.ErrNoMount
}

func (s *station) StartFor(ctx context.Context, by capture.Asker, source, title string) (store.Show, error) {
	if s.asked != nil {
		<-s.asked
		<-s.asked
	}
	s.mu.Lock()
	err := s.startErr
	s.mu.Unlock()
	if err != nil {
		return store.Show{}, err
	}
	if by != (capture.Asker{Room: room, User: alice}) {
		return store.Show{}, fmt.Errorf("a show for %v", by)
	}
	return store.Show{}, s.begin(source, title, capture.Options{})
}

// begin puts a source on air.
func (s *station) begin(spec, title string, o capture.Options) error {
	o.Encoder = opus.EncoderOptions{Channels: 1, Bitrate: 64000, Complexity: 5, Application: opus.Audio}
	source, err := capture.Kinds{s.server.Kind()}.Open(context.Background(), spec, o)
	if err != nil {
		return err
	}
	show := &show{title: title, source: source, ended: make(chan struct{})}
	go show.record(s.t)
	s.shows <- show
	return nil
}

func (s *station) tell(_ context.Context, user, text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, user+": "+text)
	return nil
}

func (s *station) countListeners(in, source string) (int, bool) {
	return 7, in == room && source == "icecast:abc"
}

func (s *station) heard() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.told
}

// isDown reports whether no program is connected.
func (s *show) isDown() bool { return !s.source.(capture.LineSource).LineDown().IsZero() }

// record decodes what the source yields until it ends.
func (s *show) record(t *testing.T) {
	defer close(s.ended)
	defer s.source.Close()
	decoder, err := opus.NewDecoder(1)
	if err != nil {
		t.Error(err)
		return
	}
	for {
		packet, err := s.source.ReadPacket(context.Background())
		if err != nil {
			s.err = err
			break
		}
		frame := make([]int16, opus.MaxPacketSamples)
		n, err := decoder.Decode(packet, frame)
		if err != nil {
			t.Error(err)
		}
		s.pcm = append(s.pcm, frame[:n]...)
		s.read.Store(int64(len(s.pcm)))
	}
	s.pcm = s.pcm[min(s.source.Format().PreSkip, len(s.pcm)) : len(s.pcm)-s.source.EndTrim()]
}

// mustShow returns the next show, when it is over.
func (s *station) mustShow() *show {
	s.t.Helper()
	show := s.mustStart()
	select {
	case <-show.ended:
	case <-time.After(patience):
		s.t.Fatal("the show does not end")
	}
	return show
}

// mustStart returns the next show.
func (s *station) mustStart() *show {
	s.t.Helper()
	select {
	case show := <-s.shows:
		return show
	case <-time.After(patience):
		s.t.Fatal("no show begins")
		return nil
	}
}

// mustHave checks that a show is this sound, as far as it goes, and has so many samples.
func (s *show) mustHave(t *testing.T, samples int, sound func(i int) int16) {
	t.Helper()
	if len(s.pcm) != samples {
		t.Errorf("the show has %d samples, want %d", len(s.pcm), samples)
	}
	const piece = opus.SampleRate / 4
	for start := 0; start+piece <= len(s.pcm); start += piece {
		want := make([]int16, piece)
		for i := range want {
			want[i] = sound(start + i)
		}
		got := s.pcm[start : start+piece]
		if alike := testhelp.Correlation(got, want); alike < 0.9 && max(loudest(got), loudest(want)) > 100 {
			t.Fatalf("at %v it is another sound: correlation %.2f", opus.Duration(int64(start)), alike)
		}
	}
}

func loudest(pcm []int16) (most int) {
	for _, sample := range pcm {
		most = max(most, int(sample), -int(sample))
	}
	return most
}

// sweep is a tone that rises by 300 Hz each second: no two moments of it are alike.
func sweep(i int) int16 {
	t := float64(i) / opus.SampleRate
	return int16(10000 * math.Sin(2*math.Pi*(300*t+150*t*t)))
}

// mustSweep writes seconds of the sweep, from one second on, to a WAV file.
func mustSweep(t *testing.T, from, seconds int) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "sweep.wav")
	raw := make([]byte, 0, 2*seconds*opus.SampleRate)
	for i := range seconds * opus.SampleRate {
		sample := uint16(sweep(from*opus.SampleRate + i))
		raw = append(raw, byte(sample), byte(sample>>8))
	}
	run := mustCommand(t, "ffmpeg", "-v", "error", "-f", "s16le", "-ar", "48000", "-ac", "1", "-i", "-", path)
	run.Stdin = bytes.NewReader(raw)
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// mustOpus makes Ogg Opus of a sweep.
func mustOpus(t *testing.T, from, seconds int, words ...string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sweep.opus")
	words = append([]string{"-v", "error", "-i", mustSweep(t, from, seconds), "-c:a", "libopus", "-b:a", "64k"}, words...)
	if out, err := mustCommand(t, "ffmpeg", append(words, path)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	stream, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

// mustCommand is a program that ends with the test. Where it is not installed, the test is skipped.
func mustCommand(t *testing.T, program string, words ...string) *exec.Cmd {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("needs %s; get it with: apt-get install %s", program, program)
	}
	return exec.CommandContext(t.Context(), program, words...)
}

// head is how a program begins to push, but for its password.
const head = "SOURCE /abc HTTP/1.0\r\n"

func basic(password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("source:"+password)) + "\r\n"
}

// dial sends a head, and returns the connection and the first line of the answer.
func dial(t *testing.T, address, head string) (conn net.Conn, status string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, head+"\r\n"); err != nil {
		t.Fatal(err)
	}
	status, err = readLine(conn)
	if err != nil {
		t.Fatal(err)
	}
	return conn, status
}

// readLine reads a line, and nothing behind it.
func readLine(in io.Reader) (line string, err error) {
	b := make([]byte, 1)
	for {
		if _, err := io.ReadFull(in, b); err != nil {
			return line, err
		}
		if b[0] == '\n' {
			return line, nil
		}
		if b[0] != '\r' {
			line += string(b)
		}
	}
}

var errNotNow = errors.New("not now")
