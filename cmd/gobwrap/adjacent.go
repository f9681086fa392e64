package main

import _ "github.com/gobwrap/gobwrap/sandbox/child"
