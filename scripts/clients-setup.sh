#!/bin/sh
# Installs the programs that tests/clients runs, if they are missing: Debian's packages,
# and what testdata/package-lock.json names of the npm registry, unpacked below the cache
# directory. Silent when there is nothing to do.
set -eu
cd "$(dirname "$0")/.."

cache=${XDG_CACHE_HOME:-$HOME/.cache}/gobwrap/clients
lock=tests/clients/testdata/package-lock.json

missing=
need() { # COMMAND-OR-FILE PACKAGE
	case $1 in
	/*) [ -e "$1" ] ;;
	*) command -v "$1" >/dev/null 2>&1 ;;
	esac || missing="$missing $2"
}
# For what is not a command, or lies where another package may put one too.
need_package() { # PACKAGE
	dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null | grep -q '^ii' || missing="$missing $1"
}

need bwrap bubblewrap
need gcc gcc
need unshare util-linux
need setpriv util-linux
need ip iproute2
need dbus-run-session dbus-daemon
need Xvfb xvfb
need /usr/bin/python3 python3
need flatpak flatpak
need gdbus libglib2.0-bin
need xdg-dbus-proxy xdg-dbus-proxy
need mat2 mat2
need opam opam
need git git
need curl curl
need socat socat
need rg ripgrep
need chromium chromium
need npm npm
need gdk-pixbuf-thumbnailer libgdk-pixbuf2.0-bin
need_package busybox-static
need_package python3-gi
need_package gir1.2-gnomedesktop-3.0
need_package gir1.2-webkit2-4.1
if ! printf 'int main(void){return 0;}' | gcc -static -x c -o /dev/null - 2>/dev/null; then
	missing="$missing libc6-dev"
fi

if [ -n "$missing" ]; then
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
		echo "clients-setup: missing packages, please install:$missing" >&2
		exit 1
	fi
	export DEBIAN_FRONTEND=noninteractive
	# shellcheck disable=SC2086 # a list of words
	install() { apt-get install -qq -y --no-install-recommends $missing >/dev/null; }
	install 2>/dev/null || { apt-get update -qq && install; }
fi

# A newer Flatpak, which a world puts over the installed one.
scripts/packages-setup.sh flatpak-backports

# npm checks every package against the hash in the lock file. Scripts of the packages are
# not run. Node itself is one of them: Debian's is older than the sandbox runtime asks for.
if ! cmp -s "$lock" "$cache/npm/package-lock.json"; then
	mkdir -p "$cache"
	new=$(mktemp -d "$cache/new-XXXXXX")
	trap 'rm -rf "$new"' EXIT
	cp tests/clients/testdata/package.json "$lock" "$new"
	# The registry's client says nothing of use unless it fails.
	(cd "$new" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
	chmod -R a+rX "$new"
	rm -rf "$cache/npm"
	mv "$new" "$cache/npm"
fi
