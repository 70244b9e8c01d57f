package gateway

import (
	"fmt"
	"math"
	"testing"
)

func TestParseRange(t *testing.T) {
	const none, bad = "none", "bad"
	for header, want := range map[string]string{
		"":                                 none,
		"bytes":                            bad,
		"bytes=":                           bad,
		"bytes=-":                          bad,
		"bytes=0-":                         "0 -1 false",
		"bytes=5-9":                        "5 9 false",
		"BYTES=5-9":                        "5 9 false",
		"bytes= 5-9 ":                      "5 9 false",
		"bytes=-7":                         "7 -1 true",
		"bytes=-0":                         "0 -1 true",
		"bytes=5-5":                        "5 5 false",
		"bytes=9-5":                        bad,
		"bytes=--5":                        bad,
		"bytes=5--":                        bad,
		"bytes=5-9-":                       bad,
		"bytes=+5-9":                       bad,
		"bytes=5-9x":                       bad,
		"bytes=0x5-9":                      bad,
		"bytes=1_000-":                     bad,
		"bytes 5-9":                        none,
		"seconds=5-9":                      none,
		"bytes=0-1,5-9":                    none,
		"bytes=5-9007199254740991":         "5 9007199254740991 false",
		"bytes=5-99999999999999999999999":  fmt.Sprintf("5 %d false", int64(math.MaxInt64)),
		"bytes=99999999999999999999999-":   fmt.Sprintf("%d -1 false", int64(math.MaxInt64)),
		"bytes=-99999999999999999999999":   fmt.Sprintf("%d -1 true", int64(math.MaxInt64)),
		"bytes=99999999999999999999999-12": bad,
	} {
		got := none
		if r, err := parseRange(header); err != nil {
			got = bad
		} else if r != nil {
			got = fmt.Sprint(r.first, r.last, r.suffix)
		}
		if got != want {
			t.Errorf("parseRange(%q) = %s, want %s", header, got, want)
		}
	}
}

// FuzzRange checks that whatever is asked, the answer is a part of what there is.
func FuzzRange(f *testing.F) {
	f.Add("bytes=0-", int64(1000), true)
	f.Add("bytes=5-9007199254740991", int64(1000), false)
	f.Add("bytes=-5", int64(0), false)
	f.Fuzz(func(t *testing.T, header string, size int64, finished bool) {
		if size < 0 || size >= veryLarge {
			return
		}
		want, err := parseRange(header)
		if err != nil {
			return
		}
		p, err := want.resolve(size, finished)
		switch {
		case err != nil:
			if want == nil || finished && err == errAhead {
				t.Errorf("%q of %d: %v", header, size, err)
			}
		case p.first < 0 || p.first > size:
			t.Errorf("%q of %d begins at %d", header, size, p.first)
		case p.follow:
			if finished || p.closed || want != nil && p.last != want.last {
				t.Errorf("%q of %d, finished %v, follows: %+v", header, size, finished, p)
			}
		case p.last >= size || p.last < p.first && size > 0:
			t.Errorf("%q of %d = %+v", header, size, p)
		}
	})
}
