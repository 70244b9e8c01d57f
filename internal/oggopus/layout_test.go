package oggopus

import (
	"bytes"
	"math/rand/v2"
)

var testHead = Head{Channels: 1, PreSkip: 312, InputSampleRate: 48000}

// pageWriter lays out streams page by page, also wrong ones.
type pageWriter struct {
	serial, sequence uint32
	out              []byte
}

func newPageWriter(serial uint32) *pageWriter { return &pageWriter{serial: serial} }

// append adds a page and returns it.
func (w *pageWriter) append(page Page) []byte {
	page.Serial, page.Sequence = w.serial, w.sequence
	w.sequence++
	start := len(w.out)
	w.out = page.Append(w.out)
	return w.out[start:]
}

func (w *pageWriter) headers(head Head) {
	b := head.Append(nil)
	w.append(Page{First: true, Lacing: AppendLacing(nil, len(b)), Body: b})
	b = Tags{Vendor: "layOut", Comments: []string{"TITLE=Test"}}.Append(nil)
	w.append(Page{Lacing: AppendLacing(nil, len(b)), Body: b})
}

// page adds a page of whole packets and returns it.
func (w *pageWriter) page(granule int64, packets ...[]byte) []byte {
	page := Page{Granule: granule, Body: bytes.Join(packets, nil)}
	for _, packet := range packets {
		page.Lacing = AppendLacing(page.Lacing, len(packet))
	}
	return w.append(page)
}

// layOut makes a stream of packets of 20 ms, with page borders anywhere, also
// inside packets.
func layOut(random *rand.Rand, serial uint32, packets [][]byte) []byte {
	w := newPageWriter(serial)
	w.headers(testHead)
	var lacing []byte
	for _, packet := range packets {
		lacing = AppendLacing(lacing, len(packet))
	}
	body := bytes.Join(packets, nil)
	var granule int64
	continued := false
	for first := true; first || len(lacing) > 0; first = false {
		n := min(len(lacing), random.IntN(maxSegments+1))
		page := Page{Continued: continued, Granule: -1, Last: n == len(lacing), Lacing: lacing[:n]}
		size := 0
		for _, value := range page.Lacing {
			size += int(value)
			continued = value == 255
			if !continued {
				granule += 960
				page.Granule = granule
			}
		}
		page.Body = body[:size]
		lacing, body = lacing[n:], body[size:]
		w.append(page)
	}
	return w.out
}

// randomPackets makes packets of all sizes, mostly around the multiples of 255
// that lacing is about.
func randomPackets(random *rand.Rand, count int) [][]byte {
	packets := make([][]byte, count)
	for i := range packets {
		size := 1 + random.IntN(300)
		switch random.IntN(10) {
		case 0:
			size = 255*(1+random.IntN(6)) + random.IntN(3) - 1
		case 1:
			size = 1 + random.IntN(maxPacketSize)
		}
		packets[i] = randomBytes(random, size)
		packets[i][0] = toc
	}
	return packets
}
