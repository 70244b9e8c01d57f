package icecast

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"broadcastbot/internal/opus"
	"broadcastbot/internal/testhelp"
)

// target is where a program pushes a file to.
type target struct {
	host, port, password string
	wav                  string
	dir                  string // for its configuration
}

// program is one that speakers use.
type program struct {
	name    string
	push    func(t *testing.T, to target) *exec.Cmd
	endless bool // it goes on with silence, and has to be stopped
	deaf    bool // it does not read what it is answered
}

const ffmpegOpus = "-c:a libopus -b:a 64k -vbr off -ac 1 -f ogg -content_type audio/ogg -ice_name Sweep"

func pushByFFmpeg(flags string) func(*testing.T, target) *exec.Cmd {
	return func(t *testing.T, to target) *exec.Cmd {
		words := fmt.Sprintf("-v error -re -i %s %s %s icecast://source:%s@%s:%s/abc", to.wav, ffmpegOpus, flags, to.password, to.host, to.port)
		return mustCommand(t, "ffmpeg", strings.Fields(words)...)
	}
}

// encoded makes a program read what ffmpeg encodes, while it plays.
func encoded(t *testing.T, wav string, reader *exec.Cmd) *exec.Cmd {
	t.Helper()
	encoder := mustCommand(t, "ffmpeg", strings.Fields("-v quiet -re -i "+wav+" -c:a libopus -b:a 64k -vbr off -ac 1 -f ogg -")...)
	pipe, err := encoder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	reader.Stdin = pipe
	if err := encoder.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { encoder.Process.Kill(); encoder.Wait() })
	return reader
}

func pushByCurl(t *testing.T, to target) *exec.Cmd {
	url := fmt.Sprintf("http://%s:%s/abc", to.host, to.port)
	return encoded(t, to.wav, mustCommand(t, "curl", "-sS", "--fail", "-u", "source:"+to.password, "-T", "-", "-H", "Content-Type: audio/ogg", url))
}

