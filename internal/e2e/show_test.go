// Package e2e runs whole shows with real parts: Dendrite, the program as a
// process of its own, and Matrix clients that encrypt.
package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix/crypto/attachment"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/dendrite"
	"broadcastbot/internal/listener"
	"broadcastbot/internal/matrix"
	"broadcastbot/internal/oggopus"
	"broadcastbot/internal/showtest"
	"broadcastbot/internal/stage"
	"broadcastbot/store"
)

// theatre is a station with its people, ready for a show.
type theatre struct {
	*stage.Station
	*stage.People
	dir        string
	homeserver string
}

func mustTheatre(t testing.TB, source string) *theatre {
	t.Helper()
	return mustTheatreFed(t, source, nil)
}

// mustTheatreFed returns a theatre whose station has a standard input.
func mustTheatreFed(t testing.TB, source string, stdin io.Reader) *theatre {
	t.Helper()
	dir := t.TempDir()
	server, err := stage.Homeserver(t.Context(), dir)
	if errors.Is(err, dendrite.ErrBuild) && os.Getenv("CI") != "true" {
		t.Skip("no homeserver:", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	program, err := stage.Program(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	station, err := stage.NewStation(server, program, dir, source)
	if err != nil {
		t.Fatal(err)
	}
	station.Stdin = stdin
	if err := station.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		station.Stop()
		if log, err := os.ReadFile(station.LogPath); t.Failed() && err == nil {
			t.Logf("the station says:\n%s", log)
		}
	})
	people, err := stage.Invite(t.Context(), server, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(people.Leave)
	return &theatre{Station: station, People: people, dir: dir, homeserver: server.URL()}
}

func (h *theatre) mustSay(t testing.TB, text string) {
	t.Helper()
	if err := h.Say(t.Context(), text); err != nil {
		t.Fatal(err)
	}
}

// mustState waits for the announcement and returns it with its event.
func (h *theatre) mustState(t testing.TB, state store.State) (matrix.Announcement, *event.Event) {
	t.Helper()
	a, evt, err := h.AwaitState(t.Context(), state)
	if err != nil {
		t.Fatal(err)
	}
	return a, evt
}

func mustStream(t testing.TB, a matrix.Announcement) *listener.Stream {
	t.Helper()
	link, err := a.Link()
	if err != nil {
		t.Fatal(err)
	}
	stream, err := listener.Open(t.Context(), link, listener.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stream.Close() })
	return stream
}

// mustFirst reads so many packets of a stream.
func mustFirst(t testing.TB, stream *listener.Stream, n int) (packets [][]byte) {
	t.Helper()
	for range n {
		packet, err := stream.ReadPacket()
		if err != nil {
			t.Fatalf("after %d packets: %v", len(packets), err)
		}
		packets = append(packets, packet)
	}
	return packets
}

// mustRest reads a stream to its authenticated end.
func mustRest(t testing.TB, stream *listener.Stream) (packets [][]byte) {
	t.Helper()
	for {
		packet, err := stream.ReadPacket()
		if err == io.EOF {
			return packets
		}
		if err != nil {
			t.Fatalf("after %d packets: %v", len(packets), err)
		}
		packets = append(packets, packet)
	}
}

// mustEqual compares the sound of packets: the station adds padding to some, for its checkpoints.
func mustEqual(t testing.TB, what string, got, want [][]byte) {
	t.Helper()
	got, want = showtest.Sound(t, got), showtest.Sound(t, want)
	if len(got) != len(want) {
		t.Fatalf("%s: %d packets, want %d", what, len(got), len(want))
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("%s: packet %d differs", what, i)
		}
	}
}

// mustPackets reads an Ogg Opus file.
func mustPackets(t testing.TB, r io.Reader) (packets [][]byte) {
	t.Helper()
	for ogg := oggopus.NewReader(r); ; {
		packet, err := ogg.ReadPacket()
		if err == io.EOF {
			return packets
		}
		if err != nil {
			t.Fatal(err)
		}
		packets = append(packets, packet.Data)
	}
}

