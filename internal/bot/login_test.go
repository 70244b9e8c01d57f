package bot

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/command"
	"broadcastbot/internal/commandtest"
	"broadcastbot/internal/dendrite"
)

func TestNewRefuses(t *testing.T) {
	good := Options{
		Homeserver: "https://matrix.example.org", User: "@radio:example.org", Password: "secret",
		Store: mustOpenStore(t, t.TempDir()), RecoveryDir: t.TempDir(),
	}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(*Options){
		"is not a URL":             func(o *Options) { o.Homeserver = "matrix.example.org" },
		"is not a Matrix id":       func(o *Options) { o.User = "radio" },
		"either a password":        func(o *Options) { o.Password = "" },
		"and not both":             func(o *Options) { o.AccessToken = "token" },
		"a database":               func(o *Options) { o.Store = nil },
		`pattern "example.org" is`: func(o *Options) { o.Inviters = command.Users{"example.org"} },
	} {
		bad := good
		spoil(&bad)
		_, err := New(bad)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the password is in the error %q", err)
		}
	}
}

// TestLoginRefused: every reason is one sentence that says what to do.
func TestLoginRefused(t *testing.T) {
	t.Parallel()
	server := dendrite.Run(t)
	mustRegister(t, server, "radio")
	notMatrix := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(notMatrix.Close)
	for _, test := range []struct {
		name, want string
		spoil      func(*Options)
	}{
		{"WrongPassword", "refuses the password of @radio:localhost: correct it in the config", func(o *Options) { o.Password = "guess guess" }},
		{"UnknownUser", "there is no account @nobody:localhost at", func(o *Options) { o.User = "@nobody:localhost" }},
		{"Unreachable", "cannot be reached, check the address and the network", func(o *Options) { o.Homeserver = "http://127.0.0.1:1" }},
		{"NotMatrix", "is not a Matrix homeserver, check the address", func(o *Options) { o.Homeserver = notMatrix.URL }},
		{"BadToken", "does not know our session any more", func(o *Options) { o.Password, o.AccessToken = "", "guess" }},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := radioOptions(t, server, t.TempDir())
			test.spoil(&o)
			b, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			err = b.Run(t.Context(), new(command.Processor))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v, want %q", err, test.want)
			}
			if strings.Contains(err.Error(), "guess") {
				t.Errorf("a secret is in the error %q", err)
			}
			if err := b.Say(context.Background(), room, "hello"); err == nil || !strings.Contains(err.Error(), "not connected") {
				t.Errorf("a bot that could not log in says something: %v", err)
			}
		})
	}
}

// TestSameDevice: the session of the last run goes on.
func TestSameDevice(t *testing.T) {
	t.Parallel()
	_, o := newHome(t)
	first := startRadio(t, o)
	if err := first.stop(); err != nil {
		t.Errorf("Run returns %v when it is told to end", err)
	}
	second := startRadio(t, o)
	if got, want := second.client.DeviceID, first.client.DeviceID; got != want {
		t.Errorf("device %s, want %s as before", got, want)
	}
	if strings.Contains(second.log.String(), "verified") {
		t.Error("a session that is verified is to be verified again")
	}
}

// TestLoggedOutElsewhere: encryption keys whose session is gone are of no use.
func TestLoggedOutElsewhere(t *testing.T) {
	t.Parallel()
	_, o := newHome(t)
	first := startRadio(t, o)
	first.stop()
	if _, err := first.client.Logout(t.Context()); err != nil {
		t.Fatal(err)
	}
	b, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Run(t.Context(), new(command.Processor)); err == nil || !strings.Contains(err.Error(), "start with a new database") {
		t.Errorf("error %v, want one that says what to do", err)
	}
}

// TestSessionLost: Run ends when the homeserver forgets the session.
func TestSessionLost(t *testing.T) {
	t.Parallel()
	_, o := newHome(t)
	b, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	inBackground(t, func(ctx context.Context) error {
		ended <- b.Run(ctx, new(command.Processor))
		return nil
	})
	if err := b.session.AwaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.client.Logout(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), "does not know our session any more") {
			t.Errorf("error %v, want one that says what has happened", err)
		}
	case <-time.After(patience):
		t.Error("the bot goes on without a session")
	}
}

// TestAnotherAccount: who takes the database over to another account does not
// get the keys of the first one.
func TestAnotherAccount(t *testing.T) {
	t.Parallel()
	server, o := newHome(t)
	first := startRadio(t, o)
	first.stop()
	o.User = mustRegister(t, server, "station")
	if second := startRadio(t, o); second.client.DeviceID == first.client.DeviceID {
		t.Error("two accounts share a device")
	}
}

func TestAccessToken(t *testing.T) {
	t.Parallel()
	server := dendrite.Run(t)
	mustRegister(t, server, "radio")
	login := mustLogIn(t, server)
	o := radioOptions(t, server, t.TempDir())
	o.Password, o.AccessToken = "", login.AccessToken
	if r := startRadio(t, o); r.client.DeviceID != login.DeviceID {
		t.Errorf("device %s, want the token's %s", r.client.DeviceID, login.DeviceID)
	}
}

