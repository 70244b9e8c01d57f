package store

import (
	"bytes"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

func (s *Store) mustAddPass(t *testing.T, p *Pass, hash string) {
	t.Helper()
	if err := s.Passes().Add(t.Context(), p, hash); err != nil {
		t.Fatal(err)
	}
}

func (s *Store) mustFindPass(t *testing.T, hash string) *Pass {
	t.Helper()
	p, err := s.Passes().Find(t.Context(), hash)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (s *Store) mustUsePass(t *testing.T, source string, want bool) {
	t.Helper()
	if used, err := s.Passes().Use(t.Context(), source); used != want || err != nil {
		t.Errorf("use %s: %v, %v, want %v", source, used, err, want)
	}
}

func examplePass(source string) *Pass {
	return &Pass{
		Source: source, Room: "!r:example.org", Speaker: "@a:example.org", Title: "Town hall",
		ExpiresAt: time.UnixMilli(time.Now().Add(time.Hour).UnixMilli()),
	}
}

func TestPass(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "db"))
	want := examplePass("studio:1")
	s.mustAddPass(t, want, "hash 1")
	if got := s.mustFindPass(t, "hash 1"); !reflect.DeepEqual(got, want) {
		t.Errorf("found %+v, want %+v", got, want)
	}
	if got := s.mustFindPass(t, "hash 2"); got != nil {
		t.Errorf("found %+v for a hash of nothing", got)
	}
	s.mustUsePass(t, "studio:1", true)
	s.mustUsePass(t, "studio:1", false)
	if err := s.Passes().Free(t.Context(), "studio:1"); err != nil {
		t.Fatal(err)
	}
	s.mustUsePass(t, "studio:1", true)
	if err := s.Passes().End(t.Context(), "studio:1"); err != nil {
		t.Fatal(err)
	}
	if got := s.mustFindPass(t, "hash 1"); got == nil || !got.Used || got.Title != "" {
		t.Errorf("found %+v, whose show is over", got)
	}
	s.mustUsePass(t, "studio:1", false)
	if err := s.Passes().End(t.Context(), "studio:2"); err != nil {
		t.Error("end what is not there:", err)
	}
}

// TestInterruptedPass: at the next start a pass whose show has no record is free again, unless it is
// ended, or its speaker has got another one.
func TestInterruptedPass(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	s := mustOpen(t, path)
	for _, hash := range []string{"interrupted", "ended", "began", "replaced", "newer"} {
		p := examplePass("studio:" + hash)
		if p.Room = "!of " + hash; hash == "newer" {
			p.Room = "!of replaced"
		}
		s.mustAddPass(t, p, hash)
		if hash != "newer" {
			s.mustUsePass(t, p.Source, true)
		}
	}
	if err := s.Passes().End(t.Context(), "studio:ended"); err != nil {
		t.Fatal(err)
	}
	show := example("AAAAAAAAAAAAAAAAAAAAAA")
	show.Source, show.Stage, show.Reason = "studio:began", Concluded, "the microphone is gone"
	s.mustSave(t, show)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, path)
	for hash, used := range map[string]bool{"interrupted": false, "ended": true, "began": true, "newer": false} {
		if got := s.mustFindPass(t, hash); got == nil || got.Used != used {
			t.Errorf("%s: found %+v", hash, got)
		}
	}
	if got := s.mustFindPass(t, "began"); got.Reason != show.Reason || got.Show != "" {
		t.Errorf("the pass of a show that is over is %+v", got)
	}
	if got := s.mustFindPass(t, "replaced"); got != nil {
		t.Errorf("found %+v, which was replaced", got)
	}
}

// TestDeletedPass: nothing of the pass of a show that is deleted is left in any file, whoever deletes the
// show.
func TestDeletedPass(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, filepath.Join(dir, "db"))
	p := examplePass("studio:traceless")
	p.Room, p.Speaker, p.Title = "!traceless:example.org", "@traceless:example.org", "traceless title"
	s.mustAddPass(t, p, "traceless hash")
	s.mustUsePass(t, p.Source, true)
	show := example("AAAAAAAAAAAAAAAAAAAAAA")
	show.Source, show.Stage, show.Main().Plain, show.Main().Signing = p.Source, Concluded, true, nil // it has no keys
	s.mustSave(t, show)
	show.Stage = Deleting
	show.Forget()
	s.mustSave(t, show)
	if got := s.mustFindPass(t, "traceless hash"); got != nil {
		t.Errorf("found %+v", got)
	}
	if bytes.Contains(mustReadAll(t, dir), []byte("traceless")) {
		t.Error("something of it is in the files")
	}
}

// TestNewPassReplaces: a speaker has one unused pass for a room, and keeps the one of the show that is
// on air.
func TestNewPassReplaces(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "db"))
	other := examplePass("studio:other")
	other.Room = "!o:example.org"
	s.mustAddPass(t, other, "other")
	s.mustAddPass(t, examplePass("studio:live"), "live")
	s.mustUsePass(t, "studio:live", true)
	s.mustAddPass(t, examplePass("studio:old"), "old")
	s.mustAddPass(t, examplePass("studio:new"), "new")
	for hash, want := range map[string]bool{"other": true, "live": true, "old": false, "new": true} {
		if got := s.mustFindPass(t, hash); (got != nil) != want {
			t.Errorf("%s: found %+v", hash, got)
		}
	}
}

// TestExpiredPass: nothing begins with it, but a show that runs for longer keeps its pass.
func TestExpiredPass(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "db"))
	for _, source := range []string{"studio:unused", "studio:over", "studio:live"} {
		p := examplePass(source)
		p.Room = "!of " + source
		s.mustAddPass(t, p, source)
	}
	s.mustUsePass(t, "studio:over", true)
	s.mustUsePass(t, "studio:live", true)
	show := example("AAAAAAAAAAAAAAAAAAAAAA")
	show.Source, show.Stage = "studio:live", Live
	s.mustSave(t, show)
	if _, err := s.db.ExecContext(t.Context(), `UPDATE pass SET expires_at = 1`); err != nil {
		t.Fatal(err)
	}
	if got := s.mustFindPass(t, "studio:unused"); got != nil {
		t.Errorf("found %+v, which is expired", got)
	}
	s.mustUsePass(t, "studio:unused", false)
	s.mustAddPass(t, examplePass("studio:next"), "next")
	if got := s.mustFindPass(t, "studio:over"); got != nil {
		t.Errorf("found %+v, which has no use any more", got)
	}
	if got := s.mustFindPass(t, "studio:live"); got == nil || got.Show != show.ID || !got.StartedAt.Equal(show.StartedAt) {
		t.Errorf("the pass of a show on air is %+v", got)
	}
	show.Stage = Concluding
	s.mustSave(t, show)
	if got := s.mustFindPass(t, "studio:live"); got == nil || got.Show != "" {
		t.Errorf("the pass of a show that is over is %+v", got)
	}
}
