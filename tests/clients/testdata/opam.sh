#!/bin/sh
# Installs and removes a package from a repository in a directory. opam runs what the
# package says through its sandbox script.
set -eu
exec 3>&1 1>&2
export OPAMCOLOR=never OPAMNOENVNOTICE=1

fact() { printf '%s: %s\n' "$1" "$2" >&3; }

mkdir -p repo/packages/hello/hello.1
cp "$TESTDATA/opam-hello" repo/packages/hello/hello.1/opam
echo 'opam-version: "2.0"' >repo/repo
opam init -y --bare --no-setup -k local default ./repo
opam switch create --empty -y one
fact script "$(grep -c '^exec bwrap' .opam/opam-init/hooks/sandbox.sh)"
opam install -y hello
cat .opam/one/share/hello >&3
fact escaped "$(ls escaped 2>/dev/null || echo no)"
opam remove -y hello
fact removed "$([ -e .opam/one/share/hello ] || echo yes)"
