package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"maunium.net/go/mautrix/event"

	"broadcastbot/internal/matrix"
	"broadcastbot/internal/stage"
	"broadcastbot/store"
)

// broadcast runs one show to its end and prints what everybody sees of it.
func broadcast(ctx context.Context, s *stage.Station, p *stage.People) error {
	if err := p.Say(ctx, "!live start Town hall"); err != nil {
		return fmt.Errorf("start the show: %w", err)
	}
	link, err := awaitLink(ctx, p)
	if errors.Is(err, errInvited) {
		link, err = awaitSpeaker(ctx, p)
	}
	if err != nil {
		return err
	}
	step("hear it yourself, in another terminal:  %s", listenCommand(s.Program, link))
	step("what bob hears; Ctrl-C ends the show:")
	listener := s.Listen(context.WithoutCancel(ctx), "-silent", "-link", "-")
	listener.Stdin, listener.Stdout, listener.Stderr = strings.NewReader(link), os.Stdout, os.Stderr
	if err := listener.Start(); err != nil {
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

// listenCommand is what somebody types to hear the show, for as long as it runs: the program is the
// one that the demonstration has built.
func listenCommand(program, link string) string {
	return fmt.Sprintf("'%s' listen '%s'", program, link)
}

// awaitLink waits for the announcement, or for the bot's reason why there is
// none.
func awaitLink(ctx context.Context, p *stage.People) (string, error) {
	answer, err := p.Await(ctx, "the announcement", func(evt *event.Event) bool {
		_, announced := matrix.FindAnnouncement(evt.Content.Raw)
		return announced || evt.Content.AsMessage().MsgType == event.MsgNotice
	})
	if err != nil {
		return "", err
	}
	body := answer.Content.AsMessage().Body
	if strings.Contains(body, "I have sent you the link") {
		return "", errInvited
	}
	if _, announced := matrix.FindAnnouncement(answer.Content.Raw); !announced {
		return "", fmt.Errorf("the bot answers: %s", body)
	}
	step("bob reads: %s", body)
	return body[strings.LastIndex(body, " ")+1:], nil
}

// errInvited means that the show begins on the studio page.
var errInvited = errors.New("the speaker has got a link")

// awaitSpeaker prints the link that the speaker has got, and waits until they go on air.
func awaitSpeaker(ctx context.Context, p *stage.People) (link string, err error) {
	letter, err := p.AwaitDirect(ctx, func(text string) bool { return strings.Contains(text, "/studio/#") })
	if err != nil {
		return "", err
	}
	step("alice reads, in a direct chat: %s", letter)
	step("open that link in a browser on this machine, and press Go on air")
	for {
		announcement, _, err := p.AwaitState(ctx, store.StateLive)
		if err != nil && ctx.Err() == nil {
			continue // not yet
		}
		if err != nil {
			return "", err
		}
		show, err := announcement.Link()
		return show.PageURL(), err
	}
}

// stopShow ends the show as its speaker does, and waits for the listener to
// hear the end.
func stopShow(ctx context.Context, p *stage.People, heard <-chan error) error {
	if err := p.Say(ctx, "!live stop"); err != nil {
		return err
	}
	return <-heard
}

// showEnd prints what stays in the room.
func showEnd(ctx context.Context, p *stage.People) error {
	_, edit, err := p.AwaitState(ctx, store.StateEnded)
	if err != nil {
		return err
	}
	step("the announcement now reads: %s", edit.Content.AsMessage().NewContent.Body)
	voice, err := p.AwaitVoice(ctx)
	if err != nil {
		return err
	}
	info := voice.Content.AsMessage().Info
	step("and there is a voice message of %.1f s and %d kB for every Matrix client", float64(info.Duration)/1000, info.Size/1000)
	return nil
}
