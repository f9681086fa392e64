#!/bin/sh
# Builds programs, packages and the files of a release for both machines twice, and compares. The second time
# everything is elsewhere and otherwise: directory, umask, time zone, language, and for the programs an empty
# build cache. The tools that make packages are the same both times: they are not ours.
set -eu
cd "$(dirname "$0")/.."

scripts/packages-setup.sh arm64 release
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
minisign=$(sed -n 's/^minisign=//p' packaging/release.sh)
go run "$minisign" -G -W -s "$dir/key" -p "$dir/key.pub" >/dev/null

build() { # OUT [GOCACHE]
	env ${2:+GOCACHE="$2"} make --no-print-directory --silent build build-static build-arm64 BIN="$1"
	mkdir "$1/packages"
	packaging/packages.sh amd64 "$1" "$1/packages"
	packaging/packages.sh arm64 "$1/arm64" "$1/packages"
	mkdir "$1/release"
	packaging/release.sh "$1" "$1/release" "$dir/key"
}

build "$dir/first"
mkdir "$dir/elsewhere"
tar -c --exclude=./bin --exclude=./.git . | tar -x -C "$dir/elsewhere"
(
	cd "$dir/elsewhere"
	umask 077
	export TZ=Pacific/Auckland LC_ALL=C.UTF-8
	build "$dir/second" "$dir/cache"
)
(cd "$dir/first" && find . -type f | LC_ALL=C sort) | while read -r file; do
	cmp "$dir/first/$file" "$dir/second/$file"
	sha256sum <"$dir/first/$file" | sed "s|-\$|${file#./}: both times|"
done

cd "$dir/first/release"
sha256sum --quiet -c SHA256SUMS
go run "$minisign" -V -p "$dir/key.pub" -m SHA256SUMS >/dev/null
