package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"broadcastbot/capture"
	"broadcastbot/internal/broadcast"
)

// maxTitle is how many characters of title a room has to read.
const maxTitle = 200

func mayStart(s *station, c caller) error {
	if s.access.maySpeak(c) {
		return nil
	}
	return refusal("Only this station's speakers and the room's moderators may go on air. Ask one of them.")
}

// isStop reports whether the words are the command that ends a show.
func isStop(words []string) bool {
	_, is := cutWords(words, []string{"!live", "stop"})
	return is
}

// mayStop lets speakers end their own show, and moderators every one.
func mayStop(s *station, c caller) error {
	running, live := s.broadcasts.Status(c.room)
	if !live || running.Broadcast.Speaker == c.user || c.power >= moderatorPower {
		return nil
	}
	return refusal(fmt.Sprintf("This is the show of %s: only they and the room's moderators may end it.", running.Broadcast.Speaker))
}

func start(s *station, ctx context.Context, c caller, words []string) (string, error) {
	request, err := s.request(c, words)
	var correction capture.Correction
	if errors.As(err, &correction) {
		return "", refusal(fmt.Sprintf("%s If it begins the title, put another word before it.", correction))
	}
	if err != nil {
		return "", refusal(fmt.Sprintf("I can not start that: %v.", err))
	}
	if request.Plain, err = s.plain(ctx, c.room); err != nil {
		return "", err
	}
	b, started, err := s.broadcasts.Start(ctx, request)
	switch {
	case err != nil:
		return "", err
	case !started:
		return fmt.Sprintf("%s is on air already. !live stop ends the show, !live status tells more.", show(b.Title)), nil
	case b.Plain:
		return fmt.Sprintf("%s is on air, and not encrypted: everybody with its address can hear it, in any player: %s . !live stop ends the show.", show(b.Title), b.LiveURL()), nil
	default:
		return fmt.Sprintf("%s is on air. !live stop ends the show.", show(b.Title)), nil
	}
}

// request takes the words of a start apart: a source, if they begin with one, and a
// title.
func (s *station) request(c caller, words []string) (broadcast.Request, error) {
	r := broadcast.Request{Room: c.room, Speaker: c.user}
	source, words, err := s.sources.FromWords(words)
	if err != nil {
		return r, err
	}
	if source != "" {
		if r.Source, err = s.sources.Grant(source); err != nil {
			return r, err
		}
	}
	r.Title = strings.Join(words, " ")
	if utf8.RuneCountInString(r.Title) > maxTitle {
		return r, fmt.Errorf("the title has more than %d characters", maxTitle)
	}
	return r, nil
}

func stop(s *station, ctx context.Context, c caller, _ []string) (string, error) {
	b, err := s.broadcasts.Stop(ctx, c.room)
	if errors.Is(err, broadcast.ErrNotLive) {
		return nothingOnAir, nil
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s is over after %s.", show(b.Title), clock(b.Duration)), nil
}

const nothingOnAir = "Nothing is on air here. !live start begins a show."

func status(s *station, _ context.Context, c caller, _ []string) (string, error) {
	running, live := s.broadcasts.Status(c.room)
	if !live {
		return nothingOnAir, nil
	}
	b := running.Broadcast
	return fmt.Sprintf("%s by %s is on air: %s recorded, %s.",
		show(b.Title), b.Speaker, clock(running.Position), backlog(running.Size-running.Uploaded)), nil
}

// backlog says how far the listeners' copy is behind.
func backlog(bytes int64) string {
	const keepsUp = 64 << 10 // some seconds of sound, which are always on the way
	if bytes < keepsUp {
		return "the gateway keeps up"
	}
	return fmt.Sprintf("%d kB wait for the gateway", bytes/1000)
}

// show is what a sentence calls a show.
func show(title string) string {
	if title == "" {
		return "The show"
	}
	return "“" + title + "”"
}

// clock writes a duration as people read it: 4:05 or 1:02:03.
func clock(d time.Duration) string {
	seconds := int(d.Round(time.Second).Seconds())
	if seconds < 3600 {
		return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
}
