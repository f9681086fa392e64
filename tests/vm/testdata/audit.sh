# Runs Debian's auditd with the rules of docs/audit.md, and launches below two login uids. Prints
# what ausearch finds: "event WHO LOGIN-UID CALL FLAGS EXIT UID EUID EXE", where WHO is who was asked for.
#
# shellcheck shell=sh
set -eu
foreign=/run/foreign
mkdir "$foreign" /run/audit /run/plain /run/setuid
tar -xf /run/vm/foreign.tar -C "$foreign"
LD_LIBRARY_PATH=$(echo "$foreign"/*/usr/lib/*-linux-gnu "$foreign"/*/lib/*-linux-gnu | tr ' ' :)
export LD_LIBRARY_PATH
sbin=$foreign/auditd/sbin
install -m 0755 /run/vm/gobwrap /run/plain/gobwrap
install -m 4755 /run/vm/gobwrap /run/setuid/gobwrap
cd /

cat >/run/audit/auditd.conf <<'END'
local_events = yes
write_logs = yes
log_file = /run/audit/log
log_format = RAW
log_group = root
flush = NONE
space_left = 2
admin_space_left = 1
END
chmod 640 /run/audit/auditd.conf
"$sbin/auditd" -n -c /run/audit >/run/audit/said 2>&1 &
auditd=$!
until [ "$("$sbin/auditctl" -s | sed -n 's/^pid //p')" = "$auditd" ]; do
	kill -0 "$auditd" || { cat /run/audit/said; exit 1; }
	sleep 0.1
done
"$sbin/auditctl" -R /run/vm/rules || { "$sbin/auditctl" -l; exit 1; }

# as LOGIN-UID COMMAND…: below a login of that user, as that user.
as() (
	echo "$1" >/proc/self/loginuid
	id=$1
	shift
	unset LD_LIBRARY_PATH
	exec setpriv --reuid "$id" --regid "$id" --clear-groups "$@"
)
as 12345 /run/plain/gobwrap --unshare-all --ro-bind / / -- true
as 12346 /run/setuid/gobwrap --mode setuid --unshare-pid --unshare-net --ro-bind / / -- true
as 12347 /run/plain/gobwrap --unshare-user --disable-userns --ro-bind / / -- true
as 12348 sh -c 'true & wait' # the control: no namespaces
as 12349 unshare --user --net true # no launcher of ours

kill "$auditd"
wait "$auditd" || true
for who in 12345 12346 12347 12348 12349; do
	"$sbin/ausearch" -if /run/audit/log --raw -k namespaces -ul "$who" 2>/dev/null | awk -v who="$who" '
		$1 == "type=SYSCALL" {
			for (i = 2; i <= NF; i++) { n = index($i, "="); f[substr($i, 1, n - 1)] = substr($i, n + 1) }
			print "event", who, f["auid"], f["syscall"], f["a0"], f["exit"], f["uid"], f["euid"], f["exe"]
		}' || true
done
echo end
