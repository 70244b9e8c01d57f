package pulsetest

import "testing"

// maxAttempts is how often a test with a sound server is tried.
const maxAttempts = 5

// Attempts tries a test until it works once. On a busy machine the sound server
// loses sound, each time other sound; what we lose ourselves is lost each time. try
// starts a server of its own.
func Attempts(t testing.TB, try func() error) {
	t.Helper()
	var err error
	for attempt := range maxAttempts {
		if err = try(); err == nil {
			return
		}
		t.Logf("attempt %d: %v", attempt+1, err)
	}
	t.Errorf("not once in %d attempts: %v", maxAttempts, err)
}
