package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// askedWith runs broadcastbot health as Docker does, and returns its exit code and what it says.
func askedWith(t *testing.T, config string) (code int, said string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	code = run(t.Context(), []string{"health", "-config", path}, &out, &out)
	return code, out.String()
}

func TestHealthOfARunningGateway(t *testing.T) {
	c, err := loadConfig("")
	if err != nil {
		t.Fatal(err)
	}
	c.DataDir, c.Gateway.Listen, c.Gateway.UploadToken = t.TempDir(), "127.0.0.1:0", "token"
	f, err := newGatewayFront(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error)
	go func() { served <- f.serve(ctx) }()
	port := f.listener.Addr().(*net.TCPAddr).Port
	for _, config := range []string{
		fmt.Sprintf("gateway: {listen: '127.0.0.1:%d'}", port),
		fmt.Sprintf("gateway: {listen: '0.0.0.0:%d'}", port),
		fmt.Sprintf("gateway: {listen: ':%d'}", port),
		fmt.Sprintf("gateway: {listen: '192.0.2.1:1', remote: '%s/'}", f.localURL()),
	} {
		if code, said := askedWith(t, config); code != 0 || !strings.Contains(said, `"status":"ok"`) {
			t.Errorf("%s: code %d, %s", config, code, said)
		}
	}
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
	if code, said := askedWith(t, fmt.Sprintf("gateway: {listen: '127.0.0.1:%d'}", port)); code != 1 || !strings.Contains(said, "the gateway does not answer") {
		t.Errorf("after its end: code %d, %s", code, said)
	}
}

func TestHealthOfWhatIsNotWell(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	if code, said := askedWith(t, "gateway: {remote: '"+server.URL+"'}"); code != 1 || !strings.Contains(said, "404") {
		t.Errorf("code %d, %s", code, said)
	}
	if code, said := askedWith(t, "gateway: {listen: here}"); code != 1 || !strings.Contains(said, "gateway.listen") {
		t.Errorf("code %d, %s", code, said)
	}
}
