package broadcast

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"broadcastbot/opusblocks"
	"broadcastbot/store"
)

// uploadGrace is how long the end of a show waits for the gateway to have all
// of it; concludeAttempts how often the homeserver is tried. What is not done
// by then is done at the next start.
const (
	uploadGrace      = 30 * time.Second
	concludeAttempts = 5
)

// run is the life of a show after its announcement: record and upload side by
// side, then tell the room the end.
func (m *Manager) run(s *Session) {
	s.log.Info("on air", "source", s.broadcast.Source)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	uploaded := make(chan error, 1)
	go func() { uploaded <- m.upload(ctx, s) }()

	recordErr := s.record()
	giveUp := time.AfterFunc(uploadGrace, cancel)
	uploadErr := <-uploaded
	giveUp.Stop()

	m.conclude(s, recordErr, uploadErr)
}

// upload keeps the gateway's copy complete. When the gateway refuses for good
// the room learns it, and the recording goes on.
func (m *Manager) upload(ctx context.Context, s *Session) error {
	err := s.uploader.Run(ctx)
	if err != nil && ctx.Err() == nil {
		s.log.Error("the gateway has refused the upload", "err", err)
		m.say(ctx, s, "Nobody can listen live any more, because "+err.Error()+
			". The recording goes on and will be posted here at the end.")
	}
	return err
}

func (m *Manager) say(ctx context.Context, s *Session, text string) {
	if err := m.Announcer.Say(ctx, s.broadcast.Room, text); err != nil {
		s.log.Warn("the room was not told", "err", err)
	}
}

// conclude describes the finished file and tells the room. The spool is removed
// when both the gateway and the room have everything.
func (m *Manager) conclude(s *Session, recordErr, uploadErr error) {
	ctx := context.Background()
	b := s.Status().Broadcast
	if b.State == store.Live {
		b.State = store.Ended
	}
	if recordErr != nil {
		s.log.Error("interrupted", "err", recordErr)
		b.State, b.Reason = store.Interrupted, recordErr.Error()
	}
	if err := describe(&b); err != nil {
		s.log.Error("the recording can not be read back", "err", err)
	}
	concludeErr := m.tellRoom(ctx, &b)
	b.Concluded = concludeErr == nil && uploadErr == nil
	if err := m.Store.SaveBroadcast(ctx, &b); err != nil {
		s.log.Error("the end was not saved", "err", err)
	}
	s.update(func(record *store.Broadcast) { *record = b })
	if !b.Concluded {
		s.log.Error("the show's end is incomplete, the next start goes on", "err", errors.Join(uploadErr, concludeErr), "spool", b.Spool)
		s.spool.Close()
		return
	}
	removeSpool(s.spool, b.Spool)
	s.log.Info("over", "state", b.State, "duration", b.Duration, "size", b.Size)
}

// tellRoom tries until the homeserver has taken everything. The record says
// what is done, so nothing is done twice.
func (m *Manager) tellRoom(ctx context.Context, b *store.Broadcast) error {
	delay := time.Second
	for attempt := 1; ; attempt++ {
		err := m.Announcer.Conclude(ctx, b)
		if err == nil || attempt == concludeAttempts {
			return err
		}
		m.Log.Warn("the room was not told the end, will try again", "broadcast", b.ID, "err", err)
		time.Sleep(delay)
		delay *= 2
	}
}

// describe reads the finished spool once, as any listener would, and notes what
// the closing event says of it.
func describe(b *store.Broadcast) error {
	f, err := os.Open(b.Spool)
	if err != nil {
		return err
	}
	defer f.Close()
	hash := sha256.New()
	reader := opusblocks.NewReader(io.TeeReader(f, hash), b.Key)
	head, err := reader.Head()
	if err != nil {
		return err
	}
	var table opusblocks.SeekTable
	for {
		block, err := reader.ReadBlock()
		if err != nil && err != io.EOF && !errors.Is(err, opusblocks.ErrCutOff) {
			return fmt.Errorf("read back: %w", err)
		}
		if err != nil {
			break
		}
		table.Add(block)
	}
	end := reader.Position()
	b.Size, b.Blocks = end.Offset, int64(end.Sequence)
	b.Duration = duration(max(0, end.Samples-int64(head.PreSkip)))
	b.SHA256 = base64.RawStdEncoding.EncodeToString(hash.Sum(nil))
	b.Seek = table.String()
	return nil
}
