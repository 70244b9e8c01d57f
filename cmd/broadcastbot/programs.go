package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/url"

	"broadcastbot/capture"
	"broadcastbot/internal/command"
	"broadcastbot/internal/ingest/icecast"
)

// programPort is where the broadcasting programs of speakers push to. The zero value is for a station
// that takes none.
type programPort struct {
	server   *icecast.Server
	listener net.Listener
}

// openPrograms opens the port. Programs that can push through a web server may come over the front,
// too, if there is one.
func (s *station) openPrograms(c *config, log *slog.Logger) (err error) {
	if c.Icecast.Listen == "" {
		return nil
	}
	if s.programs.listener, err = net.Listen("tcp", c.Icecast.Listen); err != nil {
		return fmt.Errorf("icecast.listen: %w", err)
	}
	s.programs.server = icecast.New(icecast.Options{
		Mounts: s.store.Mounts(), Stage: s, Direct: s.bot.Direct, Listeners: s.programListeners,
		Auto: c.Icecast.Auto, Grace: c.LineGrace, Log: log,
	})
	s.front.closeWith(s.programs.close)
	if s.front.mounted {
		s.front.mount(icecast.Prefix+"/", s.programs.server.Handler(), nil)
	}
	log.Info("listening for broadcasting programs", "address", s.programs.listener.Addr().String())
	return nil
}

// run serves programs until ctx ends.
func (p *programPort) run(ctx context.Context) error {
	if p.server == nil {
		return nil
	}
	return p.server.Serve(ctx, p.listener)
}

// close ends what run serves, also where it was never called.
func (p *programPort) close() error {
	p.listener.Close()
	return p.server.Close()
}

// kind is the kind of what programs send.
func (p *programPort) kind() capture.Kind {
	if p.server == nil {
		kind := icecast.Kind
		kind.Off = noPrograms
		return kind
	}
	return p.server.Kind()
}

// programCommands is what speakers can say about their programs.
func (s *station) programCommands(c *config) command.Programs {
	if s.programs.server == nil {
		return command.Programs{}
	}
	return command.Programs{
		Mounts: s.store.Mounts(), Address: c.Icecast.address(c.Gateway.PublicURL, s.programs.listener.Addr()),
		Kind: icecast.KindName, CutOff: s.programs.server.CutOff,
	}
}

// address is where speakers' programs reach a port of this station.
func (i icecastConfig) address(gateway string, port net.Addr) string {
	if i.PublicURL != "" {
		return i.PublicURL
	}
	u := url.URL{Scheme: "http", Path: "/"}
	if public, err := url.Parse(gateway); err == nil { // the config was checked
		u.Host = net.JoinHostPort(public.Hostname(), fmt.Sprint(port.(*net.TCPAddr).Port))
	}
	return u.String()
}

// programListeners returns how many listen to what a program has on air in a room.
func (s *station) programListeners(room, source string) (count int, known bool) {
	running, live := s.manager.Status(room)
	if !live || running.Show.Source != source {
		return 0, true
	}
	return s.listeners(running.Show.ID)
}
