#!/bin/sh
# Makes Debian packages of the programs that are built: packaging/deb.sh ARCH BIN OUT, with
# Debian's name of the machine, the directory with the programs, and the one for packages.
# The same programs make the same packages, byte by byte.
set -eu

[ $# = 3 ] || { echo "usage: $0 ARCH BIN OUT" >&2; exit 2; }
arch=$1 bin=$(realpath "$2") out=$(realpath "$3")
cd "$(dirname "$0")/.."
debian=$PWD/packaging/debian

# date -d reads what changelogs have; every file gets that time.
SOURCE_DATE_EPOCH=$(date -d "$(sed -n 's/^ -- .*>  //p' "$debian/changelog" | head -n 1)" +%s)
export SOURCE_DATE_EPOCH LC_ALL=C
version=$(sed -n '1s/.*(\(.*\)).*/\1/p' "$debian/changelog")
bubblewrap=$(sed -n 's/^\tFollowed *= "\(.*\)"$/\1/p' internal/version/version.go)
shlibs=${XDG_CACHE_HOME:-$HOME/.cache}/gobwrap/packages
umask 022
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

# libraries names the packages of the shared libraries that the compiler links.
libraries() (
	set --
	mkdir -p "$stage/shlibs/debian"
	cd "$stage/shlibs"
	printf 'Source: gobwrap\n\nPackage: gobwrap\nArchitecture: any\n' >debian/control
	for library in libc6 libseccomp2; do # of another machine: see scripts/packages-setup.sh
		[ ! -e "$shlibs/$arch/$library" ] || set -- "$@" "-S$shlibs/$arch/$library"
	done
	DEB_HOST_ARCH=$arch dpkg-shlibdeps "$@" -O -e"$bin/gobwrap-seccomp" 2>"$stage/shlibs/err" ||
		{ cat "$stage/shlibs/err" >&2; exit 1; }
)

# size prints a tree's size in KiB as dpkg-gencontrol counts: each file rounded up, 1 for
# anything else. What du says depends on the file system.
size() { # TREE
	find "$1" -mindepth 1 -path "$1/DEBIAN" -prune -o -printf '%y %s\n' |
		awk '{ sum += $1 == "f" ? int(($2 + 1023) / 1024) : 1 } END { print sum + 0 }'
}

# control prints a package's stanza, filled in.
control() { # PACKAGE ARCHITECTURE
	sed -n '1,/^$/{/^\(Section\|Priority\|Maintainer\|Homepage\)/p}' "$debian/control" >"$stage/common"
	sed -n "/^Package: $1\$/,/^\$/p" "$debian/control" | sed "/^\$/d
		/^Architecture:/c\\
Architecture: $2\\
Version: $version\\
Installed-Size: $(size "$stage/$1")
		/^Description:/{
			r $stage/common
			N
		}
		s/\${Version}/$version/g
		s/\${Bubblewrap}/$bubblewrap/g
		s/\${shlibs:Depends}/$depends/g"
}

# pack makes the package of a tree.
pack() { # PACKAGE ARCHITECTURE
	tree=$stage/$1
	doc=$tree/usr/share/doc/$1
	mkdir -p "$tree/DEBIAN" "$doc"
	install -m 0644 "$debian/copyright" "$doc/copyright"
	gzip -9nc "$debian/changelog" >"$doc/changelog.Debian.gz"
	find "$tree/usr/share/man" -type f -exec gzip -9n {} + 2>/dev/null || true
	for script in preinst postinst prerm postrm; do
		[ ! -e "$debian/$1.$script" ] || install -m 0755 "$debian/$1.$script" "$tree/DEBIAN/$script"
	done
	[ ! -e "$debian/$1.triggers" ] || install -m 0644 "$debian/$1.triggers" "$tree/DEBIAN/triggers"
	(cd "$tree" && find usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
	control "$1" "$2" >"$tree/DEBIAN/control"
	find "$tree" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
	dpkg-deb --root-owner-group --threads-max=1 -Zxz --build "$tree" "$out/$1_${version}_$2.deb"
}

# gobwrap: what make install leaves, where Debian has it.
tree=$stage/gobwrap
make --no-print-directory install-files BIN="$bin" DESTDIR="$tree" PREFIX=/usr >/dev/null
mkdir -p "$tree/usr/share/zsh/vendor-completions" "$tree/usr/share/gobwrap/apparmor"
mv "$tree/usr/share/zsh/site-functions/"* "$tree/usr/share/zsh/vendor-completions/"
rmdir "$tree/usr/share/zsh/site-functions"
mv "$tree/usr/share/doc/gobwrap/apparmor/gobwrap" "$tree/usr/share/gobwrap/apparmor/gobwrap"
rmdir "$tree/usr/share/doc/gobwrap/apparmor"
mv "$tree/usr/share/doc/gobwrap/CHANGELOG.md" "$tree/usr/share/doc/gobwrap/changelog"
gzip -9n "$tree/usr/share/doc/gobwrap/changelog"
rm "$tree/usr/share/doc/gobwrap/LICENSE" # of which Debian has one copy for all
depends=$(libraries)
depends=${depends#shlibs:Depends=}
pack gobwrap "$arch"

# gobwrap-setuid: its scripts only.
mkdir -p "$stage/gobwrap-setuid"
pack gobwrap-setuid all

# gobwrap-as-bwrap: links, and completions under the other name.
tree=$stage/gobwrap-as-bwrap
mkdir -p "$tree/usr/bin" "$tree/usr/share/man/man1" "$tree/usr/share/bash-completion/completions" \
	"$tree/usr/share/zsh/vendor-completions" "$tree/usr/share/fish/vendor_completions.d"
ln -s gobwrap "$tree/usr/bin/bwrap"
ln -s gobwrap.1.gz "$tree/usr/share/man/man1/bwrap.1.gz"
cat >"$tree/usr/share/bash-completion/completions/bwrap" <<'EOF'
. /usr/share/bash-completion/completions/gobwrap
complete -o default -F _gobwrap bwrap
EOF
printf '#compdef bwrap\n_gobwrap "$@"\n' >"$tree/usr/share/zsh/vendor-completions/_bwrap"
echo 'complete -c bwrap --wraps gobwrap' >"$tree/usr/share/fish/vendor_completions.d/bwrap.fish"
pack gobwrap-as-bwrap all
