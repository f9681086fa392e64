# make help lists what there is.

PREFIX   ?= /usr/local
BIN       = bin
FUZZTIME ?= 50000x
BENCH    ?=
GO       ?= go

# The launcher is static, has its own entry point (package sandbox/child) and is the
# same, byte by byte, wherever it is built.
ENTRY := github.com/gobwrap/gobwrap/sandbox/child.entry
COMPILER = CGO_ENABLED=1 $(GO) build -trimpath -buildvcs=false -ldflags="-s -w -buildid="
LAUNCHER = CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags="-s -w -buildid= -E $(ENTRY)"

SOURCES  = go.mod go.sum $(shell find cmd idmap internal mounts sandbox seccomp suid \
	-name '*.s' -o -name '*.bpf' -o -name '*.go' ! -name '*_test.go')

GOFUMPT     := mvdan.cc/gofumpt@v0.12.0
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOTEST      := $(GO) test -count=1 -timeout=15m
SHELL_FILES := .ci/run $(wildcard scripts/*.sh tests/*/testdata/*.sh packaging/*.sh packaging/debian/*.p* cmd/*/completions/*.bash)
KERNEL      ?= 6.12

# A recipe that fails leaves no target that the next make would take for made.
.DELETE_ON_ERROR:

.PHONY: help build setup test test-unit test-long test-compat test-e2e test-vm test-arm64 test-clients conformance vm lint fuzz fuzz-plans check \
	bench bench-table privileged-lines demo docs man repro install install-setuid clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: bin/third-party-licences ## build bin/gobwrap, and bin/gobwrap-seccomp (which needs gcc and libseccomp-dev)
	$(LAUNCHER) -o $(BIN)/gobwrap ./cmd/gobwrap
	$(COMPILER) -o $(BIN)/gobwrap-seccomp ./cmd/gobwrap-seccomp

bin/gobwrap: $(SOURCES)
	$(LAUNCHER) -o $@ ./cmd/gobwrap

bin/gobwrap-seccomp: $(SOURCES)
	$(COMPILER) -o $@ ./cmd/gobwrap-seccomp

# Where scripts/packages-setup.sh unpacks libseccomp for arm64. The directory is named to
# the linker besides, since go build caches what pkg-config said.
ARM64_LIBSECCOMP := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/gobwrap/packages/arm64/libseccomp-dev
ARM64 = GOARCH=arm64 CC=aarch64-linux-gnu-gcc PKG_CONFIG_SYSROOT_DIR=$(ARM64_LIBSECCOMP) \
	PKG_CONFIG_LIBDIR=$(ARM64_LIBSECCOMP)/usr/lib/aarch64-linux-gnu/pkgconfig \
	CGO_LDFLAGS="-O2 -g -L$(ARM64_LIBSECCOMP)/usr/lib/aarch64-linux-gnu"

build-arm64: ## build both for arm64, in bin/arm64 (Debian; its set-up installs a compiler)
	@scripts/packages-setup.sh arm64
	GOARCH=arm64 $(LAUNCHER) -o $(BIN)/arm64/gobwrap ./cmd/gobwrap
	$(ARM64) $(COMPILER) -o $(BIN)/arm64/gobwrap-seccomp ./cmd/gobwrap-seccomp

setup: ## install what tests, demo and bench need (Debian; as root; only what is missing)
	@scripts/setup.sh

need-root:
	@[ "$$(id -u)" = 0 ] || { echo "This starts launchers as root and as ordinary users: run it as root. (make test-unit needs no root.)" >&2; exit 1; }
.PHONY: need-root

test: need-root test-says setup build ## run all tests, campaigns in their short form; needs root
	@scripts/packages-setup.sh arm64 apparmor
	$(GO) run ./tests/tools/runall

test-says:
	@echo "make test: about 5 minutes on a fast machine with two processors, 15 on a slow one; the first time also what it installs:"
	@scripts/setup.sh --list
	@scripts/packages-setup.sh --list arm64 apparmor
.PHONY: test-says

# Of the suites with campaigns, what asks harness.Long how much there is to do.
LONG := Anywhere|FirstLook|Campaign|DestinationsStayInside|Racing|Busy|ManyLaunches|HostKilled
test-long: need-root setup build ## run campaigns, load and repetition at full length; needs root
	GOBWRAP_TEST_LONG=1 $(GO) run ./tests/tools/runall -run '$(LONG)' ./tests/e2e ./tests/hosted ./tests/ranges ./tests/setuid

test-vm: need-root build ## run the launcher on Debian's kernels, in emulated machines; needs root
	@scripts/vm-setup.sh
	$(GOTEST) -v -tags vm ./tests/vm
	$(GOTEST) -tags vm -run X32 ./tests/seccomp

test-arm64: need-root build ## run the programs for arm64, in an emulated machine too; needs root
	$(GOTEST) -tags vm ./tests/arm64

test-clients: need-root setup build ## run flatpak, Chromium and others with gobwrap as their bwrap; needs root
	@scripts/clients-setup.sh
	$(GOTEST) -tags clients ./tests/clients

vm: need-root ## run CMD='…' in a guest with KERNEL (6.1, 6.12 or 7)
	@scripts/vm-setup.sh
	@$(GO) build -o bin/vm ./tests/tools/boot
	@CMD=$${CMD:-uname -a}; bin/vm -kernel $(KERNEL) -- sh -c "$$CMD"

test-unit: ## run the tests that need neither root nor a built launcher
	$(GOTEST) $$($(GO) list ./... | grep -v /tests/)

test-compat: need-root setup build ## compare bin/gobwrap with the installed bwrap, or with REFERENCE (0.11, 0.12, 0.13 or a path); needs root
ifdef REFERENCE
	reference=$$(scripts/reference-setup.sh $(REFERENCE)) && BWRAP_REFERENCE=$$reference $(GOTEST) ./tests/compat
else
	$(GOTEST) ./tests/compat
endif

test-e2e: need-root setup build ## run the end-to-end tests; needs root
	$(GOTEST) ./tests/e2e/...

conformance: need-root setup build ## run the conformance suite with both programs, results into docs/conformance.md; needs root
	$(GO) run ./tests/conformance -bwrap /usr/bin/bwrap -bwrap bin/gobwrap -known $(KNOWN_HOLES) -md docs/conformance.md
KNOWN_HOLES := CVE-2026-87766,chdir-by-descriptor

lint: ## check format, vet, staticcheck, shellcheck, names in documents
	@bad=$$($(GO) run $(GOFUMPT) -l .) || exit 1; \
		[ -z "$$bad" ] || { echo "gofumpt would change:"; echo "$$bad"; exit 1; } >&2
	$(GO) vet ./...
	$(GO) vet -tags vm ./tests/vm ./tests/seccomp ./tests/arm64
	$(GO) vet -tags clients ./tests/clients
	$(GO) run $(STATICCHECK) -checks all,-ST1003 ./...
	$(GO) run $(STATICCHECK) -checks all,-ST1003 -tags vm ./tests/vm ./tests/seccomp ./tests/arm64
	$(GO) run $(STATICCHECK) -checks all,-ST1003 -tags clients ./tests/clients
	shellcheck $(SHELL_FILES)
	scripts/check-docs.sh

fuzz: ## run each fuzz test FUZZTIME times (50000x; a duration works too, but go may then end a clean run with an error)
	@set -e; for pkg in $$($(GO) list ./... | grep -v /tests/); do \
		for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime=10x $$pkg; \
		done; \
	done

fuzz-plans: ## spoil PLANS plans (a million) at random and have the setuid mode's judges look at each
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && \
		GOBWRAP_TEST_PLANS=$(PLANS) $(GO) test -count=1 -timeout=1h -v -run '^TestPlans$$' -coverpkg=./suid,./internal/plan -coverprofile="$$dir/cover" ./suid && \
		$(GO) tool cover -func="$$dir/cover" | grep _unsafe.go
PLANS ?= 1000000

check: lint test repro ## run all that a change must pass

bench: bin/gobwrap ## compare with the installed bwrap and a static one; flags in BENCH, see tests/tools/bench
	$(GO) run ./tests/tools/bench $(BENCH)

bench-table: need-root setup bin/gobwrap ## the same at length, put into README.md
	$(GO) run ./tests/tools/bench -n 100 -users 12345,0 -readme README.md $(BENCH)

privileged-lines: ## count the lines that can run with privilege in setuid mode
	@$(GO) run ./tests/tools/privileged

demo: bin/gobwrap ## show some sandboxes, as the calling user
	@scripts/demo.sh bin/gobwrap

docs: ## write manuals, completions and docs/requirements.md from the tables
	$(GO) test -count=1 ./cmd/gobwrap ./cmd/gobwrap-seccomp -run '^(TestManual|TestCompletions)$$' -update
	$(GO) test -count=1 ./sandbox/doctor -run '^TestRequirements$$' -update

man: ## show the manual
	man -l cmd/gobwrap/gobwrap.1

repro: ## build programs and packages twice, for both machines, the second time elsewhere and otherwise, and compare
	scripts/repro.sh

# The file of a build without network ends early, and looks like a whole one.
bin/third-party-licences: go.mod go.sum scripts/licences.sh
	@mkdir -p bin
	scripts/licences.sh >$@

install: bin/gobwrap bin/third-party-licences ## install the launcher below DESTDIR and PREFIX (never setuid), and what make build has built besides; needs Go only
	@$(MAKE) --no-print-directory install-launcher
	@if [ -e $(BIN)/gobwrap-seccomp ]; then $(MAKE) --no-print-directory bin/gobwrap-seccomp install-seccomp; \
		else echo "gobwrap-seccomp is not built, and not installed: make build builds it (with gcc and libseccomp-dev)"; fi

# These install what is built.
INTO  = $(DESTDIR)$(PREFIX)
SHARE = $(INTO)/share
install-files: install-launcher install-seccomp

install-launcher:
	install -D -m 0755 $(BIN)/gobwrap "$(INTO)/bin/gobwrap"
	install -D -m 0644 cmd/gobwrap/gobwrap.1 "$(SHARE)/man/man1/gobwrap.1"
	install -D -m 0644 cmd/gobwrap/completions/gobwrap.bash "$(SHARE)/bash-completion/completions/gobwrap"
	install -D -m 0644 cmd/gobwrap/completions/_gobwrap "$(SHARE)/zsh/site-functions/_gobwrap"
	install -D -m 0644 cmd/gobwrap/completions/gobwrap.fish "$(SHARE)/fish/vendor_completions.d/gobwrap.fish"
	install -d -m 0755 "$(SHARE)/doc/gobwrap/apparmor" "$(SHARE)/doc/gobwrap/docs"
	install -m 0644 README.md SECURITY.md CHANGELOG.md LICENSE bin/third-party-licences "$(SHARE)/doc/gobwrap/"
	install -m 0644 docs/*.md "$(SHARE)/doc/gobwrap/docs/"
	sed 's|@BINDIR@|$(PREFIX)/bin|' packaging/apparmor/gobwrap >"$(SHARE)/doc/gobwrap/apparmor/gobwrap"
	chmod 0644 "$(SHARE)/doc/gobwrap/apparmor/gobwrap"

install-seccomp:
	install -D -m 0755 $(BIN)/gobwrap-seccomp "$(INTO)/bin/gobwrap-seccomp"
	install -D -m 0644 cmd/gobwrap-seccomp/gobwrap-seccomp.1 "$(SHARE)/man/man1/gobwrap-seccomp.1"
	install -D -m 0644 cmd/gobwrap-seccomp/completions/gobwrap-seccomp.bash "$(SHARE)/bash-completion/completions/gobwrap-seccomp"
	install -D -m 0644 cmd/gobwrap-seccomp/completions/_gobwrap-seccomp "$(SHARE)/zsh/site-functions/_gobwrap-seccomp"
	install -D -m 0644 cmd/gobwrap-seccomp/completions/gobwrap-seccomp.fish "$(SHARE)/fish/vendor_completions.d/gobwrap-seccomp.fish"
.PHONY: install-files install-launcher install-seccomp

deb: bin/gobwrap bin/gobwrap-seccomp bin/third-party-licences ## make Debian packages in bin/deb (needs dpkg-dev)
	@mkdir -p bin/deb
	packaging/deb.sh "$$(dpkg-architecture -qDEB_HOST_ARCH)" bin bin/deb

deb-arm64: build-arm64 bin/third-party-licences ## the same for arm64
	@mkdir -p bin/deb
	packaging/deb.sh arm64 bin/arm64 bin/deb
.PHONY: build-arm64 deb deb-arm64

install-setuid: install ## the same, but set-user-id root (mode 4755): for kernels that refuse user namespaces; see SECURITY.md
	scripts/install-setuid.sh bin/gobwrap "$(DESTDIR)$(PREFIX)/bin/gobwrap"

clean: ## remove what was built
	rm -rf bin
