package capture

import "hash/maphash"

// recentPackets is how many packets are remembered: more than a server keeps for who connects. Icecast
// keeps 64 kB, which is 87 seconds at 6 kbit/s.
const recentPackets = 8192

// recent tells which packets of a stream were heard already. A server begins a connection with what it
// has sent before, so that players have something to play at once: after a short break, what was lost is
// in it, behind what was not.
type recent struct {
	seed   maphash.Seed
	heard  map[heardPacket]bool
	order  []heardPacket // of what is in heard; a ring
	oldest int
}

// heardPacket stands for a packet. Silence is the same again and again, but not at the same place.
type heardPacket struct {
	granule int64
	sum     uint64
}

func newRecent() *recent {
	return &recent{seed: maphash.MakeSeed(), heard: make(map[heardPacket]bool)}
}

// has reports whether a packet was heard before, and notes it.
func (r *recent) has(packet oggPacket) bool {
	key := heardPacket{packet.Granule, maphash.Bytes(r.seed, packet.Data)}
	if r.heard[key] {
		return true
	}
	r.heard[key] = true
	if len(r.order) < recentPackets {
		r.order = append(r.order, key)
		return false
	}
	delete(r.heard, r.order[r.oldest])
	r.order[r.oldest] = key
	r.oldest = (r.oldest + 1) % recentPackets
	return false
}

// skipRepeated leaves what was heard already to the decoder alone, up to the first packet that was not.
func (r *recent) skipRepeated(next func() (oggPacket, error)) func() (oggPacket, error) {
	isNew := false
	return func() (oggPacket, error) {
		packet, err := next()
		if err != nil {
			return packet, err
		}
		if isRepeated := r.has(packet); !isRepeated {
			isNew = true
		}
		if !isNew {
			packet.Trim, packet.head.PreSkip = packet.Samples, 0
		}
		return packet, nil
	}
}
