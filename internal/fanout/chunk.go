package fanout

import (
	"io"
	"slices"
	"strconv"
)

// appendChunk appends data as one chunk of a chunked body (RFC 9112, section 7.1). An empty chunk
// ends the body.
func appendChunk(dst, data []byte) []byte {
	dst = appendChunkHead(dst, len(data))
	dst = append(dst, data...)
	return append(dst, "\r\n"...)
}

// appendChunkOf is appendChunk for the n bytes at offset of r.
func appendChunkOf(dst []byte, r io.ReaderAt, offset int64, n int) ([]byte, error) {
	dst = appendChunkHead(dst, n)
	dst = slices.Grow(dst, n+len("\r\n"))
	data := dst[len(dst) : len(dst)+n]
	if got, err := r.ReadAt(data, offset); got < n {
		return nil, err
	}
	return append(dst[:len(dst)+n], "\r\n"...), nil
}

func appendChunkHead(dst []byte, n int) []byte {
	dst = strconv.AppendInt(dst, int64(n), 16)
	return append(dst, "\r\n"...)
}
