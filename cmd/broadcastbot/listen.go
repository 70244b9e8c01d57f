package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"broadcastbot/internal/listener"
	"broadcastbot/internal/oggopus"
	"broadcastbot/internal/opus"
	"broadcastbot/internal/text"
	"broadcastbot/opusblocks"
)

// runListen plays a show. It is given by its link, or found as a Matrix user.
func runListen(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := newFlags("listen", "-link FILE | LINK | -homeserver URL -user ID -room ROOM", stderr)
	linkPath := linkFlag(flags, ". Better than LINK, which everybody on this machine can see while the program runs")
	from := flags.String("from", "", "where to begin: live, start or `MM:SS`; a finished show has no live, it begins at its start. Default: the moment in the link, or live")
	save := flags.String("save", "", "write what is heard to `FILE`.opus")
	silent := flags.Bool("silent", false, "do not play; a finished show is then checked as fast as it arrives")
	verbose := flags.Bool("verbose", false, "report reconnections")
	account := accountFlags(flags)
	words, err := parse(flags, args, 0, 1)
	if err != nil {
		return err
	}
	begin, err := parseFrom(*from)
	if err != nil {
		return err
	}
	log := slog.New(slog.DiscardHandler)
	if *verbose {
		log = slog.New(slog.NewTextHandler(stderr, nil))
	}
	link, err := findShow(ctx, words, *linkPath, account, stdout, log)
	if err != nil {
		return err
	}
	if *from == "" && link.Start != nil {
		begin = *link.Start
	}
	stream, err := listener.Open(ctx, link, listener.Options{Log: log, Client: newHTTPClient(), Waiting: func() {
		fmt.Fprintln(stdout, "Waiting for the first sound: with it the station signs what show this is.")
	}})
	if err != nil {
		return err
	}
	defer stream.Close()
	return listen(ctx, stream, begin, listenOptions{save: *save, silent: *silent, out: stdout, note: stderr})
}

// fromLive stands for the edge of a live show, which is not a moment.
const fromLive = time.Duration(-1)

// parseFrom reads where to begin.
func parseFrom(s string) (time.Duration, error) {
	switch s {
	case "live", "":
		return fromLive, nil
	case "start":
		return 0, nil
	}
	var total time.Duration
	for field := range strings.SplitSeq(s, ":") {
		n, err := strconv.ParseUint(field, 10, 16)
		if err != nil {
			return 0, fmt.Errorf("-from has to be live, start or a moment such as 12:30, not %q", s)
		}
		total = total*60 + time.Duration(n)*time.Second
	}
	return total, nil
}

// listenOptions say what is done with the sound.
type listenOptions struct {
	save   string
	silent bool
	out    io.Writer // the moving line
	note   io.Writer // what a person should know besides
}

// listen goes to the beginning and plays the stream to its end.
func listen(ctx context.Context, stream *listener.Stream, from time.Duration, o listenOptions) error {
	printHead(o.out, stream.Head())
	printProof(o.out, stream)
	edge, finished, err := stream.Edge(ctx)
	if err != nil {
		return err
	}
	if err := goTo(stream, from, finished); err != nil {
		return err
	}
	m := newMeter(o.out, stream, edge, finished)
	outputs, err := openOutputs(stream, o, m)
	if err != nil {
		return err
	}
	redraw, ask := time.NewTicker(meterInterval), time.NewTicker(edgeInterval)
	defer redraw.Stop()
	defer ask.Stop()
	stopWatching := m.watch(ctx, redraw.C, ask.C)
	endErr := outputs.writeAll(ctx, stream)
	stopWatching() // what is still queued is played without a word: nothing more is to arrive
	closeErr := outputs.close(ctx, stream)
	m.finish()
	switch {
	case closeErr != nil:
		return closeErr
	case endErr == io.EOF:
		fmt.Fprintln(o.out, endLine(m.heard(), stream))
		return nil
	case ctx.Err() != nil:
		return nil // Ctrl-C
	default:
		return endErr
	}
}

// goTo goes to a moment. With fromLive that is the edge of a live show, and the
// start of a finished one.
func goTo(stream *listener.Stream, from time.Duration, finished bool) error {
	switch {
	case from == fromLive && !finished:
		return stream.GoLive()
	case from == fromLive:
		return stream.SeekTo(0)
	}
	return stream.SeekTo(from)
}

