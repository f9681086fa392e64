# shellcheck shell=sh
# The profile is put where it is loaded by an AppArmor that understands it, and only then.
# apparmor_parser is played: it understands a profile if its abi is there, as the real one.
profile=/etc/apparmor.d/gobwrap
[ ! -e /usr/sbin/apparmor_parser ] || fail "there is an AppArmor on this machine already"
abi() { # makes a package of an AppArmor that knows the abi 3.0, or this one too
	rm -rf /tmp/tree
	mkdir -p /tmp/tree/DEBIAN /tmp/tree/etc/apparmor.d/abi /tmp/tree/usr/sbin
	for abi; do echo "$abi" >"/tmp/tree/etc/apparmor.d/abi/$abi"; done
	cat >/tmp/tree/usr/sbin/apparmor_parser <<'EOF'
#!/bin/sh
for file; do :; done
[ -e "/etc/apparmor.d/$(sed -n 's/^abi <\(.*\)>,$/\1/p' "$file")" ]
EOF
	chmod 755 /tmp/tree/usr/sbin/apparmor_parser
	printf 'Package: apparmor\nVersion: %s\nArchitecture: all\nMaintainer: x <x@example.com>\nDescription: x\n' "${abi##*/}" >/tmp/tree/DEBIAN/control
	quiet dpkg-deb --root-owner-group -b /tmp/tree /tmp/apparmor.deb
	add /tmp/apparmor.deb
}
there() { cmp /usr/share/gobwrap/apparmor/gobwrap $profile || fail "$*: the profile is not there"; }
missing() { [ ! -e $profile ] || fail "$*: the profile is there"; }

add ./gobwrap_*.deb
missing "without AppArmor"
abi 3.0
missing "with AppArmor 3"
abi 3.0 4.0
there "after an upgrade of AppArmor"

# An upgrade brings the new one, and leaves what the administrator did.
dpkg-deb -R ./gobwrap_*.deb /tmp/next
sed -i 's/0\.1\.0-1/0.1.0-2/' /tmp/next/DEBIAN/control
echo '# a later version' >>/tmp/next/usr/share/gobwrap/apparmor/gobwrap
quiet dpkg-deb --root-owner-group -Zgzip -b /tmp/next /tmp/next.deb
add /tmp/next.deb
grep -q 'a later version' $profile || fail "an upgrade does not bring the new profile"
echo '# mine' >>$profile
add ./gobwrap_*.deb
grep -q '# mine' $profile || fail "the administrator's change is lost"
rm $profile
add /tmp/next.deb
missing "after the administrator removed it"
purge gobwrap

# Removal keeps it, as it keeps every configuration file; purging does not.
add ./gobwrap_*.deb
there "with AppArmor 4"
remove gobwrap
[ -e $profile ] || fail "removal takes the profile"
purge gobwrap
missing "after purging"

# One that was there before is the administrator's.
echo '# mine' >$profile
add ./gobwrap_*.deb
is "# mine" cat $profile
purge gobwrap
is "# mine" cat $profile
rm $profile
quiet dpkg -P apparmor
nothing_left
