package listener_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"broadcastbot/internal/link"
	"broadcastbot/internal/listener"
	"broadcastbot/internal/showtest"
	"broadcastbot/opusblocks"
)

func (s *show) mustFile(t testing.TB) []byte {
	t.Helper()
	response, err := http.Get(s.Line.URL() + "/live/" + s.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	file, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func mustOpenLink(t testing.TB, l link.Link) *listener.Stream {
	t.Helper()
	stream, err := listener.Open(t.Context(), l, listener.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stream.Close() })
	return stream
}

// mustSound reads as many packets as there are, and compares them without what the station adds.
func mustSound(t testing.TB, s *listener.Stream, want [][]byte) {
	t.Helper()
	var got [][]byte
	for range want {
		got = append(got, mustRead(t, s))
	}
	got, want = showtest.Sound(t, got), showtest.Sound(t, want)
	if len(got) != len(want) {
		t.Fatalf("%d packets, want %d", len(got), len(want))
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("packet %d of %d differs", i, len(want))
		}
	}
}

// inSignedForms runs a test with signed shows, one that is encrypted and one that is not.
func inSignedForms(t *testing.T, cheat showtest.Cheat, test func(*testing.T, *show)) {
	for name, plain := range map[string]bool{"encrypted": false, "plain": true} {
		t.Run(name, func(t *testing.T) {
			signed := showtest.Begin(t, showtest.Kind{Plain: plain, Signed: true})
			signed.Cheat = cheat
			test(t, &show{signed, rand.New(rand.NewPCG(5, 5)), constant})
		})
	}
}

// TestClosingHash: a show that was read from its beginning to its end is compared with what was
// announced, over broken lines too; a part of it is not.
func TestClosingHash(t *testing.T) {
	inSignedForms(t, showtest.Cheat{}, func(t *testing.T, s *show) {
		s.mustSpeak(t, 60)
		s.Finish(t)
		hash := sha256.Sum256(s.mustFile(t))
		announced := s.link()
		announced.SHA256 = hash[:]
		stream := mustOpenLink(t, announced)
		mustSound(t, stream, s.Packets[:200])
		s.Line.SetCut(true)
		s.Line.SetCut(false)
		mustAtEnd(t, stream, nil)
		if !stream.Whole() {
			t.Error("the whole recording was not compared")
		}

		hash[0] ^= 1
		mustAtEnd(t, mustOpenLink(t, announced), listener.ErrOtherFile)

		part := mustOpenLink(t, announced)
		if err := part.SeekTo(2 * time.Second); err != nil {
			t.Fatal(err)
		}
		mustAtEnd(t, part, nil)
		if part.Whole() {
			t.Error("a part passes for the whole")
		}
	})
}

// mustAtEnd reads to the end, which is in order unless there is an error.
func mustAtEnd(t testing.TB, s *listener.Stream, want error) {
	t.Helper()
	for {
		_, err := s.ReadPacket()
		if err == nil {
			continue
		}
		if want == nil && err != io.EOF || want != nil && !errors.Is(err, want) {
			t.Fatalf("at the end: %v, want %v", err, want)
		}
		return
	}
}

// TestSignedShow: it is heard live, from the middle and from its beginning, and tells when its sound
// was captured, whatever the gateway says.
func TestSignedShow(t *testing.T) {
	const heldBack = 40 * time.Second
	inSignedForms(t, showtest.Cheat{HeldBack: heldBack}, func(t *testing.T, s *show) {
		s.mustSpeak(t, 200)
		stream := mustOpenLink(t, s.link())
		if _, ok := stream.Delay(time.Now()); ok || !stream.Signed() {
			t.Error("something is proven before anything was read")
		}
		if err := stream.GoLive(); err != nil {
			t.Fatal(err)
		}
		mustSound(t, stream, s.Packets[len(s.Packets)-20:])
		// The test speaks faster than real time.
		if delay, ok := stream.Delay(time.Now()); !ok || delay < heldBack-5*time.Second {
			t.Errorf("captured %v ago, %v, and held back for %v", delay, ok, heldBack)
		}
		before := len(s.Line.Requests())
		if err := stream.SeekTo(10 * time.Second); err != nil {
			t.Fatal(err)
		}
		if n := len(s.Line.Requests()) - before; n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
		if _, ok := stream.Delay(time.Now()); !ok {
			t.Error("what comes after a seek is not covered")
		}
		mustSound(t, stream, s.Packets[(10*48000+312-300*48)/960:][:10])
	})
}

