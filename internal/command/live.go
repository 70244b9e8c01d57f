package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
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
	source, title, err := p.sourceAndTitle(ctx, r)
	if err != nil {
		return "", err
	}
	if kind, ok := p.Sources.Inviting(cmp.Or(source, p.Source)); ok {
		return p.invite(ctx, r, kind, title)
	}
	show, started, err := p.begin(ctx, r, source, title)
	switch {
	case err != nil:
		return "", err
	case !started:
		return onAirAlready(&show), nil
	case show.Main().Plain:
		return fmt.Sprintf("%s is on air, and not encrypted: everybody with its address can hear it, in any player: %s . !live stop ends the show.",
			quoted(show.Title), show.Main().LiveURL()), nil
	default:
		return fmt.Sprintf("%s is on air. !live stop ends the show.", quoted(show.Title)), nil
	}
}

func onAirAlready(show *store.Show) string {
	return fmt.Sprintf("%s is on air already. !live stop ends the show, !live status tells more.", quoted(show.Title))
}

// begin has a show begin, unless one is on air in the room already, which it returns then.
func (p *Processor) begin(ctx context.Context, r Request, source, title string) (show store.Show, started bool, err error) {
	plain, err := p.isPlain(ctx, r.Room)
	if err != nil {
		return store.Show{}, false, err
	}
	return p.Broadcasts.Start(ctx, broadcast.Request{
		Rooms: []string{r.Room}, Speaker: r.User, Source: source, Title: title, Plain: plain,
	})
}

// invite sends the speaker what they need to begin the show elsewhere.
func (p *Processor) invite(ctx context.Context, r Request, kind capture.Kind, title string) (string, error) {
	if running, live := p.Broadcasts.Status(r.Room); live {
		return onAirAlready(&running.Show), nil
	}
	if _, err := p.isPlain(ctx, r.Room); err != nil {
		return "", err
	}
	answer, err := kind.Invite(ctx, r.asker(), title)
	return answer + " " + acceptInvitation, err
}

// asker is who asks, as kinds of sources see them.
func (r Request) asker() capture.Asker { return capture.Asker{Room: r.Room, User: r.User} }

// sourceAndTitle takes the words of a start apart. The source is one that may be opened or is an
// inviting one, or "" where the words name none. Errors are Refusals.
func (p *Processor) sourceAndTitle(ctx context.Context, r Request) (source, title string, err error) {
	source, words, err := p.Sources.FromWords(r.Words)
	if _, inviting := p.Sources.Inviting(source); err == nil && source != "" && !inviting {
		source, err = p.Sources.Grant(ctx, r.asker(), source)
	}
	title = strings.Join(words, " ")
	if err == nil && utf8.RuneCountInString(title) > MaxTitle {
		err = fmt.Errorf("the title has more than %d characters", MaxTitle)
	}
	var correction capture.Correction
	var refusal Refusal
	switch {
	case errors.As(err, &refusal):
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
	if refused != nil {
		return "", refused
	}
	return over(show, err)
}

// over says that a show has ended.
func over(show store.Show, err error) (string, error) {
	switch {
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
	return extent(&running), nil
}

// extent says how far a show has come.
func extent(running *broadcast.Status) string {
	show, extent := &running.Show, running.Extent
	if running.Returning {
		return fmt.Sprintf("%s by %s comes back after a restart of the station.", quoted(show.Title), show.Speaker)
	}
	return fmt.Sprintf("%s by %s is on air: %s recorded, %s.%s%s", quoted(show.Title), show.Speaker,
		text.Clock(extent.Duration), backlog(extent.Size-running.Uploaded), lineDown(running.LineDown), playing(running.Playing))
}

// playing says what is playing, if that is known.
func playing(song string) string {
	if song == "" {
		return ""
	}
	return " Now playing: " + song + "."
}

// lineDown says that the speaker's line is down, if it is.
func lineDown(since time.Time) string {
	if since.IsZero() {
		return ""
	}
	return fmt.Sprintf(" The speaker's line is down, for %s.", text.Clock(time.Since(since)))
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
