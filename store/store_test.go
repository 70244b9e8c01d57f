package store

import (
	"crypto/ed25519"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"broadcastbot/internal/link"
	"broadcastbot/internal/masterkey"
	"broadcastbot/opusblocks"
)

func mustOpen(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, masterkey.File(path+".key"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func example(id string) *Show {
	t := exampleTrack(false)
	t.ID = id
	return &Show{
		ID: id, Speaker: "@a:example.org", Title: "Town hall", Source: "device:default",
		StartedAt: time.UnixMilli(1795425442479), Stage: Concluding, Reason: "none",
		Steps:  map[string]Outcome{"told": Done, "media": Failed},
		Tracks: []Track{t},
		Announcements: []Announcement{
			{Room: "!r:example.org", Event: "$e", Revision: "ended-1", VoiceEvent: "$v"},
			{Room: "!a:example.org", Closed: true},
		},
	}
}

func exampleTrack(plain bool) Track {
	t := Track{
		ID: "AAAAAAAAAAAAAAAAAAAAAA", Gateway: "http://g", Plain: plain,
		Channels: 2, Bitrate: 32000, BlockDuration: 100 * time.Millisecond,
		Reserved: "mxc://m/1", MXC: "mxc://m/2",
		Recap: Recap{
			Extent: Extent{Duration: 12 * time.Second, Size: 123, Blocks: 1 << 32},
			SHA256: "hash", Seek: "table", Wave: "wave", Level: -17.5,
		},
	}
	if !plain {
		t.Key = opusblocks.NewKey()
		t.Signing = ed25519.NewKeyFromSeed([]byte("a seed that has thirty-two bytes"))
	}
	return t
}

func (s *Store) mustSave(t *testing.T, shows ...*Show) {
	t.Helper()
	for _, show := range shows {
		if err := s.SaveShow(t.Context(), show); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *Store) mustList(t *testing.T, f Filter) []*Show {
	t.Helper()
	shows, err := s.Shows(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return shows
}

// TestShowSurvivesReopening: all of it, with a second track that is not encrypted.
func TestShowSurvivesReopening(t *testing.T) {
	want := example("AAAAAAAAAAAAAAAAAAAAAA")
	want.Stage = Live // with all that is needed to go on
	plain := exampleTrack(true)
	plain.ID = "BBBBBBBBBBBBBBBBBBBBBB"
	want.Tracks = append(want.Tracks, plain)
	path := filepath.Join(t.TempDir(), "bot db?mode=memory#.sqlite") // SQLite reads such names as URIs
	s := mustOpen(t, path)
	s.mustSave(t, want)
	s.Close()

	got := mustOpen(t, path).mustList(t, Filter{})
	if len(got) != 1 || !reflect.DeepEqual(got[0], want) {
		t.Errorf("got  %+v\nwant %+v", got[0], want)
	}
}

// TestSavedAgain: the newest state of a show replaces all of the one before.
func TestSavedAgain(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "db"))
	show := example("AAAAAAAAAAAAAAAAAAAAAA")
	s.mustSave(t, show)
	show.Announcements = show.Announcements[:1]
	show.Steps = map[string]Outcome{"told": Done, "media": Done}
	show.Stage = Concluded
	s.mustSave(t, show)
	show.Main().Signing, show.Main().signer = nil, show.Main().Signer()
	if got := s.mustList(t, Filter{}); len(got) != 1 || !reflect.DeepEqual(got[0], show) {
		t.Errorf("got  %+v\nwant %+v", got[0], show)
	}
}

func TestList(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "db"))
	begin := time.UnixMilli(1795425442000)
	for i, stage := range []Stage{Concluded, Concluding, Live, Starting} {
		show := example(string(stage))
		show.Stage, show.StartedAt = stage, begin.Add(time.Duration(i)*time.Hour)
		if stage == Live {
			show.Announcements[0].Room = "!other:example.org"
		}
		s.mustSave(t, show)
	}
	for name, test := range map[string]struct {
		filter Filter
		want   []string
	}{
		"all, the newest first": {Filter{}, []string{"starting", "live", "concluding", "concluded"}},
		"oldest first":          {Filter{OldestFirst: true}, []string{"concluded", "concluding", "live", "starting"}},
		"a few":                 {Filter{Limit: 2}, []string{"starting", "live"}},
		"one":                   {Filter{ID: "live"}, []string{"live"}},
		"of a room":             {Filter{Room: "!other:example.org"}, []string{"live"}},
		"of its second room":    {Filter{Room: "!a:example.org", Limit: 1}, []string{"starting"}},
		"left open":             {Filter{Stages: Unconcluded}, []string{"starting", "live", "concluding"}},
		"of a time":             {Filter{From: begin.Add(time.Hour), Until: begin.Add(3 * time.Hour)}, []string{"live", "concluding"}},
		"of a room in a stage":  {Filter{Room: "!r:example.org", Stages: []Stage{Live}}, nil},
		"of nobody":             {Filter{Room: "' OR 1 --"}, nil},
	} {
		var got []string
		for _, show := range s.mustList(t, test.filter) {
			got = append(got, show.ID)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// TestStates: what a room is told of a stage.
func TestStates(t *testing.T) {
	for _, test := range []struct {
		stage  Stage
		reason string
		want   State
	}{
		{Starting, "", StateLive}, {Live, "", StateLive},
		{Concluding, "", StateEnded}, {Concluded, "", StateEnded},
		{Concluding, "the disk is full", StateInterrupted}, {Concluded, "the disk is full", StateInterrupted},
	} {
		if got := (&Show{Stage: test.stage, Reason: test.reason}).State(); got != test.want {
			t.Errorf("%s because %q is %s, want %s", test.stage, test.reason, got, test.want)
		}
	}
}

// TestRevision: it changes with all that an announcement tells, and with nothing
// else.
func TestRevision(t *testing.T) {
	base := example("AAAAAAAAAAAAAAAAAAAAAA").Revision
	for name, change := range map[string]func(*Show){
		"title":    func(s *Show) { s.Title = "Another" },
		"reason":   func(s *Show) { s.Reason = "another" },
		"end":      func(s *Show) { s.Reason = "" },
		"address":  func(s *Show) { s.Main().MXC = "mxc://m/3" },
		"duration": func(s *Show) { s.Main().Duration++ },
		"waveform": func(s *Show) { s.Main().Wave = "" },
	} {
		show := example("AAAAAAAAAAAAAAAAAAAAAA")
		change(show)
		if show.Revision() == base() {
			t.Errorf("another %s has the same revision", name)
		}
	}
	same := example("AAAAAAAAAAAAAAAAAAAAAA")
	same.Main().MXC, same.Main().Reserved = "", "mxc://m/2" // promised, where it will be
	same.Stage, same.Main().Level = Concluded, -20
	same.Steps = nil
	if same.Revision() != base() {
		t.Error("a show with nothing new to tell has another revision")
	}
}

func TestFilesArePrivate(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, filepath.Join(dir, "db"))
	if err := s.SaveShow(t.Context(), example("AAAAAAAAAAAAAAAAAAAAAA")); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) == 0 {
		t.Fatalf("ReadDir = %d files, %v", len(files), err)
	}
	for _, f := range files {
		if info, _ := f.Info(); info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", f.Name(), info.Mode())
		}
	}
}

