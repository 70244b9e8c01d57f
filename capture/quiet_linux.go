package capture

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stddef.h>

typedef void (*alsa_handler)(const char *file, int line, const char *function, int err, const char *format, ...);

static void say_nothing(const char *file, int line, const char *function, int err, const char *format, ...) {}

// The library is opened at run time, as miniaudio does, and stays open, so that the
// handler stays set.
static void quiet_alsa(void) {
	void *library = dlopen("libasound.so.2", RTLD_NOW | RTLD_LOCAL);
	if (library == NULL) {
		return;
	}
	int (*set_handler)(alsa_handler) = (int (*)(alsa_handler))dlsym(library, "snd_lib_error_set_handler");
	if (set_handler != NULL) {
		set_handler(say_nothing);
	}
}
*/
import "C"

import "sync"

// quietALSA stops libasound from writing to standard error, which it does for every
// device that a machine does not have. Its errors are returned, too.
var quietALSA = sync.OnceFunc(func() { C.quiet_alsa() })
