package showtest

import (
	"bytes"
	"testing"

	"broadcastbot/internal/oggopus"
	"broadcastbot/opusblocks"
	"broadcastbot/opusblocks/blocks"
)

// ForgeHead returns block 0 of the show with other words of the same length in it, as somebody makes
// it who has the key.
func (s *Show) ForgeHead(t testing.TB, head []byte, words, others string) []byte {
	t.Helper()
	form := blocks.NewSealed(s.Key, blocks.HeadLayout{Size: 1103, Commitment: 126})
	pages := bytes.Clone(head)
	if !s.Plain {
		var err error
		if pages, err = form.OpenHead(nil, head[:opusblocks.HeadSize]); err != nil {
			t.Fatal(err)
		}
	}
	if len(words) != len(others) || !bytes.Contains(pages, []byte(words)) {
		t.Fatalf("%q cannot take the place of %q", others, words)
	}
	pages = bytes.Replace(pages, []byte(words), []byte(others), 1)
	first, err := oggopus.PageSize(pages)
	if err != nil {
		t.Fatal(err)
	}
	oggopus.PutChecksum(pages[first:])
	if s.Plain {
		return pages
	}
	return form.Append(nil, 0, pages)
}
