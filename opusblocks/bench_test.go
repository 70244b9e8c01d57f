package opusblocks

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
)

// benchPackets is one block of so many milliseconds at 32 kbit/s.
func benchPackets(ms int) (packets [][]byte, size int64) {
	random := rand.New(rand.NewPCG(1, 1))
	for range ms / 20 {
		packets = append(packets, testPacket(random, 80))
	}
	return packets, int64(80 * len(packets))
}

var blockSizes = []int{20, 100, 1000} // ms

// BenchmarkSeal writes blocks; its peer is bare AES-GCM over the same packets.
func BenchmarkSeal(b *testing.B) {
	for _, ms := range blockSizes {
		b.Run(fmt.Sprintf("%dms", ms), func(b *testing.B) {
			packets, size := benchPackets(ms)
			w, err := Sealed(NewKey()).NewWriter(io.Discard, testHead)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				if err := w.WriteBlock(packets); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("%dms/bare-gcm", ms), func(b *testing.B) {
			packets, size := benchPackets(ms)
			plaintext := bytes.Join(packets, nil)
			block, err := aes.NewCipher(make([]byte, 32))
			if err != nil {
				b.Fatal(err)
			}
			gcm, err := cipher.NewGCMWithNonceSize(block, 16)
			if err != nil {
				b.Fatal(err)
			}
			nonce, sealed := make([]byte, 16), make([]byte, 0, len(plaintext)+16)
			b.SetBytes(size)
			b.ReportAllocs()
			for sequence := uint32(0); b.Loop(); sequence++ {
				binary.LittleEndian.PutUint32(nonce, sequence)
				sealed = gcm.Seal(sealed[:0], nonce, plaintext, nonce[:4])
			}
		})
	}
}

// BenchmarkOpen reads a minute of sound; a figure is one block's.
func BenchmarkOpen(b *testing.B) {
	for _, ms := range blockSizes {
		b.Run(fmt.Sprintf("%dms", ms), func(b *testing.B) {
			packets, size := benchPackets(ms)
			key := NewKey()
			var file bytes.Buffer
			w, err := Sealed(key).NewWriter(&file, testHead)
			if err != nil {
				b.Fatal(err)
			}
			for range 60000 / ms {
				if err := w.WriteBlock(packets); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(size)
			b.ReportAllocs()
			r := Sealed(key).NewReader(bytes.NewReader(file.Bytes()))
			for b.Loop() {
				if _, err := r.ReadBlock(); err != nil { // the end of the file: begin again
					r = Sealed(key).NewReader(bytes.NewReader(file.Bytes()))
				}
			}
		})
	}
}
