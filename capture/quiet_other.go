//go:build !linux

package capture

// quietALSA does nothing where there is no ALSA.
func quietALSA() {}
