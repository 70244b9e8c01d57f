package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"broadcastbot/internal/gateway"
)

// runGateway runs the gateway alone, for bots elsewhere.
func runGateway(ctx context.Context, args []string, _, stderr io.Writer) error {
	flags := newFlags("gateway", "-config FILE", stderr)
	path := flags.String("config", "", "config `file`; only gateway, data_dir and log are used")
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	c, err := loadConfig(*path)
	if err != nil {
		return err
	}
	if err := c.checkGateway(); err != nil {
		return fmt.Errorf("the config is not complete:\n%w", err)
	}
	log, err := newLogger(stderr, c.Log)
	if err != nil {
		return err
	}
	server, err := newGatewayServer(c, c.Gateway.UploadToken, log)
	if err != nil {
		return err
	}
	return server.serve(ctx)
}

// gatewayServer is a gateway with the port it listens on.
type gatewayServer struct {
	gateway  *gateway.Gateway
	listener net.Listener
	log      *slog.Logger
}

// newGatewayServer opens the recordings and the port.
func newGatewayServer(c *config, token string, log *slog.Logger) (*gatewayServer, error) {
	g, err := gateway.New(gateway.Options{
		Dir: c.recordings(), Token: token, PublicURL: c.Gateway.PublicURL,
		MaxSize: c.Gateway.MaxSize, Embedders: c.Gateway.Embedders, Log: log,
	})
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", c.Gateway.Listen)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("gateway.listen: %w", err), g.Close())
	}
	return &gatewayServer{gateway: g, listener: listener, log: log}, nil
}

// localURL is where this machine reaches the gateway.
func (s *gatewayServer) localURL() string {
	address := s.listener.Addr().(*net.TCPAddr)
	if address.IP.IsUnspecified() {
		return fmt.Sprintf("http://127.0.0.1:%d", address.Port)
	}
	return "http://" + address.String()
}

// shutdownTimeout is how long running requests may take to end.
const shutdownTimeout = 5 * time.Second

// serve answers requests until ctx ends.
func (s *gatewayServer) serve(ctx context.Context) error {
	server := &http.Server{
		Handler:           s.gateway.Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		ending, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
		defer cancel()
		stopped <- errors.Join(s.gateway.Close(), server.Shutdown(ending))
	})
	s.log.Info("gateway listens", "address", s.listener.Addr().String())
	err := server.Serve(s.listener)
	if stop() { // it ended by itself
		return errors.Join(fmt.Errorf("gateway: %w", err), s.gateway.Close())
	}
	return <-stopped
}
