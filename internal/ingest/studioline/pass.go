package studioline

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"broadcastbot/capture"
	"broadcastbot/store"
)

// passLifetime is how long a speaker has time to begin the show, and beginInTime says it to people.
const (
	passLifetime = 24 * time.Hour
	beginInTime  = "has to begin within 24 hours"
)

// secretSize is how many random bytes are in a link.
const secretSize = 32

// hashOf is what is stored of a secret. It is as hard to guess as the secret is.
func hashOf(secret []byte) string {
	hash := sha256.Sum256(secret)
	return base64.RawStdEncoding.EncodeToString(hash[:])
}

// invite sends a link to the speaker. The one before is valid until the new one is sent.
func (s *Studio) invite(ctx context.Context, by capture.Asker, title string) (answer string, err error) {
	secret := make([]byte, secretSize)
	rand.Read(secret)
	pass := &store.Pass{
		Source: Kind.Name + ":" + rand.Text(), Room: by.Room, Speaker: by.User, Title: title,
		ExpiresAt: time.Now().Add(passLifetime),
	}
	text := fmt.Sprintf("Your studio for %s: %s/studio/#%s\n\n"+
		"Open it where your microphone is, on a telephone or a computer, and go on air there. The link is for one show, "+
		"which "+beginInTime+". Whoever has it can speak in your name: pass it on to nobody.",
		s.RoomName(ctx, by.Room), s.PublicURL, base64.RawURLEncoding.EncodeToString(secret))
	if err := s.Direct(ctx, by.User, text); err != nil {
		return "", err
	}
	if err := s.Passes.Add(ctx, pass, hashOf(secret)); err != nil {
		return "", err
	}
	s.replaceOthers(pass)
	return "I have sent you the link to your studio in our direct chat. You go on air there, in your browser.", nil
}

// replaceOthers ends the lines of passes that a new one has replaced.
func (s *Studio) replaceOthers(pass *store.Pass) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.active {
		if a.stage == off && a.asker == (capture.Asker{Room: pass.Room, User: pass.Speaker}) {
			a.line.refuse(closeFinal, invalid)
		}
	}
}

// invalid is what is said to whoever has no valid link.
const invalid = "This link is not valid, or not any more: it is for one show, which " + beginInTime + ", " +
	"and a newer link takes its place. Say !live start studio in the room to get one."

// errNotFree means that no show can begin with a link.
var errNotFree = errors.New("the link was used, has expired, or a newer one has taken its place")

// grantNone refuses a name behind the kind: sources with names are for pages.
func grantNone(context.Context, capture.Asker, string) (string, error) {
	return "", errors.New("the studio is asked for without a name: !live start studio")
}

// open opens the source of a pass's show.
func (s *Studio) open(ctx context.Context, name string, o capture.Options) (capture.Source, error) {
	if name == "" {
		return nil, errors.New("a show from the studio is started on its page: say !live start studio to get a link to it")
	}
	source := Kind.Name + ":" + name
	if !o.Resumed {
		switch used, err := s.Passes.Use(ctx, source); {
		case err != nil:
			return nil, err
		case !used:
			return nil, errNotFree
		}
	}
	return s.openSource(source, o), nil
}

// openSource makes the source of a pass's show.
func (s *Studio) openSource(source string, o capture.Options) *source {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.activate(source)
	a.source = newSource(a, o)
	if o.Resumed {
		a.stage = live
	}
	return a.source
}
