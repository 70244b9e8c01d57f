package capture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Kind is one kind of source: what stands before the colon of a specification such as
// device:default.
type Kind struct {
	Name     string   // lower case
	Aliases  []string // other words that people say for it; they are corrected, not accepted
	Examples []string // specifications for people to copy, the best one first
	Help     string   // one line: what it is
	Live     bool     // it happens now: after a restart it is opened again and goes on
	Alone    bool     // the name of the kind is a specification by itself, with an empty name to open
	Personal bool     // it is something of whoever names it, so it cannot be the station's own source
	// Off is why this station has none of the kind, and what can be done: the end of a sentence for the
	// room. "": it has. People may still say its name, which must not be taken for a title then.
	Off string

	// Late is how long after its capture sound may still come: a line that was broken brings later what
	// its other end has kept. 0: it comes at once.
	Late time.Duration

	// Open opens the source; name is what follows the colon. See Kinds.Open.
	Open func(ctx context.Context, name string, o Options) (Source, error)
	// Grant decides whether somebody may ask for name, and returns the name to open in its place: a
	// file has become its real path. Its errors are sentences for the room. Without it, and without
	// Invite, the kind is only for the station's config.
	Grant func(ctx context.Context, by Asker, name string) (string, error)
	// Invite is for a kind whose shows begin elsewhere, such as at a page: whoever asks for the kind
	// alone gets what they need for that, by a way that only they can read. It returns what to answer
	// in the room. Its errors are sentences for the room, too.
	Invite func(ctx context.Context, by Asker, title string) (answer string, err error)
}

// off returns Off as an error; nil: this station has the kind.
func (k Kind) off() error {
	if k.Off == "" {
		return nil
	}
	return errors.New(k.Off)
}

// Asker is who asks for a source, and for a show in which room.
type Asker struct {
	Room string // id
	User string // Matrix user id
}

// Kinds is the table of what a station can open. Packages that have sources of their own
// append to BuiltIn's.
type Kinds []Kind

// BuiltIn returns the kinds of this package; what may be opened is within the limits:
//
//	device:default   the system's microphone       device:NAME   one that Devices lists, by its exact name or ID
//	file:talk.opus   Ogg Opus is passed on, padded to one size unless Encoder.VBR is set; WAV, and
//	                 everything else that ffmpeg reads, is encoded
//	                 Of a playlist or a folder, all files through one encoder
//	pipe:-           Options.Stdin, from the first read on: Ogg Opus, WAV or raw samples, which are encoded
//	tone:440         a beeping test tone; tone:440,duration=30s ends
func BuiltIn(l Limits) Kinds {
	return Kinds{{
		Name: "device", Aliases: []string{"mic", "microphone"}, Live: true,
		Examples: []string{"device:default", "device:NAME"}, Help: "a microphone of the station",
		Open: l.openDevice, Grant: l.grantDevice,
	}, {
		Name:     "file",
		Examples: []string{"file:talk.opus"}, Help: "a file of the station's media folder, a playlist (.m3u) or a folder in it",
		Open: l.openFile, Grant: l.grantFile,
	}, {
		Name: "pipe", Aliases: []string{"stdin"},
		Examples: []string{"pipe:-"}, Help: "the standard input of the station's program",
		Open: openPipe,
	}, {
		Name: "tone", Live: true,
		Examples: []string{"tone:440"}, Help: "a beep of so many hertz, for a test; tone:440,duration=30s ends",
		Open: openTone, Grant: grantAll,
	}}
}

// Parse takes a specification apart. It accepts only what is spelled right; see FromWords
// for what people type.
func (ks Kinds) Parse(spec string) (kind Kind, name string, err error) {
	word, name, found := strings.Cut(spec, ":")
	if i := ks.index(word); i >= 0 && (found || ks[i].Alone) {
		return ks[i], name, nil
	}
	return Kind{}, "", fmt.Errorf("unknown source %q: use %s", Loggable(spec), ks.examples())
}

// Check returns a sentence if spec cannot be the station's own source: a Correction if it only looks
// like a source.
func (ks Kinds) Check(spec string) error {
	kind, _, unknown := ks.Parse(spec)
	switch {
	case unknown == nil && kind.Personal:
		return fmt.Errorf("%s cannot be the station's own source: it is something of the speaker, who asks for it with !live start %s",
			kind.Name, kind.Examples[0])
	case unknown == nil:
		return nil
	}
	_, _, err := ks.FromWords(strings.Fields(spec))
	return cmp.Or(err, unknown)
}

// Open opens the source that spec names. Errors are sentences for the user. The source lives until
// Close, or until ctx ends.
func (ks Kinds) Open(ctx context.Context, spec string, o Options) (Source, error) {
	kind, name, err := ks.Parse(spec)
	if err = cmp.Or(err, kind.off()); err != nil {
		return nil, err
	}
	return kind.Open(ctx, name, o.withDefaults())
}

// Grant returns the specification to open for somebody who asks for spec, or a sentence
// that says why they cannot have it.
func (ks Kinds) Grant(ctx context.Context, by Asker, spec string) (string, error) {
	kind, name, err := ks.Parse(spec)
	if err = cmp.Or(err, kind.off()); err != nil {
		return "", err
	}
	if kind.Grant == nil {
		return "", fmt.Errorf("a %s can only be the station's own source, set in its config", kind.Name)
	}
	if name, err = kind.Grant(ctx, by, name); err != nil {
		return "", err
	}
	if name == "" && kind.Alone {
		return kind.Name, nil
	}
	return kind.Name + ":" + name, nil
}

// Inviting returns the kind that spec names alone, if its shows begin elsewhere: who asks for it is
// invited, and nothing is opened.
func (ks Kinds) Inviting(spec string) (kind Kind, ok bool) {
	kind, name, err := ks.Parse(spec)
	return kind, err == nil && name == "" && kind.Invite != nil && kind.Off == ""
}

// IsLive reports whether the source that spec names goes on after a restart.
func (ks Kinds) IsLive(spec string) bool {
	kind, _, err := ks.Parse(spec)
	return err == nil && kind.Live && kind.Off == ""
}

// Late is how long after its capture sound may come from the source that spec names.
func (ks Kinds) Late(spec string) time.Duration {
	kind, _, _ := ks.Parse(spec)
	return kind.Late
}

// ForRooms returns the kinds that a command in a room may ask for.
func (ks Kinds) ForRooms() Kinds {
	return slices.DeleteFunc(ks.here(), func(k Kind) bool { return k.Grant == nil && k.Invite == nil })
}

// here returns the kinds that this station has.
func (ks Kinds) here() Kinds {
	return slices.DeleteFunc(slices.Clone(ks), func(k Kind) bool { return k.Off != "" })
}

// Loggable returns a specification for a log, or for an answer. Of an address it leaves the scheme and
// the host: each other part may be a password.
func Loggable(spec string) string {
	scheme, _, found := strings.Cut(spec, "://")
	if !found {
		return spec
	}
	var host string
	if u, err := url.Parse(spec); err == nil {
		host = u.Host
	}
	return scheme + "://" + host + "/…"
}

// index returns the kind of this name, or -1.
func (ks Kinds) index(name string) int {
	return slices.IndexFunc(ks, func(k Kind) bool { return k.Name == name })
}

// examples is the end of a sentence: "device:default, file:talk.opus or tone:440".
func (ks Kinds) examples() string {
	var all []string
	for _, k := range ks {
		all = append(all, k.Examples...)
	}
	if len(all) < 2 {
		return strings.Join(all, "")
	}
	last := len(all) - 1
	return strings.Join(all[:last], ", ") + " or " + all[last]
}
