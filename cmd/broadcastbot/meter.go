package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"broadcastbot/internal/listener"
	"broadcastbot/internal/opus"
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
	edge     time.Duration
	finished bool

	level   opus.Level // of the sound since the last line
	drawn   time.Time
	asked   time.Time
	written bool
}

// take measures sound that is heard after what queued ahead of it.
func (m *meter) take(ctx context.Context, pcm []int16, queued time.Duration) {
	m.level.Add(pcm)
	now := time.Now()
	if !m.finished && now.Sub(m.asked) > edgeInterval {
		m.asked = now
		// A gateway that does not answer is the stream's business.
		if edge, finished, err := m.stream.Edge(ctx); err == nil {
			m.edge, m.finished = edge, finished
		}
	}
	if now.Sub(m.drawn) > meterInterval {
		m.drawn = now
		m.draw(queued)
	}
}

func (m *meter) draw(queued time.Duration) {
	at := m.stream.Position() - queued
	m.edge = max(m.edge, m.stream.Position())
	state := fmt.Sprintf("LIVE, %.1f s behind", (m.edge - at).Seconds())
	if m.finished {
		state = "of " + clock(m.edge)
	}
	fmt.Fprintf(m.out, "\r%s  %s  %s   ", bar(m.level.RMS()), clock(at), state)
	m.level = opus.Level{}
	m.written = true
}

// finish ends the moving line.
func (m *meter) finish() {
	if m.written {
		fmt.Fprintln(m.out)
	}
}

// bar draws a level in dBFS, from -60 up.
func bar(db float64) string {
	const width = 20
	n := min(max(int((db+60)/60*width), 0), width)
	return fmt.Sprintf("[%s%s] %4.0f dB", strings.Repeat("=", n), strings.Repeat(" ", width-n), max(db, -60))
}

// clock writes a duration as people read it: 4:05 or 1:02:03.
func clock(d time.Duration) string {
	seconds := int(d.Seconds())
	if seconds < 3600 {
		return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
}
