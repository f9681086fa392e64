# shellcheck shell=sh
# lintian and rpmlint have nothing to say, except what packaging/ has a reason for.
is "" lintian --allow-root --no-cfg ./*.deb
# rpmlint unpacks with cpio, which takes the names as they are: from the root.
mkdir /tmp/path
printf '#!/bin/sh\nexec /usr/bin/cpio --no-absolute-filenames "$@"\n' >/tmp/path/cpio
chmod 755 /tmp/path/cpio
PATH=/tmp/path:$PATH rpmlint -c /tmp/source/packaging/rpmlint.toml ./*.rpm >/tmp/said 2>&1 || fail "rpmlint: $(cat /tmp/said)"
grep -q ' 3 packages .* 0 errors, 0 warnings' /tmp/said || fail "rpmlint: $(cat /tmp/said)"
