//go:build unix

package stage

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"broadcastbot/internal/dendrite"
)

// Station is broadcastbot run as a user runs it.
type Station struct {
	Program   string
	Config    string // path of its config file
	PublicURL string
	LogPath   string
	Stdin     io.Reader // of the program; nil: nothing
	process   *dendrite.Process
}

const stationConfig = `
homeserver: %s
user: "@radio:%s"
inviters: ["@alice:%[2]s"]
speakers: ["@alice:%[2]s"]
media_dir: %q
source: %q
data_dir: %q
gateway: {listen: %q, public_url: "http://%[6]s"}
icecast: {listen: %q, auto: true}
`

// NewStation writes a config for the program. Sources that commands name are
// below dir; source is what goes on air without one.
func NewStation(server *dendrite.Server, program, dir, source string) (*Station, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	programs, err := freeAddress()
	if err != nil {
		return nil, err
	}
	s := &Station{
		Program: program, Config: filepath.Join(dir, "config.yaml"),
		PublicURL: "http://" + address, LogPath: filepath.Join(dir, "station.log"),
	}
	text := fmt.Sprintf(stationConfig, server.URL(), server.ServerName(), dir, source, filepath.Join(dir, "data"), address, programs)
	return s, os.WriteFile(s.Config, []byte(text), 0o600)
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// Start starts the program and waits until its gateway answers.
func (s *Station) Start(ctx context.Context) error {
	log, err := os.OpenFile(s.LogPath, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	run := exec.Command(s.Program, "run", "-config", s.Config)
	run.Stdin, run.Stdout, run.Stderr = s.Stdin, log, log
	run.Env = append(os.Environ(), "BROADCASTBOT_PASSWORD="+Password)
	if s.process, err = dendrite.StartProcess(run); err != nil {
		return fmt.Errorf("start the station: %w", err)
	}
	if err := s.awaitHealth(ctx); err != nil {
		s.Stop()
		return err
	}
	return nil
}

// command is a process that dies with us. It does not get the terminal's Ctrl-C,
// because what that means for it is our decision. The thread that starts it has
// to live as long as it does; threads of Go do, as long as nobody locks them.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	dendrite.DieWithParent(cmd)
	return cmd
}

// awaitHealth asks until the gateway answers.
func (s *Station) awaitHealth(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		response, err := http.Get(s.PublicURL + "/healthz")
		if err == nil {
			response.Body.Close()
			return nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("the station does not answer, see %s", s.LogPath)
		}
	}
}

// Listen returns the program as a listener.
func (s *Station) Listen(ctx context.Context, args ...string) *exec.Cmd {
	return command(ctx, s.Program, append([]string{"listen"}, args...)...)
}

// Stop ends the station in order, as Ctrl-C does.
func (s *Station) Stop() { s.process.Stop(time.Minute) }

// Kill ends the station as a power cut does.
func (s *Station) Kill() { s.process.Kill() }
