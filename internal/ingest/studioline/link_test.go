package studioline

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"broadcastbot/capture"
	"broadcastbot/internal/testhelp"
	"broadcastbot/store"
)

// TestLinks: what is no valid link, or not any more, opens nothing.
func TestLinks(t *testing.T) {
	s := mustStation(t, stationOptions{})
	old := s.mustInvite(t)
	expired, err := s.invitedTo("!other:example.org", "Town hall")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.store.DB().ExecContext(t.Context(), `UPDATE pass SET expires_at = 1 WHERE room = '!other:example.org'`); err != nil {
		t.Fatal(err)
	}
	newer := s.mustInvite(t)
	for name, secret := range map[string]any{
		"replaced": old, "expired": expired, "guessed": strings.Repeat("A", 43), "empty": "", "long": strings.Repeat("A", 40_000),
		"no text": 7, "hash": s.hash(t),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &page{t: t, url: s.url()}
			p.mustConnect()
			asked := time.Now()
			p.say(map[string]any{"type": "hello", "secret": secret})
			if answer := p.await("welcome", "refused"); answer["reason"] != invalid {
				t.Errorf("answered with %v", answer)
			}
			if quick := time.Since(asked); quick < guessDelay {
				t.Errorf("answered after %v: whoever guesses can do so quickly", quick)
			}
			if code := p.awaitClose(); code != closeFinal {
				t.Errorf("closed with %d", code)
			}
		})
	}
	p := &page{t: t, url: s.url(), secret: newer}
	p.mustDial()
	if welcome := p.await("welcome", "refused"); welcome["state"] != "off" || welcome["roomName"] != "Town" || welcome["title"] != "Town hall" {
		t.Errorf("the newest link gets %v", welcome)
	}
}

// hash is what the store has of the newest link.
func (s *station) hash(t *testing.T) (hash string) {
	t.Helper()
	if err := s.store.DB().QueryRowContext(t.Context(), `SELECT hash FROM pass ORDER BY expires_at DESC`).Scan(&hash); err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer("+", "-", "/", "_").Replace(hash)
}

// TestNewLinkEndsOldPage: the page of a link that was replaced while it was open cannot go on air.
func TestNewLinkEndsOldPage(t *testing.T) {
	s := mustStation(t, stationOptions{})
	p := newPage(t, s, 10)
	p.mustDial()
	p.await("welcome")
	s.mustInvite(t)
	if answer := p.await("refused"); answer["reason"] != invalid {
		t.Errorf("it is told: %v", answer)
	}
	p.say(map[string]any{"type": "start"})
	if code := p.awaitClose(); code != closeFinal {
		t.Errorf("closed with %d", code)
	}
	if _, live := s.manager.Status(room); live {
		t.Error("it is on air")
	}
}

// TestUsedLink: a second show cannot begin with it, also if the store is asked by two at once.
func TestUsedLink(t *testing.T) {
	s := mustStation(t, stationOptions{})
	p := newPage(t, s, 10)
	p.goOnAir()
	running, _ := s.manager.Status(room)
	_, name, _ := strings.Cut(running.Show.Source, ":")
	if _, err := s.open(t.Context(), name, capture.Options{}); err != errNotFree {
		t.Errorf("it opens a second time: %v", err)
	}
	p.send(0, 10)
	p.stop(10)
	if _, err := s.open(t.Context(), name, capture.Options{}); err == nil {
		t.Error("it opens after the show")
	}
	if _, err := s.open(t.Context(), "", capture.Options{}); err == nil {
		t.Error("a studio without a link opens")
	}
	if _, err := s.Kind().Grant(t.Context(), capture.Asker{}, name); err == nil {
		t.Error("a room may name it")
	}
}

