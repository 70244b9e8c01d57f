package uploader

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"broadcastbot/internal/gateway"
	"broadcastbot/internal/livefile"
	"broadcastbot/internal/recordings"
	"broadcastbot/internal/retry"
)

// mustGateway starts a real gateway.
func mustGateway(t *testing.T) (*httptest.Server, *Tus) {
	t.Helper()
	catalogue, err := recordings.Open(recordings.Disk(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	g, err := gateway.New(gateway.Options{Recordings: catalogue, Token: "token"})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(g.Handler())
	t.Cleanup(func() {
		g.Close()
		server.Close()
	})
	return server, &Tus{Client: server.Client(), Endpoint: server.URL + "/upload", Token: "token"}
}

func TestUploadToTheGateway(t *testing.T) {
	server, tus := mustGateway(t)
	upload, err := tus.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f, err := livefile.Create(filepath.Join(t.TempDir(), "spool"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	u := &Uploader{File: f, Destination: upload, Log: slog.New(slog.DiscardHandler)}
	done := make(chan error)
	go func() { done <- u.Run(t.Context()) }()
	for range 100 {
		if _, err := io.WriteString(f, "a block of the show, "); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Finish(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	response, err := server.Client().Get(server.URL + "/live/" + upload.ID())
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil || string(got) != strings.Repeat("a block of the show, ", 100) {
		t.Errorf("the gateway serves %d bytes, %v", len(got), err)
	}
}

func TestRefusals(t *testing.T) {
	_, tus := mustGateway(t)
	upload, err := tus.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantStatus := func(name string, err error, code int, refused bool) {
		t.Helper()
		var status *StatusError
		if !errors.As(err, &status) || status.Code != code || status.Message == "" {
			t.Errorf("%s: %v, want %d and a sentence", name, err, code)
		}
		if retry.IsPermanent(err) != refused {
			t.Errorf("%s: repeating cannot help is %v, want %v", name, !refused, refused)
		}
	}
	wantStatus("wrong offset", upload.Append(t.Context(), 5, strings.NewReader("x")), http.StatusConflict, false)
	stranger := *tus
	stranger.Token = "wrong"
	_, err = stranger.Create(t.Context())
	wantStatus("wrong token", err, http.StatusUnauthorized, true)
	for range 2 { // it can be repeated
		if err := upload.Delete(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	wantStatus("never there", tus.Upload(strings.Repeat("A", 22)).Delete(t.Context()), http.StatusNotFound, true)
	wantStatus("deleted", upload.Append(t.Context(), 0, strings.NewReader("x")), http.StatusGone, true)
	if _, err := upload.Offset(t.Context()); err == nil {
		t.Error("a deleted upload has an offset")
	}
}

// TestProofOfRemoval: only the gateway that has had a recording can tell that it is removed.
func TestProofOfRemoval(t *testing.T) {
	server, tus := mustGateway(t)
	elsewhere, other := mustGateway(t)
	upload, err := tus.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := func(name string, got error, isProven, isUnknown bool) {
		t.Helper()
		if (got == nil) != isProven || errors.Is(got, ErrUnknown) != isUnknown {
			t.Errorf("%s: %v", name, got)
		}
	}
	address := "/live/" + upload.ID()
	want("while it is there", other.CheckRemoved(t.Context(), server.URL+address), false, false)
	want("deleted elsewhere", other.Upload(upload.ID()).Delete(t.Context()), false, true)
	want("deleted", upload.Delete(t.Context()), true, false)
	want("asked elsewhere", tus.CheckRemoved(t.Context(), elsewhere.URL+address), false, false)
	want("asked where it was", other.CheckRemoved(t.Context(), server.URL+address), true, false)
	server.Close()
	want("asked when it is away", other.CheckRemoved(t.Context(), server.URL+address), false, false)
}

// TestIDIsNoPath: files are named after what the gateway calls a recording.
func TestIDIsNoPath(t *testing.T) {
	for _, location := range []string{"/upload/*", "/upload/", "/upload/..", "/upload/abc", "/upload/" + strings.Repeat("a", 23), "/upload/" + strings.Repeat("[", 22)} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", location)
			w.WriteHeader(http.StatusCreated)
		}))
		upload, err := (&Tus{Client: server.Client(), Endpoint: server.URL + "/upload"}).Create(t.Context())
		server.Close()
		if err == nil {
			t.Errorf("%s: the recording %q, want an error", location, upload.ID())
		}
	}
}
