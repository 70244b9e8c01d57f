package broadcast

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/opus"
	"broadcastbot/opusblocks"
	"broadcastbot/store"
	"broadcastbot/uploader"
)

// uploadGrace is how long the room waits to be told the end until the gateway
// has all of the show.
const uploadGrace = 30 * time.Second

// Delays between attempts to tell a room the end of a show.
const (
	firstRetry = time.Second
	lastRetry  = 5 * time.Minute
)

// run is the life of a show after its announcement: record and upload side by
// side, then tell the room. The show's place in the room is free when the room
// has been told, or could not be; what is left to do then goes on by itself.
func (m *Manager) run(s *Session) {
	defer m.running.Done()
	s.log.Info("on air", "source", s.broadcast.Source)
	uploaded := make(chan struct{})
	var uploadErr error
	go func() {
		defer close(uploaded)
		uploadErr = m.upload(s)
	}()

	m.settle(s, s.record())
	select {
	case <-uploaded:
	case <-time.After(uploadGrace):
	}
	told := m.tell(s)
	m.leave(s)
	for delay := firstRetry; !told && m.sleep(delay); delay = min(2*delay, lastRetry) {
		told = m.tell(s)
	}
	<-uploaded
	m.tidy(s, told, uploadErr)
}

// leave gives the session's place back, if it has one.
func (m *Manager) leave(s *Session) {
	if m.session(s.broadcast.Room) == s {
		m.vacate(s.broadcast.Room)
	}
	close(s.done)
}

// sleep returns false when there is no more time.
func (m *Manager) sleep(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-m.life.Done():
		return false
	}
}

// upload keeps the gateway's copy complete. When the gateway refuses for good
// while the show runs, the room learns it, and the recording goes on.
func (m *Manager) upload(s *Session) error {
	b := s.Status().Broadcast
	err := s.uploader.Run(m.life)
	if !uploader.Refused(err) {
		return err
	}
	s.log.Error("the gateway has refused the upload", "err", err)
	m.endUpload(b.ID)
	select {
	case <-s.recorded:
		return err
	default:
	}
	const text = "Nobody can listen live any more: the gateway takes no more of this show. The recording goes on and will be posted here at the end."
	if err := m.Announcer.Say(m.life, b.Room, text); err != nil {
		s.log.Warn("the room was not told", "err", err)
	}
	return err
}

// endUpload finishes a recording at the gateway with what the gateway has, so
// that its listeners are not left waiting for more.
func (m *Manager) endUpload(id string) {
	upload := m.Gateway.Upload(id)
	offset, err := upload.Offset(m.life)
	if err == nil {
		err = upload.Finish(m.life, offset)
	}
	if err != nil {
		m.Log.Info("the recording stays open at the gateway", "broadcast", id, "err", err)
	}
}

// settle notes how the show ended, and what its file has become, before
// anybody is told: a crash from here on can not put it on air again.
func (m *Manager) settle(s *Session, recordErr error) {
	b := s.Status().Broadcast
	if b.State == store.Live {
		b.State = store.Ended
		if recordErr != nil {
			b.State, b.Reason = store.Interrupted, reason(recordErr)
		}
	}
	if recordErr != nil {
		s.log.Error("interrupted", "err", recordErr)
	}
	if err := describe(&b); err != nil {
		s.log.Error("the recording can not be read back", "err", err)
	}
	s.set(b)
	m.save(&b)
}

// reason is what a room is told of an error. The details are for the log: they
// have paths in them.
func reason(err error) string {
	switch {
	case errors.Is(err, capture.ErrDeviceGone):
		return "the microphone is gone"
	case errors.Is(err, syscall.ENOSPC):
		return "the disk is full"
	case errors.Is(err, errStorage):
		return "the recording can not be written"
	case errors.Is(err, errRestarted):
		return "the bot was restarted in the middle of it"
	default:
		return "the source broke off"
	}
}

// tell tells the room the end, as far as it does not know it yet.
func (m *Manager) tell(s *Session) bool {
	b := s.Status().Broadcast
	err := m.Announcer.Conclude(m.life, &b)
	s.set(b)
	m.save(&b)
	if err != nil {
		s.log.Warn("the room has not been told the whole end, will try again", "err", err)
	}
	return err == nil
}

// tidy removes the spool when everybody has everything. A gateway that refuses
// will not take the rest later either; then the spool stays as the copy.
func (m *Manager) tidy(s *Session, told bool, uploadErr error) {
	b := s.Status().Broadcast
	b.Concluded = told && (uploadErr == nil || uploader.Refused(uploadErr))
	s.set(b)
	saved := m.save(&b)
	s.spool.Close()
	if !b.Concluded || !saved || uploadErr != nil {
		s.log.Error("the recording is kept", "spool", b.Spool, "concluded", b.Concluded, "err", uploadErr)
		return
	}
	if err := os.Remove(b.Spool); err != nil {
		s.log.Warn("a spool that nobody needs any more stays", "err", err)
	}
	s.log.Info("over", "state", b.State, "duration", b.Duration, "size", b.Size)
}

// save writes the record, also while the program ends.
func (m *Manager) save(b *store.Broadcast) bool {
	err := m.Store.SaveBroadcast(context.WithoutCancel(m.life), b)
	if err != nil {
		m.Log.Error("the record was not saved", "err", err)
	}
	return err == nil
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
	reader := b.OpenBlocks(io.TeeReader(f, hash))
	head, err := reader.Head()
	var table opusblocks.SeekTable
	for err == nil {
		var block opusblocks.Block
		if block, err = reader.ReadBlock(); err == nil {
			table.Add(block)
		}
	}
	if err != io.EOF && !errors.Is(err, opusblocks.ErrCutOff) {
		return fmt.Errorf("read back: %w", err)
	}
	end := reader.Position()
	b.Size, b.Blocks = end.Offset, int64(end.Sequence)
	b.Duration = opus.Duration(max(0, end.Samples-int64(head.PreSkip)))
	b.SHA256 = base64.RawStdEncoding.EncodeToString(hash.Sum(nil))
	b.Seek = table.String()
	return nil
}
