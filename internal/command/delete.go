package command

import (
	"context"
	"errors"
	"fmt"

	"broadcastbot/internal/broadcast"
	"broadcastbot/internal/text"
	"broadcastbot/store"
)

// deleteShow removes the show that is on air or was the last one, or the one whose message the command
// answers.
func deleteShow(p *Processor, ctx context.Context, r Request) (string, error) {
	if len(r.Words) > 0 {
		return "", Refusal("!live delete deletes the show that is on air, or else the last one. To delete another one, answer its announcement with !live delete.")
	}
	show, err := p.Broadcasts.Find(ctx, r.Room, r.ReplyTo)
	if errors.Is(err, broadcast.ErrNoShow) || err == nil && !r.means(&show) {
		return "", noShow(r)
	}
	if err != nil {
		return "", err
	}
	if err := r.checkOwn(&show, "delete"); err != nil {
		return "", err
	}
	err = p.Broadcasts.Delete(ctx, show.ID)
	if err != nil && !errors.Is(err, broadcast.ErrNotCutOff) && !errors.Is(err, broadcast.ErrNotOnRecord) {
		return "", err
	}
	return deleted(&show, err), nil
}

func noShow(r Request) Refusal {
	if r.ReplyTo != "" {
		return "That message belongs to no show of mine, or the show is deleted already."
	}
	return "There is no show to be deleted here, or the last one is deleted already. To delete an older one, answer its announcement with !live delete."
}

// deleted says what has become of a show, and what has not worked yet.
func deleted(show *store.Show, undone error) string {
	answer := fmt.Sprintf("%s of %s is deleted", quoted(show.Title), show.StartedAt.UTC().Format("2 January 2006, 15:04 UTC"))
	switch {
	case errors.Is(undone, broadcast.ErrNotOnRecord):
		return answer + fmt.Sprintf(", but the disk of the station does not take note of that, and a restart may forget it. Say it again in some minutes, please: %s.", text.Headline(undone, maxHeadline))
	case undone != nil:
		return answer + fmt.Sprintf(", but not at the gateway yet, where who has the link can still hear it. I ask again until it works: %s.", text.Headline(undone, maxHeadline))
	}
	return answer + "." + copyLeft(show)
}

// copyLeft says what the homeserver keeps of a show: one that is not encrypted is worth a sentence. Of
// one that was being deleted already it is not known what it was.
func copyLeft(show *store.Show) string {
	t := show.Main()
	switch {
	case !t.Plain, show.Stage == store.Deleting:
		return ""
	case t.MXC != "":
		return fmt.Sprintf(" The homeserver keeps its copy, %s, until its admin deletes that.", t.MXC)
	case t.Reserved != "" && show.Stage == store.Concluding: // it may just be uploaded
		return fmt.Sprintf(" The homeserver may have a copy, %s, and keeps that until its admin deletes it.", t.Reserved)
	default:
		return ""
	}
}
