package command

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"

	"broadcastbot/store"
)

// Programs are broadcasting programs of speakers, which push sound to the station. The zero value is
// for a station that takes none.
type Programs struct {
	Mounts store.Mounts
	// Address is where mounts are, such as https://radio.example.org/icecast/ .
	Address string
	// Kind is the name of their kind of sources. A source's name is the id of its mount.
	Kind string
	// CutOff ends all lines of a speaker's programs to a room, and what is on air through them.
	CutOff func(room, speaker string)
}

func takesPrograms(p *Processor) bool { return p.Programs.Address != "" }

// newMount gives the speaker a mount of which nobody else reads. The one before counts until the
// new one is sent. Then what is connected to that, or on air through it, ends: who asks anew may
// have lost it.
func newMount(p *Processor, ctx context.Context, r Request) (string, error) {
	if len(r.Words) > 0 {
		return "", Refusal("!live source sends you what to type into your program, and !live source revoke makes that void. Nothing else belongs behind it.")
	}
	m, password := store.NewMount(r.Room, r.User)
	if err := p.Rooms.Direct(ctx, r.User, p.Programs.settings(p.Rooms.RoomName(ctx, r.Room), m.ID, password)); err != nil {
		return "", err
	}
	if err := p.Programs.Mounts.Put(ctx, m, password); err != nil {
		return "", err
	}
	return SentDirect + p.endPrograms(ctx, r), nil
}

// SentDirect is what a room reads when somebody was sent what the others must not read.
const SentDirect = "I have sent it to you in our direct chat. " + acceptInvitation

// acceptInvitation is for those who are written to for the first time.
const acceptInvitation = "If you do not see that chat, accept my invitation to it."

// settings is what to type into a program. Its windows ask for these words, in this order.
func (ps Programs) settings(room, mount, password string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "This is what to type into your program (BUTT, Mixxx, liquidsoap, ffmpeg and others, as for an Icecast 2 server), so that it goes on air in %s:", room)
	b.WriteString(server(ps.Address, mount))
	fmt.Fprintf(&b, "\n\nUser: source\nPassword: %s\nFormat: Ogg Opus", password)
	b.WriteString("\n\nWhoever has this can speak in your name in that room. What I have sent you for it earlier is void, and ends what is on air with it. " +
		"!live source revoke in the room makes this void, too.")
	return b.String()
}

// server is the part of the settings that says where the program connects to.
func server(address, mount string) string {
	u, err := url.Parse(address)
	if err != nil { // the config was checked
		return "\n\nAddress: " + address + mount
	}
	port, tls := u.Port(), "no, so whoever is on the way can read the password"
	if u.Scheme == "https" {
		tls = "yes"
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return fmt.Sprintf("\n\nServer: %s\nPort: %s\nTLS (SSL): %s\nMount: %s", u.Hostname(), port, tls, path.Join("/", u.Path, mount))
}

// revokeMount makes void what the speaker has for this room, whether they may still go on air or
// not, and ends what is on air through it, or through an earlier one: perhaps it is not theirs any
// more.
func revokeMount(p *Processor, ctx context.Context, r Request) (string, error) {
	const nothing = "There is nothing to make void: you have no password for a program in this room."
	m, err := p.Programs.Mounts.Mount(ctx, r.Room, r.User)
	if err == nil && !r.Before.IsZero() && m.Created.After(r.Before) {
		return nothing, nil // it was said of another one, with which all before it has ended
	}
	if err == nil {
		_, err = p.Programs.Mounts.Remove(ctx, r.Room, r.User)
	}
	switch {
	case errors.Is(err, store.ErrNoMount):
		return nothing + p.endPrograms(ctx, r), nil
	case err != nil:
		return "", err
	}
	return "Your program's password for this room is void." + p.endPrograms(ctx, r), nil
}

// endPrograms ends what the speaker's programs send to the room, whose passwords are void by now, and
// says so of what was on air.
func (p *Processor) endPrograms(ctx context.Context, r Request) string {
	p.Programs.CutOff(r.Room, r.User)
	show, ended := p.stopIf(ctx, r.Room, func(show *store.Show) bool {
		return show.Speaker == r.User && strings.HasPrefix(show.Source, p.Programs.Kind+":") && r.means(show)
	})
	if !ended {
		return ""
	}
	return fmt.Sprintf(" %s is over.", quoted(show.Title))
}

const noPassword = "You have no password for a program. Say !live source in the room that is to hear you, and I send you one here."

// revokeOwn does so in all rooms.
func revokeOwn(p *Processor, ctx context.Context, r Request) (string, error) {
	mounts, err := p.Programs.Mounts.Of(ctx, r.User)
	if err != nil {
		return "", err
	}
	if len(mounts) == 0 {
		return noPassword, nil
	}
	rooms := make([]string, len(mounts))
	for i, m := range mounts {
		rooms[i] = m.Room
	}
	return p.inEach(ctx, rooms, func(i int) (string, error) {
		r.Room = rooms[i]
		return revokeMount(p, ctx, r)
	})
}

// sourcesOfOwn tells in the direct chat in which rooms the user has mounts. The passwords nobody knows
// any more.
func sourcesOfOwn(p *Processor, ctx context.Context, r Request) (string, error) {
	mounts, err := p.Programs.Mounts.Of(ctx, r.User)
	if err != nil {
		return "", err
	}
	if len(mounts) == 0 {
		return noPassword, nil
	}
	var b strings.Builder
	b.WriteString("You have a password for a program in these rooms. Say !live source there to get a new one. " +
		"!live source revoke makes one void there, and here all of them.")
	for _, m := range mounts {
		fmt.Fprintf(&b, "\n%s: mount %s, since %s", p.Rooms.RoomName(ctx, m.Room), m.ID, m.Created.UTC().Format("2 January 2006, 15:04 UTC"))
	}
	return b.String(), nil
}
