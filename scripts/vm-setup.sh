#!/bin/sh
# Fetches what tests/vm needs, if it is missing: QEMU, and Debian's kernels, which are
# unpacked below the cache directory and never installed. Silent when there is nothing
# to do. For newer kernels remove the cache directory.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/gobwrap/vm

missing=
need() { # COMMAND-OR-FILE PACKAGE
	case $1 in
	/*) [ -e "$1" ] ;;
	*) command -v "$1" >/dev/null 2>&1 ;;
	esac || missing="$missing $2"
}

need qemu-system-x86_64 qemu-system-x86
need /usr/lib/qemu/virtiofsd qemu-system-common
need gcc gcc
need /lib/systemd/systemd systemd
need setpriv util-linux
need xz xz-utils
need lz4 lz4
need zstd zstd
if ! printf 'int main(void){return 0;}' | gcc -static -x c -o /dev/null - 2>/dev/null; then
	missing="$missing libc6-dev"
fi

if [ -n "$missing" ]; then
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
		echo "vm-setup: missing packages, please install:$missing" >&2
		exit 1
	fi
	export DEBIAN_FRONTEND=noninteractive
	# shellcheck disable=SC2086 # a list of words
	install() { apt-get install -qq -y --no-install-recommends $missing >/dev/null; }
	install 2>/dev/null || { apt-get update -qq && install; }
fi

# number prints the little-endian number of SIZE bytes at OFFSET in FILE.
number() { # FILE OFFSET SIZE
	od -An -t "u$3" -j "$2" -N "$3" "$1" | tr -d ' '
}

# unpack_kernel takes the ELF file out of a bzImage, as the boot protocol's header
# describes it (Documentation/arch/x86/boot.rst): QEMU enters it at its PVH entry point,
# which saves seconds of decompression by emulated instructions.
unpack_kernel() { # BZIMAGE ELF
	start=$((($(number "$1" 497 1) + 1) * 512 + $(number "$1" 584 4)))
	length=$(($(number "$1" 588 4) - 4)) # less the size that is appended
	case $(od -An -t x1 -j "$start" -N 4 "$1" | tr -d ' ') in
	02214c18) unpack=lz4 ;;
	28b52ffd) unpack=zstd ;;
	fd377a58) unpack=xz ;;
	*) echo "vm-setup: $1 is packed in an unknown way" >&2 && return 1 ;;
	esac
	tail -c "+$((start + 1))" "$1" | head -c "$length" | "$unpack" -dc >"$2"
}

# download fetches the package of the kernel that the meta-package stands for.
download() ( # META-PACKAGE
	package=$(apt-cache depends "$1" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9]\)/\1/p')
	[ -n "$package" ] && apt-get download -qq -o APT::Sandbox::User=root "$package"
)

# keep makes the directory of a series of a tree with a kernel, and its modules in one
# directory or, since 6.19, parts of it: vmlinux, and the modules below modules/.
keep() { # SERIES BZIMAGE MODULES...
	series=$1 image=$2
	shift 2
	mkdir -p "$dir/$series/modules"
	for modules; do
		cp -al "$modules/." "$dir/$series/modules"
	done
	find "$dir/$series/modules" -name '*.ko.xz' -exec xz -df {} +
	rm -f "$dir/$series/modules/vmlinuz"
	unpack_kernel "$image" "$dir/$series/vmlinux"
	rm -rf "${cache:?}/$series"
	mv "$dir/$series" "$cache/$series"
}

# fetch takes a kernel of this machine's own suites.
fetch() ( # SERIES META-PACKAGE
	[ ! -e "$cache/$1/vmlinux" ] || return 0
	mkdir -p "$cache"
	dir=$(mktemp -d "$cache/new-XXXXXX")
	trap 'rm -rf "$dir"' EXIT
	cd "$dir"
	if ! download "$2" 2>/dev/null; then
		apt-get update -qq
		download "$2" || { echo "vm-setup: apt has no kernel by the name $2" >&2 && exit 1; }
	fi
	dpkg-deb -x ./*.deb tree
	keep "$1" tree/boot/vmlinuz-* tree/lib/modules/*
)

# take takes one of another suite.
take() ( # SERIES
	[ ! -e "$cache/$1/vmlinux" ] || return 0
	"$here/packages-setup.sh" "kernel-$1"
	mkdir -p "$cache"
	dir=$(mktemp -d "$cache/new-XXXXXX")
	trap 'rm -rf "$dir"' EXIT
	packages=$(dirname "$cache")/packages/kernel-$1
	keep "$1" "$packages"/linux-binary-*/usr/lib/modules/*/vmlinuz "$packages"/linux-*/usr/lib/modules/*
	rm -rf "$packages"
)

fetch 6.1 linux-image-cloud-amd64
fetch 6.12 linux-image-6.12-cloud-amd64
take 7                         # the newest 7.x, of trixie-backports
fetch 6.1-pc linux-image-amd64 # has the x32 entry point
