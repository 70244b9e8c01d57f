package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

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
