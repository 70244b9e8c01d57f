package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"runtime/debug"
	"strings"
	"testing"

	"broadcastbot/capture"
	"broadcastbot/internal/bot"
)

func mustConfig(t *testing.T) *config {
	t.Helper()
	c, err := loadConfig(mustWrite(t, complete))
	if err != nil {
		t.Fatal(err)
	}
	c.DataDir, c.Gateway.Listen = t.TempDir(), "127.0.0.1:0"
	return c
}

func mustCloseStation(t *testing.T, s *station) {
	t.Helper()
	if err := errors.Join(s.front.close(), s.store.Close()); err != nil {
		t.Error(err)
	}
}

// TestStationUploads: to its own gateway, or to the one that the config names; then it has a port
// only for a studio.
func TestStationUploads(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	own := mustConfig(t)
	s, err := newStation(t.Context(), own, log)
	if err != nil {
		t.Fatal(err)
	}
	defer mustCloseStation(t, s)
	if got, want := s.uploads(own, "").Endpoint, s.front.localURL()+"/upload"; got != want {
		t.Errorf("it uploads to %s, want %s", got, want)
	}

	elsewhere := mustConfig(t)
	elsewhere.Gateway.Remote, elsewhere.Source = "https://radio.example.org", "tone:440"
	remote, err := newStation(t.Context(), elsewhere, log)
	if err != nil {
		t.Fatal(err)
	}
	defer mustCloseStation(t, remote)
	if got := remote.uploads(elsewhere, "").Endpoint; got != "https://radio.example.org/upload" {
		t.Errorf("it uploads to %s", got)
	}
	if remote.front.listener != nil {
		t.Errorf("it listens at %v, where nothing answers", remote.front.listener.Addr())
	}
	elsewhere.Source, elsewhere.DataDir = "studio", t.TempDir()
	studio, err := newStation(t.Context(), elsewhere, log)
	if err != nil {
		t.Fatal(err)
	}
	defer mustCloseStation(t, studio)
	if studio.front.listener == nil {
		t.Error("there is no port for the studio")
	}
}

// TestStationThatCannotBeMade gives its port back, and not only when its memory is collected.
func TestStationThatCannotBeMade(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	c, log := mustConfig(t), slog.New(slog.DiscardHandler)
	port, err := net.Listen("tcp", c.Gateway.Listen)
	if err != nil {
		t.Fatal(err)
	}
	c.Gateway.Listen = port.Addr().String()
	if _, err := newStation(t.Context(), c, log); err == nil || !strings.Contains(err.Error(), "gateway.listen: ") {
		t.Errorf("error %v for a port that another program has", err)
	}
	port.Close()
	c.Speakers = []string{"example.org"}
	if _, err := newStation(t.Context(), c, log); err == nil || !strings.Contains(err.Error(), "speakers: ") {
		t.Errorf("error %v, want one that speaks of the speakers", err)
	}
	c.Speakers = nil
	s, err := newStation(t.Context(), c, log)
	if err != nil {
		t.Fatal(err)
	}
	mustCloseStation(t, s)
}

// TestProgramPortOfABotAlone: it is given back, too, though nothing answers HTTP.
func TestProgramPortOfABotAlone(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	c := mustConfig(t)
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := port.Addr().String()
	port.Close()
	c.Gateway.Remote, c.Source, c.Icecast.Listen, c.Speakers = "https://radio.example.org", "tone:440", address, []string{"example.org"}
	if _, err := newStation(t.Context(), c, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "speakers: ") {
		t.Errorf("error %v, want one that speaks of the speakers", err)
	}
	if port, err = net.Listen("tcp", address); err != nil {
		t.Fatal("the port is open still:", err)
	}
	port.Close()
}

// TestSourcesThatAreOff: their names are no titles, which would open the station's own source.
func TestSourcesThatAreOff(t *testing.T) {
	c := mustConfig(t)
	c.Gateway.Remote, c.Source = "https://radio.example.org", "tone:440"
	s, err := newStation(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer mustCloseStation(t, s)
	kinds := s.kinds(c)
	for words, want := range map[string]string{
		"icecast Friday night": noPrograms, "studio Friday night": noStudio,
		"https://radio.example.org/a Friday": "pull_hosts", "http://radio.example.org/a Friday": "pull_hosts",
	} {
		spec, _, err := kinds.FromWords(strings.Fields(words))
		if err == nil {
			spec, err = kinds.Grant(t.Context(), capture.Asker{}, spec)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v, want %q", words, spec, err, want)
		}
	}
}

// TestNoVoice: whoever has sent none is written to, which opens the chat to send one in.
func TestNoVoice(t *testing.T) {
	var sent []string
	cannot := errors.New("the homeserver is away")
	direct := func(_ context.Context, user, text string) error {
		if user == "@bob:example.org" {
			return cannot
		}
		sent = append(sent, user+": "+text)
		return nil
	}
	kinds := capture.Kinds{voicesKind(new(bot.Voices), direct)}
	if _, err := kinds.Grant(t.Context(), capture.Asker{User: "@alice:example.org"}, "voice"); err != errNoVoice {
		t.Error("granted:", err)
	}
	if len(sent) != 1 || sent[0] != "@alice:example.org: "+howToVoice {
		t.Errorf("sent %q", sent)
	}
	if _, err := kinds.Grant(t.Context(), capture.Asker{User: "@bob:example.org"}, "voice"); err != cannot {
		t.Error("of a message that could not be sent:", err)
	}
}
