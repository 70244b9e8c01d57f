package store

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

const mountRoom, mountSpeaker = "!room:example.org", "@alice:example.org"

func (s *Store) mustMount(t *testing.T, room, speaker string) (Mount, string) {
	t.Helper()
	m, password := NewMount(room, speaker)
	if err := s.Mounts().Put(t.Context(), m, password); err != nil {
		t.Fatal(err)
	}
	return m, password
}

func TestAuthorize(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "db"))
	m, password := s.mustMount(t, mountRoom, mountSpeaker)
	other, otherPassword := s.mustMount(t, mountRoom, "@bob:example.org")
	if got, err := s.Mounts().Authorize(t.Context(), m.ID, password); err != nil || got != m {
		t.Errorf("%+v, %v, want %+v", got, err, m)
	}
	for name, try := range map[string][2]string{
		"no password": {m.ID, ""}, "no mount": {"", password}, "nothing": {"", ""}, "another mount's": {m.ID, otherPassword},
		"of another mount": {other.ID, password}, "lower case": {m.ID, strings.ToLower(password)},
		"cut": {m.ID, password[:19]}, "longer": {m.ID, password + " "}, "mount in capitals": {strings.ToUpper(m.ID), password},
		"SQL": {"' OR 1=1 --", password}, "long": {strings.Repeat("a", 1<<20), strings.Repeat("b", 1<<20)},
	} {
		if got, err := s.Mounts().Authorize(t.Context(), try[0], try[1]); !errors.Is(err, ErrWrongPassword) || got != (Mount{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// TestMountIsReplaced: of a room and a speaker only the newest mount counts, and others keep theirs.
func TestMountIsReplaced(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, filepath.Join(dir, "db"))
	first, firstPassword := s.mustMount(t, mountRoom, mountSpeaker)
	elsewhere, elsewherePassword := s.mustMount(t, "!other:example.org", mountSpeaker)
	second, secondPassword := s.mustMount(t, mountRoom, mountSpeaker)
	if first.ID == second.ID || firstPassword == secondPassword || len(secondPassword) != 20 {
		t.Errorf("%s %s was replaced by %s %s", first.ID, firstPassword, second.ID, secondPassword)
	}
	if _, err := s.Mounts().Authorize(t.Context(), first.ID, firstPassword); !errors.Is(err, ErrWrongPassword) {
		t.Error("the replaced one still counts:", err)
	}
	for mount, password := range map[Mount]string{second: secondPassword, elsewhere: elsewherePassword} {
		if _, err := s.Mounts().Authorize(t.Context(), mount.ID, password); err != nil {
			t.Error(mount, err)
		}
	}
	if mounts, err := s.Mounts().Of(t.Context(), mountSpeaker); err != nil || len(mounts) != 2 {
		t.Error(mounts, err)
	}
	for _, password := range []string{firstPassword, secondPassword} {
		if bytes.Contains(mustReadAll(t, dir), []byte(password)) {
			t.Error("a password stands in the files")
		}
	}
}

func TestMountIsRemoved(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "db"))
	m, password := s.mustMount(t, mountRoom, mountSpeaker)
	if got, err := s.Mounts().Mount(t.Context(), mountRoom, mountSpeaker); err != nil || got != m {
		t.Error(got, err)
	}
	if got, err := s.Mounts().Remove(t.Context(), mountRoom, mountSpeaker); err != nil || got != m {
		t.Error(got, err)
	}
	if _, err := s.Mounts().Remove(t.Context(), mountRoom, mountSpeaker); !errors.Is(err, ErrNoMount) {
		t.Error("removed twice:", err)
	}
	if _, err := s.Mounts().Mount(t.Context(), mountRoom, mountSpeaker); !errors.Is(err, ErrNoMount) {
		t.Error("still there:", err)
	}
	if _, err := s.Mounts().Authorize(t.Context(), m.ID, password); !errors.Is(err, ErrWrongPassword) {
		t.Error("still counts:", err)
	}
}
