package e2e

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"broadcastbot/internal/showtest"
	"broadcastbot/store"
)

// TestRestoredFromBackup: the station dies, goes on, dies again, and is started on the copy of its
// data folder that was made after the first time, recordings included. The show goes on in its file,
// and nothing that ever left was encrypted under one key and nonce twice.
func TestRestoredFromBackup(t *testing.T) {
	h := mustTheatre(t, "tone:440")
	data, backup := filepath.Join(h.dir, "data"), filepath.Join(h.dir, "backup")
	h.mustSay(t, "!live start")
	live, _ := h.mustState(t, store.StateLive)
	key, err := live.File.Secret()
	if err != nil {
		t.Fatal(err)
	}
	hear := func(n int) {
		t.Helper()
		stream := mustStream(t, live)
		for range n {
			if _, err := stream.ReadPacket(); err != nil {
				t.Fatal(err)
			}
		}
	}
	restart := func(replace func() error) {
		t.Helper()
		h.Kill()
		if err := replace(); err != nil {
			t.Fatal(err)
		}
		if err := h.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}

	hear(50)
	restart(func() error { return os.CopyFS(backup, os.DirFS(data)) })
	hear(200)
	left := [][]byte{mustFetch(t, live.LiveURL)}
	restart(func() error {
		if err := os.RemoveAll(data); err != nil {
			return err
		}
		return os.CopyFS(data, os.DirFS(backup))
	})
	hear(250)
	h.mustSay(t, "!live stop")
	ended := h.mustClosing(t)
	mustRest(t, mustStream(t, ended))
	left = append(left, mustFetch(t, live.LiveURL))
	if epochs := showtest.SealedOnce(t, key, left); epochs != 3 {
		t.Errorf("%d epochs, want that of the beginning and one for each restart", epochs)
	}
}

// mustFetch returns what there is of a file now.
func mustFetch(t testing.TB, url string) []byte {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Range", "bytes=0-")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	file, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return file
}
