package main

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"broadcastbot/internal/stage"
)

// TestListenCommand types what the demonstration prints, when its show is over.
func TestListenCommand(t *testing.T) {
	program, err := stage.Program(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	line := listenCommand(program, "http://127.0.0.1:1/listen/AAAAAAAAAAAAAAAAAAAAAA")
	said, err := exec.CommandContext(t.Context(), "sh", "-c", line).CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(said), "broadcastbot listen: open the show") {
		t.Errorf("%s: %v\n%s", line, err, said)
	}
}
