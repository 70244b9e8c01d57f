package bot

import (
	"bytes"
	"path/filepath"
	"testing"

	"maunium.net/go/mautrix/crypto/attachment"
)

// TestUploadOgg: the length is told before, the hash is that of what was sent, and nothing is left
// beside the spool, not even for a moment.
func TestUploadOgg(t *testing.T) {
	for name, file := range map[string]*attachment.EncryptedFile{"plain": nil, "encrypted": attachment.NewEncryptedFile()} {
		t.Run(name, func(t *testing.T) {
			server, b := &mediaServer{}, newShow(t, room)
			media := newMedia(t, server)
			server.uploading = func() {
				if files, err := filepath.Glob(filepath.Join(filepath.Dir(b.spool), "*")); err != nil || len(files) != 1 {
					t.Errorf("files %v (%v), want the spool alone", files, err)
				}
			}
			size, mxc, err := media.uploadOgg(t.Context(), b.Main(), b.spool, file, voiceType)
			if err != nil {
				t.Fatal(err)
			}
			uploaded := server.uploaded[string(mxc)]
			if int64(len(uploaded)) != size {
				t.Errorf("%d bytes were sent, %d announced", len(uploaded), size)
			}
			if file != nil {
				received := attachment.EncryptedFile{Key: file.Key, InitVector: file.InitVector, Hashes: file.Hashes, Version: file.Version}
				if err := received.DecryptInPlace(uploaded); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(uploaded, oggOf(t, b)) {
				t.Error("the upload is not the recording")
			}
		})
	}
}
