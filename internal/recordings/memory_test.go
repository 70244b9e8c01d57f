package recordings

import (
	"bytes"
	"sync"
)

// memory is a storage without a disk: the second one, by which tests see that the catalogue needs
// nothing of [Disk] but what [Storage] promises.
type memory struct {
	mu    sync.Mutex
	files map[string]*memoryFile // by id
}

type memoryFile struct {
	mu      sync.Mutex
	now     memoryState
	changed chan struct{}
}

type memoryState struct {
	bytes    []byte
	length   int64
	finished bool // by the uploader
	kept     bool // by the storage's Finish
	removed  bool
	closed   int // how many times
}

var (
	_ Storage = (*memory)(nil)
	_ Growing = (*memoryFile)(nil)
)

func newMemory() *memory { return &memory{files: map[string]*memoryFile{}} }

func newMemoryFile(now memoryState) *memoryFile {
	return &memoryFile{now: now, changed: make(chan struct{})}
}

func (m *memory) file(id string) *memoryFile {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.files[id]
}

func (m *memory) Resume() (all []Unfinished, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, f := range m.files {
		if now := f.state(); !now.kept && !now.removed {
			m.files[id] = newMemoryFile(memoryState{bytes: now.bytes, length: now.length})
			all = append(all, Unfinished{id, now.length, m.files[id]})
		}
	}
	return all, nil
}

func (m *memory) Create(id string, length int64) (Growing, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files[id] = newMemoryFile(memoryState{length: length})
	return m.files[id], nil
}

func (m *memory) SetLength(id string, length int64) error {
	m.file(id).change(func(now *memoryState) { now.length = length })
	return nil
}

func (m *memory) Finish(id string) error {
	m.file(id).change(func(now *memoryState) { now.kept = true })
	return nil
}

func (m *memory) Open(id string) (Content, error) {
	f := m.file(id)
	switch {
	case f == nil:
		return nil, ErrNotFound
	case f.state().removed:
		return nil, ErrRemoved
	case !f.state().kept:
		return nil, ErrNotFound
	}
	return struct{ Content }{f}, nil // to be read only
}

func (m *memory) Remove(id string) error {
	m.file(id).change(func(now *memoryState) { now.removed, now.bytes = true, nil })
	return nil
}

// change applies one change and wakes all who wait.
func (f *memoryFile) change(apply func(*memoryState)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	apply(&f.now)
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *memoryFile) state() memoryState {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *memoryFile) Changed() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changed
}

func (f *memoryFile) Size() int64    { return int64(len(f.state().bytes)) }
func (f *memoryFile) Finished() bool { return f.state().finished }

func (f *memoryFile) ReadAt(p []byte, offset int64) (int, error) {
	return bytes.NewReader(f.state().bytes).ReadAt(p, offset)
}

func (f *memoryFile) Write(p []byte) (int, error) {
	if f.Finished() {
		return 0, ErrFinished
	}
	f.change(func(now *memoryState) { now.bytes = append(now.bytes, p...) })
	return len(p), nil
}

func (f *memoryFile) Finish() error {
	f.change(func(now *memoryState) { now.finished = true })
	return nil
}

func (f *memoryFile) Close() error {
	f.change(func(now *memoryState) { now.closed++ })
	return nil
}
