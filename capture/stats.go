package capture

// Stats count what went wrong with a source since it was opened and was put right.
type Stats struct {
	SilenceSamples int64 // per channel at 48 kHz: silence in place of sound that a device did not deliver
	DroppedSamples int64 // per channel at 48 kHz: sound that nobody read in time, or that was ahead of the clock
	Reopened       int64 // times a device was opened again after it had fallen silent
	DamagedBytes   int64 // bytes of an Ogg stream that were skipped
	LostSamples    int64 // per channel at 48 kHz: sound that an Ogg stream should have had between its packets
}

// StatsOf returns the counts of a source that Open returned. It may be called from any
// goroutine; sources that cannot go wrong have none.
func StatsOf(s Source) Stats { return statsOf(s) }

func statsOf(source any) Stats {
	counter, ok := source.(interface{ Stats() Stats })
	if !ok {
		return Stats{}
	}
	return counter.Stats()
}
