package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"broadcastbot/internal/link"
	"broadcastbot/opusblocks"
)

func TestInspect(t *testing.T) {
	var file bytes.Buffer
	w, err := opusblocks.Sealed(opusblocks.NewKey()).NewWriter(&file, opusblocks.Head{Channels: 1})
	if err != nil {
		t.Fatal(err)
	}
	packet := append([]byte{0x78}, make([]byte, 79)...)
	for range 3 {
		if err := w.WriteBlock([][]byte{packet}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Finish(nil, 0); err != nil {
		t.Fatal(err)
	}
	whole := file.Bytes()

	var out strings.Builder
	if err := inspect(&out, bytes.NewReader(whole), false); err != nil {
		t.Errorf("a sound file: %v", err)
	}
	if !strings.Contains(out.String(), "5 blocks") || !strings.Contains(out.String(), "0 damaged") {
		t.Errorf("inspect prints\n%s", &out)
	}

	damaged := bytes.Clone(whole)
	damaged[opusblocks.HeadSize+50] ^= 1
	out.Reset()
	if err := inspect(&out, bytes.NewReader(damaged), true); err == nil {
		t.Error("a damaged file is no error")
	}
	if !strings.Contains(out.String(), "4 blocks") || !strings.Contains(out.String(), "damaged or forged") {
		t.Errorf("inspect prints\n%s", &out)
	}
	if err := inspect(&out, strings.NewReader("RIFF"), true); !errors.Is(err, opusblocks.ErrNotBlocks) {
		t.Errorf("another file: %v", err)
	}
}

func TestInspectPlain(t *testing.T) {
	var file bytes.Buffer
	w, err := opusblocks.Plain().NewWriter(&file, opusblocks.Head{Channels: 1, Title: "Town hall", Speaker: "@a:x"})
	if err != nil {
		t.Fatal(err)
	}
	packet := append([]byte{0x78}, make([]byte, 79)...)
	if err := errors.Join(w.WriteBlock([][]byte{packet, packet}), w.KeepAlive(), w.Finish(nil, 0)); err != nil {
		t.Fatal(err)
	}
	whole := file.Bytes()
	behind := append(bytes.Clone(whole), make([]byte, 1<<20)...)
	if err := inspect(io.Discard, bytes.NewReader(behind), true); err == nil || !strings.Contains(err.Error(), "1048576 bytes stand behind the end") {
		t.Errorf("bytes behind the end: %v", err)
	}
	for name, test := range map[string]struct {
		file []byte
		want string
		err  error
	}{
		"whole":   {whole, "5 pages", nil},
		"cut off": {whole[:len(whole)-1], "4 pages", opusblocks.ErrCutOff},
		"damaged": {append(bytes.Clone(whole[:len(whole)-27-27]), make([]byte, 54)...), "3 pages", opusblocks.ErrMalformed},
	} {
		var out strings.Builder
		if err := inspect(&out, bytes.NewReader(test.file), false); !errors.Is(err, test.err) {
			t.Errorf("%s: %v, want %v", name, err, test.err)
		}
		for _, want := range []string{"Not encrypted", "Town hall", test.want} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: no %q in\n%s", name, want, &out)
			}
		}
	}
}

