package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"broadcastbot"
	"broadcastbot/capture"
	"broadcastbot/internal/command"
	"broadcastbot/internal/opus"
	"broadcastbot/internal/player"
)

// config is config.yaml, which documents the keys. It has a field for each key of the file's
// top level.
type config struct {
	Homeserver  string `yaml:"homeserver"`
	User        string `yaml:"user"`
	Password    string `yaml:"password"`
	AccessToken string `yaml:"access_token"`
	RecoveryKey string `yaml:"recovery_key"`
	DeviceName  string `yaml:"device_name"`

	Inviters     []string `yaml:"inviters"`
	Speakers     []string `yaml:"speakers"`
	SpeakerPower int      `yaml:"speaker_power"`
	MediaDir     string   `yaml:"media_dir"`
	Devices      []string `yaml:"devices"`

	Rooms map[string]roomConfig `yaml:"rooms"`

	Source       string        `yaml:"source"`
	Audio        audioConfig   `yaml:"audio"`
	ResumeWithin time.Duration `yaml:"resume_within"`

	Gateway gatewayConfig `yaml:"gateway"`

	DataDir string    `yaml:"data_dir"`
	Log     logConfig `yaml:"log"`
}

// roomConfig is what is different in one room.
type roomConfig struct {
	Encryption onOff `yaml:"encryption"`
}

// onOff is a switch that is on unless it says off.
type onOff struct{ off bool }

// UnmarshalYAML reads the word as it is written. Left to itself, YAML takes some
// of them for booleans, and which ones depends on its version.
func (s *onOff) UnmarshalYAML(node *yaml.Node) error {
	switch strings.ToLower(node.Value) {
	case "on", "true", "yes":
		s.off = false
	case "off", "false", "no":
		s.off = true
	default:
		return fmt.Errorf("line %d: has to be on or off, not %q", node.Line, node.Value)
	}
	return nil
}

type audioConfig struct {
	Channels    int              `yaml:"channels"`
	Bitrate     int              `yaml:"bitrate"`
	Application opus.Application `yaml:"application"`
	Complexity  int              `yaml:"complexity"`
	VBR         bool             `yaml:"vbr"`
	Block       time.Duration    `yaml:"block"`
}

type gatewayConfig struct {
	Listen      string   `yaml:"listen"`
	PublicURL   string   `yaml:"public_url"`
	MaxSize     int64    `yaml:"max_size"`
	Embedders   []string `yaml:"embedders"`
	Remote      string   `yaml:"remote"`
	UploadToken string   `yaml:"upload_token"`
}

type logConfig struct {
	Level  string `yaml:"level"`
	Format string `yaml:"format"`
}

// secrets are the keys that the environment may give in the file's place.
func (c *config) secrets() map[string]*string {
	return map[string]*string{
		"BROADCASTBOT_PASSWORD":     &c.Password,
		"BROADCASTBOT_ACCESS_TOKEN": &c.AccessToken,
		"BROADCASTBOT_RECOVERY_KEY": &c.RecoveryKey,
		"BROADCASTBOT_UPLOAD_TOKEN": &c.Gateway.UploadToken,
	}
}

// loadConfig reads a file onto the defaults; an empty path means defaults and
// environment alone.
func loadConfig(path string) (*config, error) {
	c := new(config)
	if err := decode(broadcastbot.Config, c); err != nil {
		panic("the embedded config.yaml: " + err.Error())
	}
	if path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read config: %w", err)
		}
		if err := decode(text, c); err != nil {
			return nil, fmt.Errorf("read config %s: %w", path, err)
		}
	}
	if os.Getenv("BROADCASTBOT_PASSWORD") != "" {
		c.AccessToken = "" // one takes the other's place
	} else if os.Getenv("BROADCASTBOT_ACCESS_TOKEN") != "" {
		c.Password = ""
	}
	for name, secret := range c.secrets() {
		if value := os.Getenv(name); value != "" {
			*secret = value
		}
	}
	c.Gateway.PublicURL = strings.TrimSuffix(c.Gateway.PublicURL, "/")
	c.Gateway.Remote = strings.TrimSuffix(c.Gateway.Remote, "/")
	return c, nil
}

