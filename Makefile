# The one door to this project: people and .ci/run call the same targets. `make` alone lists them.
SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.NOTPARALLEL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# What a caller may set, as in `make sim SEEDS=50000` or `make demo ARGS="--devices 40"`.
SEEDS    ?= 2000
FUZZTIME ?= 20s
AGAINST  ?= HEAD
ARGS     ?=
PKGS     ?= ./...

# The race detector needs a C compiler; a machine with Go alone still runs every test.
RACE := $(if $(shell command -v gcc || command -v clang || command -v cc),-race)

# What is tested without it, as it makes tests up to ten times as dear: tests that measure and run real processes, whose code is raced in its own
# packages; and of the simulation what goes step by step: what runs at once is raced, and so is TestSeeds.
PROCESSES := ./internal/bench ./internal/demo ./cmd/rounds

# The build tools stand in a module of their own, so that none of what they need reaches who imports this one. They are built
# once, from source, and again when tools/go.sum says otherwise.
BIN    := .build/bin
BUF    := $(BIN)/buf
PLUGIN := $(BIN)/protoc-gen-go $(BIN)/protoc-gen-connect-go

# The .proto file of the validation rules comes out of its Go module. That module holds no Go package that a go.mod could keep a
# requirement on, so its version and checksum stand here. The version goes with buf.build/go/protovalidate in go.mod.
VALIDATE     := github.com/bufbuild/protovalidate@v1.1.0
VALIDATE_SUM := h1:erBHnzOFe8dQYKRVCWSuDUvaTiK0fjjI5qo6uY/okxA=
VALIDATE_DIR := .build/proto/protovalidate
VALIDATE_TO  := $(VALIDATE_DIR)/buf/validate/validate.proto

.PHONY: help build test sim lint generate current breaking vuln fuzz bench demo ci clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile

# The decoder of HEIC photos is a program and a module of its own (docs/decisions/0011).
HEIC := go -C heic build -mod=readonly -trimpath -tags nodynamic -ldflags='-s -w'

build: ## build bin/rounds, and beside it bin/rounds-heic, which decodes HEIC photos
	go build -trimpath -o bin/rounds ./cmd/rounds
	$(HEIC) -o ../bin/ ./cmd/rounds-heic

# The object store is built first (minutes the first time); ROUNDS_TEST_MINIO=/path/to/minio takes another, and none is built.
test: $(if $(ROUNDS_TEST_MINIO),,$(BIN)/minio) $(BIN)/rounds-heic ## run every test, with the race detector but for those of whole processes, then the simulation on SEEDS seeds
	@[ -n "$(RACE)" ] || echo "no C compiler found: testing without the race detector"
	go test $(RACE) -timeout 8m $$(go list $(PKGS) | grep -vxFf <(go list $(PROCESSES) ./internal/layout ./internal/sim))
	go test $(RACE) -run '^(TestConcurrent|TestSeeds)$$' ./internal/sim
	go test $(PROCESSES) ./internal/sim
	go test -count=1 ./internal/layout
	@$(MAKE) --no-print-directory sim

sim: ## run the simulation of devices, networks, clocks and crashes on SEEDS seeds
	go test -count=1 -timeout 0 -v -run "^TestSeeds$$" ./internal/sim -sim.seeds=$(SEEDS)

lint: $(BUF) $(BIN)/staticcheck $(VALIDATE_TO) ## check the style of .proto and Go files: buf lint, gofmt, go vet, staticcheck
	$(BUF) lint
	@bad=$$(git ls-files -co --exclude-standard -- '*.go' | while read -r f; do [ ! -f "$$f" ] || gofmt -l "$$f"; done); \
	[ -z "$$bad" ] || { printf 'gofmt would change:\n%s\n' "$$bad"; exit 1; }
	go vet $(PKGS)
	$(BIN)/staticcheck $(PKGS)
	go -C heic vet -mod=readonly -tags nodynamic ./...

generate: $(BUF) $(PLUGIN) $(VALIDATE_TO) ## write api/ anew from proto/
	$(BUF) generate

current: $(BUF) $(PLUGIN) $(VALIDATE_TO) ## check that api/ is what proto/ generates
	@rm -rf .build/current
	$(BUF) generate -o .build/current
	@diff -r -q .build/current/api api || { echo "api/ is not what proto/ generates: run make generate, commit the result"; exit 1; }

