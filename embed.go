// Package broadcastbot holds what the program carries with it: the
// configuration file that documents every key and gives its default.
//
// The program is cmd/broadcastbot; README.md draws how its packages fit.
package broadcastbot

import _ "embed"

// Config is config.yaml.
//
//go:embed config.yaml
var Config []byte
