package sandbox

import (
	"strconv"
	"strings"

	"github.com/gobwrap/gobwrap/internal/plan"
)

// hintExec says why a command that is there was not executed. The kernel has the same errno
// for a command that is missing and for one whose interpreter is.
func hintExec(m plan.Message) string {
	file := strconv.Quote(m.Text())
	switch m.Sub {
	case plan.SubScript:
		if name, ok := strings.CutSuffix(m.Text(), "\r"); ok {
			return "the command is a script whose lines end with CR LF, so that it asks for " + file + ", not " + strconv.Quote(name) +
				": convert it (dos2unix)"
		}
		return "the command is a script, but its interpreter does not exist in the sandbox: " + file
	case plan.SubLoader:
		return "the program is there, but the ELF loader that it needs is not: put " + file + " into the sandbox, with the libraries " +
			"(mounts.System has both)"
	case plan.SubNoShell:
		return file + " is neither a program of this machine nor a script with a #! line, and there is no /bin/sh in the sandbox to run it"
	case plan.SubDirectory:
		return file + " is a directory"
	case plan.SubNoExec:
		return file + " is on a mount with noexec, which binds keep from the host"
	case plan.SubNotExecutable:
		return "the command has no permission to execute " + file + ": it lacks the x bit for its user or group"
	case plan.SubNoProgram:
		return file + " is a device, a FIFO or a socket"
	}
	return ""
}
