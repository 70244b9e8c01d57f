package command

import (
	"context"
	"errors"
	"strings"
	"testing"

	"broadcastbot/capture"
	"broadcastbot/internal/broadcast"
	"broadcastbot/internal/commandtest"
	"broadcastbot/store"
)

// TestInvite: a source whose shows begin elsewhere is never opened by a command. Only those are invited
// who may go on air.
func TestInvite(t *testing.T) {
	for _, test := range []struct {
		own, user, body, want, invited string
		live                           bool
	}{
		{user: alice, body: "!live start studio", want: "Look there.", invited: "@alice:example.org in !room:example.org: "},
		{user: alice, body: "!live start studio Town hall", want: "Look there.", invited: "@alice:example.org in !room:example.org: Town hall"},
		{user: bob, body: "!live start studio", want: "Only this station's speakers"},
		{own: "studio", user: alice, body: "!live", want: "Look there. If you do not see that chat, accept", invited: "@alice:example.org in !room:example.org: "},
		{own: "studio", user: alice, body: "!live start Town hall", want: "Look there.", invited: "@alice:example.org in !room:example.org: Town hall"},
		{own: "studio", user: bob, body: "!live", want: "Only this station's speakers"},
		{own: "studio", user: alice, body: "!live start " + strings.Repeat("x", 40_000), want: "more than 200 characters"},
		{own: "studio", user: alice, body: "!live start tone:440", want: "The show is on air."},
		{own: "tone:440", user: alice, body: "!live start", want: "The show is on air."},
		{user: alice, body: "!live start studio", live: true, want: "“Evening” is on air already."},
		{user: alice, body: "!live start studio fails", want: "That did not work: the homeserver is away.", invited: "@alice:example.org in !room:example.org: fails"},
	} {
		fake := &commandtest.Broadcasts{}
		if test.live {
			fake.Set(room, broadcast.Status{Show: store.Show{Speaker: bob, Title: "Evening"}})
		}
		invited := ""
		p := mustProcessor(t, fake)
		p.Source = test.own
		p.Sources = append(p.Sources, capture.Kind{
			Name: "studio", Alone: true, Examples: []string{"studio"},
			Invite: func(_ context.Context, by capture.Asker, title string) (string, error) {
				invited = by.User + " in " + by.Room + ": " + title
				if title == "fails" {
					return "", errors.New("the homeserver is away")
				}
				return "Look there.", nil
			},
		})
		if answer := say(t, p, Request{Room: room, User: test.user}, test.body); !strings.Contains(answer, test.want) || answer == "" {
			t.Errorf("%s (%s): %q, want %q", test.body[:min(40, len(test.body))], test.own, answer, test.want)
		}
		if invited != test.invited {
			t.Errorf("%s (%s): invited %q, want %q", test.body, test.own, invited, test.invited)
		}
		if started := len(fake.Asked()) > 0; started != (test.want == "The show is on air.") {
			t.Errorf("%s (%s): something is on air: %v", test.body, test.own, started)
		}
	}
}
