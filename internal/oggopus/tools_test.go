package oggopus

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	sine     = "sine=frequency=300:sample_rate=48000:duration=3.3"
	noise    = "anoisesrc=sample_rate=44100:duration=2.217"
	ffmpeg   = "ffmpeg -nostdin -v error -f lavfi -i %s -c:a libopus"
	opusenc  = "ffmpeg -nostdin -v error -f lavfi -i %s -f wav - | opusenc --quiet"
	metadata = " -metadata title='A title' "
)

// Packets of files that others wrote are those that ffprobe finds in them.
func TestReaderOfRealFiles(t *testing.T) {
	for _, test := range []struct {
		name, command string
		channels      int
		truncated     bool
	}{
		{"ffmpeg, pages of 20 ms", fmt.Sprintf(ffmpeg, sine) + metadata + "-b:a 32k -vbr off -application voip -page_duration 20000 $OUT", 1, false},
		{"ffmpeg, stereo", fmt.Sprintf(ffmpeg, noise) + metadata + "-ac 2 -b:a 256k $OUT", 2, false},
		{"ffmpeg, packets of 120 ms", fmt.Sprintf(ffmpeg, noise) + metadata + "-b:a 400k -ac 2 -frame_duration 120 $OUT", 2, false},
		{"opusenc", fmt.Sprintf(opusenc, sine) + " --title 'A title' - $OUT", 1, false},
		{"opusenc, packets of 60 ms, large pages", fmt.Sprintf(opusenc, noise) + " --title 'A title' --framesize 60 --bitrate 128 --max-delay 1000 - $OUT", 1, false},
		{"opusenc, cut", fmt.Sprintf(opusenc, sine) + " --title 'A title' --max-delay 100 - - | head -c 9000 > $OUT", 1, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			needTools(t, "ffmpeg", "ffprobe", "opusenc")
			path := filepath.Join(t.TempDir(), "in.opus")
			mustRun(t, strings.ReplaceAll(test.command, "$OUT", path))
			r := NewReader(mustOpen(t, path))
			packets := mustReadAll(t, r)
			mustMatchProbe(t, path, packets)
			if r.Head().Channels != test.channels || r.Head().PreSkip != 312 || r.Tags().Get("TITLE") != "A title" {
				t.Errorf("head %+v, tags %+v", r.Head(), r.Tags())
			}
			cut := r.Stats().SkippedBytes > 0
			if r.Truncated() != test.truncated || cut != test.truncated || r.Stats().LostSamples != 0 {
				t.Errorf("truncated %v, want %v; %+v", r.Truncated(), test.truncated, r.Stats())
			}
			if trimmed := r.EndTrim() > 0; trimmed == test.truncated {
				t.Errorf("end trim %d", r.EndTrim())
			}
		})
	}
}

func TestReaderOfRealChain(t *testing.T) {
	needTools(t, "ffmpeg", "ffprobe", "opusenc")
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a.opus"), filepath.Join(dir, "b.opus")
	mustRun(t, fmt.Sprintf(ffmpeg, sine)+" -b:a 32k "+a)
	mustRun(t, fmt.Sprintf(opusenc, noise)+" - "+b)
	mustRun(t, "cat "+a+" "+b+" "+a+" > "+dir+"/chain.opus")
	chain := mustReadAll(t, NewReader(mustOpen(t, dir+"/chain.opus")))
	firsts := 0
	for _, packet := range chain {
		if packet.First {
			firsts++
		}
	}
	countA, countB := len(mustReadAll(t, NewReader(mustOpen(t, a)))), len(mustReadAll(t, NewReader(mustOpen(t, b))))
	if firsts != 3 || len(chain) != 2*countA+countB {
		t.Fatalf("%d links with %d packets, want 3 with %d", firsts, len(chain), 2*countA+countB)
	}
	mustMatchProbe(t, a, chain[:countA])
	mustMatchProbe(t, b, chain[countA:countA+countB])
}

