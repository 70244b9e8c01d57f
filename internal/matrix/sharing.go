package matrix

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/crypto/cryptohelper"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// sharer encrypts what the session writes, and decides who gets the keys: the members that a room
// has at that moment, as far as their devices are trusted. It asks the homeserver for them, because
// what is stored may have missed somebody who left.
type sharer struct {
	*cryptohelper.CryptoHelper
	session *Session
	rooms   sync.Map // of *roomKey, by room
}

// roomKey is how the key stands that a room's messages are encrypted with.
type roomKey struct {
	making sync.Mutex
	// current is false of a key that an earlier run has made, when other rules may have held, and of
	// one whose room has other members or devices now.
	current atomic.Bool
	reader  id.UserID // who alone has it; "" means all members. It is guarded by making
	reached sync.Map  // the users who have got one, by id
}

func (s *sharer) key(room id.RoomID) *roomKey {
	key, _ := s.rooms.LoadOrStore(room, new(roomKey))
	return key.(*roomKey)
}

// maxShares bounds how often a key is made for one message, in a room whose members change all the
// time.
const maxShares = 5

// Encrypt implements mautrix.CryptoHelper.
func (s *sharer) Encrypt(ctx context.Context, room id.RoomID, kind event.Type, content any) (*event.EncryptedEventContent, error) {
	return s.encryptTo(ctx, room, "", kind, content)
}

// encryptTo encrypts for one user alone; an empty reader means all members of the room.
func (s *sharer) encryptTo(ctx context.Context, room id.RoomID, reader id.UserID, kind event.Type, content any) (*event.EncryptedEventContent, error) {
	key := s.key(room)
	key.making.Lock()
	defer key.making.Unlock()
	if key.reader != reader {
		key.reader = reader
		key.current.Store(false)
	}
	for range maxShares {
		if !key.current.Swap(true) {
			if err := s.dropKey(ctx, room, key); err != nil {
				return nil, err
			}
		}
		encrypted, err := s.Machine().EncryptMegolmEvent(ctx, room, kind, content)
		if !wantsKey(err) {
			return encrypted, err
		}
		if err := s.share(ctx, room, reader); err != nil {
			return nil, fmt.Errorf("share the keys of %s: %w", room, err)
		}
	}
	return nil, fmt.Errorf("the members of %s change too fast for a key", room)
}

func wantsKey(err error) bool {
	return errors.Is(err, crypto.ErrNoGroupSession) || errors.Is(err, crypto.ErrSessionExpired) || errors.Is(err, crypto.ErrSessionNotShared)
}

func (s *sharer) dropKey(ctx context.Context, room id.RoomID, key *roomKey) error {
	if err := s.Machine().CryptoStore.RemoveOutboundGroupSession(ctx, room); err != nil {
		key.current.Store(false)
		return fmt.Errorf("drop the old key of %s: %w", room, err)
	}
	return nil
}

// share makes a key for the room and gives it to its members, or to the reader alone.
func (s *sharer) share(ctx context.Context, room id.RoomID, reader id.UserID) error {
	if reader != "" {
		return s.shareWith(ctx, room, reader)
	}
	users, err := s.recipients(ctx, room)
	if err != nil {
		return err
	}
	known, err := s.withDevices(ctx, users)
	if err != nil {
		return err
	}
	if err := s.Machine().ShareGroupSession(ctx, room, known); err != nil {
		return err
	}
	if err := s.logReached(ctx, room, known); err != nil {
		return err
	}
	return s.reportLeftOut(ctx, room, users)
}

// shareWith makes a key for the room and gives it to one user, whom the homeserver may not have told of
// their invitation yet.
func (s *sharer) shareWith(ctx context.Context, room id.RoomID, reader id.UserID) error {
	if err := s.checkReader(ctx, reader); err != nil {
		return err
	}
	return s.Machine().ShareGroupSession(ctx, room, []id.UserID{reader})
}

// withDevices returns the users whose devices are known, after the homeserver was asked for those
// of the others. The library would ask by itself, and give the key to everybody whom the answer
// names, whether they are among the users or not.
func (s *sharer) withDevices(ctx context.Context, users []id.UserID) (known []id.UserID, err error) {
	known, unknown, err := s.splitByDevices(ctx, users)
	if err != nil || len(unknown) == 0 {
		return known, err
	}
	if _, err := s.Machine().FetchKeys(ctx, unknown, true); err != nil {
		return nil, err
	}
	found, _, err := s.splitByDevices(ctx, unknown)
	return append(known, found...), err
}

func (s *sharer) splitByDevices(ctx context.Context, users []id.UserID) (known, unknown []id.UserID, err error) {
	for _, user := range users {
		devices, err := s.Machine().CryptoStore.GetDevices(ctx, user)
		if err != nil {
			return nil, nil, fmt.Errorf("look up the devices of %s: %w", user, err)
		}
		if devices == nil {
			unknown = append(unknown, user)
		} else {
			known = append(known, user)
		}
	}
	return known, unknown, nil
}

// recipients asks the homeserver who is in the room or invited to it, ourselves aside. Whoever's
// membership cannot be read is not among them.
func (s *sharer) recipients(ctx context.Context, room id.RoomID) (users []id.UserID, err error) {
	members, err := s.session.Members(ctx, room)
	for user, membership := range members {
		if user != s.session.Client.UserID && (membership == event.MembershipJoin || membership == event.MembershipInvite) {
			users = append(users, user)
		}
	}
	return users, err
}

// readMembership reads a member's state and nothing else of the event, which is written by the
// member and may be malformed on purpose.
func readMembership(content json.RawMessage) event.Membership {
	var member struct {
		Membership event.Membership `json:"membership"`
	}
	if json.Unmarshal(content, &member) != nil {
		return event.MembershipLeave
	}
	return member.Membership
}

// reportLeftOut tells the session's owner which members have devices, but none that got the key.
func (s *sharer) reportLeftOut(ctx context.Context, room id.RoomID, users []id.UserID) error {
	if s.session.leftOut == nil {
		return nil
	}
	var leftOut []id.UserID
	for _, user := range users {
		devices, err := s.Machine().CryptoStore.GetDevices(ctx, user)
		if err != nil {
			return fmt.Errorf("look up the devices of %s: %w", user, err)
		}
		if len(devices) > 0 && !s.anyMayHaveKeys(ctx, devices) {
			leftOut = append(leftOut, user)
		}
	}
	if len(leftOut) > 0 {
		s.session.leftOut(room, leftOut)
	}
	return nil
}

func (s *sharer) anyMayHaveKeys(ctx context.Context, devices map[id.DeviceID]*id.Device) bool {
	for _, device := range devices {
		if s.session.mayHaveKeys(ctx, s.Machine(), device) {
			return true
		}
	}
	return false
}

// noteMember has a room's next message use a new key after one of its members has changed, whatever
// the homeserver says of the member's earlier state (mautrix would believe it).
func (s *sharer) noteMember(_ context.Context, evt *event.Event) {
	s.key(evt.RoomID).current.Store(false)
}

// noteDevices does so for the rooms of users whose devices have changed. mautrix looks only for
// devices that came and went, but one may also have been signed since.
func (s *sharer) noteDevices(ctx context.Context, response *mautrix.RespSync, _ string) bool {
	for _, user := range response.DeviceLists.Changed {
		rooms, err := s.Machine().StateStore.FindSharedRooms(ctx, user)
		if err != nil {
			s.session.log.Warn("the rooms of a user whose devices have changed are not known", "user", user, "err", err)
		}
		for _, room := range rooms {
			s.key(room).current.Store(false)
		}
	}
	return true
}
