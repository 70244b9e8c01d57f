package main

import (
	_ "embed"
	"os"
	"path/filepath"
)

// sample is half a minute of speech: espeak-ng's reading of sample.txt, coded
// at 24 kbit/s.
//
//go:embed sample.opus
var sample []byte

// writeSample puts the sample where the station may read it.
func writeSample(dir string) (path string, err error) {
	path = filepath.Join(dir, "sample.opus")
	return path, os.WriteFile(path, sample, 0o600)
}