// What the Writer writes passes opusinfo without a warning and plays.
func TestWriterSatisfiesTools(t *testing.T) {
	for _, test := range []struct {
		name, encode string
		played       time.Duration
		rewrite      func(t *testing.T, r *Reader, w *Writer)
	}{
		{"mono", "-ac 1 -b:a 32k", 3300 * time.Millisecond, copyPackets},
		{"stereo, packets over 255 bytes", "-ac 2 -b:a 256k", 3300 * time.Millisecond, copyPackets},
		{"packets of 120 ms", "-ac 2 -b:a 510k -frame_duration 120", 3300 * time.Millisecond, copyPackets},
		{"live, pages of 20 ms", "-ac 1 -b:a 32k", 3300 * time.Millisecond, func(t *testing.T, r *Reader, w *Writer) {
			w.PageDuration = 0
			copyPackets(t, r, w)
		}},
		{"live, flushed, not trimmed", "-ac 1 -b:a 32k", 166*20*time.Millisecond - 6500*time.Microsecond, func(t *testing.T, r *Reader, w *Writer) {
			for _, packet := range mustReadAll(t, r) {
				mustWrite(t, w, packet.Data)
				if err := w.Flush(); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(0); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			needTools(t, "ffmpeg", "opusinfo", "mpv")
			dir := t.TempDir()
			in, out := filepath.Join(dir, "in.opus"), filepath.Join(dir, "out.opus")
			mustRun(t, fmt.Sprintf(ffmpeg, sine)+" "+test.encode+" "+in)
			r := NewReader(mustOpen(t, in))
			if err := r.ReadHead(); err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			w := NewWriter(&b, r.Head(), Tags{Vendor: "test", Comments: []string{"TITLE=" + strings.Repeat("long ", 100)}})
			test.rewrite(t, r, w)
			if err := os.WriteFile(out, b.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			mustBeClean(t, out)
			if played := mustDuration(t, out); played != test.played {
				t.Errorf("plays %v, want %v", played, test.played)
			}
		})
	}
}

func TestWriterWithoutPackets(t *testing.T) {
	needTools(t, "opusinfo")
	path := filepath.Join(t.TempDir(), "empty.opus")
	var b bytes.Buffer
	w := NewWriter(&b, testHead, Tags{Vendor: "test"})
	if err := w.Close(960); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	info := mustRun(t, "opusinfo "+path+" 2>&1 || true") // it warns that the stream is empty, and of nothing else
	if strings.Count(strings.ToLower(info), "warning") != 1 || !strings.Contains(info, "stream 1 is empty") {
		t.Errorf("opusinfo: %s", info)
	}
	r := NewReader(&b)
	if packets := mustReadAll(t, r); len(packets) != 0 || r.Truncated() || r.EndTrim() != 0 {
		t.Errorf("%d packets, truncated %v, end trim %d", len(packets), r.Truncated(), r.EndTrim())
	}
}

func copyPackets(t *testing.T, r *Reader, w *Writer) {
	t.Helper()
	for _, packet := range mustReadAll(t, r) {
		mustWrite(t, w, packet.Data)
	}
	if err := w.Close(r.EndTrim()); err != nil {
		t.Fatal(err)
	}
}

// mustMatchProbe compares the packets with those that ffprobe finds.
func mustMatchProbe(t *testing.T, path string, packets []Packet) {
	t.Helper()
	output := mustRun(t, "ffprobe -v error -show_packets -show_data_hash md5 -show_entries packet=data_hash -of csv=p=0 "+path+" | grep -o MD5:.*")
	want := strings.Fields(output)
	if len(packets) != len(want) || len(want) < 10 {
		t.Fatalf("%d packets, ffprobe finds %d", len(packets), len(want))
	}
	for i, packet := range packets {
		sum := md5.Sum(packet.Data)
		if got := "MD5:" + hex.EncodeToString(sum[:]); got != want[i] {
			t.Fatalf("packet %d: %s, ffprobe finds %s", i, got, want[i])
		}
	}
}

// mustBeClean checks a file with opusinfo, ffmpeg and mpv.
func mustBeClean(t *testing.T, path string) {
	t.Helper()
	if info := mustRun(t, "opusinfo "+path+" 2>&1"); strings.Contains(strings.ToLower(info), "warning") {
		t.Errorf("opusinfo: %s", info)
	}
	if complaints := mustRun(t, "ffmpeg -nostdin -v warning -i "+path+" -f null - 2>&1"); complaints != "" {
		t.Errorf("ffmpeg: %s", complaints)
	}
	if complaints := mustRun(t, "mpv --no-config --msg-level=all=warn --ao=null --ao-null-untimed --no-video "+path+" 2>&1"); complaints != "" {
		t.Errorf("mpv: %s", complaints)
	}
}

// mustDuration decodes a file with ffmpeg and returns how long it sounds.
func mustDuration(t *testing.T, path string) time.Duration {
	t.Helper()
	samples := mustRun(t, "ffmpeg -nostdin -v error -i "+path+" -ac 1 -ar 48000 -f s16le - | wc -c")
	var size int64
	if _, err := fmt.Sscan(samples, &size); err != nil {
		t.Fatal(err)
	}
	return time.Duration(size/2) * time.Second / 48000
}

func needTools(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is not installed", name)
		}
	}
}

func mustRun(t *testing.T, command string) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "bash", "-o", "pipefail", "-c", command)
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	if err != nil && !strings.Contains(command, "| head -c") { // head leaves early on purpose
		t.Fatalf("%s: %v\n%s%s", command, err, output, stderr.Bytes())
	}
	return string(output)
}

func mustOpen(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
