package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"time"

	"broadcastbot/internal/link"
	"broadcastbot/internal/listener"
	"broadcastbot/internal/opus"
	"broadcastbot/opusblocks"
)

// proveFile opens every block of a recording, and checks all that its link says of it. It names a
// signed show only where the station has signed its name.
func proveFile(out io.Writer, file *os.File, l link.Link, quiet bool) error {
	in := &counted{r: file}
	reader := l.NewReader(in)
	head, err := reader.Head()
	if err != nil {
		return err
	}
	if !quiet {
		fmt.Fprintf(out, "%12s  %10s  %8s  %10s\n", "byte", "block", "size", "until")
	}
	checkpoints := 0
	for {
		var block opusblocks.Block
		if block, err = reader.ReadBlock(); err != nil {
			break
		}
		if block.Checkpoint != nil {
			checkpoints++
		}
		if !quiet {
			fmt.Fprintf(out, "%12d  %10d  %8d  %10s  %s\n", block.Offset, block.Sequence, block.Size,
				clock(opus.Duration(max(0, block.End-int64(head.PreSkip)))), remark(block))
		}
	}
	if _, proven := reader.Checkpoint(); proven || l.Signer == nil {
		printHead(out, head)
	}
	end := reader.Position()
	fmt.Fprintf(out, "%d blocks, %d bytes, %s of sound\n", end.Sequence, end.Offset, clock(opus.Duration(max(0, end.Samples-int64(head.PreSkip)))))
	printSigned(out, reader, l, checkpoints)
	if c, _ := reader.Checkpoint(); l.Signer != nil && c.Sample < end.Samples {
		fmt.Fprintln(out, "What comes after that may not come from the station.")
	}
	if err != io.EOF {
		return err
	}
	if err := in.checkEnd(end.Offset); err != nil {
		return err
	}
	return compareHash(out, file, end.Offset, l)
}

// remark says what is special about a block.
func remark(block opusblocks.Block) (text string) {
	if block.Checkpoint != nil {
		text = "signed " + block.Checkpoint.Time.UTC().Format(time.RFC3339)
	}
	switch {
	case block.Last:
		text += " the end"
	case len(block.Packets) == 0:
		text = "a sign of life"
	}
	return text
}

// printSigned says what the station has signed of what was read.
func printSigned(out io.Writer, reader *opusblocks.Reader, l link.Link, checkpoints int) {
	last, ok := reader.Checkpoint()
	switch {
	case l.Signer == nil:
		fmt.Fprintln(out, "The link names no signer, so it is not proven who made it, or when.")
	case !ok:
		fmt.Fprintln(out, "Nothing of it is signed.")
	default:
		fmt.Fprintf(out, "%d checkpoints; the station has signed it up to block %d, at %s by its clock.\n",
			checkpoints, last.Sequence, last.Time.UTC().Format(time.RFC3339))
	}
}

// compareHash compares the first size bytes, which are the whole recording, with what was announced.
// Only then is it called complete, or where somebody has signed or sealed its end.
func compareHash(out io.Writer, file io.ReaderAt, size int64, l link.Link) error {
	if l.SHA256 == nil {
		fmt.Fprintln(out, ended(l))
		return nil
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, io.NewSectionReader(file, 0, size)); err != nil {
		return err
	}
	if !bytes.Equal(hash.Sum(nil), l.SHA256) {
		return listener.ErrOtherFile
	}
	fmt.Fprintln(out, "It is complete, and the recording that was announced (SHA-256).")
	return nil
}

// ended says what is known of a recording that has its end.
func ended(l link.Link) string {
	switch {
	case l.Signer != nil:
		return "It is complete."
	case !l.Plain:
		return "It is complete, if nobody who has the key has made another end."
	}
	return "It has an end, which anybody can have made: the link names neither signer nor hash."
}

// counted counts what is read of a file.
type counted struct {
	r    io.Reader
	size int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.size += int64(n)
	return n, err
}

// checkEnd refuses what stands behind the end of a recording: nobody has announced or signed it.
func (c *counted) checkEnd(end int64) error {
	if _, err := io.Copy(io.Discard, c); err != nil {
		return err
	}
	if c.size > end {
		return fmt.Errorf("%d bytes stand behind the end of the recording, and do not belong to it", c.size-end)
	}
	return nil
}
