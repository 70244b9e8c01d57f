package command

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"broadcastbot/capture"
	"broadcastbot/internal/broadcast"
	"broadcastbot/internal/text"
	"broadcastbot/store"
)

// MaxTitle is how many characters the title of a show can have.
const MaxTitle = 200

func mayStart(p *Processor, r Request) error {
	if p.Rights.MaySpeak(r) {
		return nil
	}
	if p.Rights.countsPower() {
		return Refusal(fmt.Sprintf("Only this station's speakers, and who has power level %d in this room, may go on air. Ask one of them.", p.Rights.Power))
	}
	return Refusal("Only this station's speakers may go on air. Ask one of them.")
}

// means reports whether a show can be the one that the request is about.
func (r Request) means(show *store.Show) bool {
	return r.Before.IsZero() || show.StartedAt.Before(r.Before)
}

// checkOwn is for what speakers may do with their own shows, and moderators with every one.
func (r Request) checkOwn(show *store.Show, verb string) error {
	if show.Speaker == r.User || r.isModerator() {
		return nil
	}
	return Refusal(fmt.Sprintf("This is the show of %s: only they and the room's moderators may %s it.", show.Speaker, verb))
}

func start(p *Processor, ctx context.Context, r Request) (string, error) {
	source, title, err := p.sourceAndTitle(r.Words)
	if err != nil {
		return "", err
	}
	plain, err := p.isPlain(ctx, r.Room)
	if err != nil {
		return "", err
	}
	show, started, err := p.Broadcasts.Start(ctx, broadcast.Request{
		Rooms: []string{r.Room}, Speaker: r.User, Source: source, Title: title, Plain: plain,
	})
	switch {
	case err != nil:
		return "", err
	case !started:
		return fmt.Sprintf("%s is on air already. !live stop ends the show, !live status tells more.", quoted(show.Title)), nil
	case plain:
		return fmt.Sprintf("%s is on air, and not encrypted: everybody with its address can hear it, in any player: %s . !live stop ends the show.",
			quoted(show.Title), show.Main().LiveURL()), nil
	default:
		return fmt.Sprintf("%s is on air. !live stop ends the show.", quoted(show.Title)), nil
	}
}

// sourceAndTitle takes the words of a start apart. The source is one that may be opened, or
// "" where the words name none. Errors are Refusals.
func (p *Processor) sourceAndTitle(words []string) (source, title string, err error) {
	source, words, err = p.Sources.FromWords(words)
	if err == nil && source != "" {
		source, err = p.Sources.Grant(source)
	}
	title = strings.Join(words, " ")
	if err == nil && utf8.RuneCountInString(title) > MaxTitle {
		err = fmt.Errorf("the title has more than %d characters", MaxTitle)
	}
	var correction capture.Correction
	switch {
	case errors.As(err, &correction):
		err = Refusal(fmt.Sprintf("%s If it begins the title, put another word before it.", correction))
	case err != nil:
		err = Refusal(fmt.Sprintf("I cannot start that: %v.", err))
	}
	return source, title, err
}

func stop(p *Processor, ctx context.Context, r Request) (string, error) {
	var refused error // judged where the show is known: it may be just starting, or coming back after a restart
	show, err := p.Broadcasts.StopIf(ctx, r.Room, func(show *store.Show) bool {
		if !r.means(show) {
			return false
		}
		refused = r.checkOwn(show, "end")
		return refused == nil
	})
	switch {
	case refused != nil:
		return "", refused
	case errors.Is(err, broadcast.ErrNotLive):
		return nothingOnAir, nil
	case err != nil:
		return "", err
	}
	return fmt.Sprintf("%s is over after %s.", quoted(show.Title), text.Clock(show.Main().Duration)), nil
}

const nothingOnAir = "Nothing is on air here. !live start begins a show."

func status(p *Processor, _ context.Context, r Request) (string, error) {
	running, live := p.Broadcasts.Status(r.Room)
	if !live {
		return nothingOnAir, nil
	}
	show, extent := running.Show, running.Extent
	if running.Returning {
		return fmt.Sprintf("%s by %s comes back after a restart of the station.", quoted(show.Title), show.Speaker), nil
	}
	return fmt.Sprintf("%s by %s is on air: %s recorded, %s.",
		quoted(show.Title), show.Speaker, text.Clock(extent.Duration), backlog(extent.Size-running.Uploaded)), nil
}

// backlog says how far the listeners' copy is behind.
func backlog(bytes int64) string {
	const keepsUp = 64 << 10 // some seconds of sound, which are always on the way
	if bytes < keepsUp {
		return "the gateway keeps up"
	}
	return fmt.Sprintf("%d kB wait for the gateway", bytes/1000)
}

// quoted is what a sentence calls a show at its beginning.
func quoted(title string) string {
	if title == "" {
		return "The show"
	}
	return "“" + title + "”"
}
