package oggopus

import (
	"bytes"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// fivePages is a stream with one packet of 20 ms on each of five pages.
func fivePages() (stream []byte, pages [][2]int, packets [][]byte) {
	w := newPageWriter(8)
	w.headers(testHead)
	for i := range byte(5) {
		packet := append([]byte{toc, i}, bytes.Repeat([]byte{0xEE}, 298)...)
		start := len(w.out)
		w.append(Page{Granule: int64(i+1) * 960, Last: i == 4, Lacing: []byte{255, 45}, Body: packet})
		pages, packets = append(pages, [2]int{start, len(w.out)}), append(packets, packet)
	}
	return w.out, pages, packets
}

func TestReaderCutAnywhere(t *testing.T) {
	stream, pages, packets := fivePages()
	for size := range stream {
		r := NewReader(bytes.NewReader(stream[:size]))
		if size < 47 { // OpusHead is not whole
			if _, err := r.ReadPacket(); !errors.Is(err, ErrNotOpus) {
				t.Fatalf("cut after %d bytes: %v, want ErrNotOpus", size, err)
			}
			continue
		}
		whole := 0
		for whole < len(pages) && pages[whole][1] <= size {
			whole++
		}
		mustEqualPackets(t, mustReadAll(t, r), packets[:whole])
		if !r.Truncated() || r.EndTrim() != 0 {
			t.Fatalf("cut after %d bytes: truncated %v, end trim %d", size, r.Truncated(), r.EndTrim())
		}
	}
}

func TestReaderAlteredPage(t *testing.T) {
	stream, pages, packets := fivePages()
	for offset := pages[2][0]; offset < pages[2][1]; offset++ {
		b := bytes.Clone(stream)
		b[offset] ^= 0x10
		r := NewReader(bytes.NewReader(b))
		mustEqualPackets(t, mustReadAll(t, r), [][]byte{packets[0], packets[1], packets[3], packets[4]})
		stats := r.Stats()
		if stats.SequenceGaps != 1 || stats.LostSamples != 960 || stats.SkippedBytes != int64(pages[2][1]-pages[2][0]) {
			t.Fatalf("byte %d: %+v", offset-pages[2][0], stats)
		}
		if r.Truncated() {
			t.Fatal("truncated")
		}
	}
}

func TestReaderGarbage(t *testing.T) {
	stream, pages, packets := fivePages()
	garbage := []byte("noise OggS\x00 and a beginning of a page that is none OggSOggS\x01Og")
	b := bytes.Clone(garbage)
	for _, part := range [][]byte{stream[:pages[1][0]], stream[pages[1][0]:pages[3][1]], stream[pages[3][1]:]} {
		b = append(append(b, part...), garbage...)
	}
	r := NewReader(bytes.NewReader(b))
	mustEqualPackets(t, mustReadAll(t, r), packets)
	stats := r.Stats()
	if stats.SkippedBytes != int64(4*len(garbage)) || stats.SequenceGaps != 0 || stats.LostSamples != 0 {
		t.Errorf("%+v, want %d skipped bytes and no gaps", stats, 4*len(garbage))
	}
}

func TestReaderLosesPartsOfPackets(t *testing.T) {
	w := newPageWriter(8)
	w.headers(testHead)
	body := bytes.Repeat([]byte{toc}, 300)
	w.append(Page{Granule: 960, Lacing: []byte{10, 255}, Body: body[:265]})                      // A, B begins
	w.append(Page{Continued: true, Granule: 2880, Lacing: []byte{1, 12, 255}, Body: body[:268]}) // B ends, C, D begins
	w.append(Page{Granule: 4800, Lacing: []byte{13}, Body: body[:13]})                           // no rest of D; E
	w.append(Page{Continued: true, Granule: 5760, Lacing: []byte{9, 14}, Body: body[:23]})       // the rest of nothing; F
	w.append(Page{Granule: -1, Lacing: []byte{255}, Body: body[:255]})                           // G begins
	w.append(Page{Continued: true, Granule: -1, Lacing: []byte{255}, Body: body[:255]})
	w.sequence++ // a page with more of G is lost
	w.append(Page{Continued: true, Granule: -1, Lacing: []byte{255}, Body: body[:255]})
	w.append(Page{Continued: true, Granule: 7680, Lacing: []byte{3, 15}, Body: body[:18]}) // G's end; H

	r := NewReader(bytes.NewReader(w.out))
	var sizes []int
	var granules []int64
	for _, packet := range mustReadAll(t, r) {
		sizes, granules = append(sizes, len(packet.Data)), append(granules, packet.Granule)
	}
	wantSizes, wantGranules := []int{10, 256, 12, 13, 14, 15}, []int64{960, 1920, 2880, 4800, 5760, 7680}
	for i := range max(len(sizes), len(wantSizes)) {
		if i >= min(len(sizes), len(wantSizes)) || sizes[i] != wantSizes[i] || granules[i] != wantGranules[i] {
			t.Fatalf("packets of %v bytes until %v, want %v until %v", sizes, granules, wantSizes, wantGranules)
		}
	}
	if stats := r.Stats(); stats.LostSamples != 2*960 || stats.SequenceGaps != 1 {
		t.Errorf("%+v, want two frames lost and one gap", stats)
	}
}

func TestReaderBadPackets(t *testing.T) {
	w := newPageWriter(8)
	w.headers(testHead)
	w.page(960, []byte{toc}, nil, []byte{toc | 3, 0}) // empty, no frames
	huge := bytes.Repeat([]byte{toc}, maxSegments*255)
	w.append(Page{Granule: -1, Lacing: bytes.Repeat([]byte{255}, maxSegments), Body: huge})
	w.append(Page{Continued: true, Granule: -1, Lacing: bytes.Repeat([]byte{255}, maxSegments), Body: huge})
	w.append(Page{Continued: true, Granule: 2880, Lacing: []byte{7, 2}, Body: huge[:9]})
	r := NewReader(bytes.NewReader(w.out))
	mustEqualPackets(t, mustReadAll(t, r), [][]byte{{toc}, {toc, toc}})
	if stats := r.Stats(); stats != (Stats{BadPackets: 3, LostSamples: 960}) {
		t.Errorf("%+v, want 3 bad packets and one frame lost", stats)
	}
}

// A cover picture can make the tags larger than any packet of sound.
func TestReaderHugeTags(t *testing.T) {
	var out bytes.Buffer
	w := NewWriter(&out, testHead, Tags{Comments: []string{"TITLE=Cover", "METADATA_BLOCK_PICTURE=" + strings.Repeat("A", 300_000)}})
	for i := range byte(3) {
		mustWrite(t, w, []byte{toc, i})
	}
	if err := w.Close(0); err != nil {
		t.Fatal(err)
	}
	r := NewReader(&out)
	mustEqualPackets(t, mustReadAll(t, r), [][]byte{{toc, 0}, {toc, 1}, {toc, 2}})
	if r.Stats() != (Stats{}) || r.Tags().Get("TITLE") != "Cover" {
		t.Errorf("stats %+v, title %q", r.Stats(), r.Tags().Get("TITLE"))
	}
}

func TestReaderGranules(t *testing.T) {
	frame := []byte{toc}
	for _, test := range []struct {
		name     string
		granules []int64 // of pages with two packets each, the last one with the end mark
		ends     []int64 // of the packets
		endTrim  int
		lost     int64
	}{
		{"plain", []int64{1920, 3840}, []int64{960, 1920, 2880, 3840}, 0, 0},
		{"joined late", []int64{481920, 483840}, []int64{480960, 481920, 482880, 483840}, 0, 0},
		{"end trim", []int64{1920, 3500}, []int64{960, 1920, 2880, 3500}, 340, 0},
		{"end trim of more than a packet", []int64{1920, 2000}, []int64{960, 1920, 2000, 2000}, 1840, 0},
		{"end trim of more than a page", []int64{1920, 900}, []int64{960, 1920, 1920, 1920}, 1920, 0},
		{"end trim on the only page", []int64{1600}, []int64{960, 1600}, 320, 0},
		{"no position at the end", []int64{1920, -1}, []int64{960, 1920, 2880, 3840}, 0, 0},
		{"no position at all", []int64{-1, -1}, []int64{-1, -1, -1, -1}, 0, 0},
		{"gap", []int64{1920, 4840, 6760}, []int64{960, 1920, 3880, 4840, 5800, 6760}, 0, 1000},
		{"backwards", []int64{1920, 3000, 4920}, []int64{960, 1920, 2040, 3000, 3960, 4920}, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newPageWriter(8)
			w.headers(testHead)
			for i, granule := range test.granules {
				w.append(Page{Granule: granule, Last: i == len(test.granules)-1, Lacing: []byte{1, 1}, Body: append(frame[:1:1], frame...)})
			}
			r := NewReader(bytes.NewReader(w.out))
			trimmed := 0
			for i, packet := range mustReadAll(t, r) {
				if packet.Granule != test.ends[i] {
					t.Errorf("packet %d ends at %d, want %d", i, packet.Granule, test.ends[i])
				}
				trimmed += packet.Trim
			}
			if trimmed != test.endTrim {
				t.Errorf("%d samples of the packets are trimmed, want %d", trimmed, test.endTrim)
			}
			if r.EndTrim() != test.endTrim || r.Stats().LostSamples != test.lost {
				t.Errorf("end trim %d, lost %d; want %d, %d", r.EndTrim(), r.Stats().LostSamples, test.endTrim, test.lost)
			}
		})
	}
}

