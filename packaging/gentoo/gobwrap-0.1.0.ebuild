# Copyright 2026 The gobwrap authors
# Distributed under the terms of the Apache License, Version 2.0

EAPI=8

inherit go-module toolchain-funcs

DESCRIPTION="Sandbox launcher with the command line of bubblewrap"
HOMEPAGE="https://github.com/gobwrap/gobwrap"
# The second archive has the modules that go.sum names: go mod vendor.
SRC_URI="https://github.com/gobwrap/gobwrap/archive/refs/tags/v${PV}.tar.gz -> ${P}.tar.gz
	https://github.com/gobwrap/gobwrap/releases/download/v${PV}/${P}-vendor.tar.xz"

LICENSE="Apache-2.0 BSD BSD-2"
SLOT="0"
KEYWORDS="~amd64 ~arm64"
IUSE="bwrap +seccomp suid"

DEPEND="seccomp? ( sys-libs/libseccomp )"
RDEPEND="${DEPEND}
	bwrap? ( !sys-apps/bubblewrap )"
BDEPEND=">=dev-lang/go-1.26
	seccomp? ( virtual/pkgconfig )"

# The launcher is static, has an entry point of its own, and is stripped by its linker flags.
QA_PREBUILT="usr/bin/gobwrap"
RESTRICT="strip test"

src_compile() {
	emake bin/gobwrap bin/gobwrap-limit bin/third-party-licences
	if use seccomp; then
		CC="$(tc-getCC)" emake bin/gobwrap-seccomp
	fi
}

src_install() {
	emake DESTDIR="${D}" PREFIX="${EPREFIX}/usr" install
	if use bwrap; then
		dosym gobwrap /usr/bin/bwrap
		dosym gobwrap.1 /usr/share/man/man1/bwrap.1
	fi
	# See SECURITY.md: for kernels that refuse user namespaces to ordinary users.
	if use suid; then
		fperms 4755 /usr/bin/gobwrap
	fi
}
