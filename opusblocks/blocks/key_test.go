package blocks

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestKeyFragment(t *testing.T) {
	key := NewKey()
	fragment := key.Fragment()
	if len(fragment) != 59 {
		t.Errorf("%d characters", len(fragment))
	}
	if got, err := ParseFragment(fragment); got != key || err != nil {
		t.Errorf("ParseFragment = %v, %v", got == key, err)
	}
	for _, bad := range []string{"", fragment[:58], fragment + "A", strings.Repeat("!", 59), fragment[:58] + "_"} {
		if _, err := ParseFragment(bad); err == nil && bad != fragment {
			t.Errorf("a fragment of %d characters was accepted", len(bad))
		}
	}
}

func TestKeyIsNotPrinted(t *testing.T) {
	key := NewKey()
	record := struct{ Key Key }{key}
	for _, format := range []string{"%v", "%+v", "%s", "%#v"} {
		if got := fmt.Sprintf(format, record); !strings.Contains(got, "secret") || len(got) > 60 {
			t.Errorf("%s prints %s", format, got)
		}
	}
}

// TestFileJSON compares with the "file" object of MSC4016 as its reference
// implementation writes it.
func TestFileJSON(t *testing.T) {
	var key Key
	for i := range key.Secret {
		key.Secret[i] = byte(i)
	}
	for i := range key.IV {
		key.IV[i] = 0xa0 + byte(i)
	}
	want := `{"v":"org.matrix.msc4016.v3","url":"mxc://example.org/a","key":{"alg":"A256GCM","ext":true,` +
		`"k":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8","key_ops":["encrypt","decrypt"],"kty":"oct"},` +
		`"iv":"oKGio6Slpqeoqaqr","hashes":{}}`
	if got, err := json.Marshal(key.File("mxc://example.org/a")); string(got) != want || err != nil {
		t.Errorf("file = %s, %v\nwant   %s", got, err, want)
	}
	for _, text := range []string{want, strings.Replace(want, `Hh8"`, `Hh8="`, 1)} {
		var file File
		if err := json.Unmarshal([]byte(text), &file); err != nil {
			t.Fatal(err)
		}
		if got, err := file.Secret(); err != nil || got != key {
			t.Errorf("Secret = %v, %v", got == key, err)
		}
	}
	for name, text := range map[string]string{
		"version":   strings.Replace(want, "v3", "v4", 1),
		"algorithm": strings.Replace(want, "A256GCM", "A256CTR", 1),
		"short key": strings.Replace(want, "AAECAwQF", "", 1),
		"short iv":  strings.Replace(want, "oKGi", "", 1),
	} {
		var file File
		if err := json.Unmarshal([]byte(text), &file); err != nil {
			t.Fatal(err)
		}
		if _, err := file.Secret(); err == nil {
			t.Errorf("wrong %s was accepted", name)
		}
	}
}
