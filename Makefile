# make help lists what there is.

PREFIX   ?= /usr/local
BIN       = bin
FUZZTIME ?= 50000x
BENCH    ?=
GO       ?= go

# The launcher is static, has its own entry point (package sandbox/child) and is the
# same, byte by byte, wherever it is built.
ENTRY := github.com/gobwrap/gobwrap/sandbox/child.entry
COMPILER = CGO_ENABLED=1 $(GO) build -trimpath -buildvcs=false -buildmode=pie -ldflags="-s -w -buildid= -extldflags=-Wl,-z,now"
LAUNCHER = CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags="-s -w -buildid= -E $(ENTRY)"

LIMIT    = CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags="-s -w -buildid="

SOURCES  = go.mod go.sum $(shell find cmd idmap internal mounts sandbox seccomp suid \
	-name '*.s' -o -name '*.bpf' -o -name '*.go' ! -name '*_test.go')

GOFUMPT     := mvdan.cc/gofumpt@v0.12.0
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
MISSPELL    := github.com/golangci/misspell/cmd/misspell@v0.8.0
# Names of Go, of bubblewrap's messages and of other programs.
SPELT_SO    := color,labeling,localize,signaled,thumbnailers
GOTEST      := $(GO) test -count=1 -vet=off -timeout=60m
SHELL_FILES := .ci/run $(wildcard scripts/*.sh tests/*/testdata/*.sh packaging/*.sh packaging/deb/*.p* cmd/*/completions/*.bash)
KERNEL      ?= 6.12

# The newest Go that is tested; go.mod names the oldest. The module proxy has both.
NEWEST_GO   ?= go1.27.4

# The second reference of compat and conformance, beside the installed bubblewrap.
NEWEST_BWRAP = 0.13

# A recipe that fails leaves no target that the next make would take for made.
.DELETE_ON_ERROR:

.PHONY: help build launcher setup test test-unit test-long test-compat test-e2e test-vm test-arm64 test-clients test-apk test-go conformance vm lint fuzz fuzz-page check \
	bench bench-table privileged-lines demo docs screenshots man repro install install-setuid clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: bin/third-party-licences build-programs ## build all programs into bin (needs gcc, libseccomp-dev)

build-programs:
	$(LAUNCHER) -o $(BIN)/gobwrap ./cmd/gobwrap
	$(LIMIT) -o $(BIN)/gobwrap-limit ./cmd/gobwrap-limit
	$(COMPILER) -o $(BIN)/gobwrap-seccomp ./cmd/gobwrap-seccomp

launcher: bin/gobwrap bin/gobwrap-limit bin/third-party-licences ## build what make install needs (needs Go only)

bin/gobwrap: $(SOURCES)
	$(LAUNCHER) -o $@ ./cmd/gobwrap

bin/gobwrap-limit: $(SOURCES)
	$(LIMIT) -o $@ ./cmd/gobwrap-limit

bin/gobwrap-seccomp: $(SOURCES)
	$(COMPILER) -o $@ ./cmd/gobwrap-seccomp

# Programs without shared libraries, for packages that cannot know which C library there is.
STATIC_COMPILER = CGO_ENABLED=1 $(GO) build -trimpath -buildvcs=false -tags netgo,osusergo \
	-ldflags="-s -w -buildid= -linkmode=external -extldflags=-static"

build-static: ## build all without shared libraries, in bin/static
	$(LAUNCHER) -o $(BIN)/static/gobwrap ./cmd/gobwrap
	$(LIMIT) -o $(BIN)/static/gobwrap-limit ./cmd/gobwrap-limit
	$(STATIC_COMPILER) -o $(BIN)/static/gobwrap-seccomp ./cmd/gobwrap-seccomp
.PHONY: build-static

# Where scripts/packages-setup.sh unpacks libseccomp for arm64. The directory is named to
# the linker besides, since go build caches what pkg-config said.
ARM64_LIBSECCOMP := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/gobwrap/packages/arm64/libseccomp-dev
ARM64 = GOARCH=arm64 CC=aarch64-linux-gnu-gcc PKG_CONFIG_SYSROOT_DIR=$(ARM64_LIBSECCOMP) \
	PKG_CONFIG_LIBDIR=$(ARM64_LIBSECCOMP)/usr/lib/aarch64-linux-gnu/pkgconfig \
	CGO_LDFLAGS="-O2 -g -L$(ARM64_LIBSECCOMP)/usr/lib/aarch64-linux-gnu"

build-arm64: ## build all programs for arm64, on Debian amd64
	@scripts/packages-setup.sh arm64
	GOARCH=arm64 $(LAUNCHER) -o $(BIN)/arm64/gobwrap ./cmd/gobwrap
	GOARCH=arm64 $(LIMIT) -o $(BIN)/arm64/gobwrap-limit ./cmd/gobwrap-limit
	$(ARM64) $(COMPILER) -o $(BIN)/arm64/gobwrap-seccomp ./cmd/gobwrap-seccomp
	install -D -m 0755 $(BIN)/arm64/gobwrap $(BIN)/arm64/static/gobwrap
	install -D -m 0755 $(BIN)/arm64/gobwrap-limit $(BIN)/arm64/static/gobwrap-limit
	$(ARM64) $(STATIC_COMPILER) -o $(BIN)/arm64/static/gobwrap-seccomp ./cmd/gobwrap-seccomp

setup: ## install what tests, demo and bench need (Debian, as root)
	@scripts/setup.sh

setup-all: need-root setup ## install what all targets of .ci/run need
	@scripts/vm-setup.sh
	@scripts/clients-setup.sh
	@scripts/packages-setup.sh arm64 arm64-kernel arm64-kernel-7 apparmor audit families release
	@scripts/reference-setup.sh $(NEWEST_BWRAP) >/dev/null
.PHONY: setup-all

need-root:
	@[ "$$(id -u)" = 0 ] || { echo "This starts launchers as root and as ordinary users: run it as root. (make test-unit needs no root.)" >&2; exit 1; }
.PHONY: need-root

test: need-root test-says setup build ## run all tests (as root)
	@scripts/packages-setup.sh arm64 apparmor families
	$(GO) run ./tests/tools/runall

test-says:
	@echo "make test: about 5 minutes on a fast machine with two processors, 15 on a slow one; the first time also what it installs:"
	@scripts/setup.sh --list
	@scripts/packages-setup.sh --list arm64 apparmor families
.PHONY: test-says

# What make test leaves out or cuts short, and no more of it.
test-long: need-root setup build ## run what make test cuts short: campaigns, load, all combinations (as root)
	reference=$$(scripts/reference-setup.sh $(NEWEST_BWRAP)) && $(GO) run ./tests/tools/runall -long "$$reference"

test-vm: need-root build ## run the launcher on Debian's kernels, in emulated machines (as root)
	@scripts/vm-setup.sh
	$(GOTEST) -v -tags vm ./tests/vm
	$(GOTEST) -tags vm -run X32 ./tests/seccomp

test-arm64: need-root build ## run the programs for arm64, in an emulated machine too (as root)
	$(GOTEST) -tags vm ./tests/arm64

test-clients: need-root setup build ## run flatpak, Chromium and others with gobwrap (as root)
	@scripts/clients-setup.sh
	$(GOTEST) -tags clients ./tests/clients

# Not in .ci/run: Debian does not have apk, and its sources are at another place than all else.
test-apk: need-root build ## install the apk packages with apk, built from its sources (as root)
	$(GOTEST) -tags apktools -run TestApkTools ./tests/packaging

# Everything that depends on how the runtime starts: the units with the laws and the list of
# what is assumed, launches that become Go, embedding programs.
test-go: need-root setup ## test with NEWEST_GO: units, laws, some launches (as root)
	GOTOOLCHAIN=$(NEWEST_GO) $(MAKE) BIN=bin/$(NEWEST_GO) build-programs
	GOTOOLCHAIN=$(NEWEST_GO) $(MAKE) test-unit
	GOTOOLCHAIN=$(NEWEST_GO) $(GOTEST) -run 'Facts|Inherits|RuntimeVariables|Features|Explain|FailureBefore|SmallLimits|ThousandMounts|StatusOfALaunch|SetuidInstallation|NothingToTakeFromInit' ./tests/e2e
	GOTOOLCHAIN=$(NEWEST_GO) $(GOTEST) -run 'SelfIsFirst|Unnoticed|StartsOnce|ReadmeExample|Sandboxtest' ./tests/hosted

vm: need-root ## run CMD='…' on the kernel KERNEL (6.1, 6.12 or 7), as root
	@scripts/vm-setup.sh
	@$(GO) build -o bin/vm ./tests/tools/boot
	@CMD=$${CMD:-uname -a}; bin/vm -kernel $(KERNEL) -- sh -c "$$CMD"

test-unit: ## run the tests that need neither root nor a built launcher
	$(GOTEST) $$($(GO) list ./... | grep -v /tests/)

test-compat: need-root setup build ## compare with bwrap, or with REFERENCE (0.11, 0.12, 0.13, a path)
ifdef REFERENCE
	reference=$$(scripts/reference-setup.sh $(REFERENCE)) && BWRAP_REFERENCE=$$reference $(GOTEST) ./tests/compat
else
	$(GOTEST) ./tests/compat
endif

test-e2e: need-root setup build ## run the end-to-end tests (as root)
	$(GOTEST) ./tests/e2e/...

conformance: need-root setup build ## run the conformance suite, results into docs/conformance.md
	$(GO) run ./tests/conformance -bwrap /usr/bin/bwrap -bwrap bin/gobwrap -known $(KNOWN_HOLES) -md docs/conformance.md
KNOWN_HOLES := CVE-2026-87766,chdir-by-descriptor

# Those of the suites that make test leaves out. Each adds files only.
TAGS := vm,clients,apktools
lint: ## check format, vet, staticcheck, shellcheck, spelling, style, names
	@bad=$$($(GO) run $(GOFUMPT) -l .) || exit 1; \
		[ -z "$$bad" ] || { echo "gofumpt would change:"; echo "$$bad"; exit 1; } >&2
	$(GO) vet -tags $(TAGS) ./...
	$(GO) run $(STATICCHECK) -checks all,-ST1003 -tags $(TAGS) ./...
	shellcheck $(SHELL_FILES)
	scripts/check-docs.sh
	scripts/check-prose.sh
	@$(GO) run $(MISSPELL) -error -locale UK -i "$(SPELT_SO)" $$(git ls-files | grep -vE '/fuzz/|\.bpf$$|LICENSE|package-lock|\.golangci')

fuzz: ## run each fuzz test for FUZZTIME (default 50000x; or 10m)
	$(GO) run ./tests/tools/fuzz -time $(FUZZTIME)

fuzz-page: ## the same; keep new inputs, write docs/fuzzing.md
	$(GO) run ./tests/tools/fuzz -time $(FUZZTIME) -keep -md docs/fuzzing.md

check: lint test repro ## run all that a change must pass

bench: bin/gobwrap ## compare with the installed bwrap and a static one; flags in BENCH
	$(GO) run ./tests/tools/bench $(BENCH)

bench-table: need-root setup bin/gobwrap ## measure all, into README.md and docs/speed.md (as root)
	$(GO) run ./tests/tools/bench -n 100 -users 12345,0 -readme README.md -page docs/speed.md $(BENCH)

privileged-lines: ## count the lines that can run with privilege in setuid mode
	@$(GO) run ./tests/tools/privileged

demo: bin/gobwrap ## show some sandboxes, as the calling user
	@scripts/demo.sh bin/gobwrap

docs: ## write manuals, help, completions and docs/requirements.md
	$(GO) test -count=1 ./cmd/gobwrap ./cmd/gobwrap-limit ./cmd/gobwrap-seccomp -run '^(TestManual|TestCompletions)$$' -update
	$(GO) test -count=1 ./sandbox/doctor -run '^TestRequirements$$' -update

screenshots: ## record the terminal sessions that README shows, in docs/images
	@mkdir -p docs/images
	$(GO) run ./tests/tools/screenshots docs/images

man: ## show the manual
	man -l cmd/gobwrap/gobwrap.1

repro: ## build programs, packages and releases twice, and compare
	scripts/repro.sh

# The file of a build without network ends early, and looks like a whole one.
bin/third-party-licences: go.mod go.sum scripts/licences.sh
	@mkdir -p bin
	scripts/licences.sh >$@

install: bin/gobwrap bin/third-party-licences ## install what is built below DESTDIR and PREFIX (needs Go only)
	@$(MAKE) --no-print-directory install-launcher
	@if [ -e $(BIN)/gobwrap-limit ]; then $(MAKE) --no-print-directory bin/gobwrap-limit install-limit; \
		else echo "gobwrap-limit is not built, and not installed: make launcher builds it"; fi
	@if [ -e $(BIN)/gobwrap-seccomp ]; then $(MAKE) --no-print-directory bin/gobwrap-seccomp install-seccomp; \
		else echo "gobwrap-seccomp is not built, and not installed: make build builds it (with gcc and libseccomp-dev)"; fi

# These install what is built.
INTO  = $(DESTDIR)$(PREFIX)
SHARE = $(INTO)/share
LICENCES = bin/third-party-licences
install-files: install-launcher install-limit install-seccomp

install-launcher:
	install -D -m 0755 $(BIN)/gobwrap "$(INTO)/bin/gobwrap"
	install -D -m 0644 cmd/gobwrap/gobwrap.1 "$(SHARE)/man/man1/gobwrap.1"
	install -D -m 0644 cmd/gobwrap/completions/gobwrap.bash "$(SHARE)/bash-completion/completions/gobwrap"
	install -D -m 0644 cmd/gobwrap/completions/_gobwrap "$(SHARE)/zsh/site-functions/_gobwrap"
	install -D -m 0644 cmd/gobwrap/completions/gobwrap.fish "$(SHARE)/fish/vendor_completions.d/gobwrap.fish"
	install -d -m 0755 "$(SHARE)/doc/gobwrap/apparmor" "$(SHARE)/doc/gobwrap/docs/images" "$(SHARE)/doc/gobwrap/selinux"
	install -m 0644 packaging/selinux/gobwrap.* "$(SHARE)/doc/gobwrap/selinux/"
	install -m 0644 README.md SECURITY.md CHANGELOG.md LICENSE $(LICENCES) "$(SHARE)/doc/gobwrap/"
	install -m 0644 docs/*.md "$(SHARE)/doc/gobwrap/docs/"
	install -m 0644 docs/images/*.svg "$(SHARE)/doc/gobwrap/docs/images/"
	sed 's|@BINDIR@|$(PREFIX)/bin|' packaging/apparmor/gobwrap >"$(SHARE)/doc/gobwrap/apparmor/gobwrap"
	chmod 0644 "$(SHARE)/doc/gobwrap/apparmor/gobwrap"

install-limit:
	install -D -m 0755 $(BIN)/gobwrap-limit "$(INTO)/bin/gobwrap-limit"
	install -D -m 0644 cmd/gobwrap-limit/gobwrap-limit.1 "$(SHARE)/man/man1/gobwrap-limit.1"
	install -D -m 0644 cmd/gobwrap-limit/completions/gobwrap-limit.bash "$(SHARE)/bash-completion/completions/gobwrap-limit"
	install -D -m 0644 cmd/gobwrap-limit/completions/_gobwrap-limit "$(SHARE)/zsh/site-functions/_gobwrap-limit"
	install -D -m 0644 cmd/gobwrap-limit/completions/gobwrap-limit.fish "$(SHARE)/fish/vendor_completions.d/gobwrap-limit.fish"

install-seccomp:
	install -D -m 0755 $(BIN)/gobwrap-seccomp "$(INTO)/bin/gobwrap-seccomp"
	install -D -m 0644 cmd/gobwrap-seccomp/gobwrap-seccomp.1 "$(SHARE)/man/man1/gobwrap-seccomp.1"
	install -D -m 0644 cmd/gobwrap-seccomp/completions/gobwrap-seccomp.bash "$(SHARE)/bash-completion/completions/gobwrap-seccomp"
	install -D -m 0644 cmd/gobwrap-seccomp/completions/_gobwrap-seccomp "$(SHARE)/zsh/site-functions/_gobwrap-seccomp"
	install -D -m 0644 cmd/gobwrap-seccomp/completions/gobwrap-seccomp.fish "$(SHARE)/fish/vendor_completions.d/gobwrap-seccomp.fish"
.PHONY: install-files install-launcher install-limit install-seccomp

packages: build build-static ## make packages in bin/packages: FORMATS of deb, rpm, apk, archlinux
	@mkdir -p bin/packages
	packaging/packages.sh "$$($(GO) env GOARCH)" bin bin/packages $(FORMATS)

packages-arm64: build-arm64 bin/third-party-licences ## the same for arm64
	@mkdir -p bin/packages
	packaging/packages.sh arm64 bin/arm64 bin/packages $(FORMATS)
.PHONY: build-programs build-arm64 packages packages-arm64
FORMATS ?= deb rpm apk archlinux

release: build-static build-arm64 bin/third-party-licences ## make tarballs, npm packages, SBOMs and checksums; KEY=FILE signs
	@scripts/packages-setup.sh release
	@rm -rf bin/release && mkdir bin/release
	packaging/release.sh bin bin/release $(KEY)
	@cd bin/release && ls -l
.PHONY: release

# The files are those that make install would write now: it is run into a directory of its own,
# with empty programs.
uninstall: ## remove what make install and make install-setuid installed
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && \
	for name in $(PROGRAMS) third-party-licences; do : >"$$dir/$$name"; done && \
	$(MAKE) --no-print-directory -s install-files BIN="$$dir" LICENCES="$$dir/third-party-licences" DESTDIR="$$dir/tree" && \
	(cd "$$dir/tree" && find . -type f -print0) | (cd "$(DESTDIR)/" && xargs -0 rm -fv --) && \
	(cd "$$dir/tree" && find . -depth -type d -path '*/doc/gobwrap*' -print0) | \
		(cd "$(DESTDIR)/" && xargs -0 rmdir --ignore-fail-on-non-empty -- 2>/dev/null; true)
PROGRAMS = gobwrap gobwrap-limit gobwrap-seccomp
.PHONY: uninstall

install-setuid: install ## the same with mode 4755; read docs/setuid-mode.md first
	scripts/install-setuid.sh bin/gobwrap "$(DESTDIR)$(PREFIX)/bin/gobwrap"

clean: ## remove what was built
	rm -rf bin
