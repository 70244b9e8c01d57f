package bot

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix/id"
)

// TestOnceIsBoundedForEachOwner: a flood of one makes nothing of another count as done.
func TestOnceIsBoundedForEachOwner(t *testing.T) {
	o := newOnce(time.Hour)
	if !o.add("alice", "1") || o.add("alice", "1") {
		t.Error("the first time and the second are taken for each other")
	}
	for i := range 20 * maxDone {
		o.add("mallory", strconv.Itoa(i))
	}
	if len(o.done["mallory"]) != maxDone || o.add("mallory", "-1") {
		t.Error("a flood has no bound")
	}
	if !o.add("alice", "2") || !o.add("bob", "1") || o.add("alice", "1") {
		t.Error("a flood of one is felt by others")
	}
	if o.forget("alice", "1"); !o.add("alice", "1") {
		t.Error("what was taken back still counts")
	}
}

// TestLeftOutNoticeFits: in the largest rooms, too.
func TestLeftOutNoticeFits(t *testing.T) {
	users := make([]id.UserID, 20_000)
	for i := range users {
		users[i] = id.UserID("@" + strings.Repeat("a", 100) + ":example.org")
	}
	content := leftOutNotice(users)
	if len(content.Body) > 2000 || len(content.Mentions.UserIDs) != maxNamed || !strings.Contains(content.Body, "19995 others") {
		t.Errorf("%d characters, %d mentions", len(content.Body), len(content.Mentions.UserIDs))
	}
}
