package stage

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if os.Getenv("STAGE_TEST_PARENT") != "" {
		beParent()
	}
	os.Exit(m.Run())
}

// TestDiesWithParent kills a process that has started another one, which holds
// the same pipe open as long as it lives.
func TestDiesWithParent(t *testing.T) {
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), "STAGE_TEST_PARENT=1")
	pipe, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	out := bufio.NewReader(pipe)
	if _, err := out.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	parent.Process.Kill()
	closed := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, out)
		closed <- err
	}()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the child outlived its parent")
		pipe.Close()
	}
	parent.Wait()
}

// beParent is the process that TestDiesWithParent kills.
func beParent() {
	child := command(context.Background(), "sleep", "30")
	child.Stdout = os.Stdout
	if err := child.Start(); err != nil {
		panic(err)
	}
	os.Stdout.WriteString("started\n")
	select {}
}
