// Package showtest gives tests shows at a real gateway, of which they control
// every block, and a line to it that they can cut.
package showtest

import (
	"bytes"
	"crypto/ed25519"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"broadcastbot/internal/gateway"
	"broadcastbot/internal/link"
	"broadcastbot/internal/recordings"
	"broadcastbot/opusblocks"
	"broadcastbot/uploader"
)

// PerBlock is how many packets a block has.
const PerBlock = 5

// PacketDuration is how long a packet lasts.
const PacketDuration = 20 * time.Millisecond

// Head is what the shows say of themselves.
var Head = opusblocks.Head{Channels: 1, PreSkip: 312, Title: "Town hall", Speaker: "@alice:example.org", Started: time.UnixMilli(1795425442479)}

// Kind says what kinds of shows there are.
type Kind struct {
	Plain  bool // not encrypted, and so without a key
	Signed bool // with checkpoints, and a link that names the signer
}

// Cheat is what happens to blocks on their way.
type Cheat struct {
	HeldBack time.Duration             // how much later they leave than they were made
	Tamper   func(block []byte) []byte // makes others of them; nil: nothing does
}

// Show is a broadcast at a gateway of its own.
type Show struct {
	Kind
	Cheat
	Server  *httptest.Server // the gateway itself
	Line    *Line            // what listeners go through
	ID      string
	Key     opusblocks.Key
	Signing ed25519.PrivateKey
	Upload  uploader.Upload
	Writer  *opusblocks.Writer
	Packets [][]byte    // that were sent
	Full    []time.Time // when each block of them was full, and left

	offset  int64
	held    *bytes.Buffer // blocks that wait to be sent together
	ago     time.Duration // since what is being spoken was captured
	deleted atomic.Bool
}

const token = "a token for tests"

// New begins a show that is encrypted and not signed.
func New(t testing.TB) *Show { return Begin(t, Kind{}) }

// NewPlain begins a show that is neither.
func NewPlain(t testing.TB) *Show { return Begin(t, Kind{Plain: true}) }

// NewSigned begins a show that is both.
func NewSigned(t testing.TB) *Show { return Begin(t, Kind{Signed: true}) }

// Begin begins a show of any kind.
func Begin(t testing.TB, kind Kind) *Show {
	t.Helper()
	s := Reserve(t, kind)
	var err error
	s.Writer, err = s.form().NewWriter(appender{t, s}, Head)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *Show) form() opusblocks.Form {
	form := opusblocks.Sealed(s.Key)
	if s.Plain {
		form = opusblocks.Plain()
	}
	if !s.Signed {
		return form
	}
	return form.Signing(s.Signing, func() time.Time { return time.Now().Add(-s.ago - s.HeldBack) })
}

