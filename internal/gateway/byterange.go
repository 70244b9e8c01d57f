package gateway

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// byteRange is what a Range header asks for (RFC 9110, section 14.1.2).
type byteRange struct {
	first  int64 // or, of a suffix, how many of the last bytes
	last   int64 // inclusive, or openEnd
	suffix bool
}

const openEnd = -1

// veryLarge is the smallest end of a range by which a client says that it wants what is still to
// come; RFC 8673, section 2.2, has it in its examples. A show would have to last for years to be
// that long.
const veryLarge = 999_999_999_999

// parseRange reads a Range header. It returns nil when there is none that has to be obeyed: none at
// all, another unit than bytes, several ranges.
func parseRange(header string) (*byteRange, error) {
	unit, spec, _ := strings.Cut(header, "=")
	if !strings.EqualFold(unit, "bytes") || strings.Contains(spec, ",") {
		return nil, nil
	}
	from, to, dash := strings.Cut(strings.Trim(spec, " \t"), "-")
	want := &byteRange{last: openEnd, suffix: from == ""}
	var err error
	switch {
	case !dash || from == "" && to == "":
		err = errRange
	case from == "":
		want.first, err = parsePosition(to)
	case to == "":
		want.first, err = parsePosition(from)
	default:
		var errFirst, errLast error
		want.first, errFirst = parsePosition(from)
		want.last, errLast = parsePosition(to)
		err = errors.Join(errFirst, errLast)
	}
	if err != nil || want.last != openEnd && want.last < want.first {
		return nil, errRange
	}
	return want, nil
}

// parsePosition reads digits. A number too large for any file becomes the largest one: clients may
// ask for more than there is.
func parsePosition(text string) (int64, error) {
	n, err := strconv.ParseUint(text, 10, 63)
	if errors.Is(err, strconv.ErrRange) {
		err = nil // n is the largest one then
	}
	return int64(n), err
}

// part is what a listener gets of a recording.
type part struct {
	first   int64
	last    int64 // inclusive; of a part that follows, what the client named
	partial bool  // 206 with Content-Range
	follow  bool  // goes on until a growing recording is finished
	closed  bool  // nothing will be added to it, so caches may keep it

	// The recording when this was decided.
	size     int64
	finished bool
}

// errAhead says that nothing of a range exists yet.
var errAhead = errors.New("the range begins at or beyond the live edge")

// resolve says what to give of a recording with size bytes to a client that wants the range; nil
// wants all. The error is errUnsatisfiable or errAhead.
//
// Of a growing recording an open or too long range gets what exists, as RFC 8673, section 2.1, has
// it: only a very large end makes it follow.
func (want *byteRange) resolve(size int64, finished bool) (part, error) {
	p := part{size: size, finished: finished}
	if want == nil {
		p.last, p.follow, p.closed = size-1, !finished, finished
		return p, nil
	}
	p.partial, p.first, p.last = true, want.first, want.last
	if want.suffix {
		p.first = max(0, size-want.first)
	}
	p.follow = !finished && p.last >= veryLarge
	switch {
	case want.suffix && want.first == 0:
		return p, errUnsatisfiable
	case p.follow && p.first <= size:
		return p, nil
	case p.first >= size && finished:
		return p, errUnsatisfiable
	case p.first >= size:
		return p, errAhead
	}
	whole := p.last != openEnd && p.last < size
	if !whole {
		p.last = size - 1
	}
	p.closed = whole || finished
	return p, nil
}

// contentRange returns the value of Content-Range; the total is unknown while the recording grows.
func (p part) contentRange() string {
	total := "*"
	if p.finished {
		total = strconv.FormatInt(p.size, 10)
	}
	return fmt.Sprintf("bytes %d-%d/%s", p.first, p.last, total)
}
