package capture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxPlaylistSize    = 1 << 20 // bytes
	maxPlaylistEntries = 10000
)

// isList reports whether there are several files to be played.
func isList(path string) bool {
	info, err := os.Stat(path)
	return err == nil && (info.IsDir() || isPlaylist(path) && info.Mode().IsRegular() && info.Size() > 0)
}

// isPlaylist goes by the name: a playlist is plain text.
func isPlaylist(path string) bool {
	extension := strings.ToLower(filepath.Ext(path))
	return extension == ".m3u" || extension == ".m3u8"
}

// openPlaylist plays the files of a folder, in the order of their names, or the entries of a playlist, all
// through one encoder.
func (l Limits) openPlaylist(ctx context.Context, path string, o Options) (Source, error) {
	list, err := l.newPlaylist(path, o)
	if err != nil {
		return nil, err
	}
	return openSequence(ctx, list.next, o)
}

// playlist are files to be played one after the other.
type playlist struct {
	entries []string // paths, absolute or in dir
	dir     string   // real path of the folder that the playlist is in
	roots   []string // real paths of the folders that entries may be in
	options Options
}

func (l Limits) newPlaylist(path string, o Options) (*playlist, error) {
	read, dir := readFolder, path
	if isPlaylist(path) {
		read, dir = readPlaylist, filepath.Dir(path)
	}
	dir, err := realPath(dir)
	if err != nil {
		return nil, withoutPath(err)
	}
	entries, err := read(path)
	switch {
	case err != nil:
		return nil, err
	case len(entries) == 0:
		return nil, errors.New("there is no sound file in it")
	case len(entries) > maxPlaylistEntries:
		return nil, fmt.Errorf("it has more than %d entries", maxPlaylistEntries)
	}
	p := &playlist{entries: entries, dir: dir, roots: []string{dir}, options: o}
	if media, err := realPath(l.MediaDir); err == nil && l.MediaDir != "" {
		p.roots = append(p.roots, media)
	}
	return p, nil
}

// realPath returns an absolute path without symbolic links.
func realPath(path string) (string, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	return filepath.Abs(real)
}

// readFolder returns the sound files of a folder, not of the folders in it.
func readFolder(path string) (names []string, err error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, withoutPath(err)
	}
	for _, entry := range entries {
		if name := entry.Name(); isSoundFile(name) && !strings.HasPrefix(name, ".") {
			names = append(names, name)
		}
	}
	return names, nil
}

func readPlaylist(path string) ([]string, error) {
	file, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(contentOf(file), maxPlaylistSize+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxPlaylistSize {
		return nil, fmt.Errorf("it is larger than %d bytes, which no playlist is", maxPlaylistSize)
	}
	return parsePlaylist(text), nil
}

// parsePlaylist returns the entries of an M3U file: its lines, without comments and directives (#…).
func parsePlaylist(text []byte) (entries []string) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(text) {
		text = fromLatin1(text)
	}
	for line := range strings.FieldsFuncSeq(string(text), func(r rune) bool { return r == '\n' || r == '\r' }) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			entries = append(entries, line)
		}
	}
	return entries
}

// fromLatin1 reads what old programs write.
func fromLatin1(text []byte) []byte {
	var runes []rune
	for _, b := range text {
		runes = append(runes, rune(b))
	}
	return []byte(string(runes))
}

// next opens the next entry.
func (p *playlist) next(ctx context.Context) (pcmReader, string, error) {
	if len(p.entries) == 0 {
		return nil, "", io.EOF
	}
	entry := p.entries[0]
	p.entries = p.entries[1:]
	path, err := p.locate(entry)
	if err != nil {
		return nil, entry, err
	}
	file, err := openRegular(path)
	if err != nil {
		return nil, entry, err
	}
	pcm, err := decodeContent(ctx, file, p.options)
	return pcm, entry, err
}

// locate returns the real path of an entry. Like grantFile, it does not say what there is elsewhere.
func (p *playlist) locate(entry string) (string, error) {
	name, err := fileName(entry)
	if err != nil {
		return "", err
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(p.dir, name)
	}
	path, err := realPath(name)
	if err != nil || !slices.ContainsFunc(p.roots, func(root string) bool { return isInside(root, path) }) {
		return "", errNoSuchFile
	}
	if isPlaylist(path) {
		return "", errors.New("a playlist in a playlist is not played")
	}
	return path, nil
}

// fileName returns the file that an entry names: as a path, perhaps one of Windows, or as a URL.
func fileName(entry string) (string, error) {
	if !strings.Contains(entry, "://") {
		if filepath.Separator == '/' {
			entry = strings.ReplaceAll(entry, `\`, "/")
		}
		return entry, nil
	}
	u, err := url.Parse(entry)
	if err != nil || u.Scheme != "file" || u.Host != "" && u.Host != "localhost" {
		return "", errors.New("it is an address: only files are played")
	}
	return filepath.FromSlash(u.Path), nil
}
