package retry

import "errors"

// permanent marks an error that no repetition can mend.
type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// Permanent marks err as one that no repetition can mend, for whoever repeats the operation and
// cannot know its errors. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanent{err}
}

// IsPermanent reports whether err, or an error that it wraps, was marked with Permanent.
func IsPermanent(err error) bool {
	var marked permanent
	return errors.As(err, &marked)
}
