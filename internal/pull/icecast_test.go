package pull

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"broadcastbot/internal/opus"
)

// mustIcecast starts a real server and returns its address.
func mustIcecast(t *testing.T) (host string) {
	t.Helper()
	program, err := exec.LookPath("icecast2")
	if err != nil {
		t.Skip("needs icecast2; get it with: apt-get install icecast2")
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := free.Addr().(*net.TCPAddr).Port
	free.Close()
	dir := t.TempDir()
	for at := dir; len(at) > len(os.TempDir()); at = filepath.Dir(at) { // it becomes nobody
		if err := os.Chmod(at, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	owner := ""
	if os.Getuid() == 0 {
		owner = "<changeowner><user>nobody</user><group>nogroup</group></changeowner>"
	}
	config := filepath.Join(dir, "icecast.xml")
	text := fmt.Sprintf(`<icecast><limits><sources>5</sources></limits>
<authentication><source-password>hackme</source-password><admin-password>x</admin-password></authentication>
<hostname>localhost</hostname><listen-socket><port>%d</port><bind-address>127.0.0.1</bind-address></listen-socket>
<paths><basedir>%s</basedir><logdir>%s</logdir><webroot>/usr/share/icecast2/web</webroot><adminroot>/usr/share/icecast2/admin</adminroot></paths>
<logging><accesslog>a.log</accesslog><errorlog>e.log</errorlog></logging><security><chroot>0</chroot>%s</security></icecast>`, port, dir, dir, owner)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	start(t, exec.Command(program, "-c", config))
	host = fmt.Sprintf("127.0.0.1:%d", port)
	mustAnswerSoon(t, "http://"+host+"/status-json.xsl")
	return host
}

// start runs a program until stop is called, or the test ends.
func start(t *testing.T, cmd *exec.Cmd) (stop func()) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = func() {
		cmd.Process.Kill()
		cmd.Wait()
	}
	t.Cleanup(stop)
	return stop
}

// mustAnswerSoon waits until an address answers 200.
func mustAnswerSoon(t *testing.T, address string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		r, err := http.Get(address)
		if err != nil {
			continue
		}
		r.Body.Close()
		if r.StatusCode == http.StatusOK {
			return
		}
	}
	t.Fatal(address, "does not answer")
}

// push sends a tone to a mount with ffmpeg.
func push(t *testing.T, host, mount string, codec ...string) (stop func()) {
	t.Helper()
	arguments := append([]string{"-v", "error", "-re", "-f", "lavfi", "-i", "sine=1000:sample_rate=48000"}, codec...)
	stop = start(t, exec.Command("ffmpeg", append(arguments, "icecast://source:hackme@"+host+"/"+mount)...))
	mustAnswerSoon(t, "http://"+host+"/"+mount)
	return stop
}

// TestIcecast pulls from a real Icecast server, in several codecs; whoever sends there breaks off, comes back,
// and goes.
func TestIcecast(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed")
	}
	host := mustIcecast(t)
	for mount, codec := range map[string]string{
		"a.opus": "-c:a libopus -content_type audio/ogg -f ogg", "a.mp3": "-content_type audio/mpeg -f mp3",
		"flac.ogg": "-c:a flac -content_type audio/ogg -f ogg",
	} {
		t.Run(mount, func(t *testing.T) {
			t.Parallel() // it waits most of the time
			stop := push(t, host, mount, strings.Fields(codec)...)
			p := newPuller(Options{Hosts: Hosts{host}, Grace: 20 * time.Second}, limits{reply: 5 * time.Second, quiet: 5 * time.Second, gone: 5 * time.Second})
			source := p.mustOpen(t, "http://"+host+"/"+mount)
			seconds := func(n int) (packets [][]byte) {
				for range n * 50 {
					packet, err := source.ReadPacket(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					packets = append(packets, packet)
				}
				return packets
			}
			packets := seconds(3)
			stop()
			again := push(t, host, mount, strings.Fields(codec)...)
			packets = append(packets, seconds(8)...) // the server keeps some of what was sent before
			again()
			if pitch := pitchOf(t, packets); pitch < 990 || pitch > 1010 {
				t.Errorf("the pitch is %.1f Hz", pitch)
			}
			_, end := mustHear(t, source)
			mustEnd(t, end)
		})
	}
}

// pitchOf counts the periods of a tone.
func pitchOf(t *testing.T, packets [][]byte) float64 {
	t.Helper()
	decoder, err := opus.NewDecoder(1)
	if err != nil {
		t.Fatal(err)
	}
	periods, samples, last := 0, 0, int16(0)
	frame := make([]int16, opus.MaxPacketSamples)
	for _, packet := range packets {
		n, err := decoder.Decode(packet, frame)
		if err != nil {
			t.Fatal(err)
		}
		for _, sample := range frame[:n] {
			if last < 0 && sample >= 0 {
				periods++
			}
			last = sample
		}
		samples += n
	}
	return float64(periods) * opus.SampleRate / float64(samples)
}
