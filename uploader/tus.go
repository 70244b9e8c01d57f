package uploader

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"time"

	"broadcastbot/internal/retry"
)

// Tus creates uploads at a server that speaks tus 1.0.0 with the extensions creation,
// creation-defer-length and termination (https://tus.io).
type Tus struct {
	Client   *http.Client
	Endpoint string // where uploads are created, such as http://127.0.0.1:8008/upload
	Token    string // bearer token
}

// tusUpload is one upload at a tus server.
type tusUpload struct {
	tus *Tus
	url string
}

var (
	_ Remote = (*Tus)(nil)
	_ Upload = (*tusUpload)(nil)
)

// StatusError is a refusal by the server.
type StatusError struct {
	Code    int    // HTTP status
	Message string // the server's words, may be empty
}

func (e *StatusError) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("the gateway answers %d %s", e.Code, http.StatusText(e.Code))
	}
	return fmt.Sprintf("the gateway answers %d: %s", e.Code, e.Message)
}

// permanent reports whether the same request would be refused again. A wrong offset (409) and an
// upload that another connection has (423) are no such cases: asking for the offset again helps.
func (e *StatusError) permanent() bool {
	switch e.Code {
	case http.StatusConflict, http.StatusLocked, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return false
	}
	return e.Code >= 400 && e.Code < 500
}

// requestTimeout bounds the requests whose body does not flow for hours.
const requestTimeout = 10 * time.Second

// Create implements Remote: it begins an upload of a length that is not known yet.
func (t *Tus) Create(ctx context.Context) (Upload, error) {
	header := http.Header{"Upload-Defer-Length": {"1"}}
	response, err := t.short(ctx, http.MethodPost, t.Endpoint, header, http.StatusCreated)
	if err != nil {
		return nil, fmt.Errorf("create upload: %w", err)
	}
	base, err := url.Parse(t.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("create upload: %w", err)
	}
	location, err := base.Parse(response.Header.Get("Location"))
	if err != nil || response.Header.Get("Location") == "" {
		return nil, errors.New("create upload: the gateway does not say where (Location is missing)")
	}
	created := &tusUpload{tus: t, url: location.String()}
	if !recordingID.MatchString(created.ID()) {
		return nil, fmt.Errorf("create upload: the gateway names %q, which is not the id of a recording", created.ID())
	}
	return created, nil
}

// recordingID is what a gateway calls a recording: 128 random bits in base64url. Files are named
// after it, so no gateway may choose anything else.
var recordingID = regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`)

// Upload implements Remote.
func (t *Tus) Upload(id string) Upload { return &tusUpload{tus: t, url: t.Endpoint + "/" + id} }

// ID implements Upload: it is the last part of the URL.
func (u *tusUpload) ID() string { return path.Base(u.url) }

// Offset implements Destination.
func (u *tusUpload) Offset(ctx context.Context) (int64, error) {
	response, err := u.tus.short(ctx, http.MethodHead, u.url, nil, http.StatusOK)
	if err != nil {
		return 0, err
	}
	offset, err := strconv.ParseInt(response.Header.Get("Upload-Offset"), 10, 64)
	if err != nil || offset < 0 {
		return 0, fmt.Errorf("the gateway names %q as its offset", response.Header.Get("Upload-Offset"))
	}
	return offset, nil
}

// Append implements Destination: one PATCH whose body flows as long as r does.
func (u *tusUpload) Append(ctx context.Context, offset int64, r io.Reader) error {
	header := patchHeader(offset)
	response, err := u.tus.do(ctx, http.MethodPatch, u.url, header, r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return check(response, http.StatusNoContent)
}

// Finish implements Destination: an empty PATCH that declares the length.
func (u *tusUpload) Finish(ctx context.Context, size int64) error {
	header := patchHeader(size)
	header.Set("Upload-Length", strconv.FormatInt(size, 10))
	_, err := u.tus.short(ctx, http.MethodPatch, u.url, header, http.StatusNoContent)
	return err
}

// Delete implements Upload. An upload that the server has removed before is no error.
func (u *tusUpload) Delete(ctx context.Context) error {
	_, err := u.tus.short(ctx, http.MethodDelete, u.url, nil, http.StatusNoContent)
	switch status(err) {
	case http.StatusGone:
		return nil
	case http.StatusNotFound:
		err = fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	if err != nil {
		return fmt.Errorf("delete upload: %w", err)
	}
	return nil
}

// status is the HTTP status with which the server has refused; 0 of any other error, and of nil.
func status(err error) int {
	var refusal *StatusError
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return 0
}

// CheckRemoved implements Remote. The address gets no token.
func (t *Tus) CheckRemoved(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, address, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Cache-Control", "no-cache")
	response, err := t.Client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return check(response, http.StatusGone)
}

func patchHeader(offset int64) http.Header {
	return http.Header{
		"Content-Type":  {"application/offset+octet-stream"},
		"Upload-Offset": {strconv.FormatInt(offset, 10)},
	}
}

// short makes a request that is answered at once and returns the answer, whose body is closed, if
// it has the wanted status.
func (t *Tus) short(ctx context.Context, method, url string, header http.Header, want int) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	response, err := t.do(ctx, method, url, header, nil)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return response, check(response, want)
}

func (t *Tus) do(ctx context.Context, method, url string, header http.Header, body io.Reader) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		request.Header[name] = values
	}
	request.Header.Set("Tus-Resumable", "1.0.0")
	request.Header.Set("Authorization", "Bearer "+t.Token)
	return t.Client.Do(request)
}

// check turns an unwanted answer into a StatusError with the server's words, marked as permanent if
// it is.
func check(response *http.Response, want int) error {
	if response.StatusCode == want {
		return nil
	}
	refusal := struct {
		Error string `json:"error"`
	}{}
	json.NewDecoder(io.LimitReader(response.Body, 4096)).Decode(&refusal) // without words the status is enough
	err := &StatusError{Code: response.StatusCode, Message: refusal.Error}
	if err.permanent() {
		return retry.Permanent(err)
	}
	return err
}