// mustSpeech cuts some seconds of speech out of the demonstration's sample.
func mustSpeech(t testing.TB, packets int) (path string, sent [][]byte) {
	t.Helper()
	sample, err := os.Open("../demo/sample.opus")
	if err != nil {
		t.Fatal(err)
	}
	defer sample.Close()
	sent = mustPackets(t, sample)[:packets]
	path = filepath.Join(t.TempDir(), "speech.opus")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := oggopus.NewWriter(f, oggopus.Head{Channels: 1, PreSkip: 312, InputSampleRate: 48000}, oggopus.Tags{Vendor: "test"})
	for _, packet := range sent {
		if err := w.WritePacket(packet); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(0); err != nil {
		t.Fatal(err)
	}
	return path, sent
}

// TestWholeShow is the main job: speech goes in at one end, and somebody else
// in an encrypted room hears it, live and later.
func TestWholeShow(t *testing.T) {
	path, sent := mustSpeech(t, 400) // eight seconds
	h := mustTheatre(t, "file:"+path)
	h.mustSay(t, "!live start Town hall")
	live, announced := h.mustState(t, store.StateLive)
	if live.Title != "Town hall" || live.Speaker != h.Alice.Client.UserID.String() {
		t.Errorf("announced is %q by %s", live.Title, live.Speaker)
	}
	if announced.Mautrix.EventSource&event.SourceDecrypted == 0 {
		t.Error("the announcement, which has the key, is not encrypted")
	}

	// Live, with a look back in between.
	stream := mustStream(t, live)
	heard := mustFirst(t, stream, 100)
	back := mustStream(t, live)
	if err := back.SeekTo(time.Second); err != nil {
		t.Fatal(err)
	}
	packet, err := back.ReadPacket()
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "a seek while live", [][]byte{packet}, sent[(48000+312-14400)/960:][:1])
	mustEqual(t, "live", append(heard, mustRest(t, stream)...), sent)
	mustEqual(t, "live after the seek", mustRest(t, back), sent[(48000+312-14400)/960+1:])

	// Afterwards.
	ended := h.mustClosing(t)
	mustEqual(t, "replay", mustRest(t, mustStream(t, ended)), sent)
	h.mustMatchClosing(t, ended)
	voice, err := h.AwaitVoice(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if voice.Content.AsMessage().RelatesTo.GetReplyTo() != announced.ID {
		t.Error("the voice message does not answer the announcement")
	}
	mustEqual(t, "voice message", mustPackets(t, bytes.NewReader(h.mustVoice(t, voice))), sent)
	h.mustListenAsUser(t, sent)
}

// mustClosing waits for the last edit, which has the address of the file: a
// homeserver without MSC2246 gives it only when it has the file.
func (h *theatre) mustClosing(t *testing.T) (a matrix.Announcement) {
	t.Helper()
	_, err := h.Await(t.Context(), "the closing event", func(evt *event.Event) bool {
		a, _ = matrix.FindAnnouncement(evt.Content.Raw)
		return a.State == store.StateEnded && a.File.URL != ""
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// mustMatchClosing compares what the closing event says with the file, at the
// gateway and at the homeserver.
func (h *theatre) mustMatchClosing(t *testing.T, a matrix.Announcement) {
	t.Helper()
	response, err := http.Get(a.LiveURL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	file, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(file)
	if a.Size != int64(len(file)) || a.SHA256 != base64.RawStdEncoding.EncodeToString(sum[:]) {
		t.Errorf("the closing event describes %d bytes, the gateway has %d others", a.Size, len(file))
	}
	mxc, err := id.ParseContentURI(a.File.URL)
	if err != nil {
		t.Fatalf("the closing event has the address %q: %v", a.File.URL, err)
	}
	stored, err := h.Bob.Client.DownloadBytes(t.Context(), mxc)
	if err != nil || !bytes.Equal(stored, file) {
		t.Errorf("the homeserver has %d bytes, want %d (%v)", len(stored), len(file), err)
	}
}

// mustVoice downloads the voice message as any client does: v2 encryption.
func (h *theatre) mustVoice(t *testing.T, evt *event.Event) []byte {
	t.Helper()
	content := evt.Content.AsMessage()
	if content.File == nil || content.MSC1767Audio == nil || len(content.MSC1767Audio.Waveform) == 0 {
		t.Fatalf("the voice message lacks something: %+v", content)
	}
	mxc, err := content.File.URL.Parse()
	if err != nil {
		t.Fatal(err)
	}
	plain, err := h.Bob.Client.DownloadBytes(t.Context(), mxc)
	if err != nil {
		t.Fatal(err)
	}
	file := &attachment.EncryptedFile{Key: content.File.Key, InitVector: content.File.InitVector, Hashes: content.File.Hashes, Version: content.File.Version}
	if err := file.DecryptInPlace(plain); err != nil {
		t.Fatal(err)
	}
	mustDecode(t, plain)
	return plain
}

// mustDecode has ffmpeg play a file.
func mustDecode(t *testing.T, ogg []byte) {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Log("not played:", err)
		return
	}
	player := exec.Command("ffmpeg", "-nostdin", "-v", "warning", "-i", "pipe:0", "-f", "null", "-")
	player.Stdin = bytes.NewReader(ogg)
	if out, err := player.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("ffmpeg: %v\n%s", err, out)
	}
}

// mustListenAsUser finds the show by room, with the program and Bob's account.
// The session is new, so it cannot read what was said before: it is told the
// end of the next show.
func (h *theatre) mustListenAsUser(t *testing.T, sent [][]byte) {
	t.Helper()
	saved := filepath.Join(h.dir, "heard.opus")
	listen := h.Listen(t.Context(), "-silent", "-from", "start", "-save", saved, "-data", h.dir,
		"-homeserver", h.homeserver, "-user", h.Bob.Client.UserID.String(), "-room", h.Room.String())
	listen.Env = append(os.Environ(), "BROADCASTBOT_PASSWORD="+stage.Password, "BROADCASTBOT_RECOVERY_KEY="+h.mustRecoveryKey(t))
	waiting := newNotifier("waiting for the next one")
	listen.Stdout = waiting
	listen.Stderr = waiting
	if err := listen.Start(); err != nil {
		t.Fatal(err)
	}
	waiting.mustSee(t)
	h.mustSay(t, "!live start Once more")
	if err := listen.Wait(); err != nil {
		t.Fatalf("listen: %v\n%s", err, waiting)
	}
	file, err := os.Open(saved)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	mustEqual(t, "saved by the program", mustPackets(t, file), sent)
}

// mustRecoveryKey is that of Bob's account, with which he verifies another session.
func (h *theatre) mustRecoveryKey(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(h.Bob.Identity().RecoveryFile)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}

// TestPowerCut: the station dies in the middle of a show and comes back; the
// show goes on, and nobody loses what was recorded.
func TestPowerCut(t *testing.T) {
	h := mustTheatre(t, "tone:440")
	h.mustSay(t, "!live start")
	live, _ := h.mustState(t, store.StateLive)
	stream := mustStream(t, live)
	var heard [][]byte
	hear := func(n int) {
		t.Helper()
		for range n {
			packet, err := stream.ReadPacket()
			if err != nil {
				t.Fatal(err)
			}
			heard = append(heard, packet)
		}
	}
	hear(50)
	h.Kill()
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	hear(100)
	h.mustSay(t, "!live stop")
	heard = append(heard, mustRest(t, stream)...)
	ended, _ := h.mustState(t, store.StateEnded)
	mustEqual(t, "replay", mustRest(t, mustStream(t, ended)), heard)
}

// TestShutdownEndsTheShow: Ctrl-C at the station ends the show in order.
func TestShutdownEndsTheShow(t *testing.T) {
	h := mustTheatre(t, "tone:440")
	h.mustSay(t, "!live start")
	live, _ := h.mustState(t, store.StateLive)
	stream := mustStream(t, live)
	if _, err := stream.ReadPacket(); err != nil {
		t.Fatal(err)
	}
	h.Station.Stop()
	mustRest(t, stream)
	h.mustState(t, store.StateEnded)
	if err := h.Start(t.Context()); err != nil { // for the cleanup
		t.Fatal(err)
	}
}

func TestWrongPasswordIsASentence(t *testing.T) {
	h := mustTheatre(t, "tone:440")
	h.Station.Stop()
	run := exec.CommandContext(t.Context(), h.Program, "run", "-config", h.Config)
	run.Env = append(os.Environ(), "BROADCASTBOT_PASSWORD=wrong")
	run.Dir = h.dir
	os.Remove(filepath.Join(h.dir, "data", "broadcastbot.db")) // the session that is logged in already
	out, err := run.CombinedOutput()
	if err == nil || run.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), "refuses the password") {
		t.Errorf("exit code %d, output\n%s", run.ProcessState.ExitCode(), out)
	}
	if err := h.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
}
