// Package text makes what people read, in rooms and in terminals.
package text

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Words returns the words of s, without characters that cannot be seen. Such characters can
// reverse a line, or make two names look alike.
func Words(s string) []string {
	visible := func(r rune) rune {
		if unicode.IsGraphic(r) || unicode.IsSpace(r) {
			return r
		}
		return -1
	}
	return strings.Fields(strings.Map(visible, s))
}

// Line returns the words of s in one line.
func Line(s string) string { return strings.Join(Words(s), " ") }

// Short returns s, or its beginning and an ellipsis where it has more than max characters.
func Short(s string, max int) string {
	characters := []rune(s)
	if len(characters) <= max {
		return s
	}
	return string(characters[:max-1]) + "…"
}

// Headline returns an error in one line of at most max characters, for people: it ends like the middle
// of a sentence.
func Headline(err error, max int) string {
	return Short(strings.TrimRight(Line(err.Error()), ":. "), max)
}

// Clock writes a duration, rounded to seconds, as a player's display does: 4:05 or 1:02:03.
func Clock(d time.Duration) string {
	seconds := int(d.Round(time.Second).Seconds())
	if seconds < 3600 {
		return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
}
