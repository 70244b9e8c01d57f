package bot

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"

	"maunium.net/go/mautrix/crypto/attachment"
	"maunium.net/go/mautrix/id"

	"broadcastbot/opusblocks"
	"broadcastbot/store"
)

// uploadOgg opens the spool, encrypts it for an ordinary client when file
// is given, and uploads the result. It passes through a temporary file, because
// its size and hash have to be known before; in an encrypted room that file
// never holds anything a thief could hear.
func (m *media) uploadOgg(
	ctx context.Context, t *store.Track, path string, file *attachment.EncryptedFile, contentType string,
) (size int, url id.ContentURIString, err error) {
	ogg, err := os.CreateTemp(filepath.Dir(path), "voice-")
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

// writeOgg writes the recording as plain Ogg Opus, or that encrypted for file.
// The encryption is a reader and the decryption a writer, hence the pipe: of a
// plain show the latter only checks.
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

// decrypt writes the recording as plain Ogg Opus. What a crash has cut off is
// given as far as it goes.
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