// unknownField is how the YAML library words it.
var unknownField = regexp.MustCompile(`field (\S+) not found in type \S+`)

// decode reads YAML onto c and refuses keys that are not there.
func decode(text []byte, c *config) error {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	err := decoder.Decode(c)
	if err == nil || errors.Is(err, io.EOF) { // a file of comments is fine
		return nil
	}
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	message = strings.TrimPrefix(message, "unmarshal errors:\n")
	return errors.New(strings.TrimSpace(unknownField.ReplaceAllString(message, `unknown key "$1"`)))
}

// check finds what is wrong with a config for the bot, all of it at once, each
// with the name of its key.
func (c *config) check() error {
	var wrong problems
	wrong.url("homeserver", c.Homeserver)
	if !strings.HasPrefix(c.User, "@") || !strings.Contains(c.User, ":") {
		wrong.add("user", "has to be a Matrix id such as @radio:example.org, not %q", c.User)
	}
	if (c.Password == "") == (c.AccessToken == "") {
		wrong.add("password", "either this or access_token is needed (or BROADCASTBOT_PASSWORD in the environment), and not both")
	}
	if len(c.Inviters) == 0 {
		wrong.add("inviters", "is empty: nobody could invite the bot. Name users, \"*:example.org\" or \"*\"")
	}
	wrong.users("inviters", c.Inviters)
	wrong.users("speakers", c.Speakers)
	if c.SpeakerPower < 1 {
		wrong.add("speaker_power", "has to be at least 1: everybody in a room has 0")
	}
	if err := c.sources().Check(c.Source); err != nil {
		wrong.add("source", "%v", err)
	}
	wrong.merge(c.Audio.check())
	if c.Gateway.Remote != "" {
		wrong.url("gateway.remote", c.Gateway.Remote)
		if c.Gateway.UploadToken == "" {
			wrong.add("gateway.upload_token", "is needed for a remote gateway")
		}
	}
	if c.MediaDir != "" {
		if info, err := os.Stat(c.MediaDir); err != nil || !info.IsDir() {
			wrong.add("media_dir", "%q is not a folder", c.MediaDir)
		}
	}
	for _, room := range slices.Sorted(maps.Keys(c.Rooms)) {
		if !strings.HasPrefix(room, "!") {
			wrong.add("rooms", "%q is not the id of a room, which begins with ! (an alias with # can come to mean another room)", room)
		}
	}
	if c.ResumeWithin < 0 {
		wrong.add("resume_within", "cannot be negative")
	}
	wrong.merge(c.checkCommon())
	return wrong.err()
}

// plainRooms are those whose shows are not encrypted.
func (c *config) plainRooms() (rooms []string) {
	for _, room := range slices.Sorted(maps.Keys(c.Rooms)) {
		if c.Rooms[room].Encryption.off {
			rooms = append(rooms, room)
		}
	}
	return rooms
}

// plainWarning is what an admin should know of such a room.
const plainWarning = "shows are not encrypted: everybody with the address and every server on the way can hear them"

// sources is the table of what the station can put on air.
func (c *config) sources() capture.Kinds {
	return capture.BuiltIn(capture.Limits{MediaDir: c.MediaDir, Devices: c.Devices, Own: c.Source})
}

// checkGateway does the same for a gateway alone.
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

func (a audioConfig) encoder() opus.EncoderOptions {
	return opus.EncoderOptions{
		Channels: a.Channels, Bitrate: a.Bitrate, Application: a.Application,
		Complexity: a.Complexity, VBR: a.VBR,
	}
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

// The places of things inside the data folder.
func (c *config) database() string   { return filepath.Join(c.DataDir, "broadcastbot.db") }
func (c *config) spools() string     { return filepath.Join(c.DataDir, "spool") }
func (c *config) recordings() string { return filepath.Join(c.DataDir, "recordings") }
