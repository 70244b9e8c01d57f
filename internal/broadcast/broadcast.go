// Package broadcast is the sending half: a show takes packets from a source,
// has them made into blocks on its tracks, keeps the copies at the tracks'
// outlets complete, and is brought to its conclusion.
//
// session.go is the way of a packet, track.go and outlet.go are where it goes.
// manager.go gives shows their places in rooms, prepare.go opens what they need,
// steps.go is how they end, and resume.go repairs what a crash left open.
package broadcast

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"broadcastbot/capture"
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
// effect then. An error for which retry.IsPermanent is true means that no
// repetition can help.
type Announcer interface {
	// Ready returns when rooms can be told something, or an error when that
	// can never be.
	Ready(ctx context.Context) error
	// Announce posts the announcement of a show and returns the event's id.
	Announce(ctx context.Context, show *store.Show, room string) (event string, err error)
	// Update edits the announcement to tell how the show stands now. A permanent
	// error means that the room is closed to the bot.
	Update(ctx context.Context, show *store.Show, a store.Announcement) error
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
	// Release gives a reserved address back.
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
	// ResumeWithin is how long after a crash a show may still be written to:
	// one from a live source goes on, every other one gets its end.
	ResumeWithin time.Duration
	// OpenSource opens a source, as capture.Kinds does, with its options bound.
	OpenSource func(ctx context.Context, spec string) (capture.Source, error)
	// IsLive reports whether a source goes on after a restart, as capture.Kinds does.
	IsLive func(spec string) bool
	Log    *slog.Logger
}

// ErrNotLive means that there is no show in the room.
var ErrNotLive = errors.New("nothing is on air in this room")