// TestOlderDatabaseIsBroughtUpToDate: shows of version 2, and one of version 1,
// which knew only encrypted ones, keep all that was known of them.
func TestOlderDatabaseIsBroughtUpToDate(t *testing.T) {
	encrypted := exampleTrack(false)
	key, err := encrypted.storedKey()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "db")
	mustMakeOld(t, path, 1, `INSERT INTO broadcast VALUES ('first','!r:x','@a:x','T','tone:440','live','',?,1,0,100,'http://g','$e','','mxc://m/1',0,0,1000,0,0,0,'','')`, key)
	mustMakeOld(t, path, 2, `INSERT INTO broadcast VALUES
		('ended','!r:x','@a:x','','file:x','ended','',?1,2,32000,100,'http://g','$e','$v','mxc://m/1',1,1,2000,12000,123,9,'hash','table',0,'wave'),
		('broken','!r:x','@a:x','','file:x','interrupted','the disk is full','',1,0,100,'http://g','$e','','',0,0,3000,0,0,0,'','',1,''),
		('starting','!r:x','@a:x','','tone:440','live','',?1,1,0,100,'http://g','','','',0,0,4000,0,0,0,'','',0,''),
		('never','!r:x','@a:x','','tone:440','interrupted','',?1,1,0,100,'http://g','','','',0,0,5000,0,0,0,'','',0,'')`, key)

	shows := mustOpen(t, path).mustList(t, Filter{OldestFirst: true})
	track := func(id string) Track {
		return Track{ID: id, Gateway: "http://g", Key: encrypted.Key, Channels: 1, BlockDuration: 100 * time.Millisecond}
	}
	first, ended, broken, starting, never := track("first"), track("ended"), track("broken"), track("starting"), track("never")
	first.Reserved = "mxc://m/1"
	ended.Channels, ended.Bitrate, ended.MXC = 2, 32000, "mxc://m/1"
	ended.Recap = Recap{Extent: Extent{Duration: 12 * time.Second, Size: 123, Blocks: 9}, SHA256: "hash", Seek: "table", Wave: "wave"}
	broken.Plain, broken.Key = true, opusblocks.Key{}
	show := func(source string, at int64, stage Stage, t Track, a Announcement) *Show {
		a.Room = "!r:x"
		return &Show{
			ID: t.ID, Speaker: "@a:x", Source: source, StartedAt: time.UnixMilli(at), Stage: stage,
			Steps: map[string]Outcome{}, Tracks: []Track{t}, Announcements: []Announcement{a},
		}
	}
	want := []*Show{
		show("tone:440", 1000, Live, first, Announcement{Event: "$e"}),
		show("file:x", 2000, Concluded, ended, Announcement{Event: "$e", VoiceEvent: "$v"}),
		show("file:x", 3000, Concluding, broken, Announcement{Event: "$e"}),
		show("tone:440", 4000, Starting, starting, Announcement{}),
		show("tone:440", 5000, Concluding, never, Announcement{Closed: true}),
	}
	want[0].Title, want[2].Reason, want[4].Reason = "T", "the disk is full", "the bot was restarted in the middle of it"
	for i := range want {
		if i >= len(shows) || !reflect.DeepEqual(shows[i], want[i]) {
			t.Fatalf("show %d of %d is\n     %+v\nwant %+v", i, len(shows), shows[i], want[i])
		}
	}
}

