#!/bin/sh
# Runs the browser on a display of its own.
set -eu
Xvfb -displayfd 3 -screen 0 640x480x24 -nolisten tcp 3>display &
until [ -s display ]; do sleep 0.02; done
DISPLAY=:$(cat display)
export DISPLAY
python3 "$TESTDATA/webkit.py"
