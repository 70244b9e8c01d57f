package capture

import (
	"encoding/hex"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"unicode"
	"unsafe"

	"github.com/gen2brain/malgo"

	"broadcastbot/internal/opus"
)

// backends returns the sound systems to try, in order. The list is closed because
// miniaudio's own ends with one that records silence, and because asking JACK makes
// noise on standard error.
func backends() []malgo.Backend {
	switch runtime.GOOS {
	case "linux":
		return []malgo.Backend{malgo.BackendPulseaudio, malgo.BackendAlsa}
	case "darwin":
		return []malgo.Backend{malgo.BackendCoreaudio}
	case "windows":
		return []malgo.Backend{malgo.BackendWasapi, malgo.BackendDsound, malgo.BackendWinmm}
	}
	return []malgo.Backend{malgo.BackendSndio, malgo.BackendAudio4, malgo.BackendOss}
}

// openSoundSystem connects to the first sound system that answers.
func openSoundSystem() (*malgo.AllocatedContext, error) {
	quietALSA()
	system, err := malgo.InitContext(backends(), malgo.ContextConfig{}, nil)
	if err != nil {
		return nil, fmt.Errorf("connect to the sound system: %w", err)
	}
	return system, nil
}

func closeSoundSystem(system *malgo.AllocatedContext) {
	system.Uninit()
	system.Free()
}

func listDevices() ([]Device, error) {
	system, err := openSoundSystem()
	if err != nil {
		return nil, err
	}
	defer closeSoundSystem(system)
	return devicesOf(system)
}

func devicesOf(system *malgo.AllocatedContext) ([]Device, error) {
	infos, err := system.Devices(malgo.Capture)
	if err != nil {
		return nil, fmt.Errorf("ask the sound system for microphones: %w", err)
	}
	devices := make([]Device, len(infos))
	for i, info := range infos {
		devices[i] = Device{Name: info.Name(), ID: readableID(info.ID), Default: info.IsDefault != 0, handle: info.ID}
	}
	return devices, nil
}

// readableID returns the ID as text where it is text (PulseAudio, ALSA, CoreAudio),
// else in hex.
func readableID(id malgo.DeviceID) string {
	text, _, _ := strings.Cut(string(id[:]), "\x00")
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return hex.EncodeToString([]byte(text))
	}
	return text
}

// microphone is a device that records.
type microphone struct {
	system *malgo.AllocatedContext
	device *malgo.Device
	chosen Device      // the device with the wanted name; zero where the sound system chooses
	muted  atomic.Bool // given up: what still comes from it is not recorded
}

// defaultDevice is the name for the system's choice.
const defaultDevice = "default"

// openMicrophone starts the device with a name, defaultDevice being the system's choice.
// record gets whole frames of native 16-bit samples at 48 kHz, on a thread of the sound
// system.
func openMicrophone(name string, channels int, record func([]byte)) (*microphone, error) {
	system, err := openSoundSystem()
	if err != nil {
		return nil, err
	}
	m := &microphone{system: system}
	m.chosen, err = m.find(name)
	if err == nil {
		err = m.start(channels, record)
	}
	if err != nil {
		closeSoundSystem(system)
		return nil, err
	}
	return m, nil
}

// start opens the device by its handle wherever it has one: PulseAudio moves a recording without one
// to another device when the first is pulled out.
func (m *microphone) start(channels int, record func([]byte)) error {
	config := malgo.DefaultDeviceConfig(malgo.Capture)
	config.SampleRate = opus.SampleRate
	config.PeriodSizeInMilliseconds = 20
	config.Capture.Format = malgo.FormatS16
	config.Capture.Channels = uint32(channels)
	config.Pulse.StreamNameCapture = "broadcastbot"
	if m.chosen.ID != "" {
		handle := m.chosen.handle // alone: what C gets a pointer to holds no other pointers
		var pinner runtime.Pinner
		pinner.Pin(&handle)
		defer pinner.Unpin()
		config.Capture.DeviceID = unsafe.Pointer(&handle)
	}
	device, err := malgo.InitDevice(m.system.Context, config, m.callbacks(record))
	if err != nil {
		return fmt.Errorf("open the device: %w", err)
	}
	m.device = device
	if err := device.Start(); err != nil {
		device.Uninit()
		return fmt.Errorf("start the device: %w", err)
	}
	return nil
}

// callbacks has none for the end of the device: miniaudio does not call it when a
// PulseAudio server dies.
func (m *microphone) callbacks(record func([]byte)) malgo.DeviceCallbacks {
	return malgo.DeviceCallbacks{Data: func(_, samples []byte, _ uint32) {
		if !m.muted.Load() {
			record(samples)
		}
	}}
}

// find returns the device with a name. It leaves the default to sound systems that never take a
// loudspeaker's monitor for it.
func (m *microphone) find(name string) (Device, error) {
	if name == defaultDevice && runtime.GOOS != "linux" {
		return Device{}, nil
	}
	devices, err := devicesOf(m.system)
	switch {
	case err != nil:
		return Device{}, err
	case name == defaultDevice:
		return chooseDefault(devices)
	}
	return choose(devices, name)
}

// close releases the device. Stop comes first: without it Uninit waits for ever for a
// PulseAudio source that delivers nothing.
func (m *microphone) close() {
	m.muted.Store(true)
	m.device.Stop()
	m.device.Uninit()
	closeSoundSystem(m.system)
}