// printProof says what can be proven of a show.
func printProof(w io.Writer, stream *listener.Stream) {
	if stream.Plain() {
		fmt.Fprintln(w, "It is not encrypted: others can hear it.")
	}
	if !stream.Signed() {
		fmt.Fprintln(w, "The link names no signer, so nobody can prove that this is what was said, or when.")
	}
}

// endLine says what is known of a show that was heard to its end.
func endLine(heard time.Duration, stream *listener.Stream) string {
	line := "The show is over."
	if !stream.Signed() && !stream.Whole() {
		line = "The server says that the show is over."
	}
	line += fmt.Sprintf(" The %s that were heard ", clock(heard))
	switch {
	case stream.Signed():
		line += "are what the station has signed."
	case stream.Plain():
		line += "arrived undamaged, if the server tells the truth."
	default:
		line += "were sealed by somebody who has the key."
	}
	if stream.Whole() {
		line += " The whole recording is the one that was announced (SHA-256)."
	}
	return line
}

// printHead names the show. The text of block 0 was chosen by whoever made the
// link, and must not control the terminal.
func printHead(w io.Writer, head opusblocks.Head) {
	title := "A show"
	if head.Title != "" {
		title = "“" + text.Line(head.Title) + "”"
	}
	fmt.Fprintf(w, "%s by %s, %s\n", title, text.Line(head.Speaker), head.Started.Local().Format("2 January 2006 15:04"))
}

// outputs are where the sound of a stream goes.
type outputs struct {
	decoder *opus.Decoder
	player  *listener.Player // nil: not played
	saver   *oggopus.Writer  // nil: not saved
	file    *os.File
	buffer  *bufio.Writer
	meter   *meter
	discard int // samples per channel that are not to be heard
	pcm     []int16
}

func openOutputs(stream *listener.Stream, o listenOptions, m *meter) (*outputs, error) {
	channels := stream.Head().Channels
	decoder, err := opus.NewDecoder(channels)
	if err != nil {
		return nil, err
	}
	s := &outputs{
		decoder: decoder, meter: m, discard: stream.Discard(),
		pcm: make([]int16, channels*opus.SampleRate*120/1000),
	}
	if o.save != "" {
		if s.file, err = os.OpenFile(o.save, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
			return nil, fmt.Errorf("save: %w", err)
		}
		s.buffer = bufio.NewWriter(s.file)
		s.saver = listener.NewSaver(s.buffer, stream)
	}
	if !o.silent {
		if s.player, err = listener.NewPlayer(channels); err != nil {
			fmt.Fprintf(o.note, "%v; going on without sound\n", err)
		} else {
			m.queued = s.player.Queued
		}
	}
	return s, nil
}

// writeAll plays and saves packets until there are no more, and returns why: io.EOF
// is the end of the show.
func (s *outputs) writeAll(ctx context.Context, stream *listener.Stream) error {
	for {
		packet, err := stream.ReadPacket()
		if err != nil {
			return err
		}
		if err := s.write(ctx, packet); err != nil {
			return err
		}
	}
}

func (s *outputs) write(ctx context.Context, packet []byte) error {
	if s.saver != nil {
		if err := s.saver.WritePacket(packet); err != nil {
			return fmt.Errorf("save: %w", err)
		}
	}
	n, err := s.decoder.Decode(packet, s.pcm)
	if err != nil {
		return nil // a packet that cannot be decoded is left out
	}
	channels := s.meter.stream.Head().Channels
	drop := min(n, s.discard)
	s.discard -= drop
	heard := s.pcm[drop*channels : n*channels]
	s.meter.add(heard)
	if s.player != nil {
		return s.player.Write(ctx, heard)
	}
	return nil
}

// close plays and writes what is still queued.
func (s *outputs) close(ctx context.Context, stream *listener.Stream) error {
	if s.player != nil {
		s.player.Drain(ctx)
		s.player.Close()
	}
	if s.saver == nil {
		return nil
	}
	if err := errors.Join(s.saver.Close(stream.EndTrim()), s.buffer.Flush(), s.file.Close()); err != nil {
		return fmt.Errorf("save: %w", err)
	}
	return nil
}