func TestReaderRefuses(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	begin := func(packet string) []byte {
		w := newPageWriter(8)
		w.append(Page{First: true, Lacing: AppendLacing(nil, len(packet)), Body: []byte(packet)})
		w.page(0, []byte("more"))
		return w.out
	}
	opusStream := layOut(random, 3, randomPackets(random, 5))
	late := newPageWriter(8)
	for range 100 {
		late.page(5, bytes.Repeat([]byte{toc}, 1000))
	}
	for _, test := range []struct {
		name   string
		stream []byte
		want   error
		says   string
	}{
		{"nothing", nil, ErrNotOpus, "ends before"},
		{"MP3", randomBytes(random, 200_000), ErrNotOpus, "first 65536 bytes"},
		{"short text", []byte("hello"), ErrNotOpus, "ends before"},
		{"joined late", late.out, ErrNotOpus, "first 65536 bytes"},
		{"Vorbis", begin("\x01vorbis...."), ErrNotOpus, "Vorbis"},
		{"FLAC", begin("\x7fFLAC...."), ErrNotOpus, "FLAC"},
		{"FLAC head only", begin("\x7fFLAC....")[:28+9], ErrNotOpus, "FLAC"},
		{"unknown", begin("fishead"), ErrNotOpus, "another kind"},
		{"surround", begin("OpusHead\x01\x06" + strings.Repeat("\x00", 8) + "\x01.."), ErrMapping, "6 channels"},
		{"version 16", begin("OpusHead\x10\x01" + strings.Repeat("\x00", 9)), ErrMalformed, "version 16"},
		{"Opus, then Vorbis", append(opusStream, begin("\x01vorbis")...), ErrNotOpus, "Vorbis"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := NewReader(bytes.NewReader(test.stream))
			var err error
			for err == nil {
				_, err = r.ReadPacket()
			}
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want %v with %q", err, test.want, test.says)
			}
			if _, again := r.ReadPacket(); again != err || errors.Is(err, io.EOF) {
				t.Errorf("then %v, want the same error", again)
			}
		})
	}
}

