package retry

import (
	"errors"
	"fmt"
	"testing"
)

func TestPermanent(t *testing.T) {
	marked := fmt.Errorf("upload: %w", Permanent(errWrong))
	if !IsPermanent(marked) || !errors.Is(marked, errWrong) || marked.Error() != "upload: wrong" {
		t.Errorf("the marked error is %q", marked)
	}
	if IsPermanent(errWrong) || IsPermanent(nil) || Permanent(nil) != nil {
		t.Error("an error that nobody has marked is permanent")
	}
}
