package main

import (
	"context"
	"fmt"
	"strings"

	"maunium.net/go/mautrix/event"

	"broadcastbot/internal/matrix"
)

// broadcast runs one show to its end and prints what everybody sees of it.
func broadcast(ctx context.Context, s *station, p *people) error {
	if err := p.say(ctx, "!live start Town hall"); err != nil {
		return fmt.Errorf("start the show: %w", err)
	}
	live := hasState("live")
	announcement, err := p.await(ctx, "the announcement", func(evt *event.Event) bool {
		return live(evt) || evt.Content.AsMessage().MsgType == event.MsgNotice
	})
	if err != nil {
		return err
	}
	body := announcement.Content.AsMessage().Body
	if !live(announcement) {
		return fmt.Errorf("the bot answers: %s", body)
	}
	link := body[strings.LastIndex(body, " ")+1:]
	step("bob reads: %s", body)
	step("hear it yourself, in another terminal:  bin/broadcastbot listen '%s'", link)
	step("what bob hears; Ctrl-C ends the show:")
	listener, err := s.listen(link)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	heard := make(chan error, 1)
	go func() { heard <- listener.Wait() }()
	select {
	case err = <-heard: // the source has come to its end
	case <-ctx.Done():
		err = stopShow(context.WithoutCancel(ctx), p, heard)
	}
	if err != nil {
		return fmt.Errorf("the listener stopped: %w", err)
	}
	return showEnd(context.WithoutCancel(ctx), p)
}

// stopShow ends the show as its speaker does, and waits for the listener to
// hear the end.
func stopShow(ctx context.Context, p *people, heard <-chan error) error {
	if err := p.say(ctx, "!live stop"); err != nil {
		return err
	}
	return <-heard
}

// showEnd prints what stays in the room.
func showEnd(ctx context.Context, p *people) error {
	edit, err := p.await(ctx, "the end of the announcement", hasState("ended"))
	if err != nil {
		return err
	}
	step("the announcement now reads: %s", edit.Content.AsMessage().NewContent.Body)
	voice, err := p.await(ctx, "the voice message", func(evt *event.Event) bool {
		return evt.Content.AsMessage().MSC3245Voice != nil
	})
	if err != nil {
		return err
	}
	info := voice.Content.AsMessage().Info
	step("and there is a voice message of %.1f s and %d kB for every Matrix client", float64(info.Duration)/1000, info.Size/1000)
	return nil
}

// hasState matches the announcement of a show in that state.
func hasState(state string) func(*event.Event) bool {
	return func(evt *event.Event) bool {
		a, ok := matrix.FindAnnouncement(evt.Content.Raw)
		return ok && a.State == state
	}
}

// await waits for a message that bob gets to read.
func (p *people) await(ctx context.Context, what string, wanted func(*event.Event) bool) (*event.Event, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("bob waits in vain for %s", what))
	defer cancel()
	return p.bob.Await(ctx, func(evt *event.Event) bool { return evt.RoomID == p.room && wanted(evt) })
}
