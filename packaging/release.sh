#!/bin/sh
# Makes what a release consists of: packaging/release.sh BIN OUT [KEY], of the programs that
# make build-static and make build-arm64 have left in BIN. For each machine OUT then has a
# tarball, a package for npm, and lists of what the programs contain (CycloneDX); and for all of
# it SHA256SUMS, signed with minisign's secret KEY if there is one. The same programs make the
# same files, byte by byte.
set -eu

[ $# = 2 ] || [ $# = 3 ] || { echo "usage: $0 BIN OUT [KEY]" >&2; exit 2; }
bin=$(realpath "$1") out=$(realpath "$2") key=
[ $# = 2 ] || key=$(realpath -e "$3")
cd "$(dirname "$0")/.."
cyclonedx=github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
minisign=aead.dev/minisign/cmd/minisign@v0.3.0
[ -z "$(ls -A "$out")" ] || { echo "release.sh: $out is not empty" >&2; exit 1; }

version=$(sed -n 's/^\tOwn *= "\(.*\)"$/\1/p' internal/version/version.go)
SOURCE_DATE_EPOCH=$(date -d "$(sed -n 's/^  date: //p' packaging/changelog.yaml | head -n 1)" +%s)
export SOURCE_DATE_EPOCH LC_ALL=C
umask 022
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# library prints a C library that is linked into gobwrap-seccomp, as a component.
library() { # ARCH PACKAGE
	cached=${XDG_CACHE_HOME:-$HOME/.cache}/gobwrap/packages/$1/$2/DEBIAN/control
	if [ "$1" = "$(dpkg --print-architecture)" ]; then
		v=$(dpkg-query -W -f '${Version}' "$2:$1")
	elif [ -e "$cached" ]; then
		v=$(sed -n 's/^Version: //p' "$cached")
	else
		v=$(dpkg-query -W -f '${Version}' "$2-$1-cross")
	fi
	printf '    {"type": "library", "name": "%s", "version": "%s", "purl": "pkg:deb/debian/%s@%s?arch=%s"},\n' "$2" "$v" "$2" "$v" "$1"
}

# bom prints what a program contains, without the hashes of the tool that says so, which
# depend on where it was built.
bom() { # ARCH FILE
	go run "$cyclonedx" bin -json -noserial -notimestamp -std -version "$version" "$2" 2>"$dir/said" >"$dir/bom" || { cat "$dir/said" >&2; exit 1; }
	: >"$dir/libraries"
	case $2 in
	*-seccomp) { library "$1" libseccomp-dev; library "$1" libc6-dev; } >"$dir/libraries" ;;
	esac
	sed -e '/"tools": \[/,/^    \],/{/"hashes": \[/,/^ *\],/d}' -e "/^  \"components\": \[/r $dir/libraries" "$dir/bom"
}

release() { # ARCH CPU PROGRAMS
	name=gobwrap-$version-linux-$1
	make --no-print-directory install-files BIN="$3" DESTDIR="$dir/$name" PREFIX=/ >/dev/null
	find "$dir/$name" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
	tar -c --sort=name --owner=0 --group=0 --numeric-owner --format=ustar -C "$dir" "$name" | gzip -9n >"$out/$name.tar.gz"
	for program in "$dir/$name/bin"/*; do
		bom "$1" "$program" >"$out/$name.${program##*/}.cdx.json"
	done

	packaging/npm.sh "$2" "$3" "$out"
}

release amd64 x64 "$bin/static"
release arm64 arm64 "$bin/arm64/static"
cd "$out"
sha256sum -- * >"$dir/sums"
mv "$dir/sums" SHA256SUMS
[ -z "$key" ] || go run "$minisign" -S -s "$key" -t "gobwrap $version" -m SHA256SUMS
