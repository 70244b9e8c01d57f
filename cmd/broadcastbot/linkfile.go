package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"

	"broadcastbot/internal/link"
)

// linkFlag adds the flag that names a file with a show's link.
func linkFlag(flags *flag.FlagSet, use string) *string {
	return flags.String("link", "", "`FILE` with the link of the show in its first line, - for the standard input"+use)
}

// maxLink is far more than the longest link has: see link.MaxSeek.
const maxLink = 64 << 10

// readLink reads a link from a file. In the arguments of a program everybody on the machine can see
// it, with the key of the show.
func readLink(path string, note io.Writer) (link.Link, error) {
	in := os.Stdin
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return link.Link{}, err
		}
		defer file.Close()
		in = file
	} else if isTerminal(in) {
		fmt.Fprintln(note, "Paste the link of the show, then press Enter:")
	}
	line, err := bufio.NewReader(io.LimitReader(in, maxLink)).ReadString('\n')
	if err != nil && err != io.EOF {
		return link.Link{}, fmt.Errorf("read the link: %w", err)
	}
	return parseLink(line)
}

func parseLink(text string) (link.Link, error) {
	l, err := link.Parse(text)
	if err != nil {
		err = fmt.Errorf("%w; copy the whole link from the room", err)
	}
	return l, err
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
