#!/bin/sh
# Makes the packages of the programs that are built: packaging/packages.sh ARCH BIN OUT
# [FORMAT]..., with Go's name of the machine, the directory with the programs, the one for the
# packages, and deb, rpm, apk or archlinux (all, if none is named). What is in a package
# stands in packaging/*.yaml. The same programs make the same packages, byte by byte. RELEASE
# overrides the number behind the version.
set -eu

[ $# -ge 3 ] || { echo "usage: $0 ARCH BIN OUT [deb|rpm|apk|archlinux]..." >&2; exit 2; }
ARCH=$1 bin=$(realpath "$2") out=$(realpath "$3")
shift 3
[ $# != 0 ] || set -- deb rpm apk archlinux
cd "$(dirname "$0")/.."
nfpm=github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2

# Every file gets the time of the newest entry of the changelog.
SOURCE_DATE_EPOCH=$(date -d "$(sed -n 's/^  date: //p' packaging/changelog.yaml | head -n 1)" +%s)
VERSION=$(sed -n 's/^\tOwn *= "\(.*\)"$/\1/p' internal/version/version.go)
BUBBLEWRAP=$(sed -n 's/^\tFollowed *= "\(.*\)"$/\1/p' internal/version/version.go)
RELEASE=${RELEASE-$(sed -n 's/^- semver: .*-//p' packaging/changelog.yaml | head -n 1)}
export ARCH VERSION RELEASE BUBBLEWRAP SOURCE_DATE_EPOCH STAGE ZSH LC_ALL=C
umask 022
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
GOBIN=$dir go install "$nfpm"

# stage leaves in STAGE what make install does, where a family of packages has it.
stage() { # FORMAT
	STAGE=$dir/$1 from=$bin
	ZSH=site-functions
	[ "$1" != apk ] || from=$bin/static # Alpine has another C library
	make --no-print-directory install-files BIN="$from" DESTDIR="$STAGE" PREFIX=/usr >/dev/null
	find "$STAGE/usr/share/man" -type f -exec gzip -9n {} +
	mkdir -p "$STAGE/usr/share/gobwrap"
	mv "$STAGE/usr/share/doc/gobwrap/apparmor" "$STAGE/usr/share/doc/gobwrap/selinux" "$STAGE/usr/share/gobwrap/"
	mv "$STAGE/usr/share/doc/gobwrap/docs" "$STAGE/" # a pattern takes all that is below it
	mv "$STAGE/docs/images" "$STAGE/"
	if [ "$1" = deb ]; then
		ZSH=vendor-completions
		mv "$STAGE/usr/share/doc/gobwrap/CHANGELOG.md" "$STAGE/usr/share/doc/gobwrap/changelog"
		gzip -9n "$STAGE/usr/share/doc/gobwrap/changelog"
		rm "$STAGE/usr/share/doc/gobwrap/LICENSE" # of which Debian has one copy for all
	fi
	find "$STAGE" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
}

for format; do
	stage "$format"
	for package in gobwrap gobwrap-setuid gobwrap-as-bwrap; do
		arch=$ARCH
		# dpkg's gobwrap-setuid is scripts only.
		[ "$package.$format" != gobwrap-setuid.deb ] || arch=all
		ARCH=$arch "$dir/nfpm" package --config "packaging/$package.yaml" --packager "$format" --target "$out/" >/dev/null
	done
done
