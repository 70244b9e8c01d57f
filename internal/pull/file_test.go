package pull

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/testhelp"
)

// TestFormats pulls a file of each format: the sound comes whole, and where the format allows that, exact to the
// sample.
func TestFormats(t *testing.T) {
	const samples = 98765
	for name, test := range map[string]struct {
		arguments string
		tolerance int
	}{
		"a.opus": {"-c:a libopus -b:a 96k", 0}, "a.wav": {"", 0}, "a.flac": {"", 0}, "a.mp3": {"-b:a 128k", 1200},
		"a.ogg": {"-c:a libvorbis -b:a 128k", 1200}, "a.aac": {"-b:a 128k", 3000}, "a.m4a": {"-movflags frag_keyframe+empty_moov -b:a 128k", 3000},
		"5.1.opus": {"-c:a libopus -ac 6 -mapping_family 1 -b:a 256k", 1200},
	} {
		t.Run(name, func(t *testing.T) {
			testhelp.CheckGoroutines(t)
			content := mustSound(t, samples, name, strings.Fields(test.arguments)...)
			address := mustServe(t, func(w http.ResponseWriter, r *http.Request) {
				http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
			})
			pcm, end := mustHear(t, pullerOf(t, address).mustOpen(t, address+"/"+name))
			mustEnd(t, end)
			if test.tolerance > 0 { // encoders add some of their own at both ends
				pcm = align(pcm)
			}
			mustBeSweep(t, pcm, samples, test.tolerance)
		})
	}
}

// align cuts off what an encoder has put before the sweep.
func align(pcm []int16) []int16 {
	best, most := 0, 0.0
	for shift := range min(3000, len(pcm)-9600) {
		if c := testhelp.Correlation(pcm[shift+4800:shift+9600], sweeps(4800, 4800)); c > most {
			best, most = shift, c
		}
	}
	return pcm[best:]
}

// TestFileGoesOn: a file whose line breaks is asked for the rest, whether the server can begin there or not.
func TestFileGoesOn(t *testing.T) {
	const samples = 480000
	content := mustSound(t, samples, "a.flac")
	for name, ranges := range map[string]bool{"with ranges": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			testhelp.CheckGoroutines(t)
			asked := 0
			address := mustServe(t, func(w http.ResponseWriter, r *http.Request) {
				asked++
				offset := 0
				w.Header().Set("ETag", `"1"`)
				if text := r.Header.Get("Range"); ranges && text != "" && r.Header.Get("If-Range") == `"1"` {
					fmt.Sscanf(text, "bytes=%d-", &offset)
					w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", offset, len(content)-1, len(content)))
				}
				w.Header().Set("Content-Length", strconv.Itoa(len(content)-offset))
				if offset > 0 {
					w.WriteHeader(http.StatusPartialContent)
				}
				w.Write(content[offset:min(len(content), asked*len(content)/3+7)])
				if asked < 3 {
					panic(http.ErrAbortHandler)
				}
			})
			pcm, end := mustHear(t, pullerOf(t, address).mustOpen(t, address))
			mustEnd(t, end)
			mustBeSweep(t, pcm, samples, 0)
			if asked != 3 {
				t.Errorf("the server was asked %d times", asked)
			}
		})
	}
}

// TestFileAfterRestart: a file would begin anew in the middle of a show.
func TestFileAfterRestart(t *testing.T) {
	content := mustSound(t, 48000, "a.opus", "-c:a", "libopus")
	address := mustServe(t, func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	})
	_, err := pullerOf(t, address).Kinds().Open(t.Context(), address, capture.Options{Resumed: true})
	if !errors.Is(err, errNotLive) {
		t.Errorf("it was opened: %v", err)
	}
}

// TestFileIsAnother: what a server has put in the place of a file is not played as its rest.
func TestFileIsAnother(t *testing.T) {
	content, other := mustSound(t, 480000, "a.flac"), mustSound(t, 96000, "b.flac")
	asked := 0
	address := mustServe(t, func(w http.ResponseWriter, r *http.Request) {
		if asked++; asked > 1 {
			w.Header().Set("Content-Length", strconv.Itoa(len(other)))
			w.Write(other)
			return
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		w.Write(content[:len(content)/2])
		panic(http.ErrAbortHandler)
	})
	source := pullerOf(t, address).mustOpen(t, address)
	pcm, end := mustHear(t, source)
	if len(pcm) < 100000 || len(pcm) > 300000 || !errors.Is(end, errNotLive) {
		t.Errorf("%d samples came, and then %v", len(pcm), end)
	}
}
