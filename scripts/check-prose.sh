#!/bin/sh
# Finds phrases that make texts hard to read, in comments, messages, documents and scripts:
#
#	scripts/check-prose.sh [FILE...]
#
# CONTRIBUTING.md has the rules for the language.
#
# shellcheck disable=SC2086 # the list of files is words
set -eu
cd "$(dirname "$0")/.."

files=${*:-$(git ls-files '*.go' '*.s' '*.c' '*.h' '*.sh' '*.md' '*.in' '*.py' Makefile 'packaging/*' |
	grep -vE '/fuzz/|^scripts/check-prose|^tests/reports\.md$')}
status=0

# avoid PATTERN ADVICE prints the lines with a phrase, a Perl expression, and what to write.
avoid() {
	found=$(grep -nHPi -- "$1" $files 2>/dev/null || true)
	[ -n "$found" ] || return 0
	printf '%s\n' "$found" | sed "s|\$|    <- $2|" >&2
	status=1
}

avoid '\b(he|his|him|himself)\b' 'they, the user, the process'
avoid '\bfor ever\b' 'permanently, forever'
avoid '\bbut for (?!that)' 'except for'
avoid '\btells? whether\b' 'reports whether'
avoid '\b(is|are) none of\b' 'invalid value (want …)'
avoid '(?<!there )\b(is|are|was|were) no (?!longer|more|less|fewer|[a-z]+(er|where)\b)[a-z]+' 'is not a …'
avoid '\b(whoever|strangers?)\b' 'the process, the caller, the user'
avoid "\\bsomebody (else|has|who|killed|waits|wants)\\b|\\bsomebody.s\\b" 'a process, another user'
avoid '\b(burglar|heist|soul|souls)\b|\bstrikes?\b' 'name the attack or the process'
avoid '\b(the|a) (door|house|room|gate|fence)\b' 'entry point, architecture, Landlock domain, start barrier'
avoid '\bmend(s|ed|ing)?\b' 'fix'
avoid '\b(its|their) like\b|\bkin\b' 'and the like'
avoid '\bwords (what|how|a message|an error|the error)\b|\bto word\b|\bin its own words\b' 'formats, message'
avoid '\b(lest|thereof|therein|hereby|nay)\b' 'a modern word'

exit "$status"
