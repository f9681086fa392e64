package main

// The linker lays packages out as they are imported, file by file and depth first. Imported here,
// in the first file, the code that runs without a Go runtime lies together (codelayout_unsafe.go there),
// and a launch reads few pages of it.
import _ "github.com/gobwrap/gobwrap/sandbox/child"
