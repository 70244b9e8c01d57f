package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"

	"broadcastbot/capture"
	"broadcastbot/internal/broadcast"
	"broadcastbot/internal/text"
)

// Options are what commands work with.
type Options struct {
	Broadcasts Broadcasts
	Rights     Rights
	Sources    capture.Kinds // that a start may name
	Source     string        // the station's own, for a start that names none

	PlainRooms []string // ids of rooms whose shows are not encrypted
	Rooms      Rooms
	Programs   Programs

	Log *slog.Logger // nil discards
}

// Processor carries out commands. Its methods are what it is asked for, in rooms, by what happens in
// them, and by those who bring sound from elsewhere; and what several of these have in common.
type Processor struct{ Options }

// New checks the options. The methods of what it returns may be called from any goroutine.
func New(o Options) (*Processor, error) {
	if err := o.Rights.Speakers.Check(); err != nil {
		return nil, fmt.Errorf("speakers: %w", err)
	}
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	return &Processor{o}, nil
}

// Parse returns a message's words if it is addressed to the station. Characters that cannot
// be seen are left out: a title is shown to people.
func Parse(body string) (words []string, ok bool) {
	words = text.Words(body)
	if len(words) == 0 {
		return nil, false
	}
	first := strings.ToLower(words[0]) // telephones like to begin with a capital
	return words, slices.ContainsFunc(commands(), func(c command) bool { return strings.Fields(c.name)[0] == first })
}

// IsUrgent reports whether words only take something away, so that they are not to be lost.
func (p *Processor) IsUrgent(words []string) bool {
	c, _, found := p.find(words)
	return found && c.urgent
}

// Answer carries out a request and returns what to say to it. A Refusal is answered as it
// is; of any other error the room learns in one line, and the log has the rest.
func (p *Processor) Answer(ctx context.Context, r Request) (answer string) {
	log := p.Log.With("room", r.Room, "user", r.User, "command", briefly(r.Words))
	defer func() {
		if panicked := recover(); panicked != nil {
			log.Error("a command panicked", "panic", panicked, "stack", string(debug.Stack()))
			answer = "That went wrong inside the station; its log says how."
		}
	}()
	answer, err := p.carryOut(ctx, r)
	if err != nil {
		return apology(log, err)
	}
	log.Info("carried out a command")
	return answer
}

// apology says why a command is not carried out, and has the log say it in full.
func apology(log *slog.Logger, err error) string {
	var refusal Refusal
	if errors.As(err, &refusal) {
		log.Info("refused a command", "reason", refusal)
		return refusal.Error()
	}
	log.Warn("a command did not work", "err", err)
	return fmt.Sprintf("That did not work: %s. The station's log says more.", text.Headline(err, maxHeadline))
}

func (p *Processor) carryOut(ctx context.Context, r Request) (string, error) {
	c, rest, found := p.find(r.Words)
	if !found {
		return "", Refusal(fmt.Sprintf("I do not know %q. Say !help for what I know.", briefly(r.Words)))
	}
	if r.Direct {
		return c.runDirect(p, ctx, r)
	}
	if c.may != nil {
		if err := c.may(p, r); err != nil {
			return "", err
		}
	}
	r.Words = rest
	return c.run(p, ctx, r)
}

// LeftRoom ends the show of a room that the station is no longer in.
func (p *Processor) LeftRoom(ctx context.Context, room string) {
	_, err := p.Broadcasts.Stop(ctx, room)
	switch {
	case errors.Is(err, broadcast.ErrNotLive):
	case err != nil:
		p.Log.Warn("the show of a room that we are no longer in has no proper end", "room", room, "err", err)
	default:
		p.Log.Info("ended the show of a room that we are no longer in", "room", room)
	}
}

// find returns the command that words begin with, and the words behind its name.
func (p *Processor) find(words []string) (c command, rest []string, found bool) {
	if len(words) == 1 && strings.EqualFold(words[0], "!live") {
		words = []string{"!live", "start"}
	}
	for _, c := range p.commands() {
		for _, name := range append([]string{c.name}, c.aliases...) {
			if rest, found := cutName(words, strings.Fields(name)); found {
				return c, rest, true
			}
		}
	}
	return command{}, nil, false
}

// commands is the part of the table that is of use in this station.
func (p *Processor) commands() []command {
	return slices.DeleteFunc(commands(), func(c command) bool { return c.has != nil && !c.has(p) })
}

// cutName returns the words behind the name that they begin with.
func cutName(words, name []string) (rest []string, found bool) {
	if len(words) < len(name) || !slices.EqualFunc(words[:len(name)], name, strings.EqualFold) {
		return nil, false
	}
	return words[len(name):], true
}

// briefly is as much of the words as names a command. Where one is missing, the next may be an address.
func briefly(words []string) string {
	var brief []string
	for _, word := range words[:min(2, len(words))] {
		brief = append(brief, capture.Loggable(word))
	}
	return strings.Join(brief, " ")
}

// maxHeadline is how many characters of an error, with its causes, a room has to read: who stands
// at the microphone has to know why it does not open.
const maxHeadline = 300

func help(p *Processor, _ context.Context, _ Request) (string, error) {
	return "I put a voice on air in this room." + p.list(), nil
}

// list is what there is to say, a line for each.
func (p *Processor) list() string {
	var b strings.Builder
	for _, c := range p.commands() {
		fmt.Fprintf(&b, "\n%s: %s", strings.TrimSpace(c.name+" "+c.usage), c.help)
	}
	b.WriteString("\nSources:")
	for _, k := range p.Sources.ForRooms() {
		fmt.Fprintf(&b, "\n%s: %s", strings.Join(k.Examples, ", "), k.Help)
	}
	return b.String()
}
