package bot

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"maunium.net/go/mautrix"
)

// TestInTurn: a room's tasks are done in order, and another room's meanwhile.
func TestInTurn(t *testing.T) {
	b := &Bot{rooms: newRooms()}
	release, elsewhere := make(chan struct{}), make(chan struct{})
	var done []int
	for i := range 3 {
		b.inTurn("!one", func() {
			<-release
			done = append(done, i) // no lock: the race detector sees who is not in turn
		})
	}
	b.inTurn("!two", func() { close(elsewhere) })
	<-elsewhere
	close(release)
	b.running.Wait()
	if !slices.Equal(done, []int{0, 1, 2}) {
		t.Errorf("done in the order %v", done)
	}
	if len(b.rooms.last) > 0 {
		t.Errorf("%d rooms are remembered without need", len(b.rooms.last))
	}
}

// TestJoinTriesAgain: the first refusals may only come too early.
func TestJoinTriesAgain(t *testing.T) {
	for _, test := range []struct {
		refusals, requests int
		joined             bool
	}{{0, 1, true}, {2, 3, true}, {100, 6, false}} {
		synctest.Test(t, func(t *testing.T) {
			requests := 0
			client, err := mautrix.NewClient("https://example.org", "@radio:example.org", "token")
			if err != nil {
				t.Fatal(err)
			}
			client.Client = &http.Client{Transport: roundTripper(func(*http.Request) *http.Response {
				requests++
				if requests <= test.refusals {
					return answer(http.StatusForbidden, `{"errcode": "M_FORBIDDEN", "error": "not invited"}`)
				}
				return answer(http.StatusOK, `{"room_id": "!room:example.org"}`)
			})}
			begin := time.Now()
			err = (&Bot{client: client}).join(t.Context(), room)
			if (err == nil) != test.joined || requests != test.requests {
				t.Errorf("after %d refusals: %v, %d requests, want %d", test.refusals, err, requests, test.requests)
			}
			if !test.joined && !errors.Is(err, mautrix.MForbidden) {
				t.Errorf("error %v, want the homeserver's", err)
			}
			if took := time.Since(begin); took > time.Minute {
				t.Errorf("it took %v", took)
			}
		})
	}
}

type roundTripper func(*http.Request) *http.Response

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

func answer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: make(http.Header), Body: io.NopCloser(bytes.NewReader([]byte(body)))}
}
