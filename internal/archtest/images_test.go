package archtest

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

var (
	fromLine = regexp.MustCompile(`(?m)^FROM (\S+)`)
	pinned   = regexp.MustCompile(`^[^@]+:[^@]+@sha256:[0-9a-f]{64}$`)
)

// TestImagesArePinned: whoever moves the tag of a base image must not change what we ship.
func TestImagesArePinned(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	images := fromLine.FindAllStringSubmatch(string(text), -1)
	if len(images) == 0 {
		t.Fatal("the Dockerfile has no base image")
	}
	for _, image := range images {
		if !pinned.MatchString(image[1]) {
			t.Errorf("%s is not pinned by its digest", image[1])
		}
	}
}
