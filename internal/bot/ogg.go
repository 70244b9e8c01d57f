package bot

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"

	"maunium.net/go/mautrix/crypto/attachment"
	"maunium.net/go/mautrix/id"

	"broadcastbot/opusblocks"
	"broadcastbot/store"
)

// uploadOgg decrypts the spool at path, encrypts it for an ordinary client when file is given, and
// uploads the result. Its size has to be known before, so the spool is read twice. Nothing is written
// to the disk: that may be full, and what is on it is for thieves to find.
func (m *media) uploadOgg(
	ctx context.Context, t *store.Track, path string, file *attachment.EncryptedFile, contentType string,
) (size int64, url id.ContentURIString, err error) {
	if size, err = oggSize(t, path); err != nil {
		return 0, "", err
	}
	if err := m.checkSize(ctx, size); err != nil {
		return 0, "", err
	}
	body := openOgg(t, path)
	if file != nil {
		body = file.EncryptStream(body)
	}
	mxc, err := m.upload(ctx, body, size, "", contentType)
	return size, id.ContentURIString(mxc), errors.Join(err, body.Close()) // only now the hash is in file
}

func oggSize(t *store.Track, path string) (int64, error) {
	ogg := openOgg(t, path)
	defer ogg.Close()
	return io.Copy(io.Discard, ogg)
}

// oggStream is a recording as it is decrypted. The decryption writes and an upload reads, hence the
// pipe: of a plain show the former only checks.
type oggStream struct {
	*io.PipeReader
	decryption sync.WaitGroup
}

func openOgg(t *store.Track, path string) io.ReadCloser {
	out, in := io.Pipe()
	ogg := &oggStream{PipeReader: out}
	ogg.decryption.Go(func() { in.CloseWithError(decrypt(in, t, path)) })
	return ogg
}

// Close returns when nothing is read any more.
func (o *oggStream) Close() error {
	err := o.PipeReader.Close()
	o.decryption.Wait()
	return err
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
