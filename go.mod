module broadcastbot

go 1.26.0

require (
	github.com/coder/websocket v1.8.15
	github.com/gen2brain/malgo v0.11.24
	github.com/gofrs/flock v0.12.1
	github.com/hraban/opus v0.0.0-20260708213942-bde8e4304501
	github.com/mattn/go-sqlite3 v1.14.53
	github.com/oov/audio v0.0.0-20171004131523-88a2be6dbe38
	github.com/pion/opus v0.1.0
	github.com/rogpeppe/go-internal v1.14.1
	github.com/rs/zerolog v1.35.1
	github.com/thesyncim/gopus v0.1.2
	go.mau.fi/util v0.11.0
	go.yaml.in/yaml/v3 v3.0.4
	golang.org/x/sync v0.24.0
	golang.org/x/sys v0.49.0
	maunium.net/go/mautrix v0.32.0
)

require (
	code.dny.dev/ssrf v0.3.0
	filippo.io/edwards25519 v1.2.0 // indirect
	github.com/kr/text v0.2.0 // indirect
	github.com/mattn/go-colorable v0.1.14 // indirect
	github.com/mattn/go-isatty v0.0.20 // indirect
	github.com/petermattis/goid v0.0.0-20260918085751-abfca077860b // indirect
	github.com/tidwall/gjson v1.20.0 // indirect
	github.com/tidwall/match v1.1.1 // indirect
	github.com/tidwall/pretty v1.2.1 // indirect
	github.com/tidwall/sjson v1.2.5 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/exp v0.0.0-20261014143641-f0251eb4aa3e // indirect
	golang.org/x/net v0.61.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	golang.org/x/tools v0.52.0 // indirect
)
