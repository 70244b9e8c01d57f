package store

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"time"
)

// Stage is how far a show has come. It only ever moves forward.
type Stage string

// The stages. Everything that is still to be done for a show follows from its
// stage and, while it is concluding, from the outcomes of its steps.
const (
	Starting   Stage = "starting"   // being prepared and announced; recording has not begun
	Live       Stage = "live"       // on air
	Concluding Stage = "concluding" // the file is complete; the steps of the conclusion are being done
	Concluded  Stage = "concluded"  // nothing is left to be done
	Deleting   Stage = "deleting"   // every trace of the show is being removed
)

// Outcome is how a step of a show's conclusion ended. A step without an outcome
// is still to be done.
type Outcome string

// The outcomes of a step.
const (
	Done   Outcome = "done"
	Failed Outcome = "failed" // for good: no repetition can mend it
)

// State is how a show stands, as its announcement says it.
type State string

// The states that an announcement knows.
const (
	StateLive        State = "live"
	StateEnded       State = "ended"
	StateInterrupted State = "interrupted" // what there is of it is good
)

// Show is the record of one show. A show has at least one track, its main one,
// and an announcement for each room that it was started in, at least one.
type Show struct {
	ID        string // that of its main track
	Speaker   string // Matrix user id
	Title     string
	Source    string // as the command gave it, such as device:default
	StartedAt time.Time

	Stage  Stage
	Reason string             // why it did not come to its own end, as a sentence for the room
	Steps  map[string]Outcome // of the conclusion

	Tracks        []Track
	Announcements []Announcement
}

// Announcement is the message about a show in one room.
type Announcement struct {
	Room       string
	Event      string // id of the message
	Revision   string // the Show.Revision that the message says
	Edits      string // ids of the messages that edit it, with a space between them
	VoiceEvent string // id of the voice message that answers it
	Closed     bool   // the room does not let the bot say anything any more
}

// isComplete reports whether nothing more is written to the files.
func (s *Show) isComplete() bool { return s.Stage == Concluding || s.Stage == Concluded }

// Main is the track that links lead to.
func (s *Show) Main() *Track { return &s.Tracks[0] }

// State is what the announcement says of the stage.
func (s *Show) State() State {
	switch {
	case s.Stage == Starting || s.Stage == Live:
		return StateLive
	case s.Reason != "":
		return StateInterrupted
	default:
		return StateEnded
	}
}

// Revision names what there is to tell of the show: two announcements of one
// show with the same revision say the same.
func (s *Show) Revision() string {
	main := s.Main()
	told := fnv.New64a()
	fmt.Fprintf(told, "%q %q %q %v %q %q %q",
		s.Title, s.Reason, main.Address(), main.Extent, main.SHA256, main.Seek, main.Wave)
	return fmt.Sprintf("%s-%016x", s.State(), told.Sum64())
}

// Forget takes out of the record what nobody needs to remove the show: its keys above all, and what
// was said of it.
func (s *Show) Forget() {
	s.Title, s.Source, s.Reason = "", "", ""
	for i, t := range s.Tracks {
		s.Tracks[i] = Track{
			ID: t.ID, Gateway: t.Gateway, Plain: true, Channels: t.Channels, Bitrate: t.Bitrate,
			BlockDuration: t.BlockDuration, Reserved: t.Reserved, MXC: t.MXC,
		}
	}
}

// NoteVoicing notes that a voice message may be on its way, to be found in VoiceMayBePosted.
func (s *Show) NoteVoicing() {
	if s.Steps == nil {
		s.Steps = make(map[string]Outcome)
	}
	s.Steps[voicing] = Done
}

// VoiceMayBePosted reports whether rooms may have a voice message that is not noted.
func (s *Show) VoiceMayBePosted() bool { return s.Steps[voicing] == Done }

// voicing stands among the steps and is none.
const voicing = "voicing"

// Clone returns a copy that shares nothing with s.
func (s *Show) Clone() Show {
	clone := *s
	clone.Steps = maps.Clone(s.Steps)
	clone.Tracks = slices.Clone(s.Tracks)
	clone.Announcements = slices.Clone(s.Announcements)
	return clone
}

// CanBeTold reports whether any room still lets the bot tell of the show.
func (s *Show) CanBeTold() bool {
	return slices.ContainsFunc(s.Announcements, func(a Announcement) bool { return !a.Closed })
}

// AnnouncedIn returns the rooms that know of the show.
func (s *Show) AnnouncedIn() (rooms []string) {
	for _, a := range s.Announcements {
		if a.Event != "" && !a.Closed {
			rooms = append(rooms, a.Room)
		}
	}
	return rooms
}
