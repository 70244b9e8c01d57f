package main

import (
	"bytes"
	"strings"
	"testing"

	"broadcastbot/opusblocks"
)

func TestInspect(t *testing.T) {
	var file bytes.Buffer
	w, err := opusblocks.NewWriter(&file, opusblocks.NewKey(), opusblocks.Head{Channels: 1})
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
	if err := inspect(&out, strings.NewReader("OggS"), true); err == nil {
		t.Error("another file is no error")
	}
}
