package broadcast

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"broadcastbot/internal/retry"
	"broadcastbot/store"
)

// conclusion brings a show whose files are complete to its end, or deletes one: it
// does the steps, side by side where they do not need each other, and each again
// and again until it has an outcome. Every outcome is saved, so that after a crash
// the next run goes on with what is left.
type conclusion struct {
	options  *Options
	entry    *entry
	steps    []step
	tracks   []*track             // of a show that is not being deleted
	onGone   func()               // of the same: deletes it, because a room has removed its announcement
	over     <-chan struct{}      // of one that is: closed when nobody works with its files any more
	progress map[string]*progress // of the steps, by name
	log      *slog.Logger
}

// progress tells the steps that come later how far one is.
type progress struct {
	tried    chan struct{} // closed after the first try
	firstErr error         // of that one
	over     chan struct{} // closed when it has an outcome, or there is no more time
}

func newConclusion(m *Manager, l *life, tracks []*track) *conclusion {
	c := newPlan(&m.Options, l.entry, steps)
	c.tracks, c.onGone = tracks, func() { m.deleteLife(l) }
	return c
}

// newPlan is a conclusion with these steps.
func newPlan(o *Options, e *entry, steps []step) *conclusion {
	c := &conclusion{options: o, entry: e, steps: steps, progress: make(map[string]*progress), log: e.log}
	for _, s := range steps {
		c.progress[s.name] = &progress{tried: make(chan struct{}), over: make(chan struct{})}
	}
	return c
}

// continueUploads starts the outlets of a show that a crash has interrupted.
func (c *conclusion) continueUploads(ctx context.Context) {
	if c.outcome(copied) != "" {
		return
	}
	for _, t := range c.tracks {
		t.send(ctx, func(*outlet) {})
	}
}

// run returns when nothing more can be done, or ctx has ended: the next start
// does the rest then.
func (c *conclusion) run(ctx context.Context) {
	c.entry.save() // that the files are complete; where it does not work, told repeats it
	c.runSteps(ctx)
	closeTracks(c.tracks)
	if c.outcome(removed) == "" {
		return
	}
	c.entry.update(func(show *store.Show) { show.Stage = store.Concluded })
	show := c.entry.get()
	main := show.Main()
	c.log.Info("concluded", "state", show.State(), "duration", main.Duration, "size", main.Size,
		"level", main.Level, "steps", show.Steps)
}

// runSteps returns when every step has an outcome, or cannot have one any more.
func (c *conclusion) runSteps(ctx context.Context) {
	var group sync.WaitGroup
	for _, s := range c.steps {
		group.Go(func() { c.runStep(ctx, s) })
	}
	group.Wait()
}

// retryStep is how a step is repeated that did not work.
var retryStep = retry.Policy{First: time.Second, Max: 5 * time.Minute}

// runStep does one step, unless an earlier run has.
func (c *conclusion) runStep(ctx context.Context, s step) {
	p := c.progress[s.name]
	defer close(p.over)
	firstTry := sync.OnceFunc(func() { close(p.tried) })
	defer firstTry()
	if c.outcome(s.name) != "" || !c.awaitTurn(ctx, s) {
		return
	}
	err := retry.Do(ctx, retryStep, func(ctx context.Context) error {
		defer firstTry()
		err := s.run(c, ctx)
		p.noteFirst(err)
		return err
	}, retry.IsPermanent, func(err error, delay time.Duration) {
		c.log.Warn("a step of the conclusion did not work, will try again", "step", s.name, "err", err, "retry_in", delay)
	})
	switch {
	case err == nil:
		c.setOutcome(s.name, store.Done)
	case retry.IsPermanent(err):
		c.log.Error("a step of the conclusion cannot be done", "step", s.name, "err", err)
		c.setOutcome(s.name, store.Failed)
	}
}

// noteFirst keeps the error of a step's first try.
func (p *progress) noteFirst(err error) {
	if !isClosed(p.tried) {
		p.firstErr = err
	}
}

// awaitTurn waits for the steps before s. It returns false when they have not
// come as far as s needs before ctx ended.
func (c *conclusion) awaitTurn(ctx context.Context, s step) bool {
	patience := context.Background()
	if s.grace > 0 {
		limited, cancel := context.WithTimeout(patience, s.grace)
		defer cancel()
		patience = limited
	}
	for _, name := range s.after {
		select {
		case <-c.progress[name].tried:
		case <-patience.Done():
		}
	}
	for _, name := range s.needs {
		<-c.progress[name].over
		if c.outcome(name) == "" {
			return false
		}
	}
	return ctx.Err() == nil
}

func (c *conclusion) outcome(name string) store.Outcome { return c.entry.get().Steps[name] }

func (c *conclusion) setOutcome(name string, outcome store.Outcome) {
	c.entry.update(func(show *store.Show) {
		if show.Steps == nil {
			show.Steps = make(map[string]store.Outcome)
		}
		show.Steps[name] = outcome
	})
}
