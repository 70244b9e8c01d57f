package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"
)

// front is the HTTP server of the program: one port, on which every part that answers requests has
// its handler.
type front struct {
	mux      *http.ServeMux
	mounted  bool           // there is a part
	closers  []func() error // of the parts, in the order in which they came
	listener net.Listener   // nil: no part is mounted
	log      *slog.Logger
}

func newFront(log *slog.Logger) *front {
	return &front{mux: http.NewServeMux(), log: log}
}

// mount sends requests whose path begins with prefix to a part. Of several prefixes that fit, the
// longest wins, so "/" gets the rest. close may be nil; it ends the part's running requests, and
// makes it refuse new ones.
func (f *front) mount(prefix string, handler http.Handler, close func() error) {
	f.mux.Handle(prefix, handler)
	f.mounted = true
	if close != nil {
		f.closeWith(close)
	}
}

// closeWith has a part that answers no requests here end with the others.
func (f *front) closeWith(close func() error) { f.closers = append(f.closers, close) }

// listen opens the port, if any part is mounted. Requests are answered from serve on.
func (f *front) listen(address string) (err error) {
	if !f.mounted {
		return nil
	}
	if f.listener, err = net.Listen("tcp", address); err != nil {
		return fmt.Errorf("gateway.listen: %w", err)
	}
	return nil
}

// close ends a front that is not served.
func (f *front) close() error {
	err := f.closeParts()
	if f.listener != nil {
		err = errors.Join(err, f.listener.Close())
	}
	return err
}

// closeParts ends the parts, the one that was mounted last first.
func (f *front) closeParts() error {
	var errs []error
	for _, close := range slices.Backward(f.closers) {
		errs = append(errs, close())
	}
	return errors.Join(errs...)
}

// localURL is where this machine reaches the front.
func (f *front) localURL() string { return localURL(f.listener.Addr().(*net.TCPAddr)) }

// localURL is where this machine reaches a server that listens on an address.
func localURL(address *net.TCPAddr) string {
	if address.IP == nil || address.IP.IsUnspecified() {
		return fmt.Sprintf("http://127.0.0.1:%d", address.Port)
	}
	return "http://" + address.String()
}

// shutdownTimeout is how long running requests may take to end.
const shutdownTimeout = 5 * time.Second

// serve answers requests until ctx ends; without any part it returns at once. There is no limit on the
// time of a whole request, because uploads and listeners stay for as long as a show: handlers set
// deadlines themselves. A part may have taken connections over, of which the server knows nothing any
// more; so parts are closed first.
func (f *front) serve(ctx context.Context) error {
	if f.listener == nil {
		return nil
	}
	server := &http.Server{
		Handler:           f.mux,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(f.log.Handler(), slog.LevelDebug),
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		err := f.closeParts() // they may take their time
		ending, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
		defer cancel()
		stopped <- errors.Join(err, server.Shutdown(ending))
	})
	f.log.Info("listening for HTTP", "address", f.listener.Addr().String())
	err := server.Serve(f.listener)
	if stop() { // it ended by itself
		return errors.Join(fmt.Errorf("serve HTTP: %w", err), f.closeParts())
	}
	return <-stopped
}
