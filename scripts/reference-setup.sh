#!/bin/sh
# Fetches a bubblewrap other than the installed one, as a reference for tests/compat and
# tests/tools/bench, and prints the path of its program. What it fetches lies below the cache
# directory; only what it takes to build or to fetch is installed.
#
#	scripts/reference-setup.sh VERSION|PATH
#
# 0.12 and 0.13 are Debian's packages for trixie and forky. They need a newer C library than
# Debian 12 has; the libraries lie in lib/ beside the program, and tests/compat makes its
# copy of the program use them. 0.11 is in no suite of Debian's any more: it is built from
# the sources of 0.11.1. BUBBLEWRAP_SOURCE names another git repository to take them from.
# static, which is for tests/tools/bench, is the static bubblewrap that the npm package
# @openai/codex has for linux-x64: tests/tools/bench/testdata/package.json names the version, and
# the lock file the hash of the package. The program and the package.json of its package are
# kept. A PATH is printed as it is.
set -eu
cd "$(dirname "$0")/.."

cache=${XDG_CACHE_HOME:-$HOME/.cache}/gobwrap
source=${BUBBLEWRAP_SOURCE:-https://github.com/containers/bubblewrap}
commit=124c4cdf4321f63ef17a1cb0ce8f9dd45bd7adbe # v0.11.1

fail() { # MESSAGE
	echo "reference-setup: $1" >&2
	exit 1
}

# install_missing installs packages of which the file or command is missing.
install_missing() { # COMMAND-OR-FILE PACKAGE...
	missing=
	while [ $# -gt 0 ]; do
		[ -e "$1" ] || command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
		shift 2
	done
	[ -n "$missing" ] || return 0
	[ "$(id -u)" = 0 ] || fail "missing packages, please install:$missing"
	export DEBIAN_FRONTEND=noninteractive
	# shellcheck disable=SC2086 # a list of words
	install() { apt-get -o DPkg::Lock::Timeout=300 install -qq -y --no-install-recommends $missing >/dev/null; }
	install 2>/dev/null || { apt-get update -qq && install; }
}

# unpacked arranges a package and its libraries as VERSION/bwrap and VERSION/lib/.
unpacked() { # VERSION
	install_missing patchelf patchelf
	scripts/packages-setup.sh "bubblewrap-$1" >&2
	packages=$cache/packages/bubblewrap-$1
	mkdir "$new/lib"
	cp -a "$packages"/lib*/usr/lib/*-linux-gnu*/*.so* "$new/lib/"
	cp "$packages/bubblewrap/usr/bin/bwrap" "$new/bwrap"
	version=$(sed -n 's/^Version: //p' "$packages/bubblewrap/DEBIAN/control")
	case $version in
	"$1".*) ;;
	*) fail "Debian has $version in place of $1; for another suite see scripts/packages-setup.sh" ;;
	esac
}

# built builds VERSION/bwrap.
built() {
	install_missing git git meson meson gcc gcc pkg-config pkg-config \
		/usr/include/sys/capability.h libcap-dev /usr/include/selinux/selinux.h libselinux1-dev
	git clone -q --depth 1 --branch v0.11.1 -c advice.detachedHead=false "$source" "$new/source" ||
		fail "the sources of bubblewrap 0.11.1 cannot be had from $source: set BUBBLEWRAP_SOURCE to a clone, or give the path of a bwrap"
	[ "$(git -C "$new/source" rev-parse HEAD)" = "$commit" ] || fail "v0.11.1 of $source is not $commit"
	meson setup "$new/build" "$new/source" -Dman=disabled -Dtests=false -Dselinux=enabled >&2
	meson compile -C "$new/build" >&2
	cp "$new/build/bwrap" "$new/bwrap"
	rm -rf "$new/source" "$new/build"
}

# packed takes static-VERSION/bwrap out of npm's package.
packed() {
	[ "$(uname -m)" = x86_64 ] || fail "the static bubblewrap is for x86_64, and this is $(uname -m)"
	install_missing npm npm
	echo "reference-setup: fetching 170 MB of npm's @openai/codex for the static bubblewrap in it" >&2
	cp tests/tools/bench/testdata/package.json tests/tools/bench/testdata/package-lock.json "$new"
	(cd "$new" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --cache "$new/npm" >&2) ||
		fail "npm cannot fetch @openai/codex"
	package=$new/node_modules/codex-linux-x64
	cp "$package/vendor/x86_64-unknown-linux-musl/codex-resources/bwrap" "$package/package.json" "$new" ||
		fail "the package @openai/codex has no bwrap"
	rm -rf "$new/node_modules" "$new/npm" "$new/package-lock.json"
}

[ $# = 1 ] || fail "usage: $0 VERSION|PATH"
into=$cache/references/$1
case $1 in
*/*)
	echo "$1"
	exit
	;;
0.11 | 0.12 | 0.13) ;;
static) into=$into-$(sed -n 's/.*@openai\/codex@\([0-9.]*\)-.*/\1/p' tests/tools/bench/testdata/package.json) ;;
*) fail "$1: want 0.11, 0.12, 0.13, static or the path of a bwrap" ;;
esac
if [ ! -e "$into/bwrap" ]; then
	mkdir -p "$cache/references"
	new=$(mktemp -d "$cache/references/new-XXXXXX")
	trap 'rm -rf "$new"' EXIT
	case $1 in
	0.11) built ;;
	static) packed ;;
	*) unpacked "$1" ;;
	esac
	chmod 755 "$new"
	mv "$new" "$into"
	trap - EXIT
fi
echo "$into/bwrap"
