package recordings

import (
	"context"
	"sync"
)

// Appender is the right to change a recording. Only one exists at a time; get it from
// [Recording.LockAppend].
type Appender struct {
	rec    *Recording
	ctx    context.Context
	unlock func()
}

// LockAppend asks the holder of the recording's append lock to stop, waits until they have called
// Unlock, and returns the right to change the recording. The caller must call Unlock.
//
// So the newest wins: after a broken line an uploader comes back before anybody has noticed that
// its old connection is dead.
func (rec *Recording) LockAppend() *Appender {
	ctx, unlock := rec.lock.lock(rec.ctx)
	return &Appender{rec, ctx, unlock}
}

// Unlock gives the append lock back.
func (a *Appender) Unlock() { a.unlock() }

// Context returns a context that ends when the appender must soon call Unlock. The cause is
// ErrSuperseded if somebody newer wants the lock, or the cause of [Recording.Context].
func (a *Appender) Context() context.Context { return a.ctx }

// Write appends p: all of it, or nothing and an error, which is ErrFinished for a finished
// recording.
func (a *Appender) Write(p []byte) (int, error) {
	if a.rec.Finished() {
		return 0, ErrFinished
	}
	return a.rec.growing.Write(p)
}

// SetLength says how many bytes the recording will have. The error is ErrLengthChanged if that
// contradicts what was said before or is stored. The length is durable before it is known, also where
// no bytes are to come: if Finish fails then, the recording does not grow on after a restart.
func (a *Appender) SetLength(length int64) error {
	rec, known := a.rec, a.rec.Length()
	switch {
	case length == known:
		return nil
	case known != UnknownLength || length < rec.Size():
		return ErrLengthChanged
	}
	if err := rec.catalogue.storage.SetLength(rec.id, length); err != nil {
		return err
	}
	rec.length.Store(length)
	return nil
}

// Finish tells the readers and the storage that the recording is whole. It may be called again,
// after an error and after success.
func (a *Appender) Finish() error { return a.rec.finish() }

// appendLock lets one at a time append, the newest who asked.
type appendLock struct {
	mu     sync.Mutex
	holder *lockHolder
}

type lockHolder struct {
	stop     context.CancelCauseFunc
	unlocked chan struct{} // closed when the holder has given the lock back
}

// lock returns a context that ends, with ErrSuperseded, when somebody newer wants the lock. The
// caller must call unlock soon after that.
func (l *appendLock) lock(parent context.Context) (ctx context.Context, unlock func()) {
	ctx, stop := context.WithCancelCause(parent)
	me := &lockHolder{stop: stop, unlocked: make(chan struct{})}
	if before := l.replace(me); before != nil {
		<-before.unlocked // also when we were superseded meanwhile: whoever waits for us waits for all before us
	}
	return ctx, func() {
		stop(context.Canceled)
		close(me.unlocked)
	}
}

// replace makes me the holder and asks the one before to stop.
func (l *appendLock) replace(me *lockHolder) (before *lockHolder) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before, l.holder = l.holder, me
	if before != nil {
		before.stop(ErrSuperseded)
	}
	return before
}
