package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"broadcastbot"
	"broadcastbot/internal/command"
	"broadcastbot/internal/matrix"
	"broadcastbot/internal/opus"
	"broadcastbot/internal/pull"
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

	Inviters     []string          `yaml:"inviters"`
	Speakers     []string          `yaml:"speakers"`
	SpeakerPower int               `yaml:"speaker_power"`
	Trust        matrix.Trust      `yaml:"trust"`
	Identities   matrix.Identities `yaml:"identities"`
	MediaDir     string            `yaml:"media_dir"`
	Devices      []string          `yaml:"devices"`
	PullHosts    pull.Hosts        `yaml:"pull_hosts"`

	Rooms map[string]roomConfig `yaml:"rooms"`

	Source       string        `yaml:"source"`
	Audio        audioConfig   `yaml:"audio"`
	LineGrace    time.Duration `yaml:"line_grace"`
	ResumeWithin time.Duration `yaml:"resume_within"`

	Gateway gatewayConfig `yaml:"gateway"`
	Icecast icecastConfig `yaml:"icecast"`

	DataDir string    `yaml:"data_dir"`
	KeyFile string    `yaml:"key_file"`
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

type icecastConfig struct {
	Listen    string `yaml:"listen"`
	PublicURL string `yaml:"public_url"`
	Auto      bool   `yaml:"auto"`
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

// parseConfig reads the command line of a verb that has no flag but -config, and the config that it
// names. about says what the verb does with it.
func parseConfig(verb, about string, args []string, stderr io.Writer) (*config, error) {
	flags := newFlags(verb, "-config FILE", stderr)
	path := flags.String("config", "", about)
	if _, err := parse(flags, args, 0, 0); err != nil {
		return nil, err
	}
	return loadConfig(*path)
}

// parseServerConfig is parseConfig for a verb that serves. It checks the config and makes the logger.
func parseServerConfig(
	verb, about string, check func(*config) error, args []string, stderr io.Writer,
) (*config, *slog.Logger, error) {
	c, err := parseConfig(verb, about, args, stderr)
	if err != nil {
		return nil, nil, err
	}
	if err := check(c); err != nil {
		return nil, nil, fmt.Errorf("the config is not complete:\n%w", err)
	}
	log, err := newLogger(stderr, c.Log)
	return c, log, err
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

// rights say who may go on air.
func (c *config) rights() command.Rights {
	return command.Rights{Speakers: c.Speakers, Power: c.SpeakerPower}
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
const plainWarning = "shows are not encrypted: everybody with the address and every server on the way can hear them, and the homeserver can start them"

func (a audioConfig) encoder() opus.EncoderOptions {
	return opus.EncoderOptions{
		Channels: a.Channels, Bitrate: a.Bitrate, Application: a.Application,
		Complexity: a.Complexity, VBR: a.VBR,
	}
}
