package sandbox

import "os"

// Monitor is the process that waits for the sandbox.
func Monitor(c *Cmd) *os.Process { return c.exec.Process }
