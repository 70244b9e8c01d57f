package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"broadcastbot/internal/command"
	"broadcastbot/internal/opus"
	"broadcastbot/internal/player"
)

// check finds what is wrong with a config for the bot, all of it at once, each with the name
// of its key.
func (c *config) check() error {
	var wrong problems
	wrong.merge(c.checkAccount())
	wrong.merge(c.checkRights())
	if err := c.checkSource(); err != nil {
		wrong.add("source", "%v", err)
	}
	wrong.merge(c.Audio.check())
	if c.LineGrace <= 0 {
		wrong.add("line_grace", "has to be longer than nothing, such as 2m")
	}
	if c.ResumeWithin < 0 {
		wrong.add("resume_within", "cannot be negative")
	}
	if c.Gateway.Remote != "" {
		wrong.url("gateway.remote", c.Gateway.Remote)
		if c.Gateway.UploadToken == "" {
			wrong.add("gateway.upload_token", "is needed for a remote gateway")
		}
	}
	wrong.merge(c.Icecast.check(c.Gateway))
	wrong.merge(c.checkCommon())
	return wrong.err()
}

func (c *config) checkAccount() (wrong problems) {
	wrong.url("homeserver", c.Homeserver)
	if !strings.HasPrefix(c.User, "@") || !strings.Contains(c.User, ":") {
		wrong.add("user", "has to be a Matrix id such as @radio:example.org, not %q", c.User)
	}
	if (c.Password == "") == (c.AccessToken == "") {
		wrong.add("password", "either this or access_token is needed (or BROADCASTBOT_PASSWORD in the environment), and not both")
	}
	return wrong
}

func (c *config) checkRights() (wrong problems) {
	if len(c.Inviters) == 0 {
		wrong.add("inviters", "is empty: nobody could invite the bot. Name users, \"*:example.org\" or \"*\"")
	}
	wrong.users("inviters", c.Inviters)
	wrong.users("speakers", c.Speakers)
	if len(c.Speakers) == 0 && c.SpeakerPower > 100 {
		wrong.add("speakers", "is empty, and speaker_power leaves it to them: nobody could go on air. Name them by their ids")
	}
	if c.SpeakerPower < 1 {
		wrong.add("speaker_power", "has to be at least 1: everybody in a room has 0")
	}
	if err := c.Identities.Check(); err != nil {
		wrong.add("identities", "%v", err)
	}
	if c.MediaDir != "" {
		if info, err := os.Stat(c.MediaDir); err != nil || !info.IsDir() {
			wrong.add("media_dir", "%q is not a folder", c.MediaDir)
		}
	}
	if err := c.PullHosts.Check(); err != nil {
		wrong.add("pull_hosts", "%v", err)
	}
	for _, room := range slices.Sorted(maps.Keys(c.Rooms)) {
		if !strings.HasPrefix(room, "!") {
			wrong.add("rooms", "%q is not the id of a room, which begins with ! (an alias with # can come to mean another room)", room)
		}
	}
	return wrong
}

// checkGateway is check for a gateway alone.
func (c *config) checkGateway() error {
	var wrong problems
	if c.Gateway.UploadToken == "" {
		wrong.add("gateway.upload_token", "is needed for a gateway that stands alone (or BROADCASTBOT_UPLOAD_TOKEN in the environment): the bots that upload present it")
	}
	wrong.merge(c.checkCommon())
	return wrong.err()
}

func (c *config) checkCommon() (wrong problems) {
	wrong.url("gateway.public_url", c.Gateway.PublicURL)
	if err := player.CheckEmbedders(c.Gateway.Embedders); err != nil {
		wrong.add("gateway.embedders", "%v", err)
	}
	if c.Gateway.MaxSize < 0 {
		wrong.add("gateway.max_size", "cannot be negative")
	}
	if c.DataDir == "" {
		wrong.add("data_dir", "is needed")
	}
	if _, err := newLogger(io.Discard, c.Log); err != nil {
		wrong.add("log", "%v", err)
	}
	return wrong
}

func (a audioConfig) check() (wrong problems) {
	if a.Block < 20*time.Millisecond || a.Block > time.Second || a.Block%(20*time.Millisecond) != 0 {
		wrong.add("audio.block", "has to be a multiple of 20ms up to 1s, not %v", a.Block)
	}
	if _, err := opus.NewEncoder(a.encoder()); err != nil {
		wrong.add("audio", "%v", err)
	}
	return wrong
}

func (i icecastConfig) check(g gatewayConfig) (wrong problems) {
	if i.PublicURL != "" {
		wrong.url("icecast.public_url", i.PublicURL)
	}
	host, _, err := net.SplitHostPort(i.Listen)
	switch {
	case i.Listen == "":
	case err != nil:
		wrong.add("icecast.listen", "has to be like 0.0.0.0:8010, not %q", i.Listen)
	case i.PublicURL == "" && g.Remote != "":
		wrong.add("icecast.public_url", "is needed for a remote gateway: speakers' programs connect to this machine, not to that one")
	case i.PublicURL == "" && isLoopback(host) && !g.isLocal():
		wrong.add("icecast.public_url", "is needed, because icecast.listen is %s, which only this machine reaches: the address of the proxy before it", i.Listen)
	}
	if i.Listen == "" && (i.PublicURL != "" || i.Auto) {
		wrong.add("icecast.listen", "is empty: no program can connect, whatever the other keys of icecast say")
	}
	return wrong
}

// isLocal reports whether only this machine reaches the public address.
func (g gatewayConfig) isLocal() bool {
	public, err := url.Parse(g.PublicURL)
	return err == nil && isLoopback(public.Hostname())
}

// problems is a list of complaints about keys.
type problems []error

func (p *problems) add(key, format string, args ...any) {
	*p = append(*p, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
}

func (p *problems) merge(others problems) { *p = append(*p, others...) }

func (p *problems) url(key, value string) {
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		p.add(key, "has to be an address such as https://matrix.example.org, not %q", value)
	}
}

func (p *problems) users(key string, patterns command.Users) {
	if err := patterns.Check(); err != nil {
		p.add(key, "%v", err)
	}
}

func (p problems) err() error { return errors.Join(p...) }
