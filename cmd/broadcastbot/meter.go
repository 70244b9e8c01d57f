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

// quiet is how long no sound may arrive before the line says so. A station that is spoken into makes
// a block every second at least.
const quiet = 3 * time.Second

// meter writes one moving line: what is heard, where, and how far behind.
type meter struct {
	out      io.Writer
	stream   *listener.Stream
	channels int
	now      func() time.Time
	queued   func() time.Duration // how much sound waits to be heard; nil: none

	mu       sync.Mutex
	samples  int64      // heard so far, per channel
	level    opus.Level // of the sound since the last line
	arrived  time.Time  // the sound that came last
	drawn    time.Time
	edge     time.Duration // of the show
	finished bool          // there will be no more
}

func newMeter(out io.Writer, stream *listener.Stream, edge time.Duration, finished bool) *meter {
	return &meter{
		out: out, stream: stream, channels: stream.Head().Channels, now: time.Now, arrived: time.Now(),
		edge: edge, finished: finished,
	}
}

// watch keeps the line true in the background until stop is called: with every redraw it is written
// anew, because sound that does not come gets later too, and with every ask the gateway is asked how
// far the show has got. That may hang as long as the gateway likes, and its errors are ignored: the
// stream has its own way to deal with them.
func (m *meter) watch(ctx context.Context, redraw, ask <-chan time.Time) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { onEach(ctx, redraw, m.draw) })
	watching.Go(func() {
		onEach(ctx, ask, func() {
			if edge, finished, err := m.stream.Edge(ctx); err == nil {
				m.mu.Lock()
				m.edge, m.finished = edge, finished
				m.mu.Unlock()
			}
		})
	})
	return func() {
		cancel()
		watching.Wait()
	}
}

// onEach calls do with every tick, until ctx is done.
func onEach(ctx context.Context, ticks <-chan time.Time, do func()) {
	for {
		select {
		case <-ticks:
			do()
		case <-ctx.Done():
			return
		}
	}
}

// add measures sound that will be heard behind what is queued.
func (m *meter) add(pcm []int16) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.level.Add(pcm)
	m.samples += int64(len(pcm) / m.channels)
	m.arrived = m.now()
}

// heard returns how much sound there was.
func (m *meter) heard() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return opus.Duration(m.samples)
}

// draw writes the line as it is now.
func (m *meter) draw() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drawn = m.now()
	var queued time.Duration
	if m.queued != nil {
		queued = m.queued()
	}
	position := m.stream.Position()
	fmt.Fprintf(m.out, "\r%s  %s  %-48s", bar(m.level.RMS()), clock(position-queued), m.state(position, queued))
	m.level = opus.Level{}
}

// state says how late the sound is that is heard: what is queued is before position.
func (m *meter) state(position, queued time.Duration) string {
	if silence := m.drawn.Sub(m.arrived); silence > quiet {
		return fmt.Sprintf("no sound has arrived for %d s", int(silence.Seconds()))
	}
	edge := max(m.edge, position)
	delay, known := m.stream.Delay(m.drawn)
	if m.finished {
		return finishedState(edge, m.drawn.Add(-delay-queued), known)
	}
	if !known && m.stream.Signed() {
		return "how late is not known until the station signs"
	}
	return liveState(delay+queued, known, edge-position+queued)
}

// finishedState says how long a show is of which the gateway says that it is over. Nobody has signed
// that, so it also says when what is heard was spoken.
func finishedState(edge time.Duration, captured time.Time, known bool) string {
	length := "of " + clock(edge)
	if !known {
		return length
	}
	return length + ", spoken " + captured.Local().Format("2 Jan 2006 15:04:05")
}

// isLive is how late sound may be that counts as live. The listen page has the same number, because
// it only looks how old the newest checkpoint is, which may be seven seconds in an honest show.
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
	case delay <= isLive:
		return fmt.Sprintf("LIVE, %.1f s behind by this clock", max(delay, 0).Seconds())
	default:
		return fmt.Sprintf("%.1f s behind by this clock", delay.Seconds())
	}
}

// finish ends the moving line, which nobody watches any more.
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
