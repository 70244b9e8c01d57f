package capture

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"broadcastbot/internal/oggopus"
)

var (
	errNoSound = errors.New("there is no sound in it")
	errForeign = errors.New("it is neither Ogg Opus nor WAV")
)

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
		return nil, fmt.Errorf("play %s: %w", path, err)
	}
	return source, nil
}

func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	switch {
	case path == "":
		return nil, errors.New("which file? Use file:PATH, as in file:talk.opus")
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no file %s", path)
	case err != nil:
		return nil, fmt.Errorf("look at file: %w", err)
	case info.IsDir():
		return nil, fmt.Errorf("%s is a directory: name a file in it", path)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file: use pipe:- and give it as standard input", path)
	case info.Size() == 0:
		return nil, fmt.Errorf("%s is empty", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open file: %w", err)
	}
	return file, nil
}

// openContent takes the file over. It leaves to ffmpeg what it does not know.
func openContent(ctx context.Context, file *os.File, o Options) (Source, error) {
	source, err := openKnown(file, o)
	if err == nil {
		return source, nil
	}
	file.Close()
	if errors.Is(err, errForeign) || errors.Is(err, errForeignWAV) || errors.Is(err, oggopus.ErrMapping) {
		return openFFmpeg(ctx, file.Name(), o)
	}
	return nil, err
}

// openKnown opens Ogg Opus and WAV. On success the source takes the file over.
func openKnown(file *os.File, o Options) (Source, error) {
	in := bufio.NewReader(file)
	kind, err := sniff(in)
	if err != nil {
		return nil, fmt.Errorf("read the beginning: %w", err)
	}
	switch kind {
	case contentOggOpus:
		return newCopied(in, file)
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
