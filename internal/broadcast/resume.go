package broadcast

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/livefile"
	"broadcastbot/opusblocks"
	"broadcastbot/store"
)

// errRestarted is what the room is told of a show that a crash has ended.
var errRestarted = errors.New("the bot was restarted in the middle of the show")

// resume repairs every show that the last run left open, so that no room says
// LIVE for ever. A show from a live source goes on if the crash was a moment
// ago; every other one is brought to its end as interrupted.
func (m *Manager) resume(ctx context.Context) error {
	open, err := m.Store.Unconcluded(ctx)
	if err != nil {
		return err
	}
	for _, b := range open {
		if _, err := m.claim(ctx, b.Room); err != nil {
			return fmt.Errorf("repair the show in %s: %w", b.Room, err)
		}
		session, err := m.reopen(ctx, b)
		if err != nil {
			m.abandon(ctx, b, err)
			m.release(b.Room)
			continue
		}
		m.launch(session)
	}
	return nil
}

// reopen makes a session out of what the last run left of a show.
func (m *Manager) reopen(ctx context.Context, b *store.Broadcast) (*Session, error) {
	spool, left, err := openSpool(b)
	if err != nil {
		return nil, err
	}
	if left.ended {
		return m.newSession(b, nil, spool, nil), nil
	}
	if err := m.mayContinue(ctx, b, left.position.Offset); err != nil {
		m.Log.Warn("nothing more is written to the recording", "broadcast", b.ID, "err", err)
		session := m.newSession(b, nil, spool, nil)
		session.endErr = errRestarted
		return session, nil
	}
	blocks := opusblocks.ResumeWriter(spool, b.Key, left.position)
	return m.newSession(b, m.sourceAgain(ctx, b, left), spool, blocks), nil
}

// leftover is how far a spool got.
type leftover struct {
	position opusblocks.Position // behind its last whole block
	head     opusblocks.Head
	ended    bool // the authenticated end is on it
	written  time.Time
}

// openSpool opens a spool and cuts off a torn block at its end. Such a block
// was never published, so nobody has seen a byte of it.
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
	reader := opusblocks.NewReader(io.NewSectionReader(spool, 0, spool.Size()), b.Key)
	left.head, err = reader.Head()
	for err == nil {
		_, err = reader.ReadBlock()
	}
	left.position, left.ended = reader.Position(), err == io.EOF
	cutOff := errors.Is(err, opusblocks.ErrCutOff) && left.position.Offset > 0
	if left.ended || cutOff {
		err = spool.Truncate(left.position.Offset)
	}
	if err != nil {
		spool.Close()
		return nil, left, fmt.Errorf("the recording is damaged: %w", err)
	}
	return spool, left, nil
}

// mayContinue says whether a block may be added at size. It may not when the
// gateway has bytes that the spool has lost: the sequence numbers of those are
// spent, and sealing them again would break the cipher. Nor when the gateway
// can not be asked.
func (m *Manager) mayContinue(ctx context.Context, b *store.Broadcast, size int64) error {
	offset, err := m.Gateway.Upload(b.UploadURL).Offset(ctx)
	if err != nil {
		return fmt.Errorf("it is not known what the gateway has: %w", err)
	}
	if offset > size {
		return fmt.Errorf("the gateway has %d bytes, the spool only %d", offset, size)
	}
	return nil
}

// sourceAgain opens the show's source once more where that makes sense: a live
// one, a moment after the crash. A file would begin again, and a microphone
// must not be opened hours later without being asked for.
func (m *Manager) sourceAgain(ctx context.Context, b *store.Broadcast, left leftover) capture.Source {
	live := strings.HasPrefix(b.Source, "device:") || strings.HasPrefix(b.Source, "tone:")
	if !live || time.Since(left.written) > m.ResumeWithin {
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

// abandon tells the room the end of a show of which nothing is left here.
func (m *Manager) abandon(ctx context.Context, b *store.Broadcast, cause error) {
	m.Log.Error("a show of the last run can not be repaired", "broadcast", b.ID, "err", cause)
	b.State, b.Reason = store.Interrupted, errRestarted.Error()
	b.Concluded = m.tellRoom(ctx, b) == nil
	if err := m.Store.SaveBroadcast(ctx, b); err != nil {
		m.Log.Error("the end was not saved", "broadcast", b.ID, "err", err)
	}
}
