package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"broadcastbot/internal/ingest/studioline"
)

// TestStudioOfWhoHasLeft: a link does not put somebody on air who is not in the room any more.
func TestStudioOfWhoHasLeft(t *testing.T) {
	h := mustTheatre(t, "studio")
	h.mustSay(t, "!live")
	_, secret, _ := strings.Cut(h.mustStudioLink(t), "#")
	conn, _, err := websocket.Dial(t.Context(), strings.Replace(h.PublicURL, "http", "ws", 1)+"/studio/line",
		&websocket.DialOptions{Subprotocols: []string{studioline.Protocol}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	ask := func(message map[string]any, want string) map[string]any {
		t.Helper()
		text, _ := json.Marshal(message)
		if err := conn.Write(t.Context(), websocket.MessageText, text); err != nil {
			t.Fatal(err)
		}
		for {
			_, data, err := conn.Read(t.Context())
			var answer map[string]any
			if err != nil || json.Unmarshal(data, &answer) != nil {
				t.Fatalf("waiting for %s: %s, %v", want, data, err)
			}
			if answer["type"] == want {
				return answer
			}
		}
	}
	if welcome := ask(map[string]any{"type": "hello", "secret": secret}, "welcome"); welcome["roomName"] != "Town hall" {
		t.Errorf("welcome: %v", welcome)
	}
	if _, err := h.Alice.Client.LeaveRoom(t.Context(), h.Room); err != nil {
		t.Fatal(err)
	}
	refusal := ask(map[string]any{"type": "start", "title": "Town hall", "preSkip": 312}, "refused")
	if !strings.Contains(refusal["reason"].(string), "not in that room any more") {
		t.Errorf("refused: %v", refusal["reason"])
	}
}
