package studioline

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// The environment by which this program is a station for another test.
const (
	dirVariable     = "STUDIOLINE_TEST_DIR"
	addressVariable = "STUDIOLINE_TEST_ADDRESS"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(dirVariable); dir != "" {
		os.Exit(beStation(dir, os.Getenv(addressVariable)))
	}
	os.Exit(m.Run())
}

// beStation is a station until its standard input ends. A new one says its address and a secret.
func beStation(dir, address string) int {
	_, err := os.Stat(dir + "/db")
	isNew := err != nil
	s, err := startStation(stationOptions{dir: dir, address: address, grace: time.Minute})
	var secret string
	if err == nil && isNew {
		secret, err = s.invited("Town hall")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(s.address, secret)
	io.Copy(io.Discard, os.Stdin)
	if err := s.stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// process is a station in a process of its own.
type process struct {
	*exec.Cmd
	stdin   io.Closer
	address string
	secret  string
}

func mustRun(t *testing.T, dir, address string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(os.Args[0])}
	p.Env = append(os.Environ(), dirVariable+"="+dir, addressVariable+"="+address)
	p.Stderr = os.Stderr
	stdin, inErr := p.StdinPipe()
	stdout, outErr := p.StdoutPipe()
	if inErr != nil || outErr != nil {
		t.Fatal(inErr, outErr)
	}
	p.stdin = stdin
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.mustKill(t) })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal("the station does not start:", err)
	}
	p.address, p.secret, _ = strings.Cut(strings.TrimSuffix(line, "\n"), " ")
	return p
}

// mustKill is kill -9.
func (p *process) mustKill(t *testing.T) {
	t.Helper()
	p.Process.Kill()
	p.Wait()
}

// returns opens lines until the station knows the show, and returns the number that it wants.
func (p *page) returns() int {
	p.t.Helper()
	for {
		p.mustDial()
		welcome, err := p.hear()
		if err == nil && welcome["state"] == "live" {
			return int(welcome["next"].(float64))
		}
		if err == nil || websocket.CloseStatus(err) != websocket.StatusTryAgainLater {
			p.t.Fatalf("the line to a station that has just begun: %v, %v", welcome, err)
		}
		time.Sleep(10 * time.Millisecond) // a page waits for longer
	}
}

// TestKill: the station is killed in the middle of a sentence, several times, and the recording has each
// packet once, in order, byte for byte.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	station := mustRun(t, dir, "127.0.0.1:0")
	p := &page{t: t, url: "http://" + station.address, secret: station.secret, packets: mustVoice(t, 600)}
	p.goOnAir()
	next := 0
	for _, durable := range []int{0, 50, 130, 131, 300} {
		p.send(next, durable+100)
		if durable > next {
			p.awaitDurable(durable)
		}
		station.mustKill(t)
		station = mustRun(t, dir, station.address)
		if next = p.returns(); next < durable {
			t.Fatalf("%d packets were durable, and now %d are wanted", durable, next)
		}
	}
	p.send(next, 600)
	p.stop(600)
	station.stdin.Close()
	if err := station.Wait(); err != nil {
		t.Fatal(err)
	}

	s, err := startStation(stationOptions{dir: dir, address: "127.0.0.1:0", grace: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	recorded, captured := mustRecording(t, s.url(), mustShow(t, s.store))
	mustEqual(t, recorded, p.packets)
	if !slices.IsSortedFunc(captured, time.Time.Compare) {
		t.Errorf("the times of capture go backwards: %v", captured)
	}
}
