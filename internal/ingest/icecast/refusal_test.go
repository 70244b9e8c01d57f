package icecast

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestRefusalsAreNotKept: a speaker is told once of what a program tries again and again, and what is
// long ago is not remembered.
func TestRefusalsAreNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rs := &refusals{byMount: make(map[string]refusal)}
		for i, test := range []struct {
			after time.Duration
			mount string
			why   string
			isNew bool
		}{
			{0, "abc", "MP3", true}, {repetition, "abc", "MP3", false}, {0, "abc", "AAC", true}, {0, "xyz", "AAC", true},
			{reminder / 2, "abc", "AAC", false}, {reminder/2 + 1, "abc", "AAC", true}, {2 * reminder, "abc", "AAC", true},
		} {
			time.Sleep(test.after)
			if isNew := rs.note(test.mount, test.why, true); isNew != test.isNew {
				t.Errorf("%d: new is %v", i, isNew)
			}
		}
		for range 2 {
			time.Sleep(repetition / 2)
			if why, repeated := rs.repeated("abc"); !repeated || why != "AAC" {
				t.Errorf("repeated %v: %s", repeated, why)
			}
		}
		time.Sleep(time.Nanosecond)
		if _, repeated := rs.repeated("abc"); repeated {
			t.Error("whoever tries again and again is refused for ever")
		}
		if len(rs.byMount) != 1 {
			t.Errorf("%d are remembered", len(rs.byMount))
		}
	})
}
