# shellcheck shell=sh disable=SC2154 # parser.sh stands before this one
launch() { # says its label, inside, as an ordinary user
	setpriv --reuid 12345 --regid 12345 --clear-groups /run/aa/gobwrap --unshare-user --ro-bind / / -- cat /proc/self/attr/apparmor/current 2>&1
}

mkdir -p /run/aa
cp /run/vm/gobwrap /run/aa/gobwrap
chmod 755 /run/aa /run/aa/gobwrap
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

# What AppArmor refuses without it: the power to mount in a sandbox. Set-up has it, the
# command has not, whatever it asks for. The control: it has without a profile.
as() { setpriv --reuid 12345 --regid 12345 --clear-groups "$@"; }
powers="mount -t tmpfs none /tmp && echo MOUNTED; unshare -U true && echo UNSHARED; true"
with_all() { as /run/aa/gobwrap --unshare-all --cap-add ALL --ro-bind / / --proc /proc --tmpfs /run -- "$@"; }
echo "profile gobwrap /run/aa/gobwrap flags=(unconfined) { userns, }" | parser --replace || fail "a profile that lets all through"
said=$(with_all sh -c "$powers" 2>/dev/null) || fail "the control: $said"
[ "$said" = "MOUNTED
UNSHARED" ] || fail "the control: $said"

/run/aa/gobwrap --doctor=apparmor >/run/aa/profile
parser --replace /run/aa/profile || fail "the parser or the kernel refuses the profile"
said=$(launch) || fail "with the profile: $said"
[ "$said" = "gobwrap//&gobwrap_payload (enforce)" ] || fail "another profile: $said"
said=$(with_all sh -c "$powers" 2>/dev/null) || fail "with the profile, everything new: $said"
[ -z "$said" ] || fail "the command has powers: $said"
said=$(with_all sh -c 'sh -c "cat /proc/self/attr/apparmor/current"') || fail "a command's command: $said"
[ "$said" = "gobwrap//&gobwrap_payload (enforce)" ] || fail "a command's command has another profile: $said"

# Names that the profile treats otherwise lead nowhere inside.
for name in /run/aa/gobwrap /usr/bin/newuidmap /usr/bin/newgidmap; do
	said=$(as /run/aa/gobwrap --unshare-user --cap-add ALL --ro-bind / / --ro-bind /bin/cat "$name" -- "$name" /proc/self/attr/apparmor/current 2>&1) && fail "as $name: $said"
	said=$(as /run/aa/gobwrap --unshare-user --cap-add ALL --ro-bind / / --ro-bind /bin/cat "$name" -- sh -c "exec $name /proc/self/attr/apparmor/current" 2>&1) || true
	case $said in
	"" | *" (enforce)") case $said in "" | *gobwrap_payload*) ;; *) fail "as $name, by a shell: $said" ;; esac ;;
	*"Permission denied" | *"Operation not permitted") ;;
	*) fail "as $name, by a shell: $said" ;;
	esac
done

# Several ids, by programs that need their set-user-id bit, and the doctor, which starts itself.
printf 'root:x:0:0::/root:/bin/sh\nuser:x:12345:12345::/:/bin/sh\n' >/run/aa/passwd
echo user:200000:65536 >/run/aa/subids
for file in passwd subuid subgid; do
	[ "$file" = passwd ] && from=passwd || from=subids
	mount --bind "/run/aa/$from" "/etc/$file" || fail "/etc/$file"
done
said=$(as /run/aa/gobwrap --unshare-user --map-auto --map-root-user --ro-bind / / -- sh -c 'wc -l </proc/self/uid_map' 2>&1) || fail "several ids: $said"
said=$(as /run/aa/gobwrap --doctor 2>&1) || fail "the doctor: $said"
case $said in *FAILED*) fail "the doctor: $said" ;; esac
echo "all as it should be"
