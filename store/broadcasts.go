package store

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"broadcastbot/opusblocks"
)

// State is where a broadcast stands, as the announcement says it.
type State string

// The states. A show that did not come to its own end, because its source broke
// or the bot died, is interrupted: what there is of it is good.
const (
	Live        State = "live"
	Ended       State = "ended"
	Interrupted State = "interrupted"
)

// Broadcast is the record of one show.
type Broadcast struct {
	ID      string // of the gateway's recording: 22 characters base64url
	Room    string
	Speaker string // Matrix user id
	Title   string
	Source  string // as the command gave it, such as device:default
	State   State
	Reason  string // why it was interrupted, as a sentence for the room

	Plain         bool           // not encrypted, for a room that is not either
	Key           opusblocks.Key // of no use where the show is plain
	Channels      int
	Bitrate       int // bit/s; 0 where packets vary in size
	BlockDuration time.Duration

	Spool   string // path of the sender's growing file; not stored, the manager knows its folder
	Gateway string // public base URL of the gateway that serves it

	Event      string // the announcement's id
	VoiceEvent string // the voice message's id
	MXC        string // mxc:// address, reserved or stored
	MXCStored  bool   // the finished file is at MXC
	Concluded  bool   // the room has been told the end

	StartedAt time.Time
	// What the closing event says of the finished file.
	Duration time.Duration
	Size     int64 // bytes
	Blocks   int64
	SHA256   string // base64, unpadded, of the encrypted file
	Seek     string // opusblocks.SeekTable
	Wave     string // base64url of a byte for each point that a player draws
}

// OpenBlocks returns a reader of the show's file.
func (b *Broadcast) OpenBlocks(r io.Reader) *opusblocks.Reader {
	return b.Link().NewReader(r)
}

// SaveBroadcast writes the record, whether it is new or known.
func (s *Store) SaveBroadcast(ctx context.Context, b *Broadcast) error {
	key, err := b.storedKey()
	if err != nil {
		return err
	}
	_, err = s.db.ExecContext(ctx, `
		INSERT OR REPLACE INTO broadcast (id, room, speaker, title, source, state, reason,
			key, channels, bitrate, block_ms, gateway,
			event, voice_event, mxc, mxc_stored, concluded,
			started_at, duration, size, blocks, sha256, seek, plain, wave)
		VALUES (?,?,?,?,?,?,?, ?,?,?,?,?, ?,?,?,?,?, ?,?,?,?,?,?,?,?)`,
		b.ID, b.Room, b.Speaker, b.Title, b.Source, b.State, b.Reason,
		key, b.Channels, b.Bitrate, b.BlockDuration.Milliseconds(), b.Gateway,
		b.Event, b.VoiceEvent, b.MXC, b.MXCStored, b.Concluded,
		b.StartedAt.UnixMilli(), b.Duration.Milliseconds(), b.Size, b.Blocks, b.SHA256, b.Seek, b.Plain, b.Wave)
	if err != nil {
		return fmt.Errorf("save broadcast %s: %w", b.ID, err)
	}
	return nil
}

// storedKey is the key as it stands in the database.
func (b *Broadcast) storedKey() (string, error) {
	if b.Plain {
		return "", nil
	}
	key, err := json.Marshal(b.Key.File(""))
	return string(key), err
}

// takeKey is the inverse of storedKey.
func (b *Broadcast) takeKey(stored string) error {
	if b.Plain {
		return nil
	}
	var file opusblocks.File
	err := json.Unmarshal([]byte(stored), &file)
	if err == nil {
		b.Key, err = file.Secret()
	}
	if err != nil {
		return fmt.Errorf("key of broadcast %s: %w", b.ID, err)
	}
	return nil
}

const selectBroadcast = `
	SELECT id, room, speaker, title, source, state, reason,
		key, channels, bitrate, block_ms, gateway,
		event, voice_event, mxc, mxc_stored, concluded,
		started_at, duration, size, blocks, sha256, seek, plain, wave
	FROM broadcast `

func scanBroadcast(row interface{ Scan(...any) error }) (*Broadcast, error) {
	var b Broadcast
	var key string
	var blockMS, startedAt, duration int64
	err := row.Scan(&b.ID, &b.Room, &b.Speaker, &b.Title, &b.Source, &b.State, &b.Reason,
		&key, &b.Channels, &b.Bitrate, &blockMS, &b.Gateway,
		&b.Event, &b.VoiceEvent, &b.MXC, &b.MXCStored, &b.Concluded,
		&startedAt, &duration, &b.Size, &b.Blocks, &b.SHA256, &b.Seek, &b.Plain, &b.Wave)
	if err != nil {
		return nil, err
	}
	if err := b.takeKey(key); err != nil {
		return nil, err
	}
	b.BlockDuration = time.Duration(blockMS) * time.Millisecond
	b.StartedAt = time.UnixMilli(startedAt)
	b.Duration = time.Duration(duration) * time.Millisecond
	return &b, nil
}

// DeleteBroadcast forgets a show that never was.
func (s *Store) DeleteBroadcast(ctx context.Context, id string) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM broadcast WHERE id = ?`, id)
	return err
}

// Unconcluded returns the broadcasts whose end the room has not been told,
// oldest first: what a crash left open.
func (s *Store) Unconcluded(ctx context.Context) ([]*Broadcast, error) {
	rows, err := s.db.QueryContext(ctx, selectBroadcast+`WHERE concluded = 0 ORDER BY started_at`)
	if err != nil {
		return nil, fmt.Errorf("look for open broadcasts: %w", err)
	}
	defer rows.Close()
	var all []*Broadcast
	for rows.Next() {
		b, err := scanBroadcast(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, rows.Err()
}