// mustMakeOld brings a database to an old version and does a statement in it.
func mustMakeOld(t *testing.T, path string, version int, statement string, args ...any) {
	t.Helper()
	db := mustOpenOld(t, path)
	defer db.Close()
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	migration, err := migrations.ReadFile(names[version-1])
	if err != nil {
		t.Fatal(err)
	}
	mustExec := func(statement string, args ...any) {
		t.Helper()
		if _, err := db.Exec(statement, args...); err != nil {
			t.Fatal(err)
		}
	}
	mustExec(`CREATE TABLE IF NOT EXISTS broadcastbot_version (version INTEGER NOT NULL)`)
	mustExec(string(migration))
	mustExec(`INSERT INTO broadcastbot_version VALUES (?)`, version)
	mustExec(statement, args...)
}

// mustOpenOld opens a database as an older program did.
func mustOpenOld(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", path+"?_foreign_keys=on")
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func TestLinks(t *testing.T) {
	var table opusblocks.SeekTable
	for i := range int64(1000) {
		table.Add(opusblocks.Block{Offset: 1139 + i*40000, Start: i * 480000, Packets: [][]byte{{0x78}}})
	}
	sealed, plain, vbr, long := exampleTrack(false), exampleTrack(true), exampleTrack(true), exampleTrack(false)
	sealed.Seek, plain.Seek = table.String(), table.String()
	vbr.Bitrate, vbr.Seek = 0, table.Within(100).String()
	long.Bitrate, long.Seek, long.Wave, long.Signing = 0, table.String(), "", nil
	hash := sha256.Sum256(nil)
	sealed.SHA256 = base64.RawStdEncoding.EncodeToString(hash[:])
	const page = "http://g/listen/AAAAAAAAAAAAAAAAAAAAAA"
	key := "#" + sealed.Key.Fragment() + "&signer=" + link.FormatSigner(sealed.Signer())
	for _, test := range []struct {
		b                    Track
		live, listen, replay string
	}{
		{sealed, "http://g/live/AAAAAAAAAAAAAAAAAAAAAA", page + key, page + key + "&wave=wave&sha256=" + base64.RawURLEncoding.EncodeToString(hash[:])},
		{plain, "http://g/live/AAAAAAAAAAAAAAAAAAAAAA.opus", page, page + "#wave=wave"},
		{vbr, "http://g/live/AAAAAAAAAAAAAAAAAAAAAA.opus", page, page + "#wave=wave&seek=" + vbr.Seek},
		{long, "http://g/live/AAAAAAAAAAAAAAAAAAAAAA", page + "#" + long.Key.Fragment(), page + "#" + long.Key.Fragment() + "&seek=" + table.Within(link.MaxSeek).String()},
	} {
		if test.b.LiveURL() != test.live || test.b.ListenURL() != test.listen || test.b.ReplayURL() != test.replay {
			t.Errorf("%s\n%s\n%s", test.b.LiveURL(), test.b.ListenURL(), test.b.ReplayURL())
		}
		if n := len(test.b.ReplayURL()); n > 3000 {
			t.Errorf("a link of %d characters", n)
		}
	}
}

func TestNewerDatabaseIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	s := mustOpen(t, path)
	if _, err := s.db.Exec(`INSERT INTO broadcastbot_version VALUES (98), (99)`); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := Open(t.Context(), path, masterkey.File(path+".key")); err == nil {
		t.Error("a database of a newer version was opened")
	}
}

