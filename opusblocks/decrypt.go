package opusblocks

import (
	"io"
)

// Decrypt writes the file that r holds as an ordinary Ogg Opus stream, which
// is what its blocks contain. Every block is proved before it is written. A
// file without its end gives all there is, and then ErrCutOff.
func Decrypt(w io.Writer, r io.Reader, key Key) error {
	reader := NewReader(r, key)
	if _, err := reader.Head(); err != nil {
		return err
	}
	for {
		// The reader's plaintext is that of the block it has just proved: of
		// block 0 the first time.
		if _, err := w.Write(reader.plaintext); err != nil {
			return err
		}
		if _, err := reader.ReadBlock(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}
