package icecast

import (
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/oggopus"
	"broadcastbot/store"
)

// hangUp is how long a program that has closed its connection, without the mark that ends a stream,
// has to come back if its show is its own: most programs stop like this, and others do when they
// begin anew.
const hangUp = 10 * time.Second

// line is what comes to a mount: over one connection after the other, of which the newest counts. It
// begins with a program, and ends when its show does not wait for another one.
type line struct {
	mount   store.Mount
	feed    *capture.Feed
	reading sync.Mutex // held by the connection that is read

	// The lock of the lines guards the rest.
	from    *exchange   // nil: the line is down
	down    time.Time   // since when
	onAir   bool        // a show reads it
	started bool        // a stream has come
	song    string      // that is playing
	waiting *time.Timer // until the line is given up
	over    bool        // the line has ended its show, and not the other way round
}

// lines are those of all mounts.
type lines struct {
	auto  bool          // a program is on air when it is connected
	grace time.Duration // how long a line may be broken before its show ends
	log   *slog.Logger

	mu      sync.Mutex
	byMount map[string]*line // by the ids of the mounts
	// held are the mounts whose show was stopped, and when their programs were there last.
	held    map[string]time.Time
	stopped func(mount store.Mount) // is told of them
}

// holding is how long a program has to be away, after its show was stopped, before it is on air by itself
// again: many come back on their own when their line has broken.
const holding = 10 * time.Minute

// isHeld reports whether a program must not put itself on air. It is called with the lock.
func (ls *lines) isHeld(mount string) bool {
	left, held := ls.held[mount]
	return held && time.Since(left) < holding
}

// hold is called with the lock.
func (ls *lines) hold(mount store.Mount) {
	if ls.auto {
		ls.held[mount.ID] = time.Now()
		ls.stopped(mount)
	}
}

// join makes a connection that of a mount's line. The one before it is cut off: a program whose line
// died silently is back before anybody has noticed.
func (ls *lines) join(mount store.Mount, x *exchange) *line {
	ls.mu.Lock()
	l := ls.byMount[mount.ID]
	if l == nil {
		l = ls.newLine(mount.ID, ls.auto && !ls.isHeld(mount.ID))
	}
	before := l.from
	l.mount, l.from = mount, x
	l.stopWaiting()
	ls.mu.Unlock()
	if before != nil {
		ls.log.Info("a program has taken the place of another one", "mount", mount.ID)
		before.conn.Close()
	}
	return l
}

// newLine is called with the lock.
func (ls *lines) newLine(id string, keep bool) *line {
	l := &line{mount: store.Mount{ID: id}, feed: capture.NewLineFeed(keep), down: time.Now()}
	ls.byMount[id] = l
	return l
}

// read reads a connection until its end, when that of the connection before it is reached.
func (l *line) read(body io.Reader, began func(oggopus.Tags)) error {
	l.reading.Lock()
	defer l.reading.Unlock()
	return l.feed.ReadOgg(body, began)
}

// note notes what is playing, and reports whether a show may begin with it: it is the first stream of the
// line.
func (ls *lines) note(l *line, song string) (first bool) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	first = !l.started && !l.onAir && !ls.isHeld(l.mount.ID)
	l.started, l.song = true, song
	return first
}

// play notes what is playing, and reports whether anything is sent to the mount.
func (ls *lines) play(mount, song string) bool {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l := ls.byMount[mount]
	if l == nil {
		return false
	}
	l.song = song
	return true
}

// leave ends a connection, for the reason that ReadOgg has returned. The show waits for the next one.
func (ls *lines) leave(l *line, x *exchange, err error) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if l.from != x {
		return
	}
	l.from, l.down = nil, time.Now()
	if _, held := ls.held[l.mount.ID]; held {
		ls.held[l.mount.ID] = l.down
	}
	if !l.onAir {
		ls.drop(l, io.EOF)
		return
	}
	ls.await(l, ls.patience(err), endOf(err))
}

// await gives a line so much time to come back. It is called with the lock.
func (ls *lines) await(l *line, patience time.Duration, why error) {
	l.stopWaiting()
	var timer *time.Timer
	timer = time.AfterFunc(patience, func() {
		ls.mu.Lock()
		defer ls.mu.Unlock()
		if l.waiting == timer {
			ls.drop(l, why)
		}
	})
	l.waiting = timer
}

func (l *line) stopWaiting() {
	if l.waiting != nil {
		l.waiting.Stop()
		l.waiting = nil
	}
}

// patience is how long a show waits for its program. One that has put itself on air takes itself off,
// but not because its line has broken.
func (ls *lines) patience(err error) time.Duration {
	switch {
	case ls.auto && err == nil:
		return 0
	case ls.auto && errors.Is(err, io.ErrUnexpectedEOF):
		return min(hangUp, ls.grace)
	}
	return ls.grace
}

// endOf is how a show ends whose program has left like this, and did not come back: in order where
// the program has closed its connection.
func endOf(err error) error {
	if err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
		return io.EOF
	}
	return capture.ErrLineGone
}

// drop ends a line, and its show for the reason why. It is called with the lock.
func (ls *lines) drop(l *line, why error) {
	l.stopWaiting()
	l.over = true
	l.feed.End(why)
	if ls.byMount[l.mount.ID] == l {
		delete(ls.byMount, l.mount.ID)
	}
}

// end ends a line at once, and its program's connection, unless a show reads it.
func (ls *lines) end(l *line) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if !l.onAir {
		ls.cut(l)
	}
}

// endAll ends the shows of all lines.
func (ls *lines) endAll() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, l := range ls.byMount {
		ls.drop(l, capture.ErrLineGone)
	}
}

// cutOff ends the lines of a speaker to a room at once.
func (ls *lines) cutOff(room, speaker string) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, l := range ls.byMount {
		if l.mount.Room == room && l.mount.Speaker == speaker {
			ls.cut(l)
		}
	}
}

// cut is called with the lock.
func (ls *lines) cut(l *line) {
	if l.from != nil {
		l.from.conn.Close()
		l.from, l.down = nil, time.Now()
	}
	ls.drop(l, io.EOF)
}

// has reports whether a mount has a line.
func (ls *lines) has(mount string) bool {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	return ls.byMount[mount] != nil
}

// sendingFrom returns the mounts of the programs that send from an address, by the paths that they
// push to. Of an unknown address, "", nothing is known.
func (ls *lines) sendingFrom(address string) map[string]store.Mount {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	mounts := make(map[string]store.Mount)
	if address == "" {
		return mounts
	}
	for _, l := range ls.byMount {
		if l.from != nil && l.from.address() == address {
			mounts[l.from.request.URL.Path] = l.mount
		}
	}
	return mounts
}