// mustLogIn makes a session of the account "radio" for the access token.
func mustLogIn(t *testing.T, server *dendrite.Server) *mautrix.RespLogin {
	t.Helper()
	client, err := mautrix.NewClient(server.URL(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	login, err := client.Login(t.Context(), &mautrix.ReqLogin{
		Type:       mautrix.AuthTypePassword,
		Identifier: mautrix.UserIdentifier{Type: mautrix.IdentifierTypeUser, User: "radio"},
		Password:   password,
	})
	if err != nil {
		t.Fatal(err)
	}
	return login
}

// TestMemberBeforeLogin: speakers' programs connect again as soon as the station is back, and are there
// before the bot has logged in.
func TestMemberBeforeLogin(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	room := newRoomWith(t, radio, alice)
	radio.stop()
	o := radioOptions(t, alice.server, t.TempDir())
	o.Password, o.AccessToken = "", mustLogIn(t, alice.server).AccessToken
	b, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	soon, giveUp := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer giveUp()
	if _, _, err := b.Member(soon, room.String(), alice.UserID.String()); err == nil {
		t.Error("who is a member is known before the login")
	}
	if got := b.RoomName(soon, room.String()); got != room.String() {
		t.Errorf("the room is called %q before the login", got)
	}
	inBackground(t, func(ctx context.Context) error {
		return b.Run(ctx, mustCommands(t, command.Options{Broadcasts: &commandtest.Broadcasts{}, Rooms: b}))
	})
	power, present, err := b.Member(t.Context(), room.String(), alice.UserID.String())
	if err != nil || power != 100 || !present {
		t.Errorf("power %d, present: %v, %v", power, present, err)
	}
}

// TestCrossSigning: a new account gets keys and keeps the key to them; a new
// session is verified with it.
func TestCrossSigning(t *testing.T) {
	t.Parallel()
	server := dendrite.Run(t)
	mustRegister(t, server, "radio")
	watcher := newMember(t, server, "alice")
	dir := t.TempDir()
	first := startRadio(t, radioOptions(t, server, dir))
	checkVerified(t, watcher, first.client.DeviceID, true)
	key := recoveryKeyIn(t, dir)
	if strings.Contains(first.log.String(), key) {
		t.Error("the recovery key is in the log")
	}
	first.stop()

	strange := startRadio(t, radioOptions(t, server, t.TempDir()))
	checkVerified(t, watcher, strange.client.DeviceID, false)
	if !strings.Contains(strange.log.String(), "not verified") {
		t.Error("nobody is told that the session is not verified")
	}
	strange.stop()

	o := radioOptions(t, server, t.TempDir())
	o.RecoveryKey = key
	checkVerified(t, watcher, startRadio(t, o).client.DeviceID, true)

	o = radioOptions(t, server, t.TempDir())
	o.RecoveryKey = "EsTR mwqJ JoXZ 8dKN F8hP 9tPw tuRk oY1A mKVw HZ4A 9YQo yt2G"
	b, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Run(t.Context(), new(command.Processor)); err == nil || !strings.Contains(err.Error(), "the recovery key does not verify") {
		t.Errorf("a wrong recovery key: %v", err)
	}
}

// TestCrossSigningFails: no keys that nobody could recover, and no file of keys
// that do not exist.
func TestCrossSigningFails(t *testing.T) {
	t.Parallel()
	server := dendrite.Run(t)
	mustRegister(t, server, "radio")
	watcher := newMember(t, server, "alice")
	o := radioOptions(t, server, t.TempDir())
	o.RecoveryDir = filepath.Join(o.RecoveryDir, "missing")
	b, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Run(t.Context(), new(command.Processor)); err == nil || !strings.Contains(err.Error(), "make a file for the recovery key") {
		t.Errorf("error %v, want one that speaks of the file", err)
	}
	radio := id.UserID(o.User)
	keys, err := watcher.QueryKeys(t.Context(), &mautrix.ReqQueryKeys{DeviceKeys: mautrix.DeviceKeysRequest{radio: {}}})
	if err != nil || len(keys.MasterKeys[radio].Keys) > 0 {
		t.Errorf("the account has keys that nobody can recover: %v (%v)", keys.MasterKeys[radio], err)
	}

	o = radioOptions(t, server, t.TempDir())
	o.Homeserver = refuseKeys(t, server)
	if b, err = New(o); err != nil {
		t.Fatal(err)
	}
	inBackground(t, func(ctx context.Context) error { return b.Run(ctx, new(command.Processor)) })
	if err := b.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if files, err := filepath.Glob(filepath.Join(o.RecoveryDir, "recovery-key-*")); err != nil || len(files) > 0 {
		t.Errorf("files are left of keys that do not exist: %v (%v)", files, err)
	}
}

// refuseKeys returns the address of a homeserver that takes all but the keys.
func refuseKeys(t *testing.T, server *dendrite.Server) string {
	t.Helper()
	target, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }})
	mux.HandleFunc("/_matrix/client/v3/keys/device_signing/upload", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"errcode": "M_FORBIDDEN", "error": "not here"}`, http.StatusForbidden)
	})
	proxy := httptest.NewServer(mux)
	t.Cleanup(proxy.Close)
	return proxy.URL
}

// recoveryKeyIn reads the file that the bot left.
func recoveryKeyIn(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "recovery-key-*.txt"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files with a recovery key: %v (%v), want one", files, err)
	}
	info, err := os.Stat(files[0])
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v (%v), want 0600", info.Mode(), err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}

// checkVerified looks at the bot's device as another client does.
func checkVerified(t *testing.T, m *member, device id.DeviceID, want bool) {
	t.Helper()
	radio := id.NewUserID("radio", m.UserID.Homeserver())
	keys, err := m.QueryKeys(t.Context(), &mautrix.ReqQueryKeys{DeviceKeys: mautrix.DeviceKeysRequest{radio: {}}})
	if err != nil {
		t.Fatal(err)
	}
	selfSigning := keys.SelfSigningKeys[radio]
	by := id.NewKeyID(id.KeyAlgorithmEd25519, selfSigning.FirstKey().String())
	_, signed := keys.DeviceKeys[radio][device].Signatures[radio][by]
	if signed != want {
		t.Errorf("device %s is signed by the account's keys: %v, want %v", device, signed, want)
	}
}
