// Package broadcast is the sending half: a show takes packets from a source,
// has them made into blocks on its tracks, keeps the copies at the tracks'
// outlets complete, and is brought to its conclusion.
//
//	manager.go       starts and stops shows; places.go: at most one in a room
//	prepare.go       opens what a show needs, and announces it
//	session.go       the way of a packet
//	track.go         one growing file; outlet.go, recap.go: who follows it
//	steps.go         what is done for a show that is over; conclusion.go: in which order
//	resume.go        goes on after a crash; leftover.go: what it has left of a file;
//	older.go         … where the gateway has more
//	delete.go        removes every trace of a show; removed.go: because its announcement is gone
//	lives.go         what this run does for which show; await.go: how one waits for another
//	entry.go         the record of a show; rooms.go: what its rooms are told
package broadcast

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/retry"
	"broadcastbot/store"
	"broadcastbot/uploader"
)

// Request asks for a show.
type Request struct {
	Rooms   []string // in which it is announced, at least one
	Speaker string   // Matrix user id
	Source  string   // such as device:default; empty for the configured one
	Title   string
	Plain   bool // not encrypted
}

// Announcer tells rooms what happens. Its methods may be repeated, and have one
// effect then. ErrRoomClosed means that nothing can be told in a room any more,
// and retry.IsPermanent that no repetition can help.
type Announcer interface {
	// Ready returns when rooms can be told something, or an error when that
	// can never be.
	Ready(ctx context.Context) error
	// Announce posts the announcement of a show and returns the event's id.
	Announce(ctx context.Context, show *store.Show, room string) (event string, err error)
	// Update edits the announcement to tell how the show stands now, and returns the edit's id.
	Update(ctx context.Context, show *store.Show, a store.Announcement) (event string, err error)
	// IsRemoved reports whether the room has removed the announcement.
	IsRemoved(ctx context.Context, a store.Announcement) (bool, error)
	// IsOver reports whether the room was told that the show is over, or has removed the announcement.
	IsOver(ctx context.Context, a store.Announcement) (bool, error)
	// Retract removes the announcement, with all its edits, and the voice message.
	Retract(ctx context.Context, show *store.Show, a store.Announcement) error
	// MayGoOn returns nil if the show may begin or go on in the room as room and config are now:
	// its speaker is a member who may go on air, and a show that is not encrypted is in a room that
	// is listed for that, whose members do not encrypt either. Else the error is ErrSpeakerLeft,
	// ErrNoSpeaker, ErrUnlisted, ErrEncrypted, or why that is not known.
	MayGoOn(ctx context.Context, show *store.Show, room string) error
	// PostVoice answers the announcement with the main track, whose file is at
	// path, as an ordinary voice message, and returns the event's id.
	PostVoice(ctx context.Context, show *store.Show, a store.Announcement, path string) (event string, err error)
	// Say posts a notice.
	Say(ctx context.Context, room, text string) error
}

// Media is where the homeserver keeps finished files. Errors are as those of
// an Announcer.
type Media interface {
	// Reserve returns the mxc:// address that a file will have, or "" where the
	// homeserver promises none.
	Reserve(ctx context.Context) (mxc string)
	// Upload uploads a track's file, which is at path, to the address that was
	// reserved for it or to a new one, which it returns.
	Upload(ctx context.Context, t *store.Track, path string) (mxc string, err error)
	// Release gives a reserved address back. The error is ErrFilled where a file is there already.
	Release(ctx context.Context, mxc string) error
}

// Options are what shows are made with.
type Options struct {
	Store         *store.Store
	Announcer     Announcer
	Media         Media
	Gateway       uploader.Remote // from which listeners get the files
	PublicURL     string          // of the gateway, as listeners reach it
	SpoolDir      string
	DefaultSource string
	BlockDuration time.Duration
	// ResumeWithin is how long after a crash a show from a live source may go on air
	// again. Every other one gets its end.
	ResumeWithin time.Duration
	// OpenSource opens a source, as capture.Kinds does. Of the options, only those are set that say
	// what the show has already.
	OpenSource func(ctx context.Context, spec string, o capture.Options) (capture.Source, error)
	// IsLive reports whether a source goes on after a restart, as capture.Kinds does.
	IsLive func(spec string) bool
	// Late is how long after its capture the sound of a source may come, as capture.Kinds says; nil: it
	// comes at once.
	Late func(spec string) time.Duration
	Log  *slog.Logger
}

// ErrRoomClosed means that a room does not let the bot say anything any more.
var ErrRoomClosed = retry.Permanent(errors.New("the room does not let the bot tell anything"))

// ErrFilled means that a reserved address cannot be given back, because there is a file already.
var ErrFilled = errors.New("there is a file at the reserved address already")

// Why a show may not go on in a room.
var (
	ErrSpeakerLeft = errors.New("its speaker has left the room")
	ErrNoSpeaker   = errors.New("its speaker may not go on air in this room any more")
	ErrUnlisted    = errors.New("the station's config does not list the room for shows without encryption any more")
	ErrEncrypted   = errors.New("encryption was switched on in the room")
)

// ErrNoShow means that the room has, or has had, no such show, or that it was deleted.
var ErrNoShow = errors.New("there is no such show")

// ErrNotLive means that there is no show in the room.
var ErrNotLive = errors.New("nothing is on air in this room")
