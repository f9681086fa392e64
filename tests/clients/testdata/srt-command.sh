#!/bin/sh
# What the sandbox runtime runs: it tries what the policy permits and what not.
echo text >made
echo "id: $(id -u)"
echo "secret: $(cat ../secret/key 2>/dev/null)"
for file in ../elsewhere/x .env .git/hooks/pre-commit; do
	if (echo x >"$file") 2>/dev/null; then
		echo "$file: written"
	else
		echo "$file: refused"
	fi
done
echo "allowed: $(curl -s http://allowed.test:8080/page)"
echo "denied: $(curl -s -o /dev/null -w '%{http_code}' http://denied.test:8080/page)"
curl -s --noproxy '*' -o /dev/null http://198.51.100.2:8080/page || echo "around: refused"
python3 -c 'import socket; socket.socket(socket.AF_UNIX)' 2>/dev/null || echo "unix-socket: refused"
