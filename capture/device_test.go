package capture

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"broadcastbot/internal/opus"
	"broadcastbot/internal/pulsetest"
	"broadcastbot/internal/testhelp"
)

// play speaks the sweep into a microphone until the test ends.
func play(t *testing.T, microphone *pulsetest.Microphone) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		microphone.Play(ctx, 3600*opus.SampleRate, testhelp.Sweep)
	}()
	t.Cleanup(func() { cancel(); <-done })
}

// TestDeviceRecords checks that what is said into a microphone is what is recorded,
// without a gap.
func TestDeviceRecords(t *testing.T) {
	testhelp.CheckGoroutines(t)
	pulsetest.Attempts(t, func() error { return recordSweep(t) })
}

func recordSweep(t *testing.T) error {
	server := pulsetest.Start(t)
	microphone := server.Microphone(t, "mic", "VirtualMic")
	server.Microphone(t, "other", "OtherMic")
	source := mustOpen(t, "device:VirtualMic", Options{Encoder: clean(1)})
	play(t, microphone)
	var packets [][]byte
	for range 3 * 50 {
		packets = append(packets, mustRead(t, source))
	}
	recorded := mustDecode(t, source.Format(), packets, 0)
	said := make([]int16, 4*opus.SampleRate)
	for i := range said {
		said[i] = testhelp.Sweep(i)
	}
	start := findSound(recorded, said)
	alike, n := 0, 0
	for i := start; i+period <= len(recorded); i += period {
		n++
		if testhelp.Correlation(recorded[i:i+period], said[i-start:i-start+period]) > 0.9 {
			alike++
		}
	}
	t.Logf("%d of %d pieces of 20 ms are alike, the sound begins at %v, %+v", alike, n, opus.Duration(int64(start)), StatsOf(source))
	if n < 100 || alike < n*3/4 { // a piece or two are lost on a quiet machine, too
		return fmt.Errorf("only %d of %d pieces of 20 ms were recorded as they were said", alike, n)
	}
	if got, want := level(recorded[start:]), level(said); got < want*0.8 || got > want*1.2 {
		return fmt.Errorf("the level is %.0f, want %.0f", got, want)
	}
	return nil
}

// findSound returns where in recorded the sound begins: at the lag at which 50 ms from
// its middle are most alike.
func findSound(recorded, said []int16) int {
	const piece = opus.SampleRate / 20
	middle := opus.SampleRate
	best, found := 0.0, 0
	for lag := 0; lag < len(recorded)-middle-piece; lag++ {
		if c := testhelp.Correlation(recorded[middle+lag:][:piece], said[middle:][:piece]); c > best {
			best, found = c, lag
		}
	}
	return found
}

func TestDeviceNames(t *testing.T) {
	testhelp.CheckGoroutines(t)
	server := pulsetest.Start(t)
	server.Microphone(t, "mic", "VirtualMic")
	server.Microphone(t, "other", "OtherMic")
	devices, err := Devices()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(devices, func(d Device) bool { return d.Name == "VirtualMic" && d.ID == "mic" && d.Default }) {
		t.Errorf("the default microphone is missing in %v", devices)
	}
	for _, spec := range []string{"device:default", "device:VirtualMic", "device:other"} {
		mustOpen(t, spec, Options{Encoder: clean(1)})
	}
	for spec, want := range map[string]string{
		"device:mic2":       `there is no microphone "mic2"`,
		"device:VIRTUALMIC": `there is no microphone "VIRTUALMIC"`,
		"device:Virtual":    `there is no microphone "Virtual"`,
		"device:":           "device:default",
	} {
		source, err := openAs(t.Context(), spec, Options{Encoder: clean(1)})
		if err == nil {
			source.Close()
		}
		if (err == nil) != (want == "") || err != nil && !(strings.Contains(err.Error(), want) && strings.Contains(err.Error(), "broadcastbot devices")) {
			t.Errorf("%s: %v, want %q", spec, err, want)
		}
	}
}

// TestDeviceReadsEnd checks that a read ends with its context although the microphone
// says nothing.
func TestDeviceReadsEnd(t *testing.T) {
	testhelp.CheckGoroutines(t)
	server := pulsetest.Start(t)
	server.Microphone(t, "mic", "VirtualMic")
	source := mustOpen(t, "device:default", Options{Encoder: clean(1)})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := source.ReadPacket(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a cancelled read says %v", err)
	}
}

