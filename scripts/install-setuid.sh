#!/bin/sh
# Installs the launcher set-user-id root: scripts/install-setuid.sh BINARY TARGET.
# Needs root. See SECURITY.md for what this means.
set -eu

[ $# = 2 ] || { echo "usage: $0 BINARY TARGET" >&2; exit 2; }
binary=$1 target=$2

# What go build was told is written in the binary. A binary for coverage writes where the
# caller's GOCOVERDIR says; the checkers read the caller's environment before anything.
bad=$(grep -aoE 'build	-(cover|race|asan|msan)=true' "$binary" || true)
if [ -n "$bad" ]; then
	echo "$binary was built with ${bad#*	}: not for a set-user-id installation" >&2
	exit 1
fi
if grep -aqE 'build	-tags=.*nosetuid' "$binary"; then
	echo "$binary was built without the setuid mode (tag nosetuid)" >&2
	exit 1
fi
# The entry point drops privileges before any runtime; a binary linked without it says so.
if ! "$binary" --version >/dev/null 2>&1; then
	echo "$binary does not run: build it with make" >&2
	exit 1
fi
[ "$(id -u)" = 0 ] || { echo "$0: only root can make $target set-user-id root" >&2; exit 1; }

# Under a new name first, so that nobody runs half a file; the mode comes last, since
# chown takes set-id bits away.
new=$(mktemp "$(dirname "$target")/.gobwrap-XXXXXX")
trap 'rm -f "$new"' EXIT
cat "$binary" >"$new"
chown 0:0 "$new"
chmod 4755 "$new"
mv "$new" "$target"
trap - EXIT
