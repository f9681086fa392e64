package sandbox

import (
	"os"

	"github.com/gobwrap/gobwrap/internal/plan"
)

// Monitor is the process that waits for the sandbox.
func Monitor(c *Cmd) *os.Process { return c.exec.Process }

// planOf is the plan for a Spec whose wishes are settled.
func planOf(s *Spec, h facts) (*plan.Program, error) { return compileFor(wantedOf(s, nil), h) }
