package bot

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto/cryptohelper"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/command"
	"broadcastbot/internal/commandtest"
	"broadcastbot/internal/dendrite"
	"broadcastbot/internal/masterkey"
	"broadcastbot/internal/testhelp"
	"broadcastbot/store"
)

const (
	password = "correct horse"
	patience = 30 * time.Second // an upper limit, no test waits that long
)

// mustRegister makes an account and returns its Matrix id.
func mustRegister(t *testing.T, server *dendrite.Server, name string) string {
	t.Helper()
	if err := server.Register(t.Context(), name, password); err != nil {
		t.Fatal(err)
	}
	return id.NewUserID(name, server.ServerName()).String()
}

// member is a person with a Matrix client that encrypts.
type member struct {
	*mautrix.Client
	server *dendrite.Server

	mu      sync.Mutex
	events  []*event.Event // decrypted
	changed chan struct{}
}

// newMember registers an account, logs it in, has the account sign the session, and follows its
// rooms.
func newMember(t *testing.T, server *dendrite.Server, name string) *member {
	t.Helper()
	m := newUnsigned(t, server, mustRegister(t, server, name))
	m.signItself(t)
	m.follow(t)
	return m
}

// signItself gives the member's account new cross-signing keys, and has them sign the session.
func (m *member) signItself(t *testing.T) {
	t.Helper()
	machine := m.Crypto.(*cryptohelper.CryptoHelper).Machine()
	if _, _, err := machine.GenerateAndUploadCrossSigningKeysWithPassword(t.Context(), password, ""); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(machine.SignOwnDevice(t.Context(), machine.OwnIdentity()), machine.SignOwnMasterKey(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// newUnsigned logs an account in with a new session that nobody has signed. It follows no rooms yet.
func newUnsigned(t *testing.T, server *dendrite.Server, user string) *member {
	t.Helper()
	client, err := mautrix.NewClient(server.URL(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	database, err := dbutil.NewWithDB(mustOpenStore(t, t.TempDir()).DB(), "sqlite3")
	if err != nil {
		t.Fatal(err)
	}
	helper, err := cryptohelper.NewCryptoHelper(client, []byte("test"), database)
	if err != nil {
		t.Fatal(err)
	}
	helper.LoginAs = &mautrix.ReqLogin{
		Type:       mautrix.AuthTypePassword,
		Identifier: mautrix.UserIdentifier{Type: mautrix.IdentifierTypeUser, User: user},
		Password:   password,
	}
	if err := helper.Init(t.Context()); err != nil {
		t.Fatal(err)
	}
	// mautrix looks this up once, without a lock, when it first writes or reads.
	if _, _, err := helper.Machine().GetOwnVerificationStatus(t.Context()); err != nil {
		t.Fatal(err)
	}
	client.Crypto = helper
	return &member{Client: client, server: server, changed: make(chan struct{})}
}

// follow follows the member's rooms until the test ends.
func (m *member) follow(t *testing.T) {
	m.Syncer.(*mautrix.DefaultSyncer).OnEvent(m.note)
	inBackground(t, func(ctx context.Context) error { return m.SyncWithContext(ctx) })
}

func (m *member) note(_ context.Context, evt *event.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events = append(m.events, evt)
	close(m.changed)
	m.changed = make(chan struct{})
}

// await returns the first event that is wanted, which may have come before.
func (m *member) await(t *testing.T, what string, wanted func(*event.Event) bool) *event.Event {
	t.Helper()
	timeout := time.After(patience)
	for {
		m.mu.Lock()
		i := slices.IndexFunc(m.events, wanted)
		changed := m.changed
		var found *event.Event
		if i >= 0 {
			found = m.events[i]
		}
		m.mu.Unlock()
		if found != nil {
			return found
		}
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("%s waits in vain for %s", m.UserID, what)
		}
	}
}

// awaitMembership waits until the user's membership of the room is as wanted.
func (m *member) awaitMembership(t *testing.T, room id.RoomID, user string, membership event.Membership) {
	t.Helper()
	m.await(t, "membership "+string(membership)+" of "+user, func(evt *event.Event) bool {
		return evt.RoomID == room && evt.Type == event.StateMember && evt.GetStateKey() == user &&
			evt.Content.AsMember().Membership == membership
	})
}

// say sends text to the room and returns its event id.
func (m *member) say(t *testing.T, room id.RoomID, text string) id.EventID {
	t.Helper()
	sent, err := m.SendText(t.Context(), room, text)
	if err != nil {
		t.Fatal(err)
	}
	return sent.EventID
}

// awaitReply returns the message that answers the event.
func (m *member) awaitReply(t *testing.T, to id.EventID) *event.Event {
	t.Helper()
	return m.await(t, "an answer", func(evt *event.Event) bool {
		return evt.Type == event.EventMessage && evt.Content.AsMessage().RelatesTo.GetReplyTo() == to
	})
}

// ask sends a command and returns the text of the answer.
func (m *member) ask(t *testing.T, room id.RoomID, command string) string {
	t.Helper()
	return m.awaitReply(t, m.say(t, room, command)).Content.AsMessage().Body
}

// newRoom makes a room and invites others.
func (m *member) newRoom(t *testing.T, encrypted bool, invite ...string) id.RoomID {
	t.Helper()
	request := &mautrix.ReqCreateRoom{Preset: "private_chat"}
	for _, user := range invite {
		request.Invite = append(request.Invite, id.UserID(user))
	}
	if encrypted {
		request.InitialState = []*event.Event{{
			Type:    event.StateEncryption,
			Content: event.Content{Parsed: &event.EncryptionEventContent{Algorithm: id.AlgorithmMegolmV1}},
		}}
	}
	created, err := m.CreateRoom(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	return created.RoomID
}

// radio is a bot at work.
type radio struct {
	*Bot
	fake *commandtest.Broadcasts
	stop func() error // ends Run and returns its error
	log  *testhelp.Buffer
}

// newHome is a homeserver with the account "radio", and the options of its bot.
func newHome(t *testing.T) (*dendrite.Server, Options) {
	t.Helper()
	server := dendrite.Run(t)
	mustRegister(t, server, "radio")
	return server, radioOptions(t, server, t.TempDir())
}

// radioOptions are those of the account "radio", with a database in dir.
func radioOptions(t *testing.T, server *dendrite.Server, dir string) Options {
	t.Helper()
	return Options{
		Homeserver: server.URL(), User: "@radio:" + server.ServerName(), Password: password,
		Store: mustOpenStore(t, dir), RecoveryDir: dir,
		Inviters: command.Users{"@alice:" + server.ServerName()},
	}
}

// startRadio runs a bot whose inviters are its speakers, and waits until it knows its rooms.
func startRadio(t *testing.T, o Options) *radio {
	t.Helper()
	return startRadioWith(t, o, command.Options{Rights: command.Rights{Speakers: o.Inviters}})
}

// startRadioWith does so with other commands.
func startRadioWith(t *testing.T, o Options, c command.Options) *radio {
	t.Helper()
	log := &testhelp.Buffer{}
	o.Rights = c.Rights
	o.Log = slog.New(slog.NewTextHandler(log, nil))
	b, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	r := &radio{Bot: b, fake: &commandtest.Broadcasts{}, log: log}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the bot said:\n%s", log)
		}
	})
	c.Broadcasts, c.Rooms, c.PlainRooms, c.Log = r.fake, b, o.PlainRooms, o.Log
	r.stop = inBackground(t, func(ctx context.Context) error { return b.Run(ctx, mustCommands(t, c)) })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := b.session.AwaitReady(ctx); err != nil {
		t.Fatalf("the bot does not get ready: %v\n%s", err, log)
	}
	return r
}

func mustCommands(t *testing.T, o command.Options) *command.Processor {
	t.Helper()
	commands, err := command.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return commands
}

// inBackground runs a function until the test, or stop, ends its context.
func inBackground(t *testing.T, run func(context.Context) error) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { stop() })
	return stop
}

func mustOpenStore(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(dir, "bot.db"), masterkey.File(filepath.Join(dir, "bot.key")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