// TestSecretStaysSecret: it is in no line of the log, and in the database only as a hash.
func TestSecretStaysSecret(t *testing.T) {
	var log testhelp.Buffer
	s := mustStation(t, stationOptions{log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	p := newPage(t, s, 10)
	p.goOnAir()
	p.send(0, 10)
	p.sendSound([]byte("no sound"))
	p.awaitClose()
	p.mustDial()
	p.say(map[string]any{"type": "start", "preSkip": p.secret})
	p.awaitClose()
	p.resume()
	p.stop(10)
	raw, err := base64.RawURLEncoding.DecodeString(p.secret)
	if err != nil {
		t.Fatal(err)
	}
	if text := log.String(); strings.Contains(text, p.secret) || !strings.Contains(text, "made a mistake") {
		t.Errorf("the log says:\n%s", text)
	}
	var dump string
	err = s.store.DB().QueryRowContext(t.Context(), `SELECT group_concat(source || hash || title) FROM pass`).Scan(&dump)
	if err != nil || strings.Contains(dump, p.secret) || strings.Contains(dump, base64.RawStdEncoding.EncodeToString(raw)) {
		t.Errorf("the database has it: %q, %v", dump, err)
	}
}

// TestPendingLines: whoever comes in great numbers and says nothing keeps nobody out.
func TestPendingLines(t *testing.T) {
	s := mustStation(t, stationOptions{})
	first := &page{t: t, url: s.url()}
	first.mustConnect()
	for range maxPending + 20 {
		(&page{t: t, url: s.url()}).mustConnect()
	}
	first.awaitClose()
	p := newPage(t, s, 10)
	p.mustDial()
	p.await("welcome")
	s.pending.mu.Lock()
	defer s.pending.mu.Unlock()
	if n := len(s.pending.lines); n > maxPending {
		t.Errorf("%d lines are there", n)
	}
}

// TestOrigin: pages of others open no line.
func TestOrigin(t *testing.T) {
	s := mustStation(t, stationOptions{})
	for origin, want := range map[string]int{
		"": http.StatusSwitchingProtocols, s.url(): http.StatusSwitchingProtocols,
		"https://evil.example": http.StatusForbidden, "null": http.StatusForbidden, "https://": http.StatusForbidden, ":": http.StatusForbidden,
	} {
		header := http.Header{}
		if origin != "" {
			header.Set("Origin", origin)
		}
		_, response, _ := websocket.Dial(t.Context(), strings.Replace(s.url(), "http", "ws", 1)+"/studio/line",
			&websocket.DialOptions{Subprotocols: []string{Protocol}, HTTPHeader: header})
		if response == nil || response.StatusCode != want {
			t.Errorf("origin %q: %v, want %d", origin, response, want)
		}
	}
	request, _ := http.NewRequest(http.MethodGet, "http://127.0.0.1:8008/studio/line", nil)
	request.Header.Set("Origin", "https://radio.example.org")
	behindProxy := New(Options{PublicURL: "https://radio.example.org"})
	if !behindProxy.isOwnOrigin(request) {
		t.Error("the public address is refused, behind a proxy that does not pass it on")
	}
	request.Header.Set("Origin", "http://radio.example.org")
	if behindProxy.isOwnOrigin(request) {
		t.Error("an insecure page of the public address is accepted")
	}
}

// TestOtherProtocol: a client of another version is told.
func TestOtherProtocol(t *testing.T) {
	s := mustStation(t, stationOptions{})
	conn, _, err := websocket.Dial(t.Context(), strings.Replace(s.url(), "http", "ws", 1)+"/studio/line", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := conn.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
		t.Error(err)
	}
}

// TestShutdown: pages are told, and their lines end.
func TestShutdown(t *testing.T) {
	s := mustStation(t, stationOptions{})
	p := newPage(t, s, 10)
	p.mustDial()
	p.await("welcome")
	silent := &page{t: t, url: s.url()}
	silent.mustConnect()
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	if code := p.awaitClose(); code != websocket.StatusGoingAway {
		t.Errorf("closed with %d", code)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	silent.mustConnect()
	if code := silent.awaitClose(); code != websocket.StatusGoingAway {
		t.Errorf("who comes later: closed with %d", code)
	}
}

// TestInviteFails: a link that could not be sent, or not be stored, opens nothing, and the one before
// stays valid.
func TestInviteFails(t *testing.T) {
	s := mustStation(t, stationOptions{})
	p := newPage(t, s, 10)
	p.mustDial()
	p.await("welcome")
	send, passes := s.Direct, s.Passes
	s.Direct = func(context.Context, string, string) error { return context.DeadlineExceeded }
	if _, err := s.invited("x"); err == nil {
		t.Fatal("invited")
	}
	s.Direct, s.Passes = send, fullPasses{passes}
	if _, err := s.invited("x"); err != errFull {
		t.Fatal("invited:", err)
	}
	s.Passes = passes
	var free int
	if err := s.store.DB().QueryRowContext(t.Context(), `SELECT count(*) FROM pass WHERE used = 0`).Scan(&free); err != nil || free != 1 {
		t.Errorf("%d passes are left, want the first, %v", free, err)
	}
	p.goOnAir()
	p.send(0, 10)
	p.stop(10)
}

// fullPasses take no more.
type fullPasses struct{ Passes }

var errFull = errors.New("the disk is full")

func (fullPasses) Add(context.Context, *store.Pass, string) error { return errFull }

// TestSpeakerHasLeft: who is not in the room any more is told nothing of it.
func TestSpeakerHasLeft(t *testing.T) {
	s := mustStation(t, stationOptions{})
	s.Member = func(_ context.Context, in, user string) (int, bool, error) {
		return 0, in != room || user != speaker, nil
	}
	p := newPage(t, s, 0)
	s.RoomName = func(context.Context, string) string {
		t.Error("the name of the room is looked up")
		return "Town"
	}
	p.mustDial()
	if answer := p.await("welcome", "refused"); answer["reason"] != notMember || p.awaitClose() != closeFinal {
		t.Errorf("answered with %v", answer)
	}
}

// TestReplacedWhileStarting: of two links of one speaker the newer one counts, also where the show of
// the older one was about to begin, and does not.
func TestReplacedWhileStarting(t *testing.T) {
	s := mustStation(t, stationOptions{})
	older := s.mustInvite(t)
	source, err := s.open(t.Context(), s.mustName(t), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	newer := s.mustInvite(t)
	if err := source.Close(); err != nil {
		t.Fatal(err)
	}
	for secret, want := range map[string]string{older: "refused", newer: "welcome"} {
		p := &page{t: t, url: s.url(), secret: secret}
		if p.mustDial(); p.await("welcome", "refused")["type"] != want {
			t.Errorf("want %s", want)
		}
	}
}

// mustName returns the name of the only link's source.
func (s *station) mustName(t *testing.T) string {
	t.Helper()
	var source string
	if err := s.store.DB().QueryRowContext(t.Context(), `SELECT source FROM pass`).Scan(&source); err != nil {
		t.Fatal(err)
	}
	_, name, _ := strings.Cut(source, ":")
	return name
}

// TestHomeserverIsAway: a speaker comes back all the same, and soon.
func TestHomeserverIsAway(t *testing.T) {
	s := mustStation(t, stationOptions{})
	p := newPage(t, s, 20)
	p.goOnAir()
	p.send(0, 10)
	s.Member = func(ctx context.Context, _, _ string) (int, bool, error) {
		<-ctx.Done()
		return 0, false, ctx.Err()
	}
	s.RoomName = func(ctx context.Context, room string) string {
		<-ctx.Done()
		return room
	}
	p.mustDial()
	welcome := p.await("welcome")
	if welcome["state"] != "live" || welcome["roomName"] != "Town" {
		t.Errorf("welcome: %v", welcome)
	}
	p.send(int(welcome["next"].(float64)), 20)
	p.stop(20)
	s.mustHave(t, p.packets)
}
