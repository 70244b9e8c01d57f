package e2e

import (
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"testing"

	"broadcastbot/internal/oggopus"
	"broadcastbot/internal/opus"
	"broadcastbot/internal/showtest"
)

// speech is half a minute of somebody talking in a room that is not quite
// silent: so every moment of it sounds different from every other, and what is
// heard says where it is from.
type speech struct {
	packets [][]byte
	sound   []float32 // what they decode to, from the moment 0 of the show
}

var recordSpeech = sync.OnceValues(func() (speech, error) {
	pcm, err := samplePCM()
	if err != nil {
		return speech{}, err
	}
	encoder, err := opus.NewEncoder(opus.Defaults())
	if err != nil {
		return speech{}, err
	}
	noise := rand.New(rand.NewPCG(1, 2))
	var s speech
	packet := make([]byte, opus.MaxPacketSize)
	for ; len(pcm) >= opus.FrameSize; pcm = pcm[opus.FrameSize:] {
		for i := range opus.FrameSize {
			pcm[i] = pcm[i]/2 + int16(300*noise.NormFloat64())
		}
		n, err := encoder.Encode(pcm[:opus.FrameSize], packet)
		if err != nil {
			return speech{}, err
		}
		s.packets = append(s.packets, append([]byte(nil), packet[:n]...))
	}
	s.sound, err = decode(s.packets)
	return s, err
})

// mustSpeak returns the first seconds of the speech.
func mustSpeak(t testing.TB, seconds int) speech {
	t.Helper()
	s, err := recordSpeech()
	if err != nil {
		t.Fatal(err)
	}
	if have := len(s.packets) / 50; have < seconds {
		t.Fatalf("the speech has %d seconds, not %d", have, seconds)
	}
	return speech{s.packets[:50*seconds], s.sound[:opus.SampleRate*seconds-showtest.Head.PreSkip]}
}

// samplePCM is the demonstration's sample.
func samplePCM() ([]int16, error) {
	file, err := os.Open("../demo/sample.opus")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var packets [][]byte
	for ogg := oggopus.NewReader(file); ; {
		packet, err := ogg.ReadPacket()
		if err == io.EOF {
			return decodePCM(packets)
		}
		if err != nil {
			return nil, err
		}
		packets = append(packets, packet.Data)
	}
}

func decodePCM(packets [][]byte) (pcm []int16, err error) {
	decoder, err := opus.NewDecoder(1)
	if err != nil {
		return nil, err
	}
	frame := make([]int16, opus.MaxPacketSamples)
	for _, packet := range packets {
		n, err := decoder.Decode(packet, frame)
		if err != nil {
			return nil, err
		}
		pcm = append(pcm, frame[:n]...)
	}
	return pcm, nil
}

// decode returns the sound of a show from its moment 0.
func decode(packets [][]byte) ([]float32, error) {
	pcm, err := decodePCM(packets)
	if err != nil {
		return nil, err
	}
	sound := make([]float32, len(pcm)-showtest.Head.PreSkip)
	for i := range sound {
		sound[i] = float32(pcm[showtest.Head.PreSkip+i]) / 32768
	}
	return sound, nil
}
