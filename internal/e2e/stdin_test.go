package e2e

import (
	"context"
	"encoding/binary"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"broadcastbot/internal/opus"
	"broadcastbot/store"
)

// TestStandardInput: of what is said into the standard input, only what is said during the show is
// heard, also in the second one.
func TestStandardInput(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var pitched atomic.Bool // what is said is the pitch that nobody shall hear
	pitched.Store(true)
	speaking := speakInto(t, write, &pitched)
	h := mustTheatreFed(t, "pipe:-", read)
	read.Close()
	for range 2 {
		for spoken, start := speaking.Load(), time.Now(); speaking.Load() < spoken+100; time.Sleep(20 * time.Millisecond) {
			if time.Since(start) > time.Minute { // two seconds of sound, that is
				t.Fatal("who speaks is kept waiting")
			}
		}
		pitched.Store(false)
		h.mustSay(t, "!live start")
		live, _ := h.mustState(t, store.StateLive)
		stream := mustStream(t, live)
		heard := mustFirst(t, stream, 150)
		if share := shareOfPitch(t, heard); share > 0.01 {
			t.Errorf("%.0f %% of what is heard was said before the show", 100*share)
		}
		h.mustSay(t, "!live stop")
		h.mustState(t, store.StateEnded)
		pitched.Store(true)
	}
}

// speakInto writes raw samples at the pace of real time until the test ends: the note, or something
// lower. It counts the pieces of 20 ms that it has written.
func speakInto(t *testing.T, out *os.File, pitched *atomic.Bool) *atomic.Int64 {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var pieces atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticks := time.NewTicker(20 * time.Millisecond)
		defer ticks.Stop()
		for i := 0; ctx.Err() == nil; i += opus.FrameSize {
			<-ticks.C
			var piece []byte
			for j := i; j < i+opus.FrameSize; j++ {
				sample := note(j / 3)
				if pitched.Load() {
					sample = note(j)
				}
				piece = binary.LittleEndian.AppendUint16(piece, uint16(sample))
			}
			if _, err := out.Write(piece); err != nil {
				return
			}
			pieces.Add(1)
		}
	}()
	t.Cleanup(func() { cancel(); out.Close(); <-done })
	return &pieces
}
