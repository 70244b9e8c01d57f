// Command broadcastbot is a radio station for Matrix rooms: it puts a voice on
// air in end-to-end encrypted rooms, live and for replay.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// verb is a word behind the program's name, and what it does.
type verb struct {
	name    string
	summary string
	run     func(ctx context.Context, args []string, stdout, stderr io.Writer) error
}

func verbs() []verb {
	return []verb{
		{"run", "the station: bot and gateway", runStation},
		{"gateway", "the gateway alone", runGateway},
		{"listen", "hear a show, or save it", runListen},
		{"inspect", "show the blocks of a recording, or prove it with its link", runInspect},
		{"devices", "list microphones", runDevices},
		{"config", "print config.yaml with all keys and defaults", runPrintConfig},
		{"check-config", "check a config file", runCheckConfig},
		{"health", "ask whether the gateway is well", runHealth},
		{"version", "print the version", runVersion},
	}
}

// errUsage means that the words of the command line are off; what is wrong has
// been said already.
var errUsage = errors.New("usage")

// run is the program: it returns the exit code. 0 is success, 1 an error, 2 a
// wrong command line.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		usage(stderr)
		if len(args) == 0 {
			return 2
		}
		return 0
	}
	for _, v := range verbs() {
		if v.name != args[0] {
			continue
		}
		err := v.run(ctx, args[1:], stdout, stderr)
		switch {
		case err == nil, errors.Is(err, flag.ErrHelp):
			return 0
		case errors.Is(err, errUsage):
			return 2
		}
		fmt.Fprintf(stderr, "broadcastbot %s: %v\n", v.name, err)
		return 1
	}
	fmt.Fprintf(stderr, "broadcastbot: there is no command %q\n\n", args[0])
	usage(stderr)
	return 2
}

func usage(w io.Writer) {
	fmt.Fprint(w, `A radio station for Matrix rooms, end-to-end encrypted.

	broadcastbot config > config.yaml    # then fill in the account
	broadcastbot run -config config.yaml
	broadcastbot listen -link -          # then paste the link

Commands (-h after one tells more):

`)
	for _, v := range verbs() {
		fmt.Fprintf(w, "	%-14s %s\n", v.name, v.summary)
	}
}

// newFlags makes the flags of a command. arguments names what stands beside
// them, for the usage text.
func newFlags(name, arguments string, stderr io.Writer) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintf(stderr, "usage: broadcastbot %s %s\n", name, arguments)
		flags.PrintDefaults()
	}
	return flags
}

// parse reads flags wherever they stand and returns the other words, of which
// there have to be at least least and at most most.
func parse(flags *flag.FlagSet, args []string, least, most int) ([]string, error) {
	var words []string
	for {
		if err := flags.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, errUsage
		}
		if args = flags.Args(); len(args) == 0 {
			break
		}
		words, args = append(words, args[0]), args[1:]
	}
	if len(words) < least || len(words) > most {
		flags.Usage()
		return nil, errUsage
	}
	return words, nil
}
