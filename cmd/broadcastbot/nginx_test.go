package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// TestNginx runs nginx with what the README says for it: listeners get through, the public does not
// reach what is for bots and for the operator, and the log has no addresses of shows.
func TestNginx(t *testing.T) {
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/studio/line" {
			if conn, err := websocket.Accept(w, r, nil); err == nil {
				conn.Close(websocket.StatusNormalClosure, "")
			}
			return
		}
		io.WriteString(w, "the gateway")
	}))
	t.Cleanup(gateway.Close)
	dir := t.TempDir()
	client, stop := startNginx(t, dir, strings.ReplaceAll(readmeNginx(t), "http://127.0.0.1:8008", gateway.URL))
	for path, want := range map[string]int{
		"/live/abc": 200, "/live/abc.opus": 200, "/listen/abc": 200, "/listen/player/main.js": 200, "/studio/": 200,
		"/upload": 403, "/upload/abc": 403, "/healthz": 404, "/livewire": 404, "/": 404,
	} {
		response, err := client.Get("http://radio.example.org" + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, response.StatusCode, want)
		}
	}
	if conn, _, err := websocket.Dial(t.Context(), "ws://radio.example.org/studio/line", &websocket.DialOptions{HTTPClient: client}); err != nil {
		t.Error("a speaker's line:", err)
	} else if _, _, err := conn.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Error("a speaker's line ends:", err)
	}
	stop() // a line is written after its answer is sent, at the latest before nginx ends
	log, err := os.ReadFile(filepath.Join(dir, "access.log"))
	if err != nil || !strings.Contains(string(log), "/upload/abc") || strings.Contains(string(log), "/live/abc") {
		t.Errorf("the access log: %v\n%s", err, log)
	}
}

// readmeNginx returns the blocks of nginx's configuration in the README.
func readmeNginx(t *testing.T) string {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var blocks strings.Builder
	inside := false
	for line := range strings.SplitSeq(string(readme), "\n") {
		inside = inside || strings.HasPrefix(line, "    location ")
		if inside {
			blocks.WriteString(line + "\n")
		}
		inside = inside && line != "    }"
	}
	return blocks.String()
}

// startNginx starts an nginx with these locations and returns a client of it, and what ends it in
// order.
func startNginx(t *testing.T, dir, locations string) (client *http.Client, stop func()) {
	t.Helper()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("needs nginx; get it with: apt-get install nginx-light")
	}
	config, socket := filepath.Join(dir, "nginx.conf"), filepath.Join(dir, "socket")
	text := fmt.Sprintf(nginxConfig, dir, socket, locations)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	cmd := exec.Command(nginx, "-p", dir, "-c", config)
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(t.Context())
	go func() {
		cmd.Wait()
		end()
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended.Done()
	})
	for {
		if connection, err := net.Dial("unix", socket); err == nil {
			connection.Close()
			break
		}
		if ended.Err() != nil {
			t.Fatalf("nginx has ended: %s", said.String())
		}
		time.Sleep(5 * time.Millisecond)
	}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}
	stop = func() {
		transport.CloseIdleConnections()
		cmd.Process.Signal(syscall.SIGQUIT)
		<-ended.Done()
	}
	return &http.Client{Transport: transport}, stop
}

// nginxConfig is what a distribution's nginx has around the locations.
const nginxConfig = `daemon off; master_process off; pid %[1]s/pid; error_log stderr;
events {}
http {
    access_log %[1]s/access.log;
    client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi;
    uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
    server {
        listen unix:%[2]s;
%[3]s
    }
}
`
