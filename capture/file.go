package capture

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"broadcastbot/internal/oggopus"
)

var (
	errNoSound = errors.New("there is no sound in it")
	errForeign = errors.New("it is neither Ogg Opus nor WAV")
)

// forFFmpeg are the reasons to leave a file to ffmpeg.
var forFFmpeg = []error{errForeign, errForeignWAV, oggopus.ErrMapping}

// openFile opens a file by its content: see openOggOpus; WAV is encoded, everything else decoded by
// ffmpeg first.
func openFile(ctx context.Context, path string, o Options) (Source, error) {
	file, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	source, err := openContent(ctx, file, o)
	if err == nil {
		source, err = newPaced(ctx, source, o.FullSpeed)
	}
	if err != nil {
		return nil, fmt.Errorf("%w (%s)", err, filepath.Base(path))
	}
	return source, nil
}

func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	name := filepath.Base(path) // where it is, a room need not know
	switch {
	case path == "":
		return nil, errors.New("which file? Use file:PATH, as in file:talk.opus")
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no file %s", name)
	case err != nil:
		return nil, fmt.Errorf("look at file %s: %w", name, withoutPath(err))
	case info.IsDir():
		return nil, fmt.Errorf("%s is a directory: name a file in it", name)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file: use pipe:- and give it as standard input", name)
	case info.Size() == 0:
		return nil, fmt.Errorf("%s is empty", name)
	}
	return openWithoutWaiting(path)
}

// openWithoutWaiting opens a file that was regular when somebody looked. A pipe that has taken its
// place would keep us waiting.
func openWithoutWaiting(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open file %s: %w", filepath.Base(path), withoutPath(err))
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		file.Close()
		return nil, fmt.Errorf("%s is not a regular file any more", filepath.Base(path))
	}
	return file, nil
}

// openContent takes the file over. It leaves to ffmpeg what it does not know.
func openContent(ctx context.Context, file *os.File, o Options) (Source, error) {
	source, err := openKnown(file, o)
	if err == nil {
		return source, nil
	}
	defer file.Close()
	if slices.ContainsFunc(forFFmpeg, func(reason error) bool { return errors.Is(err, reason) }) {
		return openFFmpeg(ctx, file, o)
	}
	return nil, err
}

// openKnown opens Ogg Opus and WAV. On success the source takes the file over.
func openKnown(file *os.File, o Options) (Source, error) {
	in := bufio.NewReader(contentOf(file))
	kind, err := sniff(in)
	if err != nil {
		return nil, fmt.Errorf("read the beginning: %w", err)
	}
	switch kind {
	case contentOggOpus:
		return openOggOpus(file, o)
	case contentWAV:
		header, err := readWAVHeader(in)
		if err != nil {
			return nil, err
		}
		samples := newWAVSamples(header, in, o.Encoder.Channels)
		samples.closer = file
		return newEncoded(samples, o.Encoder)
	}
	return nil, errForeign
}

// nameless reads a file with errors that do not tell where it is: rooms may read them.
type nameless struct{ io.Reader }

func (f nameless) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	return n, withoutPath(err)
}

func withoutPath(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
