package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"broadcastbot/internal/dendrite"
)

// station is the program that a user runs, as a process of its own.
type station struct {
	program   string
	publicURL string
	logPath   string
	process   *exec.Cmd
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
`

// startStation builds the program, writes its config and waits until its
// gateway answers.
func startStation(ctx context.Context, server *dendrite.Server, dir, source string) (*station, error) {
	s := &station{program: filepath.Join(dir, "broadcastbot"), logPath: filepath.Join(dir, "station.log")}
	build := exec.CommandContext(ctx, "go", "build", "-o", s.program, "./cmd/broadcastbot")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, fmt.Errorf("build broadcastbot: %w", err)
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	s.publicURL = "http://" + address
	config := filepath.Join(dir, "config.yaml")
	text := fmt.Sprintf(stationConfig, server.URL(), server.ServerName(), dir, source, filepath.Join(dir, "data"), address)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	log, err := os.Create(s.logPath)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	s.process = exec.Command(s.program, "run", "-config", config)
	s.process.Stdout, s.process.Stderr = log, log
	s.process.Env = append(os.Environ(), "BROADCASTBOT_PASSWORD="+password)
	s.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us to pass on
	if err := s.process.Start(); err != nil {
		return nil, fmt.Errorf("start the station: %w", err)
	}
	if err := s.awaitHealth(ctx); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// awaitHealth asks until the gateway answers.
func (s *station) awaitHealth(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		response, err := http.Get(s.publicURL + "/healthz")
		if err == nil {
			response.Body.Close()
			return nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("the station does not answer, see %s", s.logPath)
		}
	}
}

// listen starts the program as a listener, whose output is ours.
func (s *station) listen(link string) (*exec.Cmd, error) {
	cmd := exec.Command(s.program, "listen", "-silent", link)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd, cmd.Start()
}

// stop ends the station in order, as Ctrl-C does.
func (s *station) stop() {
	s.process.Process.Signal(os.Interrupt)
	kill := time.AfterFunc(time.Minute, func() { s.process.Process.Kill() })
	defer kill.Stop()
	s.process.Wait()
}
