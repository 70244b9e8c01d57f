package main

import (
	"context"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"

	"broadcastbot/capture"
	"broadcastbot/internal/ingest/icecast"
	"broadcastbot/internal/ingest/studioline"
	"broadcastbot/internal/pull"
	"broadcastbot/internal/studio"
	"broadcastbot/store"
)

// kindNames are the kinds of sources, as far as their names count.
func kindNames() capture.Kinds {
	return append(capture.BuiltIn(capture.Limits{}), studioline.Kind, icecast.Kind, voiceKind)
}

// chooseSource decides what goes on air when a start names no source, if the config leaves it open: the
// microphone of this machine, or else that of the speaker, on the studio page. Where the gateway is
// elsewhere, links to that page lead there, so it is chosen only by an admin, who sees to it that they
// arrive. The sound system is asked only if that matters: it may take its time.
func (c *config) chooseSource(hasMicrophone func() bool, log *slog.Logger) {
	if c.Source != "" {
		return
	}
	switch c.Source = "device:default"; {
	case hasMicrophone():
	case c.hasStudio():
		c.Source = studioline.Kind.Name
	default:
		log.Warn("the config names no source, and this machine has no microphone: !live start alone puts nothing on air. " +
			"Name a source in the config; studio needs /studio/ passed on by the web server of the gateway")
	}
	log.Info("the config names no source", "source", c.Source)
}

// hasStudio reports whether there is a studio page. The port of a station whose gateway is elsewhere is
// opened only if the config asks for that.
func (c *config) hasStudio() bool {
	return c.Gateway.Remote == "" || c.Source == studioline.Kind.Name
}

// studioWarning is what an admin should know of a public address without TLS.
const studioWarning = "gateway.public_url does not begin with https://, so browsers let nobody speak on the studio page, unless they run on this machine"

// hasDeafStudio reports whether browsers open no microphone for the studio page.
func (c *config) hasDeafStudio() bool {
	public, err := url.Parse(c.Gateway.PublicURL)
	return err == nil && public.Scheme == "http" && c.hasStudio() && !c.Gateway.isLocal()
}

// isLoopback reports whether only this machine reaches a host.
func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// Why a station has no sources of a kind.
const (
	noStudio   = "this station has no studio page, because its gateway is elsewhere; its admin can change that with source: studio in the config"
	noPrograms = "this station takes nothing from programs; its admin can open a port for them with icecast.listen in the config"
)

// openStudio makes the studio and mounts its page and its line.
func (s *station) openStudio(c *config, log *slog.Logger) {
	s.studio = studioline.New(studioline.Options{
		PublicURL: c.Gateway.PublicURL, Encoder: c.Audio.encoder(), Grace: c.LineGrace,
		Passes: s.store.Passes(), Stage: s, Direct: s.bot.Direct, Member: s.bot.Member, RoomName: s.bot.RoomName, Listeners: s.listeners,
		Log: log,
	})
	if c.hasStudio() {
		s.front.mount("/studio/", studio.Handler(), nil)
		s.front.mount("/studio/line", s.studio, s.studio.Close)
	}
}

// kinds is the table of sources that this station can open.
func (s *station) kinds(c *config) capture.Kinds {
	kinds := capture.BuiltIn(capture.Limits{MediaDir: c.MediaDir, Devices: c.Devices, Own: c.Source})
	studio := s.studio.Kind()
	if !c.hasStudio() {
		studio.Off = noStudio
	}
	kinds = append(kinds, studio, s.programs.kind(), voicesKind(s.bot.Voices(), s.bot.Direct))
	return append(kinds, newPuller(c).Kinds()...)
}

// newPuller returns what fetches streams of other stations.
func newPuller(c *config) *pull.Puller {
	return pull.New(pull.Options{Hosts: c.PullHosts, Grace: c.LineGrace})
}

// checkSource looks at the station's own source, if the config names one.
func (c *config) checkSource() error {
	switch {
	case c.Source == "":
		return nil
	case strings.HasPrefix(c.Source, "https://"), strings.HasPrefix(c.Source, "http://"):
		return newPuller(c).Check(c.Source)
	}
	return kindNames().Check(c.Source)
}

// StartFor starts a show for somebody who does not say so in the room. Studio and program port get
// the station itself as their Stage, because they are made before the commands are.
func (s *station) StartFor(ctx context.Context, by capture.Asker, source, title string) (store.Show, error) {
	return s.commands.StartFor(ctx, by, source, title)
}

// listeners returns how many listen to a show now. Of a gateway that is elsewhere that is not known.
func (s *station) listeners(show string) (count int, known bool) {
	if s.gateway == nil {
		return 0, false
	}
	return s.gateway.Listeners(show), true
}
