package bot

import (
	"testing"
	"testing/synctest"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/commandtest"
)

func redaction(message id.EventID) *event.Event {
	return &event.Event{Type: event.EventRedaction, RoomID: room, Redacts: message, Content: event.Content{Parsed: &event.RedactionEventContent{}}}
}

// TestRedactionsThatAreNone: what the homeserver does not take for a redaction has nothing looked up.
func TestRedactionsThatAreNone(t *testing.T) {
	fake := &commandtest.Broadcasts{Removed: make(chan string, 10)}
	h := newModeration(newIdleHandler(t, fake))
	decrypted, encrypted := redaction("$a"), redaction("$a")
	decrypted.Mautrix.EventSource = event.SourceDecrypted
	encrypted.Mautrix.WasEncrypted = true
	for name, evt := range map[string]*event.Event{"decrypted": decrypted, "was encrypted": encrypted, "of nothing": redaction("")} {
		h.onRedaction(t.Context(), evt)
		h.wait()
		if len(fake.Removed) > 0 {
			t.Errorf("%s: %q is looked up", name, <-fake.Removed)
		}
	}
}

// TestFloodOfRedactions: a message is looked up once at a time, and once more if it was redacted
// meanwhile; of many messages some are, and then all announcements.
func TestFloodOfRedactions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &commandtest.Broadcasts{Removed: make(chan string), Checked: make(chan string, 1)}
		h := newModeration(newIdleHandler(t, fake))
		for range 100 {
			h.onRedaction(t.Context(), redaction("$a"))
		}
		for i := range 100 {
			h.onRedaction(t.Context(), redaction(id.EventID(rune('b'+i))))
		}
		synctest.Wait()
		if len(fake.Checked) != 1 {
			t.Error("what is too much is not looked at otherwise")
		}
		lookups := make(map[string]int)
		go func() {
			for range fake.Checked { // further ones
			}
		}()
		all := make(chan struct{})
		go func() {
			defer close(all)
			for message := range fake.Removed {
				lookups[message]++
			}
		}()
		h.wait()
		close(fake.Removed)
		close(fake.Checked)
		<-all
		if len(lookups) != maxChecks || lookups["$a"] != 2 {
			t.Errorf("%d messages are looked up, the one that is redacted again %d times", len(lookups), lookups["$a"])
		}
		if len(h.redactions.running) > 0 {
			t.Error("what is done is remembered without need")
		}
	})
}
