package gateway

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
)

func TestUploadContinuesAfterARestart(t *testing.T) {
	dir := t.TempDir()
	data := noise(100_000)
	before := newStationIn(t, dir, Options{})
	deferred, whole := before.growing(data[:40_000]), before.finished(data)
	a := before.do("POST", "/upload", tus(headers{"Upload-Length": "100000"}), nil)
	declared := strings.TrimPrefix(a.header.Get("Location"), "upload/")
	before.grow(declared, 0, data[:50_000])
	late := before.growing(data[:50_000]) // says its length on the way
	before.do("PATCH", "/upload/"+late, patch(50_000, headers{"Upload-Length": "100000"}), nil)
	body, done := before.flow(deferred, 40_000)
	body.Write(data[40_000:60_000])
	listener := before.follow(deferred, 0)
	mustRead(t, listener, data[:60_000])
	before.stop()
	mustRefuse(t, <-done, http.StatusServiceUnavailable)

	after := newStationIn(t, dir, Options{})
	if live := after.gateway.Stats().Live; live != 3 {
		t.Errorf("%d uploads go on, want 3", live)
	}
	after.mustStand(deferred, 60_000, "")
	after.mustStand(declared, 50_000, "100000")
	after.mustStand(late, 50_000, "100000")
	after.mustStand(whole, 100_000, "100000")
	after.grow(deferred, 60_000, data[60_000:])
	after.finish(deferred, len(data))
	after.grow(declared, 50_000, data[50_000:])
	after.grow(late, 50_000, data[50_000:])
	for _, id := range []string{deferred, declared, late, whole} {
		after.mustHold(id, data)
		mustBeFile(t, after, id, ".mxc")
	}
}

// TestFullDisk lets the system refuse a file to grow beyond 150,000 bytes. That limit is for a
// whole process, so the test runs in one of its own.
func TestFullDisk(t *testing.T) {
	const variable = "GATEWAY_TEST_FULL_DISK"
	if os.Getenv(variable) == "" {
		self := exec.Command(os.Args[0], "-test.run=^TestFullDisk$")
		self.Env = append(os.Environ(), variable+"=1")
		if out, err := self.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	setLimit := func(bytes uint64) {
		limit.Cur = bytes
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
	}
	full, roomy := uint64(150_000), limit.Cur
	defer setLimit(roomy)

	s := newStation(t, Options{})
	data := noise(200_000)
	id := s.growing(data[:100_000])
	setLimit(full)
	a := s.do("PATCH", "/upload/"+id, patch(100_000, nil), bytes.NewReader(data[100_000:]))
	mustRefuse(t, a, http.StatusInsufficientStorage)
	stored := s.offset(id)
	if stored < 100_000 || stored > 150_000 {
		t.Errorf("%d bytes are stored", stored)
	}
	s.mustHold(id, data[:stored])

	short := s.begin()
	setLimit(2) // of the four digits
	mustRefuse(t, s.do("PATCH", "/upload/"+short, patch(0, headers{"Upload-Length": "1234"}), nil), http.StatusInsufficientStorage)
	mustBeFile(t, s, short, ".part")
	setLimit(roomy)
	s.grow(id, stored, data[stored:])
	s.finish(id, len(data))
	s.mustHold(id, data)
}

// TestTagsAfterARestore: a gateway comes back from an older copy of its disk, and recordings grow on in
// another way. No cache takes bytes of before and of after for parts of one file, and none keeps what may
// change for longer than the restore lasts.
func TestTagsAfterARestore(t *testing.T) {
	dir, copied := t.TempDir(), t.TempDir()
	first := newStationIn(t, dir, Options{})
	data := noise(1000)
	growing, ending, finished := first.growing(data[:500]), first.growing(data[:500]), first.finished(data)
	first.stop()
	before := newStationIn(t, dir, Options{})
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	before.grow(growing, 500, data[500:])
	before.grow(ending, 500, data[500:])
	before.finish(ending, len(data))
	part := func(s *station, id string) (tag, policy string) {
		a := s.do("GET", "/live/"+id, headers{"Range": "bytes=600-799"}, nil)
		return a.header.Get("ETag"), a.header.Get("Cache-Control")
	}
	tags := map[string]string{}
	for id, want := range map[string]string{growing: brief, ending: immutable, finished: immutable} {
		tag, policy := part(before, id)
		if tags[id] = tag; policy != want {
			t.Errorf("caches are told %q, want %q", policy, want)
		}
	}
	before.stop()

	after := newStationIn(t, copied, Options{})
	for _, id := range []string{growing, ending} {
		after.grow(id, 500, noise(1001)[501:])
		if tag, _ := part(after, id); tag == "" || tag == tags[id] {
			t.Errorf("after the restore the tag is %q, before it was %q", tag, tags[id])
		}
		after.finish(id, len(data))
	}
	tag, _ := part(after, ending)
	if unchanged, _ := part(after, finished); unchanged != tags[finished] || tag == tags[ending] {
		t.Errorf("of the finished recordings the tag of one became %q from %q, that of the other %q from %q", unchanged, tags[finished], tag, tags[ending])
	}
}
