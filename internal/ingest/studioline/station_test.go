package studioline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/broadcast"
	"broadcastbot/internal/gateway"
	"broadcastbot/internal/masterkey"
	"broadcastbot/internal/opus"
	"broadcastbot/internal/recordings"
	"broadcastbot/store"
	"broadcastbot/uploader"
)

const (
	room    = "!town:example.org"
	speaker = "@alice:example.org"
	token   = "a token for tests"
)

// stationOptions are what differs between stations.
type stationOptions struct {
	dir     string // with all that it keeps
	address string // to listen on
	grace   time.Duration
	vbr     bool
	bitrate int // 0: as usual
	log     *slog.Logger
}

// station is all of a station but Matrix: manager, gateway and studio, behind one port.
type station struct {
	*Studio
	store   *store.Store
	manager *broadcast.Manager
	gateway *gateway.Gateway
	server  *http.Server
	address string

	ctx     context.Context // of the manager
	end     context.CancelFunc
	managed sync.WaitGroup
	served  sync.WaitGroup
	sources capture.Kinds

	mu      sync.Mutex        // not that of the studio
	refusal error             // what StartFor returns; nil: it starts
	closed  error             // what Announce returns
	direct  map[string]string // what was written to users, by user
}

// startStation runs a station until its stop.
func startStation(o stationOptions) (s *station, err error) {
	if o.log == nil {
		o.log = slog.New(slog.DiscardHandler)
	}
	s = &station{direct: make(map[string]string)}
	s.ctx, s.end = context.WithCancel(context.Background())
	listener, err := net.Listen("tcp", o.address)
	if err != nil {
		return nil, err
	}
	s.address = listener.Addr().String()
	spools := filepath.Join(o.dir, "spool")
	if err := os.MkdirAll(spools, 0o700); err != nil {
		return nil, err
	}
	if s.store, err = store.Open(s.ctx, filepath.Join(o.dir, "db"), masterkey.File(filepath.Join(o.dir, "key"))); err != nil {
		return nil, err
	}
	catalogue, err := recordings.Open(recordings.Disk(filepath.Join(o.dir, "recordings")))
	if err != nil {
		return nil, err
	}
	if s.gateway, err = gateway.New(gateway.Options{Recordings: catalogue, Token: token}); err != nil {
		return nil, err
	}
	encoder := opus.Defaults()
	encoder.VBR = o.vbr
	if o.bitrate > 0 {
		encoder.Bitrate = o.bitrate
	}
	s.Studio = New(Options{
		PublicURL: s.url(), Encoder: encoder, Grace: o.grace, Passes: s.store.Passes(), Stage: s, Direct: s.writeTo,
		Member:    func(context.Context, string, string) (int, bool, error) { return 0, true, nil },
		RoomName:  func(context.Context, string) string { return "Town" },
		Listeners: func(string) (int, bool) { return 0, true }, Log: o.log,
	})
	s.sources = append(capture.BuiltIn(capture.Limits{}), s.Kind())
	s.manager = broadcast.NewManager(broadcast.Options{
		Store: s.store, Announcer: s, Media: s, PublicURL: s.url(), SpoolDir: spools,
		Gateway:       &uploader.Tus{Client: http.DefaultClient, Endpoint: s.url() + "/upload", Token: token},
		BlockDuration: 100 * time.Millisecond, ResumeWithin: time.Minute,
		OpenSource: func(ctx context.Context, spec string, has capture.Options) (capture.Source, error) {
			has.Encoder = encoder
			return s.sources.Open(ctx, spec, has)
		},
		IsLive: s.sources.IsLive, Late: s.sources.Late, Log: o.log,
	})
	mux := http.NewServeMux()
	mux.Handle("/", s.gateway.Handler())
	mux.Handle("/studio/line", s.Studio)
	s.server = &http.Server{Handler: mux}
	s.served.Go(func() { s.server.Serve(listener) })
	s.managed.Go(func() { s.manager.Run(s.ctx) })
	return s, nil
}

func (s *station) url() string { return "http://" + s.address }

