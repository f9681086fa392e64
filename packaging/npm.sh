#!/bin/sh
# Makes a package for npm: packaging/npm.sh CPU PROGRAMS OUT, with npm's name of the machine and
# a directory with static programs.
set -eu

[ $# = 3 ] || { echo "usage: $0 CPU PROGRAMS OUT" >&2; exit 2; }
cpu=$1 programs=$(realpath "$2") out=$(realpath "$3")
cd "$(dirname "$0")/.."
version=$(sed -n 's/^\tOwn *= "\(.*\)"$/\1/p' internal/version/version.go)
umask 022
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

mkdir "$dir/bin"
for program in "$programs"/gobwrap*; do install -m 0755 "$program" "$dir/bin/"; done
install -m 0644 packaging/npm/index.js LICENSE bin/third-party-licences "$dir/"
for text in package.json README.md; do
	sed "s|@CPU@|$cpu|g; s|@VERSION@|$version|g" "packaging/npm/$text" >"$dir/$text"
done
cd "$dir"
npm pack --silent --pack-destination "$out" >/dev/null
