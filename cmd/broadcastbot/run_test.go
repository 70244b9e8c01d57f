package main

import (
	"errors"
	"log/slog"
	"net"
	"runtime/debug"
	"strings"
	"testing"
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

// TestStationUploads: to its own gateway, or to the one that the config names; then it has a port only for
// a studio.
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
