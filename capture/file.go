package capture

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"broadcastbot/internal/oggopus"
)

var (
	errNoSound = errors.New("there is no sound in it")
	errForeign = errors.New("it is neither Ogg Opus nor WAV")
	errGain    = errors.New("its loudness is to be changed")
)

// forFFmpeg are the reasons to leave a file to ffmpeg.
var forFFmpeg = []error{errForeign, errForeignWAV, errGain, oggopus.ErrMapping}

// openFile opens a file by its content: Ogg Opus is copied, WAV encoded, everything
// else decoded by ffmpeg.
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
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open file %s: %w", name, withoutPath(err))
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
	in := bufio.NewReader(nameless{file})
	kind, err := sniff(in)
	if err != nil {
		return nil, fmt.Errorf("read the beginning: %w", err)
	}
	switch kind {
	case contentOggOpus:
		return openOggOpus(in, file, o)
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

// openOggOpus leaves a file with an output gain to ffmpeg, which applies it, if there is
// one.
func openOggOpus(in io.Reader, file *os.File, o Options) (Source, error) {
	source, err := newCopied(in, file)
	if err != nil {
		return nil, err
	}
	if _, err := exec.LookPath("ffmpeg"); err == nil && source.gain != 0 {
		return nil, errGain
	}
	source.warn(o.Log)
	return source, nil
}

// nameless is a file whose errors do not tell where it is: rooms may read them.
type nameless struct{ *os.File }

func (f nameless) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	return n, withoutPath(err)
}

func withoutPath(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
