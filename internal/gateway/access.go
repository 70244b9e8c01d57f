package gateway

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// token is the hash of the upload token: the comparison takes the same time whatever is presented,
// also for another length.
type token [sha256.Size]byte

func newToken(secret string) token { return sha256.Sum256([]byte(secret)) }

func (t token) matches(presented string) bool {
	hash := sha256.Sum256([]byte(presented))
	return subtle.ConstantTimeCompare(t[:], hash[:]) == 1
}

// authorised lets those through who present the upload token (RFC 6750, section 2.1) and speak our
// version of tus.
func (g *Gateway) authorised(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Tus-Resumable", tusVersion)
		if err := g.checkToken(r); err != nil {
			w.Header().Set("WWW-Authenticate", `Bearer realm="broadcastbot gateway"`)
			return err
		}
		if r.Header.Get("Tus-Resumable") != tusVersion {
			w.Header().Set("Tus-Version", tusVersion)
			return errTusVersion
		}
		return next(w, r)
	}
}

func (g *Gateway) checkToken(r *http.Request) error {
	scheme, presented, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case !strings.EqualFold(scheme, "Bearer") || presented == "":
		return errNoToken
	case !g.token.matches(presented):
		return errWrongToken
	}
	return nil
}
