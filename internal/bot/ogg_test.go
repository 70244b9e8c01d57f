package bot

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"broadcastbot/internal/command"
)

// TestTemporaryFilesOfAKilledRun: the next run removes them, and nothing else.
func TestTemporaryFilesOfAKilledRun(t *testing.T) {
	dir := t.TempDir()
	b, err := New(Options{
		Homeserver: "http://127.0.0.1:1", User: "@radio:example.org", AccessToken: "token",
		DB: mustOpenStore(t, t.TempDir()).DB(), DataDir: dir,
	})
	if err != nil {
		t.Fatal(err)
	}
	left, err := os.CreateTemp(dir, temporaryOgg)
	if err != nil {
		t.Fatal(err)
	}
	left.Close()
	other := filepath.Join(dir, "voice-over.ogg")
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b.Run(ctx, new(command.Processor))
	if files := filesIn(t, dir); !slices.Equal(files, []string{other}) {
		t.Errorf("there are %v, want %s alone", files, other)
	}
}

// TestTemporaryFile: while it is uploaded, a voice message is in a file that only we may read and that
// the next start would know; afterwards it is gone.
func TestTemporaryFile(t *testing.T) {
	server, b := &mediaServer{}, newShow(t, room)
	media := newMedia(t, server)
	server.uploading = func() {
		files := filesIn(t, media.dir)
		if known, err := filepath.Glob(filepath.Join(media.dir, temporaryOgg)); err != nil || len(known) != 1 || len(files) != 1 {
			t.Errorf("files %v, known for temporary are %v (%v), want one", files, known, err)
			return
		}
		if info, err := os.Stat(files[0]); err != nil || info.Mode() != 0o600 {
			t.Errorf("file %v (%v), want mode 0600", info, err)
		}
	}
	_, mxc, err := media.uploadOgg(t.Context(), b.Main(), b.spool, nil, voiceType)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(server.uploaded[string(mxc)], oggOf(t, b)) {
		t.Error("the upload is not the recording")
	}
	if files := filesIn(t, media.dir); len(files) > 0 {
		t.Errorf("temporary files stay: %v", files)
	}
}

// filesIn returns the paths of what is in a folder.
func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Error(err)
	}
	return files
}