func pushByEzstream(t *testing.T, to target) *exec.Cmd {
	config := filepath.Join(to.dir, "ezstream.xml")
	mustWriteFile(t, config, fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>
<ezstream>
<servers><server><name>default</name><protocol>HTTP</protocol><hostname>%s</hostname><port>%s</port><password>%s</password>
<reconnect_attempts>1</reconnect_attempts></server></servers>
<streams><stream><name>default</name><mountpoint>/abc</mountpoint><format>Ogg</format><stream_name>Sweep</stream_name></stream></streams>
<intakes><intake><name>default</name><type>stdin</type><stream_once>yes</stream_once></intake></intakes>
</ezstream>`, to.host, to.port, to.password))
	return encoded(t, to.wav, mustCommand(t, "ezstream", "-c", config))
}

func pushByLiquidsoap(t *testing.T, to target) *exec.Cmd {
	script := filepath.Join(to.dir, "sweep.liq")
	mustWriteFile(t, script, fmt.Sprintf(`set("init.allow_root", true)
set("log.file", false)
set("log.stdout", true)
s = sequence([once(single(%q)), blank()])
output.icecast(%%opus(bitrate=64, vbr="none", application="audio", channels=1, samplerate=48000, frame_size=20.),
  host=%q, port=%s, password=%q, mount="/abc", name="Sweep", fallible=true, s)
`, to.wav, to.host, to.port, to.password))
	return mustCommand(t, "liquidsoap", script)
}

var programs = []program{
	{name: "ffmpeg PUT", push: pushByFFmpeg("")},
	{name: "ffmpeg PUT small pages", push: pushByFFmpeg("-page_duration 20000 -flush_packets 1")},
	{name: "ffmpeg SOURCE", push: pushByFFmpeg("-legacy_icecast 1"), deaf: true},
	{name: "curl", push: pushByCurl},
	{name: "ezstream", push: pushByEzstream},
	{name: "liquidsoap", push: pushByLiquidsoap, endless: true},
}

func mustWriteFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil { // ezstream refuses one that others can read
		t.Fatal(err)
	}
}

// running is a program that was started.
type running struct {
	*exec.Cmd
	said  testhelp.Buffer
	ended chan error
}

// mustPush starts a program that pushes seconds of the sweep.
func mustPush(t *testing.T, p program, address, password string, from, seconds int) *running {
	t.Helper()
	host, port, _ := net.SplitHostPort(address)
	return mustRun(t, p.push(t, target{host, port, password, mustSweep(t, from, seconds), t.TempDir()}))
}

// mustRun starts a program that ends with the test.
func mustRun(t *testing.T, cmd *exec.Cmd) *running {
	t.Helper()
	r := &running{Cmd: cmd, ended: make(chan error, 1)}
	r.Stdout, r.Stderr = &r.said, &r.said
	r.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // some have children
	r.Cancel = func() error { return syscall.Kill(-r.Process.Pid, syscall.SIGKILL) }
	r.WaitDelay = 5 * time.Second
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { r.ended <- r.Wait() }()
	t.Cleanup(func() { syscall.Kill(-r.Process.Pid, syscall.SIGKILL) })
	return r
}

// stop ends a program as its user does.
func (r *running) stop(t *testing.T) {
	t.Helper()
	syscall.Kill(-r.Process.Pid, syscall.SIGTERM)
	r.await(t)
}

// await returns how the program has ended.
func (r *running) await(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.ended:
		return err
	case <-time.After(patience):
		t.Fatalf("%s does not end: %s", r.Path, &r.said)
		return nil
	}
}

// TestPrograms: of so many seconds that a program sends, exactly those are on air.
func TestPrograms(t *testing.T) {
	for _, p := range programs {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			const seconds = 5
			s := newStation(t, Options{Auto: true})
			way := newWay(t, s.own)
			sender := mustPush(t, p, way.address, password, 0, seconds)
			show := s.mustStart()
			if p.endless {
				testhelp.Eventually(t, "all was sent", func() bool { return show.read.Load() > (seconds+1)*opus.SampleRate })
				sender.stop(t)
			} else if err := sender.await(t); err != nil {
				t.Errorf("it ends with %v: %s", err, &sender.said)
			}
			<-show.ended
			if p.endless { // it says itself what of the beginning is not to be heard
				sent := mustDecode(t, way.sent())
				show.mustHave(t, len(sent), func(i int) int16 { return sent[i] })
			} else {
				show.mustHave(t, seconds*opus.SampleRate, sweep)
			}
			if show.err != io.EOF || p.name != "curl" && show.title != "Sweep" {
				t.Errorf("the show %q ends with %v", show.title, show.err)
			}
		})
	}
}

// mustDecode has ffmpeg decode a stream.
func mustDecode(t *testing.T, stream []byte) (pcm []int16) {
	t.Helper()
	decoder := mustCommand(t, "ffmpeg", strings.Fields("-v error -i - -f s16le -ar 48000 -ac 1 -")...)
	decoder.Stdin = bytes.NewReader(stream)
	raw, err := decoder.Output()
	if err != nil {
		t.Fatal(err)
	}
	for ; len(raw) >= 2; raw = raw[2:] {
		pcm = append(pcm, int16(binary.LittleEndian.Uint16(raw)))
	}
	return pcm
}

// TestProgramsAreRefused: with a wrong password nothing is on air, and the program says so.
func TestProgramsAreRefused(t *testing.T) {
	for _, p := range programs {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			s := newStation(t, Options{Auto: true})
			sender := mustPush(t, p, s.own, "wrong", 0, 5)
			if p.endless { // it tries again and again
				testhelp.Eventually(t, "it is refused", func() bool { return s.wrong.Load() > 0 })
				sender.stop(t)
			} else if err := sender.await(t); err == nil {
				t.Error("it ends as if it were on air")
			}
			said := sender.said.String()
			if !p.deaf && !strings.Contains(said, "401") && !strings.Contains(said, "uthenti") && !strings.Contains(said, "Login failed") {
				t.Errorf("it says %q", said)
			}
			if len(s.shows) > 0 {
				t.Error("a show has begun")
			}
		})
	}
}

// TestProgramsReconnect breaks a program's line in the middle. The show goes on with the second half,
// of which nothing is missing, behind what had come of the first. What an endless program plays goes on
// while its line is broken, so of its show it is only checked that more comes.
func TestProgramsReconnect(t *testing.T) {
	for _, p := range programs {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			s := newStation(t, Options{Auto: true})
			way := newWay(t, s.own)
			first := mustPush(t, p, way.address, password, 0, 30)
			show := s.mustStart()
			testhelp.Eventually(t, "the first half comes", func() bool { return show.read.Load() > 2*opus.SampleRate })
			way.cut()
			if p.endless { // it comes back by itself
				before := show.read.Load()
				testhelp.Eventually(t, "the second half comes", func() bool { return show.read.Load() > before+2*opus.SampleRate })
				first.stop(t)
			} else {
				first.stop(t)
				mustPush(t, p, way.address, password, 30, 3).await(t)
			}
			<-show.ended
			if len(s.shows) > 0 {
				t.Error("another show has begun")
			}
			if !p.endless {
				show.mustJoin(t, 3*opus.SampleRate)
			}
		})
	}
}

// mustJoin checks that a show is the beginning of the sweep and then so many samples of it from 30 s
// on, with nothing between them or behind them.
func (s *show) mustJoin(t *testing.T, last int) {
	t.Helper()
	second := &show{pcm: s.pcm[len(s.pcm)-last:]}
	second.mustHave(t, last, func(i int) int16 { return sweep(30*opus.SampleRate + i) })
	first := &show{pcm: s.pcm[:len(s.pcm)-last]}
	if len(first.pcm) < opus.SampleRate {
		t.Errorf("the first half has %d samples", len(first.pcm))
	}
	first.mustHave(t, len(first.pcm), sweep)
}

// way is a line to a server that can be cut.
type way struct {
	address string
	cut     func()

	mu   sync.Mutex
	data []byte // that the program has sent
}

// Write notes what is sent.
func (w *way) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.data = append(w.data, b...)
	return len(b), nil
}

// sent is what was sent behind the head.
func (w *way) sent() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.data[bytes.Index(w.data, []byte("\r\n\r\n"))+4:]
}

func newWay(t *testing.T, to string) *way {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var both atomic.Pointer[[2]*net.TCPConn]
	w := &way{address: listener.Addr().String()}
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				return
			}
			both.Store(&[2]*net.TCPConn{near.(*net.TCPConn), far.(*net.TCPConn)})
			go func() { io.Copy(io.MultiWriter(far, w), near); far.(*net.TCPConn).CloseWrite() }()
			go func() { io.Copy(near, far); near.(*net.TCPConn).CloseWrite() }()
		}
	}()
	w.cut = func() {
		if pair := both.Load(); pair != nil {
			for _, conn := range pair {
				conn.SetLinger(0) // no end, but a break
				conn.Close()
			}
		}
	}
	t.Cleanup(func() {
		listener.Close()
		w.cut()
	})
	return w
}
