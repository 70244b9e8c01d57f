package bot

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"maunium.net/go/mautrix/crypto/attachment"
	"maunium.net/go/mautrix/id"

	"broadcastbot/opusblocks"
	"broadcastbot/store"
)

// temporaryOgg is the pattern of the temporary files' names, as os.CreateTemp takes it.
const temporaryOgg = "voice-*.ogg.tmp"

// removeLeftovers removes the temporary files of a run that was killed. Each is as large as a show,
// and in clear text if it was for a room without encryption.
func (m *media) removeLeftovers() {
	names, err := fs.Glob(os.DirFS(m.dir), temporaryOgg)
	for _, name := range names {
		err = errors.Join(err, os.Remove(filepath.Join(m.dir, name)))
	}
	if err != nil {
		m.log.Warn("temporary files of an earlier run stay", "err", err)
	}
}

// uploadOgg opens the spool, encrypts it for an ordinary client when file is given, and uploads the
// result. It passes through a temporary file, because its size and hash have to be known before; in
// an encrypted room that file never holds anything a thief could hear. Nobody else may read it
// (0600).
func (m *media) uploadOgg(
	ctx context.Context, t *store.Track, path string, file *attachment.EncryptedFile, contentType string,
) (size int, url id.ContentURIString, err error) {
	ogg, err := os.CreateTemp(m.dir, temporaryOgg)
	if err != nil {
		return 0, "", err
	}
	defer os.Remove(ogg.Name())
	defer ogg.Close()
	if err := writeOgg(ogg, t, path, file); err != nil {
		return 0, "", err
	}
	info, err := ogg.Stat()
	if err != nil {
		return 0, "", err
	}
	if err := m.checkSize(ctx, ogg); err != nil {
		return 0, "", err
	}
	mxc, err := m.upload(ctx, ogg, "", contentType)
	return int(info.Size()), id.ContentURIString(mxc), err
}

// writeOgg writes the recording as plain Ogg Opus, or that encrypted for file. The encryption is a
// reader and the decryption a writer, hence the pipe: of a plain show the latter only checks.
func writeOgg(w io.Writer, t *store.Track, path string, file *attachment.EncryptedFile) error {
	out, in := io.Pipe()
	var decryption sync.WaitGroup
	decryption.Go(func() { in.CloseWithError(decrypt(in, t, path)) })
	defer decryption.Wait()
	defer out.Close()
	if file == nil {
		_, err := io.Copy(w, out)
		return err
	}
	sealed := file.EncryptStream(out)
	if _, err := io.Copy(w, sealed); err != nil {
		return err
	}
	return sealed.Close() // only now the hash is in file
}

// decrypt writes the recording as plain Ogg Opus. What a crash has cut off is given as far as it
// goes.
func decrypt(w io.Writer, t *store.Track, path string) error {
	spool, err := os.Open(path)
	if err != nil {
		return err
	}
	defer spool.Close()
	err = opusblocks.WriteOgg(w, t.Form().NewReader(spool))
	if errors.Is(err, opusblocks.ErrCutOff) {
		return nil
	}
	return err
}
