package matrix

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"

	"github.com/rs/zerolog"
)

// zerologTo returns the logger that mautrix wants, writing to ours: what it
// warns of as a warning, everything else as a detail.
func zerologTo(log *slog.Logger) zerolog.Logger {
	level := zerolog.WarnLevel
	if log.Enabled(context.Background(), slog.LevelDebug) {
		level = zerolog.DebugLevel
	}
	return zerolog.New(slogWriter{log}).Level(level)
}

// slogWriter takes zerolog's lines of JSON apart again.
type slogWriter struct{ log *slog.Logger }

func (w slogWriter) Write(line []byte) (int, error) { return w.WriteLevel(zerolog.NoLevel, line) }

// WriteLevel implements zerolog.LevelWriter. The bodies of requests are left
// out: an announcement in an unencrypted room has the show's key in it.
func (w slogWriter) WriteLevel(level zerolog.Level, line []byte) (int, error) {
	var fields map[string]any
	if err := json.Unmarshal(line, &fields); err != nil {
		return 0, err
	}
	message, _ := fields[zerolog.MessageFieldName].(string)
	for _, name := range []string{zerolog.MessageFieldName, zerolog.LevelFieldName, "req_body"} {
		delete(fields, name)
	}
	attrs := make([]slog.Attr, 0, len(fields))
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		attrs = append(attrs, slog.Any(name, fields[name]))
	}
	to := slog.LevelDebug
	if level >= zerolog.WarnLevel && level < zerolog.NoLevel {
		to = slog.LevelWarn
	}
	w.log.LogAttrs(context.Background(), to, "mautrix: "+message, attrs...)
	return len(line), nil
}
