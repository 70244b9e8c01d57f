# The two commands are `make demo` and `make test`; README.md tells what they do.

# The encryption library of mautrix comes in pure Go (goolm) or as a binding to
# libolm; a build tag is the only way to choose. It is set here, once.
TAGS := goolm
OTHER_FLAGS := $(filter-out -tags=%,$(shell go env GOFLAGS))
export GOFLAGS := $(OTHER_FLAGS) -tags=$(TAGS)

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.7.0
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.4.0

# How long each fuzz target runs, or, as in 5000x, with how many inputs.
FUZZTIME ?= 60s

# The pages; the listen page's package.json says with which versions their JavaScript is checked.
PLAYER := internal/player
STUDIO := internal/studio

.PHONY: build demo test race lint lint-js vuln bench fuzz clean

build: ## the program, as bin/broadcastbot
	go build -trimpath -o bin/broadcastbot ./cmd/broadcastbot

demo: ## a whole show on a homeserver of its own; with SOURCE=studio you speak in your browser
	go run ./internal/demo -source "$(SOURCE)"

test: ## everything, with a real homeserver and a real browser
	go test -timeout 20m ./...
	@if pkg-config --exists opus 2>/dev/null; then \
		echo go test with libopus as the oracle of the encoder; \
		GOFLAGS="$(OTHER_FLAGS) -tags=$(TAGS),libopus,nolibopusfile" go test ./internal/opus; \
	else \
		echo 'skipped: the comparison with libopus; get it with: apt-get install libopus-dev pkg-config'; \
	fi

race: ## what has goroutines, under the race detector
	go test -race -timeout 15m $$(go list ./... | grep -v -e /e2e -e /archtest)

lint: lint-js
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'run: gofmt -w .'; exit 1; }
	go vet ./...
	GOFLAGS="$(OTHER_FLAGS)" go run $(STATICCHECK) -tags $(TAGS) ./...

lint-js:
	@if ! command -v npm >/dev/null; then \
		echo 'skipped: format, linter and types of the JavaScript; get it with: apt-get install nodejs npm'; \
	else \
		cd $(PLAYER) && \
		{ test node_modules/.package-lock.json -nt package-lock.json || npm ci --silent --ignore-scripts --no-audit --no-fund; } && \
		npm run --silent lint && \
		cd $(CURDIR)/$(STUDIO) && npm run --silent lint; \
	fi

bench: ## figures beside a peer's, in the same run
	go test -run '^$$' -bench . -benchtime 1x ./internal/e2e ./internal/broadcast
	go test -run '^$$' -bench . ./opusblocks ./internal/opus ./internal/oggopus ./internal/gateway

vuln: ## known vulnerabilities in what the program calls
	@GOFLAGS="$(OTHER_FLAGS)" GOVULNCHECK=$(GOVULNCHECK) TAGS=$(TAGS) .ci/vuln

fuzz: ## every target, FUZZTIME long
	@for target in $$(grep -rl --include='*_test.go' '^func Fuzz' . | sort); do \
		for name in $$(sed -n 's/^func \(Fuzz[A-Za-z]*\).*/\1/p' $$target); do \
			go test -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x ./$$(dirname $$target) || exit 1; \
		done; \
	done

clean:
	rm -rf bin