// TestCapturedBehindAPause: what is spoken after an hour of silence is not an hour old, and before the
// station has signed it nobody says how old it is.
func TestCapturedBehindAPause(t *testing.T) {
	inSignedForms(t, showtest.Cheat{HeldBack: time.Hour}, func(t *testing.T, s *show) {
		s.mustSpeak(t, 10)
		stream := mustOpenLink(t, s.link())
		mustSound(t, stream, s.Packets)
		if delay, ok := stream.Delay(time.Now()); !ok || delay < 59*time.Minute {
			t.Errorf("before the pause: %v ago, %v", delay, ok)
		}
		if err := s.Writer.KeepAlive(); err != nil {
			t.Fatal(err)
		}
		s.HeldBack = 0
		s.mustSpeak(t, 10)
		for _, from := range []time.Duration{-1, 0} { // as it comes, and after a jump over the pause
			if from == 0 {
				if err := stream.SeekTo(1500 * time.Millisecond); err != nil {
					t.Fatal(err)
				}
			}
			mustRead(t, stream)
			if delay, ok := stream.Delay(time.Now()); !ok || delay.Abs() > 10*time.Second {
				t.Errorf("behind the pause: %v ago, %v", delay, ok)
			}
		}
	})
}

// TestDelayOfWhatIsNotProven: sound that no checkpoint has proven yet makes nothing earlier than the
// last one was.
func TestDelayOfWhatIsNotProven(t *testing.T) {
	const heldBack = 12 * time.Second
	inSignedForms(t, showtest.Cheat{HeldBack: heldBack}, func(t *testing.T, s *show) {
		s.mustSpeak(t, 200) // 4 s, of which only the first block has a checkpoint
		stream := mustOpenLink(t, s.link())
		mustSound(t, stream, s.Packets)
		if delay, ok := stream.Delay(time.Now()); !ok || delay < heldBack {
			t.Errorf("%v late, %v, and nothing was proven in less than %v", delay, ok, heldBack)
		}
	})
}

// TestForgedByAMember: somebody who has the key of a show, but not that of its station, is told from it.
func TestForgedByAMember(t *testing.T) {
	inSignedForms(t, showtest.Cheat{}, func(t *testing.T, s *show) {
		forged := s.link()
		forged.Signer = bytes.Repeat([]byte{1}, 32)
		s.mustSpeak(t, 60)
		if _, err := listener.Open(t.Context(), forged, listener.Options{}); !errors.Is(err, opusblocks.ErrCheckpoint) {
			t.Errorf("a show of another station: %v", err)
		}
		unsigned := s.link()
		unsigned.Signer = nil
		if stream := mustOpenLink(t, unsigned); stream.Signed() || len(mustRead(t, stream)) == 0 {
			t.Error("a link without a signer proves something")
		}
	})
}

// TestUnproven: whatever ends a signed show, it is said that what was heard since the last checkpoint
// may not come from the station.
func TestUnproven(t *testing.T) {
	for name, end := range map[string]func(*show){
		"cut off": func(s *show) { s.Close(t) },
		"deleted": func(s *show) { s.Delete(t) },
		"spoilt":  func(s *show) { s.Append(t, bytes.Repeat([]byte{1}, 100)) },
	} {
		t.Run(name, func(t *testing.T) {
			inSignedForms(t, showtest.Cheat{}, func(t *testing.T, s *show) {
				s.mustSpeak(t, 60)
				stream := mustOpenLink(t, s.link())
				mustSound(t, stream, s.Packets)
				end(s)
				mustAtEnd(t, stream, listener.ErrUnproven)
			})
		})
	}
}
