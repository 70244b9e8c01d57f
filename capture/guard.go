package capture

import (
	"errors"
	"log/slog"
	"runtime/debug"
)

var errPanicked = errors.New("it failed inside the station, whose log says how")

// Guard does something with a source, and returns a panic as an error that tells nobody what it was
// about; the log has that, and the stack. Sources read what strangers made: a fault in one must end its
// own show, and no other.
func Guard(log *slog.Logger, use func() error) (err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			log.Error("a source panicked", "panic", panicked, "stack", string(debug.Stack()))
			err = errPanicked
		}
	}()
	return use()
}
