package command

import (
	"context"
	"fmt"

	"broadcastbot/capture"
	"broadcastbot/internal/text"
	"broadcastbot/store"
)

// StartFor begins a show for somebody who does not say so in its room, but elsewhere, with a secret
// that was given to them: on the studio page, or with a program that pushes. What they may do is
// looked up at this moment, and is the same as for a command. If the same source of theirs is on air
// already, that show is returned. A title that is too long is cut. An error is a Refusal: sentences
// for who waits there.
func (p *Processor) StartFor(ctx context.Context, by capture.Asker, source, title string) (store.Show, error) {
	show, err := p.startFor(ctx, by, source, text.Short(text.Line(title), MaxTitle))
	if err != nil {
		return store.Show{}, Refusal(apology(p.Log.With("room", by.Room, "user", by.User, "source", source), err))
	}
	return show, nil
}

func (p *Processor) startFor(ctx context.Context, by capture.Asker, source, title string) (store.Show, error) {
	r, err := p.present(ctx, by)
	if err != nil {
		return store.Show{}, err
	}
	if err := mayStart(p, r); err != nil {
		return store.Show{}, err
	}
	show, started, err := p.begin(ctx, r, source, title)
	if err == nil && !started && (show.Speaker != by.User || show.Source != source) {
		err = Refusal(fmt.Sprintf("%s by %s is on air in this room already.", quoted(show.Title), show.Speaker))
	}
	return show, err
}

// present is a request of somebody who is in the room now, where commands are taken.
func (p *Processor) present(ctx context.Context, by capture.Asker) (Request, error) {
	power, present, err := p.Rooms.Member(ctx, by.Room, by.User)
	if err != nil {
		return Request{}, err
	}
	if !present {
		return Request{}, Refusal("You, or I, are not in that room any more, so you cannot go on air there.")
	}
	return Request{Room: by.Room, User: by.User, Power: power}, p.checkPrivacy(ctx, by.Room)
}
