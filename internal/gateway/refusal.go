package gateway

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"broadcastbot/internal/recordings"
)

// refusal is an error that a client is told, in Matrix's form: errcode and error.
type refusal struct {
	status  int
	Code    string `json:"errcode"`
	Message string `json:"error"`
}

func (r refusal) Error() string { return r.Message }

// Everything the gateway can say no to.
var (
	errNotFound      = refusal{http.StatusNotFound, "M_NOT_FOUND", "There is no such recording. Check the address."}
	errGone          = refusal{http.StatusGone, "ORG_BROADCASTBOT_GONE", "This recording was removed."}
	errNoEndpoint    = refusal{http.StatusNotFound, "M_UNRECOGNIZED", "There is nothing at this address."}
	errMethod        = refusal{http.StatusMethodNotAllowed, "M_UNRECOGNIZED", "This address does not know that method. The Allow header lists the ones it does."}
	errNoToken       = refusal{http.StatusUnauthorized, "M_MISSING_TOKEN", "Uploading needs the gateway's token, as Authorization: Bearer."}
	errWrongToken    = refusal{http.StatusUnauthorized, "M_UNKNOWN_TOKEN", "This is not the gateway's token. Compare the two configurations."}
	errTusVersion    = refusal{http.StatusPreconditionFailed, "ORG_BROADCASTBOT_TUS_VERSION", "The gateway speaks tus 1.0.0; send Tus-Resumable: 1.0.0."}
	errLengthHeader  = refusal{http.StatusBadRequest, "M_INVALID_PARAM", "Give either Upload-Length in bytes or Upload-Defer-Length: 1."}
	errLengthChanged = refusal{http.StatusBadRequest, "M_INVALID_PARAM", "The upload's length is already known to be another, or more is stored. Ask for it with HEAD."}
	errOffsetHeader  = refusal{http.StatusBadRequest, "M_INVALID_PARAM", "Upload-Offset must be a number of bytes."}
	errMediaType     = refusal{http.StatusUnsupportedMediaType, "M_INVALID_PARAM", "Send Content-Type: application/offset+octet-stream."}
	errWrongOffset   = refusal{http.StatusConflict, "ORG_BROADCASTBOT_OFFSET", "The upload stands elsewhere. Continue at the Upload-Offset of this answer."}
	errEncrypted     = refusal{http.StatusNotFound, "M_NOT_FOUND", "This recording is encrypted: it can be played with its link, and not at this address."}
	errSuperseded    = refusal{http.StatusLocked, "ORG_BROADCASTBOT_SUPERSEDED", "A newer connection continues this upload."}
	errTooLarge      = refusal{http.StatusRequestEntityTooLarge, "M_TOO_LARGE", "This is more than the upload may hold. What was stored until now is kept."}
	errDiskFull      = refusal{http.StatusInsufficientStorage, "ORG_BROADCASTBOT_STORAGE_FULL", "The gateway's disk is full. What was stored until now is kept; continue when there is room."}
	errIdle          = refusal{http.StatusRequestTimeout, "ORG_BROADCASTBOT_IDLE", "The upload brought nothing for too long. Continue at the Upload-Offset of this answer."}
	errCutOff        = refusal{http.StatusRequestTimeout, "ORG_BROADCASTBOT_CUT_OFF", "The upload's connection broke. Continue at the Upload-Offset of this answer."}
	errRange         = refusal{http.StatusRequestedRangeNotSatisfiable, "M_INVALID_PARAM", "The Range header makes no sense. Ask for one range, such as bytes=0-999."}
	errUnsatisfiable = refusal{http.StatusRequestedRangeNotSatisfiable, "M_INVALID_PARAM", "The recording has no bytes there."}
	errClosing       = refusal{http.StatusServiceUnavailable, "M_UNKNOWN", "The gateway is shutting down. Try again in a moment."}
	errInternal      = refusal{http.StatusInternalServerError, "M_UNKNOWN", "Something went wrong in the gateway. Its log says what."}
)

// refusalFor says what a client is told of an error of the catalogue.
var refusalFor = map[error]refusal{
	recordings.ErrNotFound:      errNotFound,
	recordings.ErrRemoved:       errGone,
	recordings.ErrClosed:        errClosing,
	recordings.ErrSuperseded:    errSuperseded,
	recordings.ErrLengthChanged: errLengthChanged,
}

// refusalOf returns what a client is told of any error. Of an unexpected error they are told only
// that there was one.
func refusalOf(err error) refusal {
	var no refusal
	if errors.As(err, &no) {
		return no
	}
	for known, no := range refusalFor {
		if errors.Is(err, known) {
			return no
		}
	}
	if isDiskFull(err) {
		return errDiskFull
	}
	return errInternal
}

// handler is an http.HandlerFunc whose error becomes the answer. It returns an error only while
// nothing of the answer was sent.
type handler func(http.ResponseWriter, *http.Request) error

// methods serves one address: a handler for each method it knows. Without any, there is nothing at
// the address.
func (g *Gateway) methods(byName map[string]handler) http.Handler {
	var known []string
	for name := range byName {
		known = append(known, name)
	}
	slices.Sort(known)
	allow := strings.Join(known, ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.log.Debug("request", "method", r.Method, "path", r.URL.Path) // never the query: somebody might put a key there
		w.Header().Set("X-Content-Type-Options", "nosniff")
		serve := byName[tusMethod(r)]
		switch {
		case serve != nil:
		case allow == "":
			serve = func(http.ResponseWriter, *http.Request) error { return errNoEndpoint }
		default:
			w.Header().Set("Allow", allow)
			serve = func(http.ResponseWriter, *http.Request) error { return errMethod }
		}
		if err := serve(w, r); err != nil {
			g.refuse(w, r, err)
		}
	})
}

// refuse answers with err. What is the gateway's own fault is logged.
func (g *Gateway) refuse(w http.ResponseWriter, r *http.Request, err error) {
	no := refusalOf(err)
	switch no {
	case errDiskFull:
		g.log.Error("disk is full", "path", r.URL.Path, "err", err)
	case errInternal:
		g.log.Error("request went wrong", "method", r.Method, "path", r.URL.Path, "err", err)
	}
	w.Header().Set("Cache-Control", "no-store")
	answerAtOnce(w, r)
	writeJSON(w, no.status, no)
}

// answerAtOnce lets the answer leave while the request's body still flows. To use the connection
// again, net/http would first read up to 256 KiB of the rest, and an uploader of live sound needs a
// minute to send so much.
func answerAtOnce(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor != 1 || r.ContentLength == 0 {
		return
	}
	w.Header().Set("Connection", "close")
	http.NewResponseController(w).SetReadDeadline(time.Now()) // nothing more is read after the answer either
}

// isDiskFull recognises every way in which a system says that a file cannot grow: no space, no
// quota, no larger file allowed.
func isDiskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		panic("gateway: an answer cannot be JSON: " + err.Error()) // only our own plain structs come here
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body)
}
