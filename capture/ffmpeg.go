package capture

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"broadcastbot/internal/confine"
	"broadcastbot/internal/opus"
)

// ffmpegErrorSize is how many bytes are kept of what ffmpeg writes to its standard error, at its
// end.
const ffmpegErrorSize = 4 << 10

// ffmpegFormats are the containers that may be opened, as ffmpeg -demuxers calls them:
// those that hold sound. Playlists (hls, concat, dash, sdp) are not among them, because
// they name other files to be played.
const ffmpegFormats = "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dsf,dts,eac3,flac,flv,gsm,matroska,mov,mp3,mpc,mpc8," +
	"mpeg,mpegts,ogg,oma,tta,voc,w64,wav,wv"

// ffmpeg is a child process that decodes a file to raw samples. Whoever reads it must
// close it, which kills it and waits for it.
type ffmpeg struct {
	rawSamples
	kill   context.CancelFunc
	cmd    *exec.Cmd
	url    string // of the file, as ffmpeg calls it
	stderr tail
}

// openFFmpeg decodes what this package cannot read itself. The file stays the caller's, who can close
// it afterwards.
func openFFmpeg(ctx context.Context, file *os.File, o Options) (Source, error) {
	return detach(ctx, o.Log, 0, func(ctx context.Context) (Source, error) {
		process, err := startFFmpeg(ctx, file, o)
		if err != nil {
			return nil, err
		}
		return newEncoded(process, o.Encoder)
	})
}

// startFFmpeg starts ffmpeg, confined: it reads what strangers made, and our environment has passwords
// in it.
func startFFmpeg(ctx context.Context, file *os.File, o Options) (pcmReader, error) {
	f, err := newFFmpeg(ctx)
	if err != nil {
		return nil, err
	}
	name, err := confine.Lend(f.cmd, file)
	if err == nil {
		f.setArguments("file", name, o.Encoder.Channels)
		err = f.start(o)
	}
	if err != nil {
		f.kill()
		return nil, fmt.Errorf("start ffmpeg: %w", withoutPath(err))
	}
	return f, nil
}

func newFFmpeg(ctx context.Context) (*ffmpeg, error) {
	program, err := exec.LookPath("ffmpeg")
	if err != nil {
		return nil, fmt.Errorf("%w, and there is no ffmpeg on the PATH to decode it: "+
			"install ffmpeg, or convert the file to Ogg Opus", errForeign)
	}
	ctx, kill := context.WithCancel(ctx)
	return &ffmpeg{kill: kill, cmd: exec.CommandContext(ctx, program)}, nil
}

// setArguments writes out the protocol and shuts the others off, so that a name cannot make ffmpeg
// fetch anything. Further options are for the input.
func (f *ffmpeg) setArguments(protocol, name string, channels int, options ...string) {
	f.url = protocol + ":" + name
	f.cmd.Args = append(f.cmd.Args, "-nostdin", "-v", "error",
		"-protocol_whitelist", protocol, "-format_whitelist", ffmpegFormats)
	f.cmd.Args = append(append(f.cmd.Args, options...), "-i", f.url, "-vn",
		"-f", "s16le", "-ar", strconv.Itoa(opus.SampleRate), "-ac", strconv.Itoa(channels), "-")
}

func (f *ffmpeg) start(o Options) error {
	f.cmd.Stderr = &f.stderr
	f.cmd.WaitDelay = time.Second
	stdout, err := f.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	f.rawSamples = rawSamples{in: bufio.NewReader(stdout), channels: o.Encoder.Channels}
	return confine.Start(f.cmd, o.Log, "-version")
}

// ReadPCM fails at the end of the sound when ffmpeg did.
func (f *ffmpeg) ReadPCM(ctx context.Context, pcm []int16) (int, error) {
	n, err := f.rawSamples.ReadPCM(ctx, pcm)
	if !errors.Is(err, io.EOF) {
		return n, err
	}
	if err := f.cmd.Wait(); err != nil {
		return n, fmt.Errorf("ffmpeg cannot decode it: %w: %s", err, f.lastError())
	}
	return n, io.EOF
}

// lastError is the last line that ffmpeg wrote to its standard error, without the path.
func (f *ffmpeg) lastError() string {
	return strings.ReplaceAll(strings.ReplaceAll(f.stderr.lastLine(), f.url+": ", ""), f.url, "the file")
}

func (f *ffmpeg) Close() error {
	f.kill()
	f.cmd.Wait() // a second Wait returns at once
	return nil
}

// tail is an io.Writer that keeps the end of what is written.
type tail struct{ kept []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - ffmpegErrorSize; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(p), nil
}

func (t *tail) lastLine() string {
	lines := bytes.Split(bytes.TrimSpace(t.kept), []byte("\n"))
	return strings.TrimSpace(string(lines[len(lines)-1]))
}
