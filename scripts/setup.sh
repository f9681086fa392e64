#!/bin/sh
# Installs the packages that the tests, the demo and the benchmark need, if they are
# missing. With --list it only names them. Silent when there is nothing to do.
set -eu

[ $# = 0 ] || [ "$*" = --list ] || { echo "usage: $0 [--list]" >&2; exit 2; }

missing=
need() { # COMMAND-OR-FILE PACKAGE
	case $1 in
	/*) [ -e "$1" ] ;;
	*) command -v "$1" >/dev/null 2>&1 ;;
	esac || missing="$missing $2"
}

need bwrap bubblewrap
need gcc gcc
need unshare util-linux
need prlimit util-linux
need setpriv util-linux
need shellcheck shellcheck
need setcap libcap2-bin
need strace strace
need newuidmap uidmap
need git git
need dpkg-shlibdeps dpkg-dev
need man man-db
need zsh zsh
need fish fish
need /usr/share/bash-completion/bash_completion bash-completion
need /usr/bin/python3 python3
need /usr/include/seccomp.h libseccomp-dev
need pkg-config pkg-config
if ! printf 'int main(void){return 0;}' | gcc -static -x c -o /dev/null - 2>/dev/null; then
	missing="$missing libc6-dev"
fi

[ -n "$missing" ] || exit 0
if [ $# != 0 ]; then
	echo "  Debian packages:$missing"
	exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
	echo "setup: missing packages, please install:$missing" >&2
	exit 1
fi
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # a list of words
install() { apt-get install -qq -y --no-install-recommends $missing >/dev/null; }
install 2>/dev/null || { apt-get update -qq && install; }
