package opusblocks

import "io"

// WriteOgg writes the file that r reads, from its first byte, as an ordinary Ogg
// Opus stream, which is what its blocks contain. Every block is checked before
// it is written. A file without its end gives all there is, and then ErrCutOff.
func WriteOgg(w io.Writer, r *Reader) error {
	if _, err := r.Head(); err != nil {
		return err
	}
	for {
		// The reader's plaintext is that of the block it has just checked: of
		// block 0 the first time.
		if _, err := w.Write(r.plaintext); err != nil {
			return err
		}
		if _, err := r.ReadBlock(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}
