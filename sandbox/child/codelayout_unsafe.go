package child

// No runtime. See doc.go for the laws of this file, which holds imports alone.
// Runs in: no process.

// The linker lays packages out as they are imported, file by file and depth first. In this order,
// in the first file, the code of a launch lies together. The kernel maps sixteen pages of a
// program around one that is missing (fault_around_bytes), so that each process has a page fault
// for 64 KiB of it that it comes through. tests/counts has the sum.
import (
	// What these two import of the standard library is not of a launch.
	_ "github.com/gobwrap/gobwrap/idmap"
	_ "github.com/gobwrap/gobwrap/internal/plan"

	_ "github.com/gobwrap/gobwrap/internal/raw"
	_ "github.com/gobwrap/gobwrap/internal/step"

	_ "github.com/gobwrap/gobwrap/internal/cmdline"

	_ "github.com/gobwrap/gobwrap/internal/compile"

	_ "github.com/gobwrap/gobwrap/mounts/build"

	// What the first process, init and the payload's process run, then what the launcher runs alone.
	_ "github.com/gobwrap/gobwrap/sandbox/child/launch"

	_ "github.com/gobwrap/gobwrap/sandbox/child/payload"

	_ "github.com/gobwrap/gobwrap/sandbox/child/pid1"

	_ "github.com/gobwrap/gobwrap/sandbox/child/first"

	_ "github.com/gobwrap/gobwrap/sandbox/child/args"

	_ "github.com/gobwrap/gobwrap/sandbox/child/monitor"
)
