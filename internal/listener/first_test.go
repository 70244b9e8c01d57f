package listener_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"broadcastbot/internal/listener"
	"broadcastbot/internal/showtest"
	"broadcastbot/opusblocks"
)

// TestForgedHead: nobody but the station says who speaks in its show.
func TestForgedHead(t *testing.T) {
	const imposter = "@mayor:example.org"
	for name, plain := range map[string]bool{"encrypted": false, "plain": true} {
		t.Run(name, func(t *testing.T) {
			s := &show{showtest.Reserve(t, showtest.Kind{Plain: plain, Signed: true}), rand.New(rand.NewPCG(5, 5)), constant}
			blocks := s.Blocks(t, s.packets(30))
			s.Append(t, s.ForgeHead(t, blocks[0], showtest.Head.Speaker, imposter))
			for _, block := range blocks[1:] {
				s.Append(t, block)
			}
			if _, err := listener.Open(t.Context(), s.link(), listener.Options{}); !errors.Is(err, opusblocks.ErrCheckpoint) {
				t.Errorf("a forged head: %v", err)
			}
			unsigned := s.link()
			unsigned.Signer = nil
			if stream := mustOpenLink(t, unsigned); stream.Head().Speaker != imposter {
				t.Errorf("the speaker is %q: nothing was forged", stream.Head().Speaker)
			}
		})
	}
}

// TestWaitsForTheFirstCheckpoint: what a show is called is not known before its station has signed it.
func TestWaitsForTheFirstCheckpoint(t *testing.T) {
	inSignedForms(t, showtest.Cheat{}, func(t *testing.T, s *show) {
		if err := s.Writer.KeepAlive(); err != nil {
			t.Fatal(err)
		}
		waits := make(chan struct{})
		opened := make(chan *listener.Stream)
		go func() {
			stream, err := listener.Open(t.Context(), s.link(), listener.Options{Waiting: func() { close(waits) }})
			if err != nil {
				t.Error(err)
			}
			opened <- stream
		}()
		<-waits
		select {
		case <-opened:
			t.Fatal("it does not wait")
		case <-time.After(50 * time.Millisecond):
		}
		s.mustSpeak(t, 1)
		stream := <-opened
		if stream == nil {
			return
		}
		defer stream.Close()
		s.mustSpeak(t, 60)
		mustSound(t, stream, s.Packets)
		s.Finish(t)
		mustAtEnd(t, stream, nil)
	})
}

// TestLongFirstBlock: a block that is larger than the first request proves the head too.
func TestLongFirstBlock(t *testing.T) {
	inSignedForms(t, showtest.Cheat{}, func(t *testing.T, s *show) {
		s.size = func() int { return 1200 }
		if err := s.Writer.WriteBlock(s.packets(10)); err != nil {
			t.Fatal(err)
		}
		mustOpenLink(t, s.link())
	})
}
