package opusblocks

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
	"sort"
)

// SeekTable says where in a file the blocks of certain moments begin. It has an
// entry for about every ten seconds, and fewer in a very long show. The zero
// table is empty.
type SeekTable struct {
	entries []point
	step    int64 // samples between entries
}

// point is a place between two blocks.
type point struct{ offset, samples int64 }

const (
	tableStep    = 10 * sampleRate
	tableEntries = 1024 // at twice as many the step is doubled
)

// Add adds an entry for a block, if it is time for one. Blocks have to be added in
// the order of the file.
func (t *SeekTable) Add(b Block) {
	if len(b.Packets) == 0 {
		return
	}
	if t.step == 0 {
		t.step = tableStep
	}
	if n := len(t.entries); n > 0 && b.Start-t.entries[n-1].samples < t.step {
		return
	}
	t.entries = append(t.entries, point{b.Offset, b.Start})
	if len(t.entries) >= 2*tableEntries {
		t.thin()
	}
}

// thin drops every other entry.
func (t *SeekTable) thin() {
	kept := t.entries[:0]
	for i := 0; i < len(t.entries); i += 2 {
		kept = append(kept, t.entries[i])
	}
	t.entries = kept
	t.step *= 2
}

// Within returns the table with as many entries left out as it takes for String to
// have at most that many characters.
func (t SeekTable) Within(characters int) SeekTable {
	t.entries = slices.Clone(t.entries)
	for len(t.entries) > 1 && len(t.String()) > characters {
		t.thin()
	}
	return t
}

// Lookup returns the last entry that is not after sample.
func (t SeekTable) Lookup(sample int64) (offset int64, ok bool) {
	i := sort.Search(len(t.entries), func(i int) bool { return t.entries[i].samples > sample })
	if i == 0 {
		return 0, false
	}
	return t.entries[i-1].offset, true
}

// String returns the table as it stands in the closing event: base64url of
// pairs of varints, each the difference to the pair before (bytes, samples).
func (t SeekTable) String() string {
	var raw []byte
	var last point
	for _, e := range t.entries {
		raw = binary.AppendUvarint(raw, uint64(e.offset-last.offset))
		raw = binary.AppendUvarint(raw, uint64(e.samples-last.samples))
		last = e
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

var errSeekTable = errors.New("the seek table is damaged")

// ParseSeekTable is the inverse of SeekTable.String. A wrong table costs a
// seeker requests, never wrong sound: what is found there is
// authenticated.
func ParseSeekTable(s string) (SeekTable, error) {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return SeekTable{}, errSeekTable
	}
	var t SeekTable
	var at point
	for len(raw) > 0 {
		offset, n := binary.Uvarint(raw)
		samples, m := binary.Uvarint(raw[max(n, 0):])
		if n <= 0 || m <= 0 || offset > 1<<48 || samples > 1<<48 || len(t.entries) > 2*tableEntries {
			return SeekTable{}, errSeekTable
		}
		raw = raw[n+m:]
		at = point{at.offset + int64(offset), at.samples + int64(samples)}
		t.entries = append(t.entries, at)
	}
	return t, nil
}