// TestAddShow: a new show never takes the place of another one.
func TestAddShow(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "db"))
	first := example("AAAAAAAAAAAAAAAAAAAAAA")
	first.Stage = Live
	if err := s.AddShow(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	sameShow, sameTrack := example(first.ID), example("BBBBBBBBBBBBBBBBBBBBBA")
	sameTrack.Main().ID = first.ID
	for _, show := range []*Show{sameShow, sameTrack} {
		if err := s.AddShow(t.Context(), show); !errors.Is(err, ErrKnown) {
			t.Errorf("%s: %v, want ErrKnown", show.ID, err)
		}
	}
	if got := s.mustList(t, Filter{}); len(got) != 1 || !reflect.DeepEqual(got[0], first) {
		t.Errorf("got  %+v\nwant %+v", got[0], first)
	}
}

// TestReadsHoldNothingUp: reading waits for no change, and no change waits for it.
func TestReadsHoldNothingUp(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "db"))
	show := example("AAAAAAAAAAAAAAAAAAAAAA")
	show.Announcements[0].Room = "!r:example.org"
	s.mustSave(t, show)
	err := s.change(t.Context(), func(*sql.Tx) error {
		if found := s.mustList(t, Filter{Room: "!r:example.org", Event: "$e"}); len(found) != 1 {
			t.Errorf("%d shows while something is being changed", len(found))
		}
		_, err := s.LastShow(t.Context(), "!r:example.org")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.read(t.Context(), func(tx *sql.Tx) error {
		if _, err := listShows(t.Context(), tx, Filter{}); err != nil {
			return err
		}
		show.Title = "another"
		s.mustSave(t, show)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found := s.mustList(t, Filter{}); found[0].Title != "another" {
		t.Error("what was saved is not read")
	}
	if _, err := s.reads.Exec(`DELETE FROM show`); err == nil {
		t.Error("a reader has deleted something")
	}
}
