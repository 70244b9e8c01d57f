package oggopus

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

const exampleTags = "OpusTags\x07\x00\x00\x00libopus\x03\x00\x00\x00" +
	"\x0b\x00\x00\x00title=Hallo\x0a\x00\x00\x00TITLE=Last\x05\x00\x00\x00ODD=="

func TestTags(t *testing.T) {
	want := Tags{Vendor: "libopus", Comments: []string{"title=Hallo", "TITLE=Last", "ODD=="}}
	for _, padding := range []string{"", "\x00\x00\x00", "\x01binary"} {
		got, err := ParseTags([]byte(exampleTags + padding))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("ParseTags with padding %q = %+v, %v; want %+v", padding, got, err, want)
		}
	}
	if b := want.Append(nil); string(b) != exampleTags {
		t.Errorf("Append = %q, want %q", b, exampleTags)
	}
	for name, value := range map[string]string{"TITLE": "Hallo", "odd": "=", "TIT": "", "": ""} {
		if got := want.Get(name); got != value {
			t.Errorf("Get(%q) = %q, want %q", name, got, value)
		}
	}
}

func TestParseTagsRefuses(t *testing.T) {
	for size := range exampleTags {
		if _, err := ParseTags([]byte(exampleTags[:size])); !errors.Is(err, ErrMalformed) {
			t.Errorf("tags cut after %d bytes: %v, want ErrMalformed", size, err)
		}
	}
	huge := strings.Replace(exampleTags, "\x0b\x00\x00\x00", "\xff\xff\xff\xff", 1)
	if _, err := ParseTags([]byte(huge)); !errors.Is(err, ErrMalformed) {
		t.Errorf("tags with a comment of 4 GB: %v, want ErrMalformed", err)
	}
}
