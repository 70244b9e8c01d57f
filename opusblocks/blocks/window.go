package blocks

import "io"

// window is a reader's view on the bytes at hand: like bufio.Reader, but it
// grows to hold one whole block, which may be 1 MiB, only when there is one.
type window struct {
	src        io.Reader
	buf        []byte
	start, end int // the unread bytes are buf[start:end]
}

const windowSize = 16 << 10

// peek returns the next n bytes without consuming them. It reads as often as
// it has to, and returns fewer bytes only with an error.
func (w *window) peek(n int) ([]byte, error) {
	if len(w.buf)-w.start < n {
		w.makeRoom(n)
	}
	for w.end-w.start < n {
		m, err := w.src.Read(w.buf[w.end:])
		w.end += m
		if err != nil && w.end-w.start < n {
			return w.buf[w.start:w.end], err
		}
	}
	return w.buf[w.start : w.start+n], nil
}

// makeRoom moves the unread bytes to the front of a buffer of at least n bytes.
func (w *window) makeRoom(n int) {
	buf := w.buf
	if len(buf) < n {
		buf = make([]byte, max(n, windowSize))
	}
	w.end = copy(buf, w.buf[w.start:w.end])
	w.start = 0
	w.buf = buf
}

// discard consumes n bytes that were peeked at.
func (w *window) discard(n int) { w.start += n }

// reset goes on with the bytes of another source.
func (w *window) reset(src io.Reader) { w.src, w.start, w.end = src, 0, 0 }