# The earlier commit is laid out beside the validation rules, which git does not hold.
breaking: $(BUF) $(VALIDATE_TO) ## check that proto/ can still talk to and read what the commit AGAINST wrote
	@rm -rf .build/against
	@git rev-parse --quiet --verify '$(AGAINST)^{commit}' >/dev/null || { echo "AGAINST=$(AGAINST): no such commit here"; exit 1; }
	@if ! git ls-tree -r --name-only '$(AGAINST)' -- proto | grep '\.proto$$' >/dev/null; then \
		echo "no .proto files at $(AGAINST): nothing to compare with"; \
	else \
		mkdir -p .build/against/.build/proto; \
		git archive '$(AGAINST)' buf.yaml proto | tar -x -C .build/against; \
		cp -R $(VALIDATE_DIR) .build/against/.build/proto/; \
		echo "$(BUF) breaking proto --against .build/against/proto (= $(AGAINST))"; \
		$(BUF) breaking proto --against .build/against/proto; \
	fi

vuln: $(BIN)/govulncheck ## look for known vulnerabilities in what is built (asks a database on the network)
	@code=0; out=$$($(BIN)/govulncheck ./... 2>&1) || code=$$?; echo "$$out"; \
	if [ $$code -ne 0 ] && grep -qE 'fetching vulnerabilities|dial tcp|no such host|HTTP GET|deadline exceeded' <<<"$$out"; then \
		echo "the vulnerability database cannot be reached from here: NOTHING WAS CHECKED"; exit 0; \
	fi; exit $$code

fuzz: $(BIN)/rounds-heic ## run each fuzz target for FUZZTIME
	@git ls-files -co --exclude-standard -- '*_test.go' | \
	xargs -r awk '/^func Fuzz[A-Za-z0-9_]+\(/{sub(/\(.*/, ""); print FILENAME ":" $$0}' | \
	while IFS=: read -r file func; do \
		name=$${func#func }; echo "$$name in $${file%/*}"; \
		go test -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x "./$${file%/*}" </dev/null; \
	done

bench: build ## measure: rounds bench ARGS (docs/performance.md tells how to read it)
	bin/rounds bench $(ARGS)

demo: ## live through a shift of the demo community: rounds demo ARGS
	go run ./cmd/rounds demo $(ARGS)

ci: ## run all that a change has to pass
	bash .ci/run

clean: ## remove what was built
	rm -rf bin .build

$(BIN)/buf:                   TOOL := github.com/bufbuild/buf/cmd/buf
$(BIN)/protoc-gen-go:         TOOL := google.golang.org/protobuf/cmd/protoc-gen-go
$(BIN)/protoc-gen-connect-go: TOOL := connectrpc.com/connect/cmd/protoc-gen-connect-go
$(BIN)/staticcheck:           TOOL := honnef.co/go/tools/cmd/staticcheck
$(BIN)/govulncheck:           TOOL := golang.org/x/vuln/cmd/govulncheck
$(BUF) $(PLUGIN) $(BIN)/staticcheck $(BIN)/govulncheck: tools/go.mod tools/go.sum
	@mkdir -p $(BIN)
	@echo "building $(@F) from source (once; buf takes minutes if Go's build cache is empty)"
	@go -C tools build -mod=readonly -ldflags='-s -w' -o ../$@ $(TOOL)
	@touch $@

$(BIN)/rounds-heic: heic/go.mod heic/go.sum $(wildcard heic/cmd/rounds-heic/*.go)
	@mkdir -p $(BIN)
	@echo "building $(@F) from source"
	@$(HEIC) -o ../$(BIN)/ ./cmd/rounds-heic
	@touch $@

# MinIO, the object store that media/s3blobs is tested with: only a program to run, never imported (it is AGPL). The first build takes minutes.
$(BIN)/minio: tools/minio/go.mod tools/minio/go.sum
	@mkdir -p $(BIN)
	@echo "building $(@F) from source (once; it takes minutes)"
	@go -C tools/minio build -mod=readonly -ldflags='-s -w' -o ../../$@ github.com/minio/minio
	@touch $@

$(VALIDATE_TO): Makefile
	@mkdir -p $(@D)
	@go -C tools mod download -json $(VALIDATE) >.build/protovalidate.json
	@grep -qF '"Sum": "$(VALIDATE_SUM)"' .build/protovalidate.json || { echo "$(VALIDATE): not the checksum in the Makefile"; exit 1; }
	@dir=$$(sed -n 's/^[[:space:]]*"Dir": "\(.*\)",$$/\1/p' .build/protovalidate.json); \
	install -m 644 "$$dir/proto/protovalidate/buf/validate/validate.proto" $@
