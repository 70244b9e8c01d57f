package e2e

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"maunium.net/go/mautrix/event"

	"broadcastbot/store"
)

// settings are what stands in the direct chat.
var settings = regexp.MustCompile(`Server: (\S+)\nPort: (\d+)\n.*\nMount: (\S+)\n\nUser: source\nPassword: (\S+)\n`)

// mustGetSettings has Alice ask in the room, and returns what she reads in the direct chat.
func (h *theatre) mustGetSettings(t *testing.T) (address string) {
	t.Helper()
	h.mustSay(t, "!live source")
	if _, err := h.Await(t.Context(), "that it was sent", func(evt *event.Event) bool {
		return strings.HasPrefix(evt.Content.AsMessage().Body, "I have sent it to you in our direct chat.")
	}); err != nil {
		t.Fatal(err)
	}
	text, err := h.AwaitDirect(t.Context(), settings.MatchString)
	if err != nil {
		t.Fatal(err)
	}
	found := settings.FindStringSubmatch(text)
	return "icecast://source:" + found[4] + "@" + found[1] + ":" + found[2] + found[3]
}

// mustWelcomeProgram returns a theatre and the address in it for Alice's program. Where there is no program,
// the test is skipped.
func mustWelcomeProgram(t *testing.T) (h *theatre, address string) {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("no ffmpeg: apt-get install ffmpeg")
	}
	h = mustTheatre(t, "tone:440")
	return h, h.mustGetSettings(t)
}

// program pushes a tone to an address, as a DJ's program does.
func program(ctx context.Context, address string) *exec.Cmd {
	return exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-re", "-f", "lavfi", "-i", "sine=440:sample_rate=48000",
		"-c:a", "libopus", "-b:a", "32k", "-f", "ogg", "-page_duration", "20000", "-content_type", "audio/ogg", address)
}

// TestProgram: a DJ reads in a direct chat what to type into a program, which goes on air with that and with
// nothing else; what is revoked ends, and comes back no more.
func TestProgram(t *testing.T) {
	h, address := mustWelcomeProgram(t)
	password := strings.TrimPrefix(strings.Split(address, "@")[0], "icecast://source:")
	if out, err := program(t.Context(), strings.Replace(address, password, strings.ToLower(password), 1)).CombinedOutput(); err == nil || !strings.Contains(string(out), "401") {
		t.Errorf("with a wrong password: %v, %s", err, out)
	}

	run := program(t.Context(), address)
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	live, _ := h.mustState(t, store.StateLive)
	if live.Speaker != h.Alice.Client.UserID.String() {
		t.Errorf("the speaker is %s", live.Speaker)
	}
	stream := mustStream(t, live)
	mustFirst(t, stream, 50)

	h.mustSay(t, "!live source revoke")
	if _, err := h.Await(t.Context(), "the end", func(evt *event.Event) bool {
		return strings.HasPrefix(evt.Content.AsMessage().Body, "Your program's password for this room is void. The show is over.")
	}); err != nil {
		t.Error(err)
	}
	mustRest(t, stream)
	if err := run.Wait(); err == nil {
		t.Error("the program was not cut off")
	}
	if out, err := program(t.Context(), address).CombinedOutput(); err == nil || !strings.Contains(string(out), "401") {
		t.Errorf("with a password that is void: %v, %s", err, out)
	}
	if log := h.mustLog(t); strings.Contains(log, password) {
		t.Error("the log has the password")
	}
}

// TestProgramComesBack kills the station under a DJ's program. When the program has connected again, the
// show goes on in the same recording, and it ends when the program does.
func TestProgramComesBack(t *testing.T) {
	h, address := mustWelcomeProgram(t)
	first := program(t.Context(), address)
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	live, _ := h.mustState(t, store.StateLive)
	stream := mustStream(t, live)
	heard := mustFirst(t, stream, 50)
	h.Kill()
	first.Wait()
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := program(t.Context(), address)
	if err := second.Start(); err != nil {
		t.Fatal(err)
	}
	heard = append(heard, mustFirst(t, stream, 100)...)
	second.Process.Signal(os.Interrupt)
	second.Wait()
	heard = append(heard, mustRest(t, stream)...)
	ended, _ := h.mustState(t, store.StateEnded)
	mustEqual(t, "replay", mustRest(t, mustStream(t, ended)), heard)
}

func (h *theatre) mustLog(t *testing.T) string {
	t.Helper()
	log, err := os.ReadFile(h.LogPath)
	if err != nil {
		t.Fatal(err)
	}
	return string(log)
}
