package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"broadcastbot/internal/recordings"
)

// peerVariable names, for a process of its own, what it is to serve.
const peerVariable = "GATEWAY_BENCH_PEER"

func TestMain(m *testing.M) {
	if name := os.Getenv(peerVariable); name != "" {
		servePeer(peers[name])
		return
	}
	os.Exit(m.Run())
}

// peers are what the benchmarks compare. Each returns a handler that knows PATCH /upload/{id} and
// GET /live/{id}.
var peers = map[string]func(dir string) (http.Handler, error){
	"gateway": func(dir string) (http.Handler, error) {
		catalogue, err := recordings.Open(recordings.Disk(dir))
		if err != nil {
			return nil, err
		}
		g, err := New(Options{Recordings: catalogue, Token: testToken})
		if err != nil {
			return nil, err
		}
		return g.Handler(), nil
	},
	"naive": func(string) (http.Handler, error) { return &naive{listeners: map[chan []byte]bool{}}, nil },
	"ServeContent": func(dir string) (http.Handler, error) {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			file, err := os.Open(filepath.Join(dir, filepath.Base(r.URL.Path)+".mxc"))
			if err != nil {
				http.NotFound(w, r)
				return
			}
			defer file.Close()
			w.Header().Set("Content-Type", "application/octet-stream")
			http.ServeContent(w, r, "", time.Time{}, file)
		}), nil
	},
}

// naive is how one would write it first: a goroutine, a channel and a Flush for every listener.
type naive struct {
	mu        sync.Mutex
	listeners map[chan []byte]bool
}

func (n *naive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		n.listen(w)
		return
	}
	for {
		block := make([]byte, appendSize)
		size, err := r.Body.Read(block)
		n.mu.Lock()
		for listener := range n.listeners {
			listener <- block[:size]
		}
		n.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (n *naive) listen(w http.ResponseWriter) {
	blocks := make(chan []byte, 16)
	n.mu.Lock()
	n.listeners[blocks] = true
	n.mu.Unlock()
	w.WriteHeader(http.StatusPartialContent)
	http.NewResponseController(w).Flush()
	for block := range blocks {
		w.Write(block)
		http.NewResponseController(w).Flush()
	}
}

// servePeer serves until its input ends. For every line it reads, it prints what it has used.
func servePeer(peer func(string) (http.Handler, error)) {
	handler, err := peer(os.Getenv("GATEWAY_BENCH_DIR"))
	if err != nil {
		panic(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr())
	go http.Serve(listener, handler)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var usage syscall.Rusage
		syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
		status, _ := os.ReadFile("/proc/self/status")
		_, rss, _ := strings.Cut(string(status), "VmRSS:")
		var kilobytes int64
		fmt.Sscan(rss, &kilobytes)
		fmt.Println(usage.Utime.Nano()+usage.Stime.Nano(), kilobytes<<10)
	}
}

// peer is a server in a process of its own, so that its costs can be told from those of its
// clients.
type peer struct {
	b       *testing.B
	address string
	command *exec.Cmd
	stdin   io.WriteCloser
	stdout  *bufio.Reader
}

func startPeer(b *testing.B, name, dir string) *peer {
	b.Helper()
	p := &peer{b: b, command: exec.Command(os.Args[0])}
	p.command.Env = append(os.Environ(), peerVariable+"="+name, "GATEWAY_BENCH_DIR="+dir)
	p.command.Stderr = os.Stderr
	p.stdin, _ = p.command.StdinPipe()
	stdout, _ := p.command.StdoutPipe()
	p.stdout = bufio.NewReader(stdout)
	if err := p.command.Start(); err != nil {
		b.Fatal(err)
	}
	if _, err := fmt.Fscanln(p.stdout, &p.address); err != nil {
		b.Fatal(err)
	}
	return p
}

func (p *peer) stop() {
	p.stdin.Close()
	p.command.Wait()
}

// usage asks for the CPU time used and the memory held until now.
func (p *peer) usage() (cpu time.Duration, memory int64) {
	p.b.Helper()
	fmt.Fprintln(p.stdin)
	if _, err := fmt.Fscanln(p.stdout, &cpu, &memory); err != nil {
		p.b.Fatal(err)
	}
	return cpu, memory
}

// request sends a GET with a range and reads the head of the answer.
func (p *peer) request(conn net.Conn, r *bufio.Reader, id, rng string) *http.Response {
	p.b.Helper()
	fmt.Fprintf(conn, "GET /live/%s HTTP/1.1\r\nHost: x\r\nRange: %s\r\n\r\n", id, rng)
	response, err := http.ReadResponse(r, nil)
	if err != nil || response.StatusCode != http.StatusPartialContent {
		p.b.Fatalf("GET = %v, %v", response, err)
	}
	return response
}
