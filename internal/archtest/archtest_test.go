// Package archtest holds the rules of the project that no compiler checks.
package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// allowed is the picture in README.md: which packages of the project a package
// may import. cmd/broadcastbot wires them and may import all.
var allowed = map[string][]string{
	"":                    {},
	"internal/confine":    {},
	"capture":             {"internal/confine", "internal/oggopus", "internal/opus", "internal/retry"},
	"opusblocks":          {"opusblocks/blocks", "internal/oggopus", "internal/opus"},
	"opusblocks/blocks":   {},
	"uploader":            {"internal/livefile", "internal/retry"},
	"store":               {"opusblocks", "internal/link", "internal/masterkey"},
	"internal/link":       {"opusblocks"},
	"internal/retry":      {},
	"internal/dirlock":    {},
	"internal/masterkey":  {"internal/livefile"},
	"internal/opus":       {},
	"internal/oggopus":    {"internal/opus"},
	"internal/livefile":   {},
	"internal/broadcast":  {"internal/retry", "internal/link", "capture", "opusblocks", "uploader", "store", "internal/livefile", "internal/opus"},
	"internal/matrix":     {"store", "opusblocks", "internal/link"},
	"internal/text":       {},
	"internal/turns":      {},
	"internal/command":    {"capture", "internal/broadcast", "store", "internal/text"},
	"internal/bot":        {"internal/retry", "internal/command", "internal/matrix", "internal/broadcast", "store", "opusblocks", "internal/link", "internal/text", "internal/turns"},
	"internal/guest":      {"internal/matrix"},
	"internal/gateway":    {"internal/recordings", "internal/fanout", "internal/link", "internal/player"},
	"internal/recordings": {"internal/livefile"},

	"internal/ingest/icecast": {"capture", "internal/oggopus", "internal/opus", "internal/retry", "internal/text", "internal/turns", "store"},
	"internal/pull":           {"capture", "internal/retry"},

	"internal/ingest/studioline": {"capture", "internal/opus", "internal/retry", "store"},

	"internal/fanout":   {},
	"internal/player":   {"internal/webpage"},
	"internal/studio":   {"internal/webpage", "internal/player"},
	"internal/webpage":  {},
	"internal/listener": {"opusblocks", "internal/link", "internal/retry", "internal/oggopus", "internal/opus"},
}

// doors says which package alone may import a module, and the folders below it.
var doors = map[string][]string{
	"maunium.net/go/mautrix":      {"internal/matrix", "internal/bot", "internal/guest"},
	"github.com/gen2brain/malgo":  {"capture", "internal/listener"},
	"github.com/thesyncim/gopus":  {"internal/opus"},
	"github.com/pion/opus":        {"internal/opus"},
	"github.com/mattn/go-sqlite3": {"store"},
	"github.com/gofrs/flock":      {"internal/dirlock"},
	"go.yaml.in/yaml/v3":          {"cmd/broadcastbot"},
	"github.com/oov/audio":        {"capture"},
	"code.dny.dev/ssrf":           {"internal/pull"},
	"github.com/rs/zerolog":       {"internal/matrix"},
	"github.com/coder/websocket":  {"internal/ingest/studioline"},
	"go.mau.fi/util":              {"internal/matrix"},
}

// forTests are packages that only tests, and the demonstration, import.
var forTests = []string{"internal/commandtest", "internal/dendrite", "internal/browser", "internal/showtest", "internal/testhelp", "internal/demo", "internal/stage", "internal/pulsetest", "internal/e2e", "internal/archtest", "opusblocks/internal/vectorgen"}

const module = "broadcastbot"

type goPackage struct {
	ImportPath string
	Imports    []string
	Doc        string
}

func mustPackages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,Doc", module+"/...").Output()
	if err != nil {
		t.Fatal("go list:", err)
	}
	var all []goPackage
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		p.ImportPath = strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		all = append(all, p)
	}
	if len(all) < len(allowed) {
		t.Fatalf("go list found %d packages, want at least %d", len(all), len(allowed))
	}
	return all
}

func TestImportsFollowThePicture(t *testing.T) {
	for _, p := range mustPackages(t) {
		if p.ImportPath == "cmd/broadcastbot" || slices.Contains(forTests, p.ImportPath) {
			continue
		}
		may, known := allowed[p.ImportPath]
		if !known {
			t.Errorf("%s is not in the picture: add it there and in README.md", p.ImportPath)
		}
		for _, imported := range p.Imports {
			name, ours := strings.CutPrefix(imported, module+"/")
			if ours && !slices.Contains(may, name) {
				t.Errorf("%s imports %s, which the picture does not allow", p.ImportPath, name)
			}
		}
	}
}

func TestForeignModulesHaveOneDoor(t *testing.T) {
	for _, p := range mustPackages(t) {
		if slices.Contains(forTests, p.ImportPath) {
			continue
		}
		for _, imported := range p.Imports {
			for foreign, may := range doors {
				if (imported == foreign || strings.HasPrefix(imported, foreign+"/")) && !slices.Contains(may, p.ImportPath) {
					t.Errorf("%s imports %s, which is for %s", p.ImportPath, imported, strings.Join(may, ", "))
				}
			}
		}
	}
}

func TestPackagesAreDocumented(t *testing.T) {
	for _, p := range mustPackages(t) {
		if p.Doc == "" && p.ImportPath != "internal/e2e" && p.ImportPath != "internal/archtest" {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}
