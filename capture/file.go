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
// ffmpeg first. Of a folder, or of a playlist, it opens all files, see openPlaylist.
func (l Limits) openFile(ctx context.Context, path string, o Options) (source Source, err error) {
	if isList(path) {
		source, err = l.openPlaylist(ctx, path, o)
	} else {
		file, openErr := openRegular(path)
		if openErr != nil {
			return nil, openErr
		}
		source, err = openContent(ctx, file, o)
	}
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
		return nil, fmt.Errorf("%s is a folder", name)
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
	return openBy(ctx, file, o, openKnown, openFFmpeg)
}

// decodeContent is openContent for who encodes the sound himself. Reading it ends with ctx.
func decodeContent(ctx context.Context, file *os.File, o Options) (pcmReader, error) {
	return openBy(ctx, file, o, decodeKnown, startFFmpeg)
}

// openBy gives the file to known, or lends it to ffmpeg if it is for that.
func openBy[T any](ctx context.Context, file *os.File, o Options, known func(*os.File, Options) (T, error),
	ffmpeg func(context.Context, *os.File, Options) (T, error)) (T, error) {
	opened, err := known(file, o)
	if err == nil {
		return opened, nil
	}
	defer file.Close()
	if isForFFmpeg(err) {
		return ffmpeg(ctx, file, o)
	}
	return opened, err
}

func isForFFmpeg(err error) bool {
	return slices.ContainsFunc(forFFmpeg, func(reason error) bool { return errors.Is(err, reason) })
}

// openKnown opens Ogg Opus and WAV. On success the source takes the file over.
func openKnown(file *os.File, o Options) (Source, error) {
	kind, err := sniff(bufio.NewReader(contentOf(file)))
	if err == nil && kind == contentOggOpus {
		return openOggOpus(file, o)
	}
	pcm, err := decodeKnown(file, o)
	if err != nil {
		return nil, err
	}
	return newEncoded(pcm, o.Encoder)
}

// decodeKnown decodes Ogg Opus and WAV. On success the reader takes the file over.
func decodeKnown(file *os.File, o Options) (pcmReader, error) {
	in := bufio.NewReader(contentOf(file))
	kind, err := sniff(in)
	if err != nil {
		return nil, fmt.Errorf("read the beginning: %w", err)
	}
	switch kind {
	case contentOggOpus:
		stream, err := newCopied(file)
		if err != nil {
			return nil, err
		}
		return stream.decoded(o.Encoder.Channels)
	case contentWAV:
		header, err := readWAVHeader(in)
		if err != nil {
			return nil, err
		}
		samples := newWAVSamples(header, in, o.Encoder.Channels)
		samples.closer = file
		return samples, nil
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
