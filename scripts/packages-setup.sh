#!/bin/sh
# Fetches what the packages for arm64 and the tests of the packages need, if it is missing:
# compilers and QEMU are installed; foreign packages are unpacked below the cache
# directory and never installed. apk, which Debian has not, is built from its sources, of which
# APK_TOOLS_SOURCE names another git repository. Silent when there is nothing to do.
#
#	scripts/packages-setup.sh [--list] [arm64|arm64-kernel|arm64-kernel-7|kernel-7|apparmor|audit|flatpak-backports|families|release|apk-tools|bubblewrap-0.12|bubblewrap-0.13]...
#
# With --list it only names what is missing.
set -eu

cache=${XDG_CACHE_HOME:-$HOME/.cache}/gobwrap/packages
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

missing=
need() { # COMMAND-OR-FILE PACKAGE
	case $1 in
	/*) [ -e "$1" ] ;;
	*) command -v "$1" >/dev/null 2>&1 ;;
	esac || missing="$missing $2"
}

# mirror is where this machine's own packages come from.
mirror() {
	# shellcheck disable=SC2016 # apt expands it
	apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Created-By: Packages' | grep -v security | head -n 1
}

# fetch unpacks packages of a suite, for a machine, into a directory of the cache.
fetch() ( # DIRECTORY SUITE ARCH PACKAGE...
	into=$cache/$1 suite=$2 arch=$3
	shift 3
	[ ! -e "$into" ] || return 0
	mkdir -p "$cache"
	dir=$(mktemp -d "$cache/new-XXXXXX")
	trap 'rm -rf "$dir"' EXIT
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial" "$dir/tree" "$dir/debs"
	echo "deb [signed-by=$keyring] $(mirror) $suite main" >"$dir/sources.list"
	apt() { # TOOL WORD...
		tool=$1
		shift
		"apt-$tool" -qq -o Dir::Etc::sourcelist="$dir/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
			-o Dir::State::lists="$dir/lists" -o Dir::Cache="$dir/cache" -o APT::Sandbox::User=root \
			-o APT::Architecture="$arch" -o APT::Architectures="$arch" -o Acquire::Languages=none "$@"
	}
	apt get update
	case $1 in
	linux-image-*) # stands for the newest one, which is split in three since 6.19
		set -- "$(apt cache depends "$1" | sed -n 's/^ *Depends: \(linux-image-[0-9]\)/\1/p')"
		parts=$(apt cache depends "$1" | sed -n 's/^ *Depends: \(linux-\(base\|binary\|modules\)-[0-9]\)/\1/p')
		# shellcheck disable=SC2086 # a list of words
		[ -z "$parts" ] || set -- $parts
		;;
	esac
	cd "$dir/debs"
	apt get download "$@"
	for deb in *.deb; do
		mkdir "$dir/tree/${deb%%_*}"
		dpkg-deb -R "$deb" "$dir/tree/${deb%%_*}"
	done
	mv -T "$dir/tree" "$into" || [ -e "$into" ] # another run may have been faster
)

# build_apk builds apk from its sources.
build_apk() (
	[ ! -e "$cache/apk-tools" ] || return 0
	mkdir -p "$cache"
	dir=$(mktemp -d "$cache/new-XXXXXX")
	trap 'rm -rf "$dir"' EXIT
	git clone -q --depth 1 --branch v3.0.6 -c advice.detachedHead=false "${APK_TOOLS_SOURCE:-https://github.com/alpinelinux/apk-tools}" "$dir/source"
	meson setup "$dir/build" "$dir/source" -Ddocs=disabled -Dhelp=disabled -Dlua=disabled -Dpython=disabled -Dtests=disabled \
		-Ddefault_library=static >&2
	meson compile -C "$dir/build" >&2
	mkdir "$dir/tree"
	cp "$dir/build/src/apk" "$dir/tree/apk"
	mv -T "$dir/tree" "$cache/apk-tools"
)

list=
if [ "${1-}" = --list ]; then
	list=1
	shift
fi
[ $# -gt 0 ] || set -- arm64 apparmor
for what; do
	case $what in
	arm64)
		need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
		need /usr/aarch64-linux-gnu/include/stdio.h libc6-dev-arm64-cross
		need qemu-aarch64-static qemu-user-static
		need dpkg-shlibdeps dpkg-dev
		need pkg-config pkg-config
		;;
	release) need npm npm ;;
	families)
		need rpm rpm
		need rpm2cpio rpm2cpio
		need cpio cpio
		need pacman pacman-package-manager
		need lintian lintian
		need rpmlint rpmlint
		need checkmodule checkpolicy
		need nix-instantiate nix-bin
		need semodule_package semodule-utils
		need /usr/share/selinux/devel/Makefile selinux-policy-dev
		need /usr/lib/python3/dist-packages/magic python3-magic
		;;
	apk-tools)
		need git git
		need meson meson
		need /usr/include/zlib.h zlib1g-dev
		need /usr/include/openssl/evp.h libssl-dev
		;;
	arm64-kernel | arm64-kernel-7) need qemu-system-aarch64 qemu-system-arm ;;
	esac
done
if [ -n "$list" ]; then
	[ -z "$missing" ] || echo "  Debian packages:$missing"
	for what; do
		case $what in
		apparmor) set -- apparmor-3 apparmor-4 ;;
		families | release) set -- ;;
		*) set -- "$what" ;;
		esac
		for dir; do
			[ -e "$cache/$dir" ] || echo "  unpacked in $cache: $dir"
		done
	done
	exit 0
fi
if [ -n "$missing" ]; then
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
		echo "packages-setup: missing packages, please install:$missing" >&2
		exit 1
	fi
	export DEBIAN_FRONTEND=noninteractive
	# shellcheck disable=SC2086 # a list of words
	install() { apt-get -o DPkg::Lock::Timeout=300 install -qq -y --no-install-recommends $missing >/dev/null; }
	install 2>/dev/null || { apt-get update -qq && install; }
fi
for what; do
	case $what in
	arm64)
		fetch arm64 bookworm arm64 libseccomp-dev libseccomp2 libc6
		cp -a "$cache/arm64/libseccomp2/usr/lib" "$cache/arm64/libseccomp-dev/usr/" # where a link leads
		;;
	families | release) ;;
	apk-tools) build_apk ;;
	arm64-kernel) fetch "$what" bookworm arm64 linux-image-cloud-arm64 ;;
	arm64-kernel-7) fetch "$what" trixie-backports arm64 linux-image-cloud-arm64 ;;
	kernel-7) fetch "$what" trixie-backports amd64 linux-image-cloud-amd64 ;;
	apparmor)
		fetch apparmor-3 bookworm amd64 apparmor
		fetch apparmor-4 trixie amd64 apparmor libapparmor1 libc6 libstdc++6 libgcc-s1
		;;
	audit) fetch "$what" bookworm amd64 auditd libaudit1 libauparse0 libcap-ng0 libwrap0 libnsl2 libtirpc3 libgssapi-krb5-2 libkrb5-3 libk5crypto3 libkrb5support0 libkeyutils1 libcom-err2 ;;
	flatpak-backports) fetch "$what" bookworm-backports amd64 flatpak ;; # its libraries are Debian 12's
	bubblewrap-0.12) fetch "$what" trixie "$(dpkg --print-architecture)" bubblewrap libc6 libcap2 libselinux1 libpcre2-8-0 ;;
	bubblewrap-0.13) fetch "$what" forky "$(dpkg --print-architecture)" bubblewrap libc6 libcap2 libselinux1 libpcre2-8-0 ;;
	*) echo "usage: $0 [arm64|arm64-kernel|arm64-kernel-7|kernel-7|apparmor|audit|flatpak-backports|families|release|apk-tools|bubblewrap-0.12|bubblewrap-0.13]..." >&2 && exit 2 ;;
	esac
done
