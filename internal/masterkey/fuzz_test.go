package masterkey

import (
	"strings"
	"testing"
)

// FuzzParse: what is taken for a key is one, and has one meaning only.
func FuzzParse(f *testing.F) {
	good := strings.Repeat("-_A", 14) + "A"
	for _, seed := range []string{good, good + "=", "\n" + good + "\r\n", good[1:], good + "A", good[:42] + "B", "# " + good, ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		k, err := Parse(text)
		if err != nil {
			return
		}
		if again, err := Parse(k.text()); err != nil || again != k {
			t.Errorf("%q is a key that is written down as another one: %v", text, err)
		}
	})
}

// FuzzOpen: nobody without the key writes anything that is opened.
func FuzzOpen(f *testing.F) {
	k := New()
	sealed := k.Seal("here", []byte("secret"))
	for _, seed := range []string{"", sealed[1:], sealed + "A", New().Seal("here", []byte("secret")), k.Seal("there", []byte("secret"))} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if secret, err := k.Open("here", text); err == nil {
			t.Errorf("%q is opened as %q", text, secret)
		}
	})
}
