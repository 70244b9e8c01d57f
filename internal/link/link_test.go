package link

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"broadcastbot/opusblocks"
)

// cases is testdata/cases.json, which says what its fields mean.
type cases struct {
	Valid []struct {
		Name, Link, Base, ID, Key, File, Canonical string
		Start                                      *float64
		Wave                                       []int
		Seek, Signer, SHA256                       string
	}
	Refused []struct{ Name, Link, Part, Reason string }
}

func mustCases(t testing.TB) (c cases) {
	t.Helper()
	raw, err := os.ReadFile("testdata/cases.json")
	if err == nil {
		err = json.Unmarshal(raw, &c)
	}
	if err != nil || len(c.Valid) == 0 || len(c.Refused) == 0 {
		t.Fatalf("testdata/cases.json: %d valid and %d refused links, %v", len(c.Valid), len(c.Refused), err)
	}
	return c
}

func TestValidLinks(t *testing.T) {
	for _, c := range mustCases(t).Valid {
		want := Link{Base: c.Base, ID: c.ID, Plain: c.Key == "", Wave: make([]byte, len(c.Wave))}
		if !want.Plain {
			want.Key = mustKey(t, c.Key)
		}
		if c.Start != nil {
			start := time.Duration(math.Round(*c.Start * 1e9))
			want.Start = &start
		}
		for i, bar := range c.Wave {
			want.Wave[i] = byte(bar)
		}
		var err error
		if want.Seek, err = opusblocks.ParseSeekTable(c.Seek); err != nil {
			t.Fatal(err)
		}
		want.Signer, want.SHA256 = mustDecode(t, c.Signer), mustDecode(t, c.SHA256)
		got, err := Parse(c.Link)
		if err != nil || !got.Equal(want) {
			t.Errorf("%s: Parse(%q) = %+v, %v", c.Name, c.Link, got, err)
		}
		if want.PageURL() != c.Canonical || want.FileURL() != c.File {
			t.Errorf("%s: %s\n%s", c.Name, want.PageURL(), want.FileURL())
		}
	}
}

// mustDecode reads base64url; nil where there is none.
func mustDecode(t testing.TB, text string) []byte {
	t.Helper()
	if text == "" {
		return nil
	}
	raw, err := encoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestLineBreaks: Go's decoder ignores them, the page does not.
func TestLineBreaks(t *testing.T) {
	for _, bad := range []string{"8w\ngA", "8w\rgA", "8wgA\n"} {
		if wave := ParseWave(bad); wave != nil {
			t.Errorf("ParseWave(%q) = %v", bad, wave)
		}
		l, err := Parse("https://h/listen/abc#seek=" + bad + "&t=1")
		if err != nil || l.Seek.String() != "" {
			t.Errorf("the seek table %q is read as %q, %v", bad, l.Seek.String(), err)
		}
	}
}

func mustKey(t testing.TB, text string) opusblocks.Key {
	t.Helper()
	key, err := opusblocks.ParseFragment(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestRefusedLinks(t *testing.T) {
	for _, c := range mustCases(t).Refused {
		if got, err := Parse(c.Link); err == nil || err.Error() != c.Reason {
			t.Errorf("%s: Parse(%q) = %v, %v, want %q", c.Name, c.Link, got, err, c.Reason)
		}
	}
}

func TestRefusedFiles(t *testing.T) {
	for _, bad := range []string{"", "live/abc", "ftp://h/live/abc", "https://h/listen/abc", "https://h/live/", "https://h/live/a/b", "https://h/live/a.ogg"} {
		if got, err := ParseFile(bad); err == nil {
			t.Errorf("ParseFile(%q) = %v, want an error", bad, got)
		}
	}
}

// TestFormatAndParseAreInverse: what is written is read back as it was.
func TestFormatAndParseAreInverse(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		want := randomLink(random)
		if got, err := Parse(want.PageURL()); err != nil || !got.Equal(want) {
			t.Fatalf("Parse(%q) = %+v, %v, want %+v", want.PageURL(), got, err, want)
		}
		file := Link{Base: want.Base, ID: want.ID, Plain: want.Plain}
		if got, err := ParseFile(want.FileURL()); err != nil || got.Base != file.Base || got.ID != file.ID || got.Plain != file.Plain {
			t.Fatalf("ParseFile(%q) = %+v, %v, want %+v", want.FileURL(), got, err, file)
		}
	}
}

func randomLink(random *rand.Rand) Link {
	l := Link{Base: fmt.Sprintf("https://h%d.example.org", random.Uint32()), Plain: random.IntN(2) == 0}
	for range random.IntN(3) {
		l.Base += fmt.Sprintf("/%x%%2F-", random.Uint32())
	}
	for range 1 + random.IntN(22) {
		l.ID += string(urlCharacters[random.IntN(len(urlCharacters))])
	}
	if !l.Plain {
		fill(random, l.Key.Secret[:])
		fill(random, l.Key.IV[:])
	}
	if random.IntN(2) == 0 {
		start := time.Duration(random.Int64N(math.MaxInt32 * int64(time.Second)))
		l.Start = &start
	}
	if random.IntN(2) == 0 {
		l.Signer = make([]byte, 32)
		fill(random, l.Signer)
	}
	if random.IntN(2) == 0 {
		l.SHA256 = make([]byte, 32)
		fill(random, l.SHA256)
	}
	l.Wave = make([]byte, random.IntN(121))
	fill(random, l.Wave)
	var block opusblocks.Block
	for range random.IntN(100) {
		block.Offset, block.Start, block.Packets = block.Offset+random.Int64N(1<<20), block.Start+480000, [][]byte{{0}}
		l.Seek.Add(block)
	}
	return l
}

func fill(random *rand.Rand, b []byte) {
	for i := range b {
		b[i] = byte(random.Uint32())
	}
}

// TestKeyStaysSecret: whoever prints a link does not print its key.
func TestKeyStaysSecret(t *testing.T) {
	l := Link{Base: "https://h", ID: "abc", Key: opusblocks.NewKey()}
	for _, said := range []string{fmt.Sprint(l), fmt.Sprintf("%+v", l), fmt.Sprintf("%#v", l), fmt.Sprint(&l)} {
		if said != "https://h/listen/abc#(secret)" {
			t.Errorf("printed as %q", said)
		}
	}
}

// FuzzParse: whatever is read is written so that it is read again as the same, and no error repeats
// what stood behind the #.
func FuzzParse(f *testing.F) {
	table := mustCases(f)
	for _, c := range table.Valid {
		f.Add(c.Link)
	}
	sentences := map[string]bool{}
	for _, c := range table.Refused {
		f.Add(c.Link)
		sentences[c.Reason] = true
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, err := Parse(text)
		if err != nil {
			if !sentences[err.Error()] {
				t.Fatalf("an error that the table does not know: %v", err)
			}
			return
		}
		if again, err := Parse(l.PageURL()); err != nil || !again.Equal(l) {
			t.Errorf("%q is read as %+v, and that as %+v, %v", text, l, again, err)
		}
		if file, err := ParseFile(l.FileURL()); err != nil || file.Base != l.Base || file.ID != l.ID || file.Plain != l.Plain {
			t.Errorf("%q has the file %q, which is read as %+v, %v", text, l.FileURL(), file, err)
		}
	})
}
