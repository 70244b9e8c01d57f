//go:build unix

// Package dendrite runs a real Matrix homeserver for tests and demonstrations.
//
// Dendrite is licensed under the AGPL. It is built from the module proxy into
// the user's cache and runs as a process of its own; nothing of it is linked.
package dendrite

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/synapseadmin"
)

const (
	serverName   = "localhost"
	secret       = "only-on-loopback" // lets Register make accounts
	startTimeout = 30 * time.Second
	stopTimeout  = 10 * time.Second
)

// Options say where a homeserver keeps its data and how it differs from the
// usual one.
type Options struct {
	Dir       string    // for config, database, media; reused when it holds a server's data
	Port      int       // on 127.0.0.1; 0 picks a free one
	MaxUpload int64     // bytes of one media upload; 0 is 1 GiB
	Log       io.Writer // what Dendrite prints; nil discards
}

// Server is a running homeserver without federation and with plain HTTP on
// the loopback interface.
type Server struct {
	url     string
	process *Process
}

// Start builds Dendrite when needed, starts it and returns when it answers. The
// error is ErrBuild on a machine that cannot build it. The context bounds the
// start only; the server runs until Stop, or until this process dies.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = io.Discard
	}
	if o.MaxUpload == 0 {
		o.MaxUpload = 1 << 30
	}
	bin, err := Build(ctx, o.Log)
	if err != nil {
		return nil, err
	}
	if err := prepare(ctx, bin, o); err != nil {
		return nil, fmt.Errorf("prepare Dendrite in %s: %w", o.Dir, err)
	}
	address, err := pickAddress(o.Port)
	if err != nil {
		return nil, fmt.Errorf("pick a port for Dendrite: %w", err)
	}
	// The second address is never listened on, for lack of a certificate.
	cmd := exec.Command(filepath.Join(bin, "dendrite"), "--config", "dendrite.yaml",
		"--http-bind-address", address, "--https-bind-address", "127.0.0.1:0")
	cmd.Dir, cmd.Stdout, cmd.Stderr = o.Dir, o.Log, o.Log
	p, err := StartProcess(cmd)
	if err != nil {
		return nil, fmt.Errorf("start Dendrite: %w", err)
	}
	s := &Server{url: "http://" + address, process: p}
	if err := s.waitUntilReady(ctx); err != nil {
		s.Stop()
		return nil, fmt.Errorf("wait for Dendrite: %w", err)
	}
	return s, nil
}

// prepare writes what Dendrite reads when it starts.
func prepare(ctx context.Context, bin string, o Options) error {
	if err := writeConfig(filepath.Join(o.Dir, "dendrite.yaml"), o.MaxUpload); err != nil {
		return err
	}
	key := filepath.Join(o.Dir, "matrix_key.pem")
	if _, err := os.Stat(key); err == nil {
		return nil
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "generate-keys"), "--private-key", key)
	cmd.Stdout, cmd.Stderr = o.Log, o.Log
	return cmd.Run()
}

// pickAddress finds a free loopback port. Somebody else may take it before
// Dendrite does; the kernel's order of handing them out makes that rare.
func pickAddress(port int) (string, error) {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// waitUntilReady asks until the server answers, dies or takes too long.
func (s *Server) waitUntilReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for !s.answers(ctx) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.process.ended:
			return fmt.Errorf("it ended: %w", s.process.err)
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

func (s *Server) answers(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/_matrix/client/versions", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// Stop asks the server to end and waits for it, at most ten seconds before it
// is killed. Stopping a stopped server does nothing.
func (s *Server) Stop() { s.process.Stop(stopTimeout) }

// URL is the base of the client-server API, without a slash at its end.
func (s *Server) URL() string { return s.url }

// ServerName is the part of every user's id after the colon.
func (s *Server) ServerName() string { return serverName }

// Register makes the account @user:ServerName().
func (s *Server) Register(ctx context.Context, user, password string) error {
	client, err := mautrix.NewClient(s.url, "", "")
	if err != nil {
		return err
	}
	admin := &synapseadmin.Client{Client: client}
	_, err = admin.SharedSecretRegister(ctx, secret, synapseadmin.ReqSharedSecretRegister{
		Username: user, Password: password, InhibitLogin: true,
	})
	if err != nil {
		return fmt.Errorf("register %s: %w", user, err)
	}
	return nil
}