// beyondTime is a stream whose time would overflow: two packets of 120 ms behind the last possible sample
// but 6000.
func beyondTime() []byte {
	const toc120 = 3<<3 | 1 // two frames of 60 ms
	packet := []byte{toc120, 0, 0}
	w := newPageWriter(8)
	w.headers(testHead)
	w.page(math.MaxInt64-6000, packet)
	w.append(Page{Granule: -1, Lacing: []byte{3, 3}, Body: append(packet, packet...)})
	return w.out
}

func TestReaderTimeOverflows(t *testing.T) {
	r := NewReader(bytes.NewReader(beyondTime()))
	packets := mustReadAll(t, r)
	if len(packets) != 3 {
		t.Fatalf("%d packets, want 3", len(packets))
	}
	for _, p := range packets {
		if p.Samples != 5760 || p.Trim != 0 || p.Granule != -1 {
			t.Errorf("%d samples, trim %d, granule %d", p.Samples, p.Trim, p.Granule)
		}
	}
}

// TestReaderLosesTooMuch: no time that jumps to and fro makes the count of what is lost overflow.
func TestReaderLosesTooMuch(t *testing.T) {
	w := newPageWriter(8)
	w.headers(testHead)
	for range 4 {
		w.page(960, []byte{toc})
		w.page(maxGranule, []byte{toc})
	}
	r := NewReader(bytes.NewReader(w.out))
	mustReadAll(t, r)
	if lost := r.Stats().LostSamples; lost != maxGranule {
		t.Errorf("%d samples are lost", lost)
	}
}
