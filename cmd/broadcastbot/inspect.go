package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"broadcastbot/internal/opus"
	"broadcastbot/opusblocks"
	"broadcastbot/opusblocks/blocks"
)

// runInspect prints what can be seen of a file without its key, or proves it with the link.
func runInspect(_ context.Context, args []string, stdout, stderr io.Writer) error {
	flags := newFlags("inspect", "FILE", stderr)
	quiet := flags.Bool("quiet", false, "print damage and the summary only")
	linkPath := linkFlag(flags, ", with which every block is opened and proven")
	words, err := parse(flags, args, 1, 1)
	if err != nil {
		return err
	}
	f, err := os.Open(words[0])
	if err != nil {
		return err
	}
	defer f.Close()
	out := bufio.NewWriter(stdout)
	defer out.Flush()
	if *linkPath == "" {
		return inspect(out, f, *quiet)
	}
	show, err := readLink(*linkPath, stderr)
	if err != nil {
		return err
	}
	return proveFile(out, f, show, *quiet)
}

// inspect finds out by the first bytes whether a file is encrypted or plain.
func inspect(out io.Writer, r io.Reader, quiet bool) error {
	in := bufio.NewReader(r)
	if start, _ := in.Peek(4); string(start) == "OggS" {
		return inspectPlain(out, in, quiet)
	}
	return inspectSealed(out, in, quiet)
}

func inspectSealed(out io.Writer, r io.Reader, quiet bool) error {
	var sound, damaged int
	var size int64
	fmt.Fprintf(out, "%12s  %10s  %8s  %8s\n", "byte", "block", "size", "checksum")
	for s := range blocks.Scan(r) {
		size = s.Offset + s.Size
		switch {
		case s.Err != nil:
			damaged++
			fmt.Fprintf(out, "%12d  %10s  %8d  %v\n", s.Offset, "-", s.Size, s.Err)
		default:
			sound++
			if !quiet {
				fmt.Fprintf(out, "%12d  %10d  %8d  %s\n", s.Offset, s.Header.Sequence, s.Size, checksum(s.Header))
			}
		}
		if errors.Is(s.Err, blocks.ErrNotBlocks) {
			return s.Err
		}
	}
	fmt.Fprintf(out, "%d blocks, %d bytes, %d damaged places\n", sound, size, damaged)
	if damaged > 0 {
		return fmt.Errorf("the file is damaged in %d places", damaged)
	}
	return nil
}

// inspectPlain reads a file that is not encrypted.
func inspectPlain(out io.Writer, r io.Reader, quiet bool) error {
	in := &counted{r: r}
	reader := opusblocks.Plain().NewReader(in)
	head, err := reader.Head()
	if err != nil {
		return err
	}
	printHead(out, head)
	fmt.Fprintln(out, "Not encrypted: a plain Ogg Opus file.")
	if !quiet {
		fmt.Fprintf(out, "%12s  %10s  %8s  %8s\n", "byte", "page", "size", "packets")
	}
	for err == nil {
		var block opusblocks.Block
		if block, err = reader.ReadBlock(); err == nil && !quiet {
			fmt.Fprintf(out, "%12d  %10d  %8d  %8d\n", block.Offset, block.Sequence+1, block.Size, len(block.Packets))
		}
	}
	end := reader.Position()
	fmt.Fprintf(out, "%d pages, %d bytes, %s of sound\n", end.Page, end.Offset, clock(opus.Duration(max(0, end.Samples-int64(head.PreSkip)))))
	if err != io.EOF {
		return err
	}
	return in.checkEnd(end.Offset)
}

func checksum(h blocks.Header) string {
	if h.Checksum == 0 {
		return "absent"
	}
	return "ok"
}
