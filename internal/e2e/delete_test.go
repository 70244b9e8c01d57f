package e2e

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/listener"
	"broadcastbot/internal/matrix"
	"broadcastbot/store"
)

// mustBeGone waits until a show is deleted: nobody can hear it, and the machine has no file of it.
func (h *theatre) mustBeGone(t *testing.T, a matrix.Announcement) {
	t.Helper()
	link, err := a.Link()
	if err != nil {
		t.Fatal(err)
	}
	h.eventually(t, "the gateway has nothing", func() bool {
		response, err := http.Get(a.LiveURL)
		if err != nil {
			return false // it is just starting
		}
		response.Body.Close()
		return response.StatusCode == http.StatusGone
	})
	h.eventually(t, "the disk has nothing", func() bool {
		spools, _ := filepath.Glob(filepath.Join(h.dir, "data", "spool", link.ID+"*"))
		recordings, _ := filepath.Glob(filepath.Join(h.dir, "data", "recordings", link.ID+"*"))
		return len(spools) == 0 && len(recordings) == 1 && filepath.Ext(recordings[0]) == ".gone"
	})
	h.eventually(t, "the database has nothing", func() bool {
		for _, name := range []string{"broadcastbot.db", "broadcastbot.db-wal"} {
			text, err := os.ReadFile(filepath.Join(h.dir, "data", name))
			if err != nil || bytes.Contains(text, []byte(link.ID)) || bytes.Contains(text, []byte("Never said")) {
				return false
			}
		}
		return true
	})
}

func (h *theatre) eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not come to pass that " + what)
		}
	}
}

// mustBeRedacted waits until nothing of any message that the bot has sent about a show is left.
func (h *theatre) mustBeRedacted(t *testing.T, messages ...id.EventID) {
	t.Helper()
	for _, message := range messages {
		h.eventually(t, "message "+message.String()+" is removed", func() bool {
			evt, err := h.Bob.Client.GetEvent(t.Context(), h.Room, message)
			return err == nil && len(evt.Content.Raw) == 0
		})
	}
}

// TestDeleteShow: a show is deleted while it is on air, by a command; and another one when it is long
// over, by removing its announcement while the station is off.
func TestDeleteShow(t *testing.T) {
	h := mustTheatre(t, "tone:440")
	h.mustSay(t, "!live start Never said")
	live, announced := h.mustState(t, store.StateLive)
	stream := mustStream(t, live)
	if _, err := stream.ReadPacket(); err != nil {
		t.Fatal(err)
	}
	h.mustSay(t, "!live delete")
	if _, err := h.Await(t.Context(), "the answer", func(evt *event.Event) bool {
		return strings.Contains(evt.Content.AsMessage().Body, "“Never said” of") && strings.Contains(evt.Content.AsMessage().Body, "is deleted.")
	}); err != nil {
		t.Fatal(err)
	}
	var err error
	for err == nil {
		_, err = stream.ReadPacket()
	}
	if !errors.Is(err, listener.ErrGone) {
		t.Errorf("the listener's end is %v, want ErrGone", err)
	}
	h.mustBeGone(t, live)
	h.mustBeRedacted(t, announced.ID)

	h.mustSay(t, "!live start tone:440,duration=1s Never said either")
	voice, err := h.AwaitVoice(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ended := h.mustClosing(t)
	announced2 := voice.Content.AsMessage().RelatesTo.GetReplyTo()
	h.Kill()
	if _, err := h.Alice.Client.RedactEvent(t.Context(), h.Room, announced2); err != nil {
		t.Fatal(err)
	}
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.mustBeGone(t, ended)
	h.mustBeRedacted(t, announced2, voice.ID)
}
