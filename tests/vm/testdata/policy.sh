# shellcheck shell=sh disable=SC2154 # parser.sh stands before this one
# An administrator's policy.conf where the launcher alone may make user namespaces, by AppArmor.
mkdir -p /run/aa /run/etc /run/etc-work
cp /run/vm/gobwrap /run/aa/gobwrap
cp /run/vm/trace /run/aa/trace
cp /run/vm/filter /run/aa/filter
cp /bin/sh /run/aa/session
chmod 755 /run/aa /run/aa/*
mount -t overlay -o lowerdir=/etc,upperdir=/run/etc,workdir=/run/etc-work overlay /etc
mkdir /etc/gobwrap
echo "require --unshare-net --new-session" >/etc/gobwrap/policy.conf

# What a session of users runs in: it makes no user namespace, and traces nothing but itself.
cat >/run/aa/session-profile <<'END'
abi <abi/4.0>,
profile session /run/aa/session flags=(attach_disconnected, mediate_deleted) {
  network, unix, signal, dbus, mqueue, io_uring,
  ptrace peer=session,
  /{,**} rwlkm,
  /** ix,
  /run/aa/gobwrap px,
}
END
as() { setpriv --reuid 12345 --regid 12345 --clear-groups "$@"; }
session() { as /run/aa/session -c "$1" 2>&1; }
/run/aa/gobwrap --doctor=apparmor >/run/aa/profile
parser --replace /run/aa/profile || fail "the launcher's profile"
parser --replace /run/aa/session-profile || fail "the session's profile"

as unshare -U true || fail "the control: without a session's profile there are user namespaces"
if said=$(session "unshare -U true"); then fail "the session makes a user namespace: $said"; fi
said=$(session "/run/aa/gobwrap --unshare-net --new-session --ro-bind / / -- echo ran") || fail "what the policy permits: $said"
[ "$said" = ran ] || fail "what the policy permits: $said"
if said=$(session "/run/aa/gobwrap --unshare-net --ro-bind / / -- echo ran"); then fail "the policy does not bind: $said"; fi
case $said in
"gobwrap: --new-session is required by the administrator (/etc/gobwrap/policy.conf)"*) ;;
*) fail "refused otherwise: $said" ;;
esac
if said=$(session "/run/aa/gobwrap --unshare-net --new-session --ro-bind / / --proc /proc -- unshare -U true"); then fail "the command makes one: $said"; fi
if said=$(session "/run/aa/gobwrap --unshare-net --new-session --ro-bind / / --proc /proc -- /run/aa/gobwrap --unshare-net --new-session --ro-bind / / -- true"); then
	fail "a launcher in a sandbox makes one: $said"
fi

# A tracer makes the launcher do what it likes. Not one that may not trace it.
echo 1 >/proc/sys/kernel/yama/ptrace_scope
said=$(as /run/aa/trace /run/aa/gobwrap --version 2>&1) || true
[ "$said" = "a user namespace" ] || fail "the control: an unconfined tracer: $said"
said=$(session "/run/aa/trace /run/aa/gobwrap --version") || true
case $said in
*"a user namespace"*) fail "a tracer in the session: $said" ;;
*"Permission denied"* | *"Operation not permitted"*) ;;
*) fail "a tracer in the session fails otherwise: $said" ;;
esac
echo 2 >/proc/sys/kernel/yama/ptrace_scope
said=$(as /run/aa/trace /run/aa/gobwrap --version 2>&1) || true
[ "$said" = "PTRACE_TRACEME: Operation not permitted" ] || fail "with ptrace_scope 2: $said"

# A filter answers the launcher's calls, also where nothing may be traced. Not one of a session that
# is confined: with no_new_privs the kernel refuses the launcher's profile there.
if said=$(as /run/aa/gobwrap --ro-bind / / -- echo ran 2>&1); then fail "the policy does not bind the unconfined: $said"; fi
said=$(as /run/aa/filter /run/aa/gobwrap --ro-bind / / -- cat /proc/self/attr/current 2>&1) || true
case $said in
*gobwrap_payload*) ;;
*) fail "the control: an unconfined caller with a filter: $said" ;;
esac
said=$(session "/run/aa/filter /run/aa/gobwrap --ro-bind / / -- echo ran") || true
[ "$said" = "execve: Operation not permitted" ] || fail "a filter in the session: $said"
echo "all as it should be"