// TestProve: with its link a recording is proven to be the station's, whole and as announced.
func TestProve(t *testing.T) {
	key := opusblocks.NewKey()
	signer, signing, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	w, err := opusblocks.Sealed(key).Signing(signing, time.Now).NewWriter(&file, opusblocks.Head{Channels: 1, Title: "Town hall"})
	if err != nil {
		t.Fatal(err)
	}
	packet := append([]byte{0x78}, make([]byte, 79)...)
	if err := errors.Join(w.WriteBlock([][]byte{packet}), w.WriteBlock([][]byte{packet}), w.KeepAlive(), w.Finish(nil, 0)); err != nil {
		t.Fatal(err)
	}
	whole := file.Bytes()
	hash, other := sha256.Sum256(whole), sha256.Sum256(nil)
	good := link.Link{Base: "https://h", ID: "abc", Key: key, Signer: signer, SHA256: hash[:]}
	unsigned, wrongHash, wrongSigner := good, good, good
	unsigned.Signer, unsigned.SHA256, wrongHash.SHA256 = nil, nil, other[:]
	wrongSigner.Signer = bytes.Repeat([]byte{1}, 32)
	path, links := filepath.Join(t.TempDir(), "show.mxc"), filepath.Join(t.TempDir(), "link")
	for name, test := range map[string]struct {
		link link.Link
		file []byte
		said string // on either output
		code int
	}{
		"proven":         {good, whole, "2 checkpoints; the station has signed it up to block 4", 0},
		"as announced":   {good, whole, "the recording that was announced", 0},
		"not signed":     {unsigned, whole, "not proven who made it", 0},
		"another hash":   {wrongHash, whole, "not the recording that was announced", 1},
		"another signer": {wrongSigner, whole, "not what the station signed", 1},
		"cut off":        {good, whole[:len(whole)-1], "cut off before its end", 1},
		"unproven":       {good, whole[:len(whole)-1], "What comes after that may not come from the station.", 1},
		"bytes behind":   {good, append(bytes.Clone(whole), 1, 2, 3), "3 bytes stand behind the end", 1},
	} {
		if err := errors.Join(os.WriteFile(path, test.file, 0o600), os.WriteFile(links, []byte(test.link.PageURL()), 0o600)); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if code := run(t.Context(), []string{"inspect", path, "-link", links}, &out, &out); code != test.code || !strings.Contains(out.String(), test.said) {
			t.Errorf("%s: code %d, no %q in\n%s", name, code, test.said, &out)
		}
		if named := strings.Contains(out.String(), "Town hall"); named == (name == "another signer") {
			t.Errorf("%s: the title is shown: %v", name, named)
		}
		if complete := strings.Contains(out.String(), "It is complete"); complete != (test.code == 0) {
			t.Errorf("%s: code %d, called complete: %v", name, test.code, complete)
		}
	}
}

// TestForgedEnd: nobody has to sign or seal the end of a plain show, so it is not called complete.
func TestForgedEnd(t *testing.T) {
	var file bytes.Buffer
	w, err := opusblocks.Plain().NewWriter(&file, opusblocks.Head{Channels: 1})
	packet := append([]byte{0x78}, make([]byte, 79)...)
	if err = errors.Join(err, w.WriteBlock([][]byte{packet}), w.Finish(nil, 0)); err != nil {
		t.Fatal(err)
	}
	path, links := filepath.Join(t.TempDir(), "show.opus"), filepath.Join(t.TempDir(), "link")
	l := link.Link{Base: "https://h", ID: "abc", Plain: true}
	if err := errors.Join(os.WriteFile(path, file.Bytes(), 0o600), os.WriteFile(links, []byte(l.PageURL()), 0o600)); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if code := run(t.Context(), []string{"inspect", path, "-link", links}, &out, &out); code != 0 || strings.Contains(out.String(), "complete") {
		t.Errorf("code %d:\n%s", code, &out)
	}
}

// TestLiveState: nobody is told that a show is live that is not, or of which it is not known.
func TestLiveState(t *testing.T) {
	for _, test := range []struct {
		delay  time.Duration
		known  bool
		behind time.Duration
		want   string
	}{
		{700 * time.Millisecond, true, 0, "LIVE, 0.7 s behind by this clock"},
		{40 * time.Second, true, 0, "40.0 s behind by this clock"},
		{-time.Minute, true, 0, "how late is not known: this clock is slow"},
		{0, false, 300 * time.Millisecond, "0.3 s behind the gateway; nobody signs how late that is"},
	} {
		if got := liveState(test.delay, test.known, test.behind); got != test.want {
			t.Errorf("%v: %q, want %q", test.delay, got, test.want)
		}
	}
}
