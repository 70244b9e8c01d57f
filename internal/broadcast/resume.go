package broadcast

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/livefile"
	"broadcastbot/opusblocks"
	"broadcastbot/store"
)

// errRestarted is why a show ends that a crash has broken off.
var errRestarted = errors.New("the bot was restarted")

// resume repairs every show that the last run left open, so that no room says
// LIVE for ever. The newest of a room takes the room's place, because it may go
// on; all of them are worked on side by side.
func (m *Manager) resume(ctx context.Context) error {
	open, err := m.Store.Unconcluded(ctx)
	if err != nil {
		return err
	}
	newest := make(map[string]*store.Broadcast)
	for _, b := range open {
		b.Spool = m.spoolPath(b.ID)
		newest[b.Room] = b
	}
	for _, b := range open {
		hasPlace := newest[b.Room] == b
		if hasPlace {
			if _, err := m.tryClaim(b.Room); err != nil {
				return err
			}
		} else {
			m.running.Add(1)
		}
		go m.repair(ctx, b, hasPlace)
	}
	return nil
}

// repair brings one show to its end, or back on air. What it can not do because
// the program ends is left to the next start.
func (m *Manager) repair(ctx context.Context, b *store.Broadcast, hasPlace bool) {
	session, err := m.reopen(ctx, b)
	if err != nil {
		if hasPlace {
			m.vacate(b.Room)
		}
		if ctx.Err() == nil {
			m.abandon(b, err)
		}
		m.running.Done()
		return
	}
	if hasPlace {
		m.occupy(session)
	}
	m.run(session)
}

// reopen makes a session out of what the last run left of a show: one that can
// be written to, or one whose end only has to be told.
func (m *Manager) reopen(ctx context.Context, b *store.Broadcast) (*Session, error) {
	if b.Event == "" { // the crash came before the homeserver's answer
		if err := m.Announcer.Announce(ctx, b); err != nil {
			return nil, err
		}
	}
	spool, left, err := openSpool(b)
	if err != nil {
		return nil, err
	}
	if left.ended || b.State != store.Live {
		return m.newSession(b, nil, spool, nil), nil
	}
	if err := m.mayWrite(ctx, b, left); err != nil {
		if ctx.Err() != nil {
			spool.Close()
			return nil, ctx.Err()
		}
		m.Log.Warn("nothing more is written to the recording", "broadcast", b.ID, "err", err)
		session := m.newSession(b, nil, spool, nil)
		session.endErr = errRestarted
		return session, nil
	}
	blocks := continueBlocks(spool, b, left.position)
	return m.newSession(b, m.sourceAgain(ctx, b, left), spool, blocks), nil
}

// leftover is how far a spool got.
type leftover struct {
	position opusblocks.Position // behind the last block that is good
	head     opusblocks.Head
	ended    bool  // its end is on it
	damage   error // what came behind it, other than the beginning of a block
	written  time.Time
}

// openSpool opens a spool and cuts off what is behind its last whole block. A
// block that is only begun was never published, so nobody has seen it.
func openSpool(b *store.Broadcast) (*livefile.File, leftover, error) {
	var left leftover
	info, err := os.Stat(b.Spool)
	if err != nil {
		return nil, left, err
	}
	left.written = info.ModTime()
	spool, err := livefile.Open(b.Spool)
	if err != nil {
		return nil, left, err
	}
	spool.SyncWrites = true
	reader := b.OpenBlocks(io.NewSectionReader(spool, 0, spool.Size()))
	if left.head, err = reader.Head(); err != nil {
		spool.Close()
		return nil, left, fmt.Errorf("nothing of the recording can be read: %w", err)
	}
	for err == nil {
		_, err = reader.ReadBlock()
	}
	left.position, left.ended = reader.Position(), err == io.EOF
	if !left.ended && !errors.Is(err, opusblocks.ErrCutOff) {
		left.damage = err
	}
	if err := spool.Truncate(left.position.Offset); err != nil {
		spool.Close()
		return nil, left, err
	}
	return spool, left, nil
}

// mayWrite says why no block may be added to what is left of a show. What
// somebody has seen must never become something else, and its sequence number
// never be sealed again; that the spool and
// the gateway agree, a moment after the crash, is the proof that none is. An
// old spool may be a backup's.
func (m *Manager) mayWrite(ctx context.Context, b *store.Broadcast, left leftover) error {
	if left.damage != nil {
		return left.damage
	}
	if age := time.Since(left.written); age > m.ResumeWithin {
		return fmt.Errorf("it was written %v ago", age.Round(time.Second))
	}
	offset, err := m.Gateway.Upload(b.ID).Offset(ctx)
	if err != nil {
		return fmt.Errorf("it is not known what the gateway has: %w", err)
	}
	if offset > left.position.Offset {
		return fmt.Errorf("the gateway has %d bytes, the spool only %d", offset, left.position.Offset)
	}
	return nil
}

// sourceAgain opens the show's source once more if it is a live one: a file
// would begin again.
func (m *Manager) sourceAgain(ctx context.Context, b *store.Broadcast, left leftover) capture.Source {
	if !m.IsLive(b.Source) {
		return brokenSource{errRestarted}
	}
	source, err := m.OpenSource(context.WithoutCancel(ctx), b.Source)
	if err != nil {
		return brokenSource{fmt.Errorf("%w, and after that: %w", errRestarted, err)}
	}
	if source.Format().Channels != left.head.Channels {
		source.Close()
		return brokenSource{errRestarted}
	}
	m.Log.Info("the show goes on after a restart", "broadcast", b.ID)
	return source
}

// brokenSource is the source of a show that can only be ended.
type brokenSource struct{ err error }

func (brokenSource) Format() capture.Format                       { return capture.Format{} }
func (s brokenSource) ReadPacket(context.Context) ([]byte, error) { return nil, s.err }
func (brokenSource) EndTrim() int                                 { return 0 }
func (brokenSource) Close() error                                 { return nil }

// abandon ends a show of which nothing can be read here: at the gateway, which
// has what it has, and in the room.
func (m *Manager) abandon(b *store.Broadcast, cause error) {
	m.Log.Error("a show of the last run can not be repaired", "broadcast", b.ID, "err", cause)
	m.endUpload(b.ID)
	b.State, b.Reason = store.Interrupted, reason(errRestarted)
	for delay := firstRetry; !b.Concluded; delay = min(2*delay, lastRetry) {
		err := m.Announcer.Conclude(m.life, b)
		b.Concluded = err == nil
		m.save(b)
		if err != nil && !m.sleep(delay) {
			return
		}
	}
}
