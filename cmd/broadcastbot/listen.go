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

// runListen hears a show by its link, or finds it as a Matrix user.
func runListen(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := newFlags("listen", "LINK | -homeserver URL -user ID -room ROOM", stderr)
	from := flags.String("from", "", "where to begin: live, start or `MM:SS`; a finished show has no live, it begins at its start. Default: the moment in the link, or live")
	save := flags.String("save", "", "write what is heard to `FILE`.opus")
	silent := flags.Bool("silent", false, "do not play; a finished show is then checked as fast as it arrives")
	verbose := flags.Bool("verbose", false, "tell of reconnections")
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
	link, err := findShow(ctx, words, account, stdout, log)
	if err != nil {
		return err
	}
	if *from == "" && link.Start != nil {
		begin = *link.Start
	}
	stream, err := listener.Open(ctx, link, listener.Options{Log: log, Client: newHTTPClient()})
	if err != nil {
		return err
	}
	defer stream.Close()
	return hear(ctx, stream, begin, hearing{save: *save, silent: *silent, out: stdout, note: stderr})
}

// fromLive is the beginning that is not a moment.
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

// hearing says what is done with the sound.
type hearing struct {
	save   string
	silent bool
	out    io.Writer // the moving line
	note   io.Writer // what a person should know besides
}

// hear plays and saves the stream from a moment to its end.
func hear(ctx context.Context, stream *listener.Stream, from time.Duration, h hearing) error {
	announce(h.out, stream.Head())
	if stream.Plain() {
		fmt.Fprintln(h.out, "It is not encrypted: others can hear it, and nobody can prove that this is what was said.")
	}
	edge, finished, err := stream.Edge(ctx)
	if err != nil {
		return err
	}
	switch {
	case from == fromLive && !finished:
		err = stream.GoLive()
	case from == fromLive:
		err = stream.SeekTo(0)
	default:
		err = stream.SeekTo(from)
	}
	if err != nil {
		return err
	}
	m := newMeter(h.out, stream, edge, finished)
	sinks, err := openSinks(stream, h, m)
	if err != nil {
		return err
	}
	watching := m.watch(ctx)
	endErr := sinks.writeAll(ctx, stream)
	closeErr := sinks.close(ctx, stream)
	watching()
	m.finish()
	switch {
	case closeErr != nil:
		return closeErr
	case endErr == io.EOF:
		fmt.Fprintln(h.out, farewell(m.heard(), stream.Plain()))
		return nil
	case ctx.Err() != nil:
		return nil // Ctrl-C
	default:
		return endErr
	}
}

// farewell is what can be said of a show that was heard to its end.
func farewell(heard time.Duration, plain bool) string {
	if plain {
		return fmt.Sprintf("The show is over. The %s that were heard arrived undamaged.", clock(heard))
	}
	return fmt.Sprintf("The show is over. The %s that were heard are as the speaker sealed them.", clock(heard))
}

// announce names the show. What block 0 says was chosen by whoever made the
// link, and must not steer the terminal.
func announce(w io.Writer, head opusblocks.Head) {
	title := "A show"
	if head.Title != "" {
		title = "“" + text.Line(head.Title) + "”"
	}
	fmt.Fprintf(w, "%s by %s, %s\n", title, text.Line(head.Speaker), head.Started.Local().Format("2 January 2006 15:04"))
}

// sinks are where the sound of one listener goes.
type sinks struct {
	decoder *opus.Decoder
	player  *listener.Player // nil: not played
	saver   *oggopus.Writer  // nil: not saved
	file    *os.File
	buffer  *bufio.Writer
	meter   *meter
	discard int // samples per channel that are not to be heard
	pcm     []int16
}

func openSinks(stream *listener.Stream, h hearing, m *meter) (*sinks, error) {
	channels := stream.Head().Channels
	decoder, err := opus.NewDecoder(channels)
	if err != nil {
		return nil, err
	}
	s := &sinks{
		decoder: decoder, meter: m, discard: stream.Discard(),
		pcm: make([]int16, channels*opus.SampleRate*120/1000),
	}
	if h.save != "" {
		if s.file, err = os.OpenFile(h.save, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
			return nil, fmt.Errorf("save: %w", err)
		}
		s.buffer = bufio.NewWriter(s.file)
		s.saver = listener.NewSaver(s.buffer, stream)
	}
	if !h.silent {
		if s.player, err = listener.NewPlayer(channels); err != nil {
			fmt.Fprintf(h.note, "%v; going on without sound\n", err)
		}
	}
	return s, nil
}

// writeAll plays and saves packets until there are no more, and says why: io.EOF is the
// show's end.
func (s *sinks) writeAll(ctx context.Context, stream *listener.Stream) error {
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

func (s *sinks) write(ctx context.Context, packet []byte) error {
	if s.saver != nil {
		if err := s.saver.WritePacket(packet); err != nil {
			return fmt.Errorf("save: %w", err)
		}
	}
	n, err := s.decoder.Decode(packet, s.pcm)
	if err != nil {
		return nil // one that cannot be decoded is as good as silence
	}
	channels := s.meter.stream.Head().Channels
	drop := min(n, s.discard)
	s.discard -= drop
	heard := s.pcm[drop*channels : n*channels]
	s.meter.add(heard, s.queued())
	if s.player != nil {
		return s.player.Write(ctx, heard)
	}
	return nil
}

func (s *sinks) queued() time.Duration {
	if s.player == nil {
		return 0
	}
	return s.player.Queued()
}

// close brings what is still on its way to its end.
func (s *sinks) close(ctx context.Context, stream *listener.Stream) error {
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
