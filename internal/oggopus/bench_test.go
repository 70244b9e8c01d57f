package oggopus

import (
	"bytes"
	"io"
	"testing"
)

func BenchmarkPage(b *testing.B) {
	lacing := bytes.Repeat([]byte{80}, 50)
	page := Page{Lacing: lacing, Body: make([]byte, 50*80)}
	out := page.Append(nil)
	b.SetBytes(int64(len(out)))
	for b.Loop() {
		out = page.Append(out[:0])
		if _, _, err := ParsePage(out); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReader(b *testing.B) {
	var stream bytes.Buffer
	w := NewWriter(&stream, testHead, Tags{})
	packet := append([]byte{toc}, make([]byte, 79)...)
	for range 3000 {
		mustWrite(b, w, packet)
	}
	if err := w.Close(0); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(stream.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if packets, err := readAll(NewReader(bytes.NewReader(stream.Bytes()))); err != io.EOF || len(packets) != 3000 {
			b.Fatal(len(packets), err)
		}
	}
}

func BenchmarkWriter(b *testing.B) {
	w := NewWriter(io.Discard, testHead, Tags{})
	packet := append([]byte{toc}, make([]byte, 79)...)
	b.SetBytes(int64(len(packet)))
	b.ReportAllocs()
	for b.Loop() {
		mustWrite(b, w, packet)
	}
}
