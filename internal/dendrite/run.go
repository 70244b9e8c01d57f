//go:build unix

package dendrite

import (
	"bytes"
	"errors"
	"os"
	"testing"
)

// Run starts a homeserver that lives as long as the test. The test is skipped
// where Dendrite cannot be built, unless the environment says CI=true: nobody
// would notice there. A failing test prints what the server said last.
func Run(t testing.TB) *Server { return RunWith(t, Options{}) }

// RunWith is Run with options; Dir and Log are the test's own.
func RunWith(t testing.TB, o Options) *Server {
	t.Helper()
	var log bytes.Buffer
	o.Dir, o.Log = t.TempDir(), &log
	s, err := Start(t.Context(), o)
	if errors.Is(err, ErrBuild) && os.Getenv("CI") != "true" {
		t.Skipf("%v\n%s", err, tail(&log))
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, tail(&log))
	}
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Logf("Dendrite said:\n%s", tail(&log))
		}
	})
	return s
}

// tail is the end of a log, as much as one wants to read.
func tail(log *bytes.Buffer) []byte {
	const most = 8 << 10
	return log.Bytes()[max(0, log.Len()-most):]
}
