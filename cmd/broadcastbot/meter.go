package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"broadcastbot/internal/listener"
	"broadcastbot/internal/opus"
	"broadcastbot/internal/text"
)

// meterInterval is how often the moving line is written, edgeInterval how often
// the gateway is asked how far the show has got.
const (
	meterInterval = time.Second / 4
	edgeInterval  = 2 * time.Second
)

// meter writes one moving line: what is heard, where, and how far behind.
type meter struct {
	out      io.Writer
	stream   *listener.Stream
	channels int

	samples int64      // heard so far, per channel
	level   opus.Level // of the sound since the last line
	drawn   time.Time

	mu       sync.Mutex
	edge     time.Duration // of the show
	finished bool          // there will be no more
}

func newMeter(out io.Writer, stream *listener.Stream, edge time.Duration, finished bool) *meter {
	return &meter{out: out, stream: stream, channels: stream.Head().Channels, edge: edge, finished: finished}
}

// watch asks in the background how far the show has got, until stop is called. It
// ignores errors: the stream has its own way to deal with them.
func (m *meter) watch(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var asking sync.WaitGroup
	asking.Go(func() {
		ticker := time.NewTicker(edgeInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
			if edge, finished, err := m.stream.Edge(ctx); err == nil {
				m.mu.Lock()
				m.edge, m.finished = edge, finished
				m.mu.Unlock()
			}
		}
	})
	return func() {
		cancel()
		asking.Wait()
	}
}

// add measures sound that will be heard after queued, the sound ahead of it.
func (m *meter) add(pcm []int16, queued time.Duration) {
	m.level.Add(pcm)
	m.samples += int64(len(pcm) / m.channels)
	if now := time.Now(); now.Sub(m.drawn) > meterInterval {
		m.drawn = now
		m.draw(queued)
	}
}

// heard returns how much sound there was.
func (m *meter) heard() time.Duration { return opus.Duration(m.samples) }

func (m *meter) draw(queued time.Duration) {
	m.mu.Lock()
	edge, finished := max(m.edge, m.stream.Position()), m.finished
	m.mu.Unlock()
	at := m.stream.Position() - queued
	state := "of " + clock(edge)
	if !finished {
		captured, ok := m.stream.Captured()
		state = liveState(time.Since(captured)+queued, ok, edge-at)
	}
	fmt.Fprintf(m.out, "\r%s  %s  %-48s", bar(m.level.RMS()), clock(at), state)
	m.level = opus.Level{}
}

// isLive is how late sound may be that counts as live.
const isLive = 10 * time.Second

// liveState says how late the sound of a running show is: by the time that the station has signed
// (delay, if known), because a server that holds a show back can say of it what it likes. behind is
// how much more the gateway has.
func liveState(delay time.Duration, known bool, behind time.Duration) string {
	switch {
	case !known:
		return fmt.Sprintf("%.1f s behind the gateway; nobody signs how late that is", behind.Seconds())
	case delay < -time.Second:
		return "how late is not known: this clock is slow"
	case delay < isLive:
		return fmt.Sprintf("LIVE, %.1f s behind by this clock", max(delay, 0).Seconds())
	default:
		return fmt.Sprintf("%.1f s behind by this clock", delay.Seconds())
	}
}

// finish ends the moving line.
func (m *meter) finish() {
	if !m.drawn.IsZero() {
		fmt.Fprintln(m.out)
	}
}

// bar draws a level in dBFS, from -60 up.
func bar(db float64) string {
	const width = 20
	n := min(max(int((db+60)/60*width), 0), width)
	return fmt.Sprintf("[%s%s] %4.0f dB", strings.Repeat("=", n), strings.Repeat(" ", width-n), max(db, -60))
}

// clock writes a moment of a show, or how much of it there is: whole seconds, as far as they
// are over.
func clock(d time.Duration) string { return text.Clock(d.Truncate(time.Second)) }
