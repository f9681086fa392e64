# shellcheck shell=sh disable=SC2016
# gobwrap-as-bwrap: bwrap is gobwrap, with bubblewrap there, without it, and when it comes
# later.
is "bubblewrap 0.8.0" bwrap --version # the machine's own

check() {
	is "$(as_bwrap)" bwrap --version
	is "bwrap: Unknown option --bogus" bwrap --bogus
	is /usr/bin/gobwrap readlink -f /usr/bin/bwrap
	is 12345 as_user bwrap --unshare-user --ro-bind / / -- id -u
}

check_texts() {
	man bwrap 2>/dev/null | grep -qi 'gobwrap' || fail "man bwrap is not the manual of gobwrap"
	is _bwrap zsh -f -c 'autoload -U compinit; compinit -u -D; echo $_comps[bwrap]'
	fish -c 'complete --do-complete="bwrap --ro-ov"' | grep -q -- --ro-overlay || fail "fish: bwrap"
	bash -c '. /usr/share/bash-completion/bash_completion; _completion_loader bwrap; complete -p bwrap' | grep -q _gobwrap || fail "bash: bwrap"
}

add ./gobwrap_*.deb ./gobwrap-as-bwrap_*.deb
check
check_texts
is "bubblewrap 0.8.0" bwrap.bubblewrap --version
newer
add /tmp/newer/gobwrap_*.deb /tmp/newer/gobwrap-as-bwrap_*.deb
check

# An upgrade of bubblewrap goes where the diversion says.
mkdir -p /tmp/later/DEBIAN /tmp/later/usr/bin
printf '#!/bin/sh\necho later\n' >/tmp/later/usr/bin/bwrap
chmod 755 /tmp/later/usr/bin/bwrap
printf 'Package: bubblewrap\nVersion: 99\nArchitecture: all\nMaintainer: x <x@example.com>\nDescription: x\n' >/tmp/later/DEBIAN/control
quiet dpkg-deb --root-owner-group -b /tmp/later /tmp/later.deb
add /tmp/later.deb
check
is later bwrap.bubblewrap

# Who depends on bubblewrap is content, also without it.
quiet dpkg -P --force-depends bubblewrap
check
mkdir -p /tmp/caller/DEBIAN
printf 'Package: caller\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example.com>\nDescription: x\nDepends: bubblewrap (>= 0.8)\n' >/tmp/caller/DEBIAN/control
quiet dpkg-deb --root-owner-group -b /tmp/caller /tmp/caller.deb
add /tmp/caller.deb
purge caller
add /tmp/later.deb
check
purge gobwrap-as-bwrap
is later bwrap
[ ! -e /usr/bin/bwrap.bubblewrap ] || fail "the diversion is left"
purge gobwrap
is "" dpkg-divert --list '*bwrap*'
is "dpkg-query: no packages found matching gobwrap*" dpkg-query -W 'gobwrap*'