// Reserve makes the place for a show, which has no bytes yet.
func Reserve(t testing.TB, kind Kind) *Show {
	t.Helper()
	catalogue, err := recordings.Open(recordings.Disk(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	g, err := gateway.New(gateway.Options{Recordings: catalogue, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	_, signing, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &Show{Kind: kind, Server: httptest.NewServer(g.Handler()), Key: opusblocks.NewKey(), Signing: signing}
	t.Cleanup(func() {
		g.Close()
		s.Server.Close()
	})
	tus := &uploader.Tus{Client: s.Server.Client(), Endpoint: s.Server.URL + "/upload", Token: token}
	if s.Upload, err = tus.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.ID = s.Upload.ID()
	s.Line = NewLine(t, s.Server.Listener.Addr().String())
	return s
}

// appender uploads every write with a request of its own.
type appender struct {
	t    testing.TB
	show *Show
}

func (a appender) Write(p []byte) (int, error) {
	n := len(p)
	if a.show.Tamper != nil {
		p = a.show.Tamper(p)
	}
	if a.show.held != nil {
		return a.show.held.Write(p)
	}
	return n, a.show.append(a.t, p)
}

func (s *Show) append(t testing.TB, p []byte) error {
	err := s.Upload.Append(t.Context(), s.offset, bytes.NewReader(p))
	s.offset += int64(len(p))
	return err
}

// Append uploads bytes as they are.
func (s *Show) Append(t testing.TB, p []byte) {
	t.Helper()
	if err := s.append(t, p); err != nil {
		t.Fatal(err)
	}
}

// Speak adds packets, in blocks, as if the last of them had been captured right now.
func (s *Show) Speak(t testing.TB, packets [][]byte) {
	t.Helper()
	s.eachBlock(packets, func(block [][]byte) {
		if err := s.speak(block); err != nil {
			t.Fatal(err)
		}
	})
}

// eachBlock gives out packets in blocks, and sets how long ago each was captured.
func (s *Show) eachBlock(packets [][]byte, write func([][]byte)) {
	s.ago = time.Duration(len(packets)) * PacketDuration
	for block := range slices.Chunk(packets, PerBlock) {
		s.ago -= time.Duration(len(block)) * PacketDuration
		write(block)
	}
}

func (s *Show) speak(block [][]byte) error {
	s.Packets = append(s.Packets, block...)
	s.Full = append(s.Full, time.Now())
	return s.Writer.WriteBlock(block)
}

// Hurry speaks as Speak does, and sends all of it at once.
func (s *Show) Hurry(t testing.TB, packets [][]byte) {
	t.Helper()
	s.held = new(bytes.Buffer)
	s.Speak(t, packets)
	together := s.held.Bytes()
	s.held = nil
	s.Append(t, together)
}

// Air speaks in real time, a block as soon as it is full, until the packets, the
// show or the test are at their end. The show belongs to it until then; wait
// waits for that.
func (s *Show) Air(t testing.TB, packets [][]byte) (wait func()) {
	start := time.Now()
	var speaking sync.WaitGroup
	speaking.Go(func() {
		n := 0
		for block := range slices.Chunk(packets, PerBlock) {
			n += len(block)
			select {
			case <-time.After(time.Until(start.Add(time.Duration(n) * PacketDuration))):
			case <-t.Context().Done():
				return
			}
			if err := s.speak(block); err != nil {
				if t.Context().Err() == nil && !s.deleted.Load() {
					t.Error(err)
				}
				return
			}
		}
	})
	t.Cleanup(speaking.Wait)
	return speaking.Wait
}

// Finish ends the show in order.
func (s *Show) Finish(t testing.TB) {
	t.Helper()
	if err := s.Writer.Finish(nil, 0); err != nil {
		t.Fatal(err)
	}
	s.Close(t)
}

// Close finishes the file as it is: without the end of the show, it was
// interrupted.
func (s *Show) Close(t testing.TB) {
	t.Helper()
	if err := s.Upload.Finish(t.Context(), s.offset); err != nil {
		t.Fatal(err)
	}
}

// Delete removes the show from the gateway.
func (s *Show) Delete(t testing.TB) {
	t.Helper()
	s.deleted.Store(true)
	if err := s.Upload.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Link is the show's link, through the line.
func (s *Show) Link() string {
	l := link.Link{Base: s.Line.URL(), ID: s.ID, Plain: s.Plain, Key: s.Key}
	if s.Signed {
		l.Signer = s.Signing.Public().(ed25519.PublicKey)
	}
	return l.PageURL()
}

// Blocks returns the blocks of a finished show of this kind, the head first and the end last.
func (s *Show) Blocks(t testing.TB, packets [][]byte) (blocks [][]byte) {
	t.Helper()
	w, err := s.form().NewWriter(each(func(block []byte) { blocks = append(blocks, bytes.Clone(block)) }), Head)
	if err != nil {
		t.Fatal(err)
	}
	s.eachBlock(packets, func(block [][]byte) {
		if err := w.WriteBlock(block); err != nil {
			t.Fatal(err)
		}
	})
	if err := w.Finish(nil, 0); err != nil {
		t.Fatal(err)
	}
	return blocks
}

type each func([]byte)

func (f each) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}
