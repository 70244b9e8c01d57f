package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"broadcastbot/internal/dirlock"
	"broadcastbot/internal/guest"
	"broadcastbot/internal/link"
	"broadcastbot/internal/matrix"
	"broadcastbot/internal/text"
	"broadcastbot/store"
)

// account is the Matrix user that finds a show where no link is given.
type account struct {
	homeserver, user, room, bot, data *string
	trust                             *matrix.Trust
}

func accountFlags(flags *flag.FlagSet) account {
	trust := new(matrix.Trust)
	flags.Func("trust", "whose announcements count: cross-signed (those of sessions that their owner has verified, the default) or any",
		func(word string) error { return trust.UnmarshalText([]byte(word)) })
	return account{
		trust:      trust,
		homeserver: flags.String("homeserver", "", "homeserver `URL` of the account that listens"),
		user:       flags.String("user", "", "its Matrix `ID`; the password is in the environment's BROADCASTBOT_PASSWORD"),
		room:       flags.String("room", "", "`ROOM` id or alias whose newest show is heard; where there is none, the next one is waited for"),
		bot:        flags.String("bot", "", "`ID` of the bot whose shows are heard; default: of everybody in the room"),
		data:       flags.String("data", "", "`FOLDER` for the account's session (default: the user's config folder)"),
	}
}

// findShow returns the show of a link, which is among the words or in the file at linkPath, or of the
// room that the flags name.
func findShow(ctx context.Context, words []string, linkPath string, a account, note io.Writer, log *slog.Logger) (link.Link, error) {
	switch {
	case len(words) == 1:
		return parseLink(words[0])
	case linkPath != "":
		return readLink(linkPath, note)
	case *a.homeserver == "" || *a.user == "" || *a.room == "":
		return link.Link{}, errors.New("what to listen to? Give a link with -link, or -homeserver, -user and -room")
	}
	show, err := a.find(ctx, note, log)
	if err != nil {
		return link.Link{}, err
	}
	fmt.Fprintln(note, "Announced by", text.Line(string(show.By)))
	if show.Clear {
		fmt.Fprintln(note, "The announcement was not encrypted, so it may come from the homeserver as well.")
	}
	return show.Link()
}

// find looks for the show as the Matrix user.
func (a account) find(ctx context.Context, note io.Writer, log *slog.Logger) (show guest.Show, err error) {
	dir, err := a.folder()
	if err != nil {
		return show, err
	}
	lock, err := a.lock(dir)
	if err != nil {
		return show, err
	}
	defer lock.Release()
	sessions, err := a.openSessions(ctx, dir, note)
	if err != nil {
		return show, err
	}
	defer sessions.Close()
	g, err := guest.New(matrix.Account{
		Homeserver: *a.homeserver, User: *a.user, Password: os.Getenv("BROADCASTBOT_PASSWORD"),
		DeviceName: "broadcastbot listen", RecoveryKey: os.Getenv("BROADCASTBOT_RECOVERY_KEY"), Trust: *a.trust,
		Store: sessions, RecoveryDir: dir,
	}, log)
	if err != nil {
		return show, fmt.Errorf("%w (the password is read from BROADCASTBOT_PASSWORD)", err)
	}
	// The session is only needed until the show is found.
	ctx, found := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := g.Run(ctx); err != nil {
			found(err)
		}
	}()
	defer func() {
		found(nil)
		<-ended
	}()
	room, err := g.Join(ctx, *a.room)
	if err != nil {
		return show, cmp.Or(context.Cause(ctx), err)
	}
	noteIdentity(note, g.Identity())
	show, ok, err := g.Latest(ctx, room, *a.bot)
	if err != nil || ok {
		return show, err
	}
	fmt.Fprintln(note, "No show in this room that this session can read, from a verified session: waiting for the next one.")
	return g.Next(ctx, room, *a.bot)
}

// noteIdentity says what a person has to know of their session: stations give the keys of their
// shows to verified ones.
func noteIdentity(note io.Writer, identity matrix.Identity) {
	if identity.RecoveryFile != "" {
		fmt.Fprintln(note, "The account got cross-signing keys. Keep the recovery key in this file at a safe place, then delete it:", identity.RecoveryFile)
	}
	if !identity.Verified {
		fmt.Fprintln(note, "This session is not verified, and most stations give it no keys: put the account's recovery key into BROADCASTBOT_RECOVERY_KEY.")
	}
}

// folder is where the account's session is kept.
func (a account) folder() (dir string, err error) {
	if dir = *a.data; dir == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			return "", fmt.Errorf("find a place for the session: %w; name one with -data", err)
		}
		dir = filepath.Join(config, "broadcastbot")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make a place for the session: %w", err)
	}
	return dir, nil
}

// name is what the files of the account's session are called.
func (a account) name() string {
	return "listen-" + strings.NewReplacer("/", "_", ":", "_").Replace(strings.TrimPrefix(*a.user, "@"))
}

// lock keeps a second process from the same session, whose keys each of the two would change for
// itself.
func (a account) lock(dir string) (*dirlock.Lock, error) {
	mine := filepath.Join(dir, a.name())
	if err := os.MkdirAll(mine, 0o700); err != nil {
		return nil, fmt.Errorf("make a place for the session: %w", err)
	}
	lock, err := dirlock.Acquire(mine)
	if errors.Is(err, dirlock.ErrInUse) {
		return nil, fmt.Errorf("%w: wait until that one has found its show, or name another folder with -data", err)
	}
	return lock, err
}

// openSessions opens the database of the account's session. The next run uses the
// same session, so that it can read older announcements.
func (a account) openSessions(ctx context.Context, dir string, note io.Writer) (*store.Store, error) {
	return store.Open(ctx, filepath.Join(dir, a.name()+".db"), masterKey(keyBeside(dir), func(path string) {
		fmt.Fprintln(note, "The session is encrypted with a new key, in this file:", path)
	}))
}
