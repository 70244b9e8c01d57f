// Package pull fetches streams of other stations, over HTTP, as sources: of an Icecast server in any
// codec, HLS, and sound files.
//
// It connects only to hosts that the config names, and never to an address that is not public unless
// the config names that very address: see Hosts. What comes is decoded by capture, which has no line to
// the network.
package pull

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"broadcastbot/capture"
)

// maxAddress is how many bytes an address may have.
const maxAddress = 2000

// Options say what may be pulled.
type Options struct {
	Hosts Hosts
	Grace time.Duration // how long a stream may be away before its show ends
}

// Puller opens streams.
type Puller struct {
	options Options
	limits  limits
	client  *http.Client
}

// New starts nothing.
func New(o Options) *Puller { return newPuller(o, usualLimits) }

func newPuller(o Options, l limits) *Puller {
	return &Puller{options: o, limits: l, client: newClient(o.Hosts, l)}
}

// Kinds returns the rows for the table of kinds.
func (p *Puller) Kinds() capture.Kinds {
	off := ""
	if len(p.options.Hosts) == 0 {
		off = "this station plays no streams of others, because its config lists no hosts for them (pull_hosts)"
	}
	kind := func(scheme, help string) capture.Kind {
		return capture.Kind{
			Name: scheme, Live: true, Examples: []string{scheme + "://HOST/STREAM"}, Help: help, Off: off,
			Open: func(ctx context.Context, name string, o capture.Options) (capture.Source, error) {
				return p.open(ctx, scheme+":"+name, o)
			},
			Grant: func(_ context.Context, _ capture.Asker, name string) (string, error) {
				_, err := p.parse(scheme + ":" + name)
				return name, err
			},
		}
	}
	return capture.Kinds{
		kind("https", "a stream of another station, from a host that the config lists"),
		kind("http", "the same without encryption on its way"),
	}
}

// Check returns a sentence if an address cannot be pulled.
func (p *Puller) Check(address string) error {
	_, err := p.parse(address)
	return err
}

// parse does not repeat an address in its errors: there may be a password in it.
func (p *Puller) parse(address string) (*url.URL, error) {
	if len(address) > maxAddress {
		return nil, fmt.Errorf("an address of more than %d bytes cannot be pulled", maxAddress)
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("that is no valid address: use one such as https://radio.example.org/stream")
	}
	u.Fragment, u.RawFragment = "", ""
	return u, p.options.Hosts.allow(u)
}

func (p *Puller) open(ctx context.Context, address string, o capture.Options) (capture.Source, error) {
	u, err := p.parse(address)
	if err != nil {
		return nil, err
	}
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &stream{puller: p, address: u, resumed: o.Resumed, log: log.With("host", u.Host)}
	return capture.OpenStream(ctx, capture.Stream{Name: u.Host, Connect: s.connect, Grace: p.options.Grace}, o)
}
