package broadcast

import (
	"context"
	"errors"

	"broadcastbot/internal/retry"
	"broadcastbot/store"
	"broadcastbot/uploader"
)

// isOlder reports whether the spools are, or may be, an older copy of themselves: the gateway has,
// or may have, more of the show.
func isOlder(err error) bool {
	return errors.Is(err, uploader.ErrAhead) || errors.Is(err, errUnknownOffset)
}

// setAside keeps the rooms from being told what is only true of an older copy of the spools. Where they
// were told how the show has ended, that stays as it is, and the error is errToldOver. Where they were
// not, they are told that it is over, and of the gateway's file nothing else.
func (r *reopening) setAside(ctx context.Context, show *store.Show, tracks []*track, why error) ([]*track, error) {
	over, err := r.isToldOver(ctx, show)
	switch {
	case err != nil:
		return tracks, err
	case over:
		r.entry.update(func(show *store.Show) {
			show.Stage = store.Concluded
			show.NoteVoicing() // before the disk was set back, perhaps
		})
		r.entry.log.Warn("the disk has an older copy of a show whose end its rooms know, and is not to be believed", "err", why)
		return tracks, errToldOver
	case !errors.Is(why, uploader.ErrAhead):
		return tracks, why
	}
	closeTracks(tracks)
	for i := range show.Tracks {
		tracks[i] = newTrack(&show.Tracks[i], tracks[i].path)
	}
	return tracks, why
}

// isToldOver reports whether a room was told that the show is over. It waits until the homeserver
// answers, without which nothing can be told either. Its error is that ctx has ended.
func (r *reopening) isToldOver(ctx context.Context, show *store.Show) (over bool, err error) {
	for _, a := range show.Announcements {
		if a.Event == "" {
			continue
		}
		err := retry.Do(ctx, retryRemoved, func(ctx context.Context) (err error) {
			over, err = r.Announcer.IsOver(ctx, a)
			return err
		}, retry.IsPermanent, nil)
		if over || ctx.Err() != nil {
			return over, context.Cause(ctx)
		}
		if err != nil {
			r.entry.log.Info("whether a room was told that the show is over cannot be known", "room", a.Room, "err", err)
		}
	}
	return false, nil
}