// TestDeviceGone takes the sound system away in two ways: a crash, and a hang in which
// no call to it returns.
func TestDeviceGone(t *testing.T) {
	for name, strike := range map[string]func(*testing.T, *pulsetest.Server){
		"crash": func(t *testing.T, s *pulsetest.Server) { s.Kill() },
		"hang":  func(t *testing.T, s *pulsetest.Server) { s.Freeze(t) },
	} {
		t.Run(name, func(t *testing.T) {
			testhelp.CheckGoroutines(t)
			server := pulsetest.Start(t)
			play(t, server.Microphone(t, "mic", "VirtualMic"))
			source := mustOpen(t, "device:VirtualMic", Options{Encoder: clean(1), DeviceTimeout: time.Second})
			for range 10 {
				mustRead(t, source)
			}
			strike(t, server)
			struck := time.Now()
			packets := 0
			var err error
			for err == nil {
				if _, err = source.ReadPacket(t.Context()); err == nil {
					packets++
				}
			}
			took := time.Since(struck)
			if !errors.Is(err, ErrDeviceGone) || !strings.Contains(err.Error(), "VirtualMic") {
				t.Errorf("the error is %v", err)
			}
			if took > 8*time.Second {
				t.Errorf("it was told after %v", took)
			}
			if recorded := time.Duration(packets) * 20 * time.Millisecond; recorded < took-time.Second || recorded > took+time.Second {
				t.Errorf("%v were recorded while %v went by", recorded, took)
			}
			if _, again := source.ReadPacket(t.Context()); !errors.Is(again, ErrDeviceGone) {
				t.Errorf("the next read says %v", again)
			}
			closing := time.Now()
			source.Close()
			if took := time.Since(closing); took > closeTimeout+time.Second {
				t.Errorf("Close took %v", took)
			}
			server.Kill()
		})
	}
}

// TestDeviceComesBack restarts the sound system: the recording goes on, and is as long
// as the time it took.
func TestDeviceComesBack(t *testing.T) {
	testhelp.CheckGoroutines(t)
	server := pulsetest.Start(t)
	play(t, server.Microphone(t, "mic", "VirtualMic"))
	source := mustOpen(t, "device:VirtualMic", Options{Encoder: clean(1)})
	mustRead(t, source)
	start := time.Now()
	read := 0
	for ; read < 50; read++ {
		mustRead(t, source)
	}
	server.Kill()
	server.Restart(t)
	play(t, server.Microphone(t, "mic", "VirtualMic"))
	for ; StatsOf(source).Reopened == 0; read++ {
		mustRead(t, source)
	}
	decoder, err := opus.NewDecoder(1)
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]int16, opus.FrameSize)
	for loud := 0; loud < 150; read++ { // long enough for the timeline to deal with what was waiting in the microphone's fifo
		if _, err := decoder.Decode(mustRead(t, source), pcm); err != nil {
			t.Fatal(err)
		}
		if level(pcm) > 3000 {
			loud++
		}
	}
	// What waited in the fifos of the old and the new microphone comes as sound
	// from before its time; how much of it there is depends on the machine.
	took, recorded := time.Since(start), time.Duration(read)*20*time.Millisecond
	if recorded < took-time.Second || recorded > took+4*time.Second {
		t.Errorf("%v were recorded while %v went by", recorded, took)
	}
	if StatsOf(source).SilenceSamples < opus.SampleRate {
		t.Errorf("%+v: no silence was recorded", StatsOf(source))
	}
}

// TestMonitorIsNoMicrophone: on a machine that has lost its microphone, nothing takes its place, least
// of all what the loudspeaker plays.
func TestMonitorIsNoMicrophone(t *testing.T) {
	testhelp.CheckGoroutines(t)
	server := pulsetest.Start(t)
	server.Loudspeaker(t) // its monitor is the default input
	for spec, want := range map[string]string{
		"device:speaker": `there is no microphone "speaker"`,
		"device:default": "records what a loudspeaker plays",
	} {
		source, err := openAs(t.Context(), spec, Options{Encoder: clean(1)})
		if err == nil {
			source.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "Monitor of") {
			t.Errorf("%s: %v, want %q", spec, err, want)
		}
	}
	mustOpen(t, "device:speaker.monitor", Options{Encoder: clean(1)})
}

// TestDefaultStaysTheSame pulls out the default microphone of a show: the system's next default, in
// another place perhaps, is not heard in its stead.
func TestDefaultStaysTheSame(t *testing.T) {
	testhelp.CheckGoroutines(t)
	server := pulsetest.Start(t)
	microphone := server.Microphone(t, "mic", "VirtualMic")
	play(t, microphone)
	source := mustOpen(t, "device:default", Options{Encoder: clean(1), DeviceTimeout: time.Second})
	mustRead(t, source)
	play(t, server.Microphone(t, "other", "OtherMic"))
	microphone.Unplug(t)
	for range 20 * 50 { // packets of 20 ms
		if _, err := source.ReadPacket(t.Context()); errors.Is(err, ErrDeviceGone) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
	t.Errorf("another microphone is heard: %+v", StatsOf(source))
}
