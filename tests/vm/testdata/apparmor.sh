# shellcheck shell=sh
set -eu
# AppArmor 4.1, as scripts/packages-setup.sh unpacks it.
foreign=/run/foreign
mkdir "$foreign"
tar -xf /run/vm/foreign.tar -C "$foreign"
fail() {
	echo "NOT AS IT SHOULD BE: $*"
	exit 1
}
lib=usr/lib/x86_64-linux-gnu
parser() {
	"$foreign/libc6/$lib/ld-linux-x86-64.so.2" \
		--library-path "$foreign/libc6/$lib:$foreign/libapparmor1/$lib:$foreign/libstdc++6/$lib:$foreign/libgcc-s1/$lib" \
		"$foreign/apparmor/usr/sbin/apparmor_parser" --skip-cache --quiet \
		--base "$foreign/apparmor/etc/apparmor.d" --config-file /dev/null "$@"
}
launch() { # says its label, inside, as an ordinary user
	setpriv --reuid 12345 --regid 12345 --clear-groups /run/aa/gobwrap --unshare-user --ro-bind / / -- cat /proc/self/attr/apparmor/current 2>&1
}

mkdir -p /run/aa
cp /run/vm/gobwrap /run/aa/gobwrap
chmod 755 /run/aa /run/aa/gobwrap
grep -q userns_create /sys/kernel/security/apparmor/features/namespaces/mask || fail "this AppArmor does not mediate user namespaces"
launch >/dev/null || fail "without a profile"

cat >/run/aa/forbids <<'EOF'
abi <abi/4.0>,
profile gobwrap /run/aa/gobwrap flags=(attach_disconnected) {
  file, capability, mount, umount, pivot_root, network, unix, signal, ptrace, dbus, mqueue, io_uring,
  change_profile,
}
EOF
parser --replace /run/aa/forbids || fail "the parser or the kernel refuses the profile that forbids"
if said=$(launch); then fail "it is not forbidden: $said"; fi
case $said in
"gobwrap: Creating new namespace failed: Permission denied"*) ;;
*) fail "it is forbidden otherwise: $said" ;;
esac

/run/aa/gobwrap --doctor=apparmor >/run/aa/profile
parser --replace /run/aa/profile || fail "the parser or the kernel refuses the profile"
said=$(launch) || fail "with the profile: $said"
[ "$said" = "gobwrap (unconfined)" ] || fail "another profile: $said"
echo "all as it should be"
