package masterkey

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSeal(t *testing.T) {
	k := New()
	for _, secret := range []string{"", "secret", strings.Repeat("long ", 1000)} {
		sealed, again := k.Seal("here", []byte(secret)), k.Seal("here", []byte(secret))
		if sealed == again {
			t.Error("the same secret looks the same twice")
		}
		if got, err := k.Open("here", sealed); err != nil || string(got) != secret {
			t.Errorf("%q, %v, want %q", got, err, secret)
		}
	}
}

// TestOpenRefuses everything but what the same key has sealed for the same place.
func TestOpenRefuses(t *testing.T) {
	k := New()
	sealed := k.Seal("here", []byte("secret"))
	if _, err := k.Open("there", sealed); !errors.Is(err, ErrWrongKey) {
		t.Errorf("at another place: %v", err)
	}
	if _, err := New().Open("here", sealed); !errors.Is(err, ErrWrongKey) {
		t.Errorf("with another key: %v", err)
	}
	for i := range sealed {
		for _, other := range "A9" {
			bad := sealed[:i] + string(other) + sealed[i+1:]
			if _, err := k.Open("here", bad); bad != sealed && !errors.Is(err, ErrWrongKey) {
				t.Errorf("character %d altered: %v", i, err)
			}
		}
		if _, err := k.Open("here", sealed[:i]); !errors.Is(err, ErrWrongKey) {
			t.Errorf("cut after %d characters: %v", i, err)
		}
	}
}

// TestDerive is RFC 5869 with SHA-256, no salt and the purpose as info, computed by Python's hmac.
func TestDerive(t *testing.T) {
	k, err := Parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(k.Derive("org.broadcastbot.pickle.v1")); got != "95ff5599760d8f2f6b9f38c5bc96229b018d08aec85b96e528ab0060e3f7b93b" {
		t.Error(got)
	}
	if string(k.Derive("a")) == string(k.Derive("b")) {
		t.Error("two purposes share a key")
	}
}

func TestParse(t *testing.T) {
	raw := [keySize]byte{0xfb, 0xff, 0xfe}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		text := encoding.EncodeToString(raw[:])
		if k, err := Parse(" " + text + "\r\n"); err != nil || k.secret != raw {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, bad := range []string{"", "secret", strings.Repeat("A", 42), strings.Repeat("A", 42) + "B", strings.Repeat("A", 44), strings.Repeat("A", 86)} {
		if _, err := Parse(bad); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestKeyIsNotPrinted(t *testing.T) {
	k, err := Parse(strings.Repeat("QUJD", 10) + "QUI") // ABCABC…
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for _, value := range []any{k, &k, struct{ Key Key }{k}} {
			if text := fmt.Sprintf(verb, value); strings.Contains(text, "ABC") || strings.Contains(text, "414243") || strings.Contains(text, "0x41") || strings.Contains(text, "65 66") {
				t.Errorf("%s: %s", verb, text)
			}
		}
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if _, err := File(path)(true); err == nil || !strings.Contains(err.Error(), path+" is missing") {
		t.Errorf("a key that something needs: %v", err)
	}
	made, err := File(path)(false)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	for _, needed := range []bool{true, false} {
		if read, err := File(path)(needed); err != nil || read != made {
			t.Errorf("another key the next time: %v", err)
		}
	}
	if other, err := File(path + "2")(false); err != nil || other == made {
		t.Errorf("two files have the same key: %v", err)
	}
}

// TestFileRefuses what it must not use, and leaves it as it is.
func TestFileRefuses(t *testing.T) {
	good := comment + New().text() + "\n"
	for _, test := range []struct {
		name, text, want string
		mode             os.FileMode
	}{
		{"readable for all", good, "open to others", 0o644},
		{"writable for the group", good, "open to others", 0o620},
		{"empty", "", "holds no key", 0o600},
		{"cut", good[:len(good)-10], "holds no key", 0o600},
		{"comment only", comment, "holds no key", 0o600},
		{"two keys", good + New().text(), "holds no key", 0o600},
	} {
		path := filepath.Join(t.TempDir(), "key")
		if err := errors.Join(os.WriteFile(path, []byte(test.text), 0o600), os.Chmod(path, test.mode)); err != nil {
			t.Fatal(err)
		}
		for _, needed := range []bool{true, false} {
			if _, err := File(path)(needed); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %v, want %q", test.name, err, test.want)
			} else if strings.Contains(err.Error(), good[len(comment):len(good)-20]) {
				t.Errorf("%s: the key is in the error", test.name)
			}
		}
		if left, err := os.ReadFile(path); err != nil || string(left) != test.text {
			t.Errorf("%s: the file was changed (%v)", test.name, err)
		}
	}
	for _, mode := range []os.FileMode{0o400, 0o440, 0o640} { // as orchestrators provide them
		path := filepath.Join(t.TempDir(), "key")
		if err := errors.Join(os.WriteFile(path, []byte(good), 0o600), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		if _, err := File(path)(true); err != nil {
			t.Error(err)
		}
	}
}

// TestFileThatCannotBeMade leaves nothing behind that would be taken for a key.
func TestFileThatCannotBeMade(t *testing.T) {
	if _, err := File(filepath.Join(t.TempDir(), "missing", "key"))(false); err == nil || !strings.Contains(err.Error(), "make the key file") {
		t.Error(err)
	}
}

func TestText(t *testing.T) {
	k := New()
	if got, err := Text("KEY", k.text())(true); err != nil || got != k {
		t.Error(err)
	}
	if _, err := Text("KEY", "hunter2")(false); !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), "KEY is no key") || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}
