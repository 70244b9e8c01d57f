package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mustServe starts the program as a process and returns when it answers requests. kill ends the
// process as a power cut does, and waits for that.
func mustServe(t *testing.T, verb, config string) (pid int, kill func()) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "broadcastbot", verb, "-config", mustWrite(t, config))
	output, input := io.Pipe()
	command.Stdout, command.Stderr = input, input
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		input.CloseWithError(command.Wait())
		close(ended)
	}()
	var said strings.Builder
	for lines := bufio.NewScanner(output); lines.Scan(); {
		fmt.Fprintln(&said, lines.Text())
		if strings.Contains(lines.Text(), "listening for HTTP") {
			go io.Copy(io.Discard, output)
			return command.Process.Pid, func() {
				command.Process.Kill()
				<-ended
			}
		}
	}
	t.Fatalf("broadcastbot %s does not serve:\n%s", verb, &said)
	return 0, nil
}

// mustSilentHomeserver returns the address of a server that takes connections and says nothing.
func mustSilentHomeserver(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return "http://" + listener.Addr().String()
}

// TestOneProcessPerDataFolder: while a station or a gateway has a folder, no second one starts in
// it, on whatever port. The first may be killed as hard as can be: the folder is free then.
func TestOneProcessPerDataFolder(t *testing.T) {
	config := fmt.Sprintf(`
homeserver: %s
user: "@radio:example.org"
password: secret
inviters: ["*"]
speakers: ["@alice:example.org"]
data_dir: %q
gateway: {listen: "127.0.0.1:0", upload_token: token}
`, mustSilentHomeserver(t), filepath.Join(t.TempDir(), "data"))
	for _, first := range []string{"gateway", "run"} {
		pid, kill := mustServe(t, first, config)
		for _, second := range []string{"gateway", "run"} {
			out, err := exec.Command("broadcastbot", second, "-config", mustWrite(t, config)).CombinedOutput()
			if want := fmt.Sprintf("process %d on ", pid); err == nil || !strings.Contains(string(out), want) {
				t.Errorf("%s beside %s: %v, want one that says %q\n%s", second, first, err, want, out)
			}
		}
		kill()
	}
}
