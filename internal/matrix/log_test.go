package matrix

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
)

func TestZerologTo(t *testing.T) {
	var out bytes.Buffer
	log := zerologTo(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	log.Debug().Str("url", "https://example.org").RawJSON("req_body", json.RawMessage(`{"k":"secret"}`)).Msg("Request completed")
	log.Error().Int("status", 502).Msg("Request failed")
	lines := strings.Split(out.String(), "\n")
	for i, want := range []string{
		`level=DEBUG msg="mautrix: Request completed" url=https://example.org`,
		`level=WARN msg="mautrix: Request failed" status=502`,
	} {
		if !strings.Contains(lines[i], want) {
			t.Errorf("line %q, want %q", lines[i], want)
		}
	}
	if strings.Contains(out.String(), "secret") {
		t.Errorf("the log has the body of a request: %s", &out)
	}
}

func TestZerologToQuiet(t *testing.T) {
	var out bytes.Buffer
	log := zerologTo(slog.New(slog.NewTextHandler(&out, nil)))
	log.Debug().Msg("detail")
	log.Warn().Msg("trouble")
	if got := out.String(); strings.Contains(got, "detail") || !strings.Contains(got, "trouble") {
		t.Errorf("log: %s", got)
	}
}
