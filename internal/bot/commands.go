package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"unicode"

	"broadcastbot/capture"
)

// station carries out commands. It is apart from Matrix: words go in, an
// answer comes out.
type station struct {
	broadcasts Broadcasts
	access     access
	sources    capture.Kinds
	plain      func(ctx context.Context, room string) (bool, error) // whether its shows are not encrypted
	log        *slog.Logger
}

// caller is who gave a command, and where.
type caller struct {
	room, user string
	power      int // level in that room
}

// command is a line of the table. Its run gets the words that follow the name,
// and returns what to answer. An error that is a refusal is answered as it
// is, any other in one line that says so.
type command struct {
	name  string
	usage string
	help  string
	may   func(*station, caller) error // nil: everybody
	run   func(*station, context.Context, caller, []string) (string, error)
}

// commands is the table; a function, because help reads it as well.
func commands() []command {
	return []command{
		{"!live start", "[source] [title]", "go on air", mayStart, start},
		{"!live stop", "", "end the show", mayStop, stop},
		{"!live status", "", "how the show is going", nil, status},
		{"!help", "", "this list", nil, help},
	}
}

// refusal is an error that says in full what the caller has to know.
type refusal string

func (r refusal) Error() string { return string(r) }

// parse returns a message's words if it is addressed to us. Whatever can not
// be seen is left out: a title is shown to people.
func parse(body string) (words []string, ok bool) {
	visible := func(r rune) rune {
		if unicode.IsGraphic(r) || unicode.IsSpace(r) {
			return r
		}
		return -1
	}
	words = strings.Fields(strings.Map(visible, body))
	if len(words) == 0 {
		return nil, false
	}
	words[0] = strings.ToLower(words[0]) // telephones like to begin with a capital
	return words, words[0] == "!live" || words[0] == "!help"
}

// answer carries out the command in words, which parse has returned.
func (s *station) answer(ctx context.Context, c caller, words []string) (text string) {
	log := s.log.With("room", c.room, "user", c.user, "command", strings.Join(words[:min(2, len(words))], " "))
	defer func() {
		if p := recover(); p != nil {
			log.Error("a command panicked", "panic", p, "stack", string(debug.Stack()))
			text = "That went wrong inside the station; its log says how."
		}
	}()
	text, err := s.dispatch(ctx, c, words)
	var refused refusal
	switch {
	case errors.As(err, &refused):
		log.Info("refused a command", "reason", refused)
		return refused.Error()
	case err != nil:
		log.Warn("a command did not work", "err", err)
		return fmt.Sprintf("That did not work: %s. The station's log says more.", headline(err))
	}
	log.Info("carried out a command")
	return text
}

func (s *station) dispatch(ctx context.Context, c caller, words []string) (string, error) {
	for _, command := range commands() {
		rest, ok := cutWords(words, strings.Fields(command.name))
		if !ok {
			continue
		}
		if command.may != nil {
			if err := command.may(s, c); err != nil {
				return "", err
			}
		}
		return command.run(s, ctx, c, rest)
	}
	return "", refusal(fmt.Sprintf("I do not know %q. Say !help for what I know.", strings.Join(words[:min(2, len(words))], " ")))
}

// cutWords returns the words after name, if they begin with it.
func cutWords(words, name []string) (rest []string, ok bool) {
	if len(words) < len(name) {
		return nil, false
	}
	for i := range name {
		if !strings.EqualFold(words[i], name[i]) {
			return nil, false
		}
	}
	return words[len(name):], true
}

// maxHeadline is how many characters of an error a room has to read.
const maxHeadline = 300

// headline is an error as a line of a conversation, causes and all: who stands
// at the microphone has to know why it does not open.
func headline(err error) string {
	text := []rune(strings.TrimRight(displayable(err.Error()), ":. "))
	if len(text) <= maxHeadline {
		return string(text)
	}
	return string(text[:maxHeadline-1]) + "…"
}

func help(s *station, _ context.Context, _ caller, _ []string) (string, error) {
	var b strings.Builder
	b.WriteString("I put a voice on air in this room.")
	for _, c := range commands() {
		fmt.Fprintf(&b, "\n%s: %s", strings.TrimSpace(c.name+" "+c.usage), c.help)
	}
	b.WriteString("\nSources:")
	for _, k := range s.sources.ForRooms() {
		fmt.Fprintf(&b, "\n%s: %s", strings.Join(k.Examples, ", "), k.Help)
	}
	return b.String(), nil
}
