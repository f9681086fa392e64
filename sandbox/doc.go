// Package sandbox says what a sandbox is and how a run goes.
//
//	Spec ──Compile(Host)──▶ plan.Program ──Launch──▶ monitor, child, payload
//
// A [Spec] is plain data: what the caller wants, on any machine. [Compile] turns it,
// with the facts of this machine ([Host]), into a plan: flat bytes in which every
// decision has been taken. [Launch] hands the plan to the acting side, package child,
// and words what comes back. Data flows down only.
//
// The invariants of a run, each with the test that holds it:
//
//   - No path of the new root reaches the host while it is built: TestNoEscape, TestRace.
//   - A failed step is reported as step and errno, ends with status 1, and the command
//     does not run: TestFaults.
//   - The payload gets the caller's limits, signals, mask, umask, environment and
//     descriptors: TestTraps.
//   - PID 1 and the monitor hold none of the payload's descriptors: TestDescriptors.
package sandbox
