package blocks

import "io"

// byteQueue holds bytes that were read from a source and not yet consumed. It is
// like bufio.Reader, but grows to the size of a block, which may be 1 MiB, only
// when there is such a block.
type byteQueue struct {
	src        io.Reader
	buf        []byte
	start, end int // the unread bytes are buf[start:end]
}

const queueSize = 16 << 10 // bytes at first

// peek returns the next n bytes without consuming them. It reads as often as it
// has to, and returns fewer bytes only with an error.
func (q *byteQueue) peek(n int) ([]byte, error) {
	if len(q.buf)-q.start < n {
		q.makeRoom(n)
	}
	for q.end-q.start < n {
		m, err := q.src.Read(q.buf[q.end:])
		q.end += m
		if err != nil && q.end-q.start < n {
			return q.buf[q.start:q.end], err
		}
	}
	return q.buf[q.start : q.start+n], nil
}

// makeRoom moves the unread bytes to the front of a buffer of at least n bytes.
func (q *byteQueue) makeRoom(n int) {
	buf := q.buf
	if len(buf) < n {
		buf = make([]byte, max(n, queueSize))
	}
	q.end = copy(buf, q.buf[q.start:q.end])
	q.start = 0
	q.buf = buf
}

// discard consumes n bytes that were peeked at.
func (q *byteQueue) discard(n int) { q.start += n }

// reset drops all bytes and goes on with another source.
func (q *byteQueue) reset(src io.Reader) { q.src, q.start, q.end = src, 0, 0 }