// stop ends the station in order.
func (s *station) stop() error {
	s.end()
	s.managed.Wait() // it still uploads
	err := errors.Join(s.Studio.Close(), s.gateway.Close())
	s.server.Close()
	s.served.Wait()
	return errors.Join(err, s.store.Close())
}

// mustStation is a station that ends with the test.
func mustStation(t *testing.T, o stationOptions) *station {
	t.Helper()
	o.dir, o.address = t.TempDir(), "127.0.0.1:0"
	if o.grace == 0 {
		o.grace = time.Minute
	}
	s, err := startStation(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// StartFor implements Stage: everybody may speak, unless the test says no.
func (s *station) StartFor(ctx context.Context, by capture.Asker, source, title string) (store.Show, error) {
	s.mu.Lock()
	refusal := s.refusal
	s.mu.Unlock()
	if refusal != nil {
		return store.Show{}, refusal
	}
	show, _, err := s.manager.Start(ctx, broadcast.Request{Rooms: []string{by.Room}, Speaker: by.User, Source: source, Title: title})
	return show, err
}

func (s *station) writeTo(_ context.Context, user, text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.direct[user] = text
	return nil
}

// secretIn finds the secret in a link.
var secretIn = regexp.MustCompile(`/studio/#([A-Za-z0-9_-]{43})\b`)

// invited asks for a link and returns the secret that is in it.
func (s *station) invited(title string) (string, error) { return s.invitedTo(room, title) }

func (s *station) invitedTo(room, title string) (string, error) {
	if _, err := s.Kind().Invite(context.Background(), capture.Asker{Room: room, User: speaker}, title); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := secretIn.FindStringSubmatch(s.direct[speaker])
	if found == nil {
		return "", fmt.Errorf("there is no link in %q", s.direct[speaker])
	}
	return found[1], nil
}

func (s *station) mustInvite(t *testing.T) (secret string) {
	t.Helper()
	secret, err := s.invited("Town hall")
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// The rooms of this station, which say yes to everything.

func (s *station) Ready(context.Context) error { return nil }
func (s *station) Announce(context.Context, *store.Show, string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return "$announcement", s.closed
}
func (s *station) Update(context.Context, *store.Show, store.Announcement) (string, error) {
	return "$edit", nil
}
func (s *station) IsRemoved(context.Context, store.Announcement) (bool, error) { return false, nil }
func (s *station) IsOver(context.Context, store.Announcement) (bool, error)    { return false, nil }
func (s *station) Retract(context.Context, *store.Show, store.Announcement) error {
	return nil
}
func (s *station) MayGoOn(context.Context, *store.Show, string) error { return nil }
func (s *station) PostVoice(context.Context, *store.Show, store.Announcement, string) (string, error) {
	return "$voice", nil
}
func (s *station) Say(context.Context, string, string) error { return nil }
func (s *station) Reserve(context.Context) string            { return "" }
func (s *station) Upload(context.Context, *store.Track, string) (string, error) {
	return "mxc://example.org/file", nil
}
func (s *station) Release(context.Context, string) error { return nil }

// mustShow returns the only show of a store.
func mustShow(t *testing.T, db *store.Store) *store.Show {
	t.Helper()
	shows, err := db.Shows(t.Context(), store.Filter{})
	if err != nil || len(shows) != 1 {
		t.Fatalf("there are %d shows: %v", len(shows), err)
	}
	return shows[0]
}

// mustRecording reads the recording of a show that is over, from the gateway.
func mustRecording(t *testing.T, url string, show *store.Show) (packets [][]byte, captured []time.Time) {
	t.Helper()
	response, err := http.Get(url + "/live/" + show.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	blocks := show.Main().Form().NewReader(response.Body)
	for {
		block, err := blocks.ReadBlock()
		if err == io.EOF {
			return packets, captured
		}
		if err != nil {
			t.Fatalf("after %d packets: %v", len(packets), err)
		}
		for _, packet := range block.Packets {
			packets = append(packets, bytes.Clone(packet))
		}
		if block.Checkpoint != nil {
			captured = append(captured, block.Checkpoint.Time)
		}
	}
}
