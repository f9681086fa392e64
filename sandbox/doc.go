// Package sandbox says what a sandbox is and how a run goes.
//
//	Spec ──Compile(Host)──▶ plan.Program ──Launch──▶ monitor, child, payload
//
// A [Spec] is plain data: what the caller wants, on any machine. [Compile] turns it,
// with the facts of this machine ([Host]), into a plan: flat bytes in which every
// decision has been taken. [Launch] hands the plan to the acting side, package child,
// and words what comes back. Data flows down only.
//
// This package runs in the front end, the one process of a launch that has the Go
// runtime, and it does not wait for the payload: the monitor, the process that the
// caller started, does. A front end ends when the payload runs.
//
// The invariants of a run, each with the tests that hold it (in tests/e2e, where no
// other place is named):
//
//   - No path of the new root reaches the host while it is built, nor does the command's
//     directory: TestDestinationsStayInside, TestRacingAttacker,
//     TestWorkingDirectoryStaysInside; TestDestinationsDoNotReachTheHost (tests/compat).
//   - Whatever system call fails: it is reported as step and errno and worded once, the
//     status is 1, and the command does not run: TestEveryCallMayFail,
//     TestRefusedCallsAreNamed.
//   - Whoever is killed or signalled during set-up leaves nothing behind:
//     TestLauncherKilledAnywhere, TestCallerKilledAnywhere, TestLauncherSignalledAnywhere.
//   - The payload gets the caller's limits, signals, mask, umask, environment and
//     descriptors: TestPayloadInheritsWhatItsCallerHad, TestEnvironmentIsRaw,
//     TestClosedStreams. SIGCHLD is default and unblocked: TestChildSignalIsDefault.
//   - PID 1 and the monitor hold none of the payload's descriptors, and PID 1 has nothing
//     to take when the payload starts: TestNobodyKeepsDescriptors, TestForgedProc,
//     TestNothingToTakeFromInit, TestRootWithoutCapabilities.
//   - Locks are taken before the payload runs: TestLockThatIsTaken,
//     TestLockOutlivesOtherDescriptors.
//   - All mount engines do the same: the tests of the file tree run with each of them.
//   - Below this package no process has a runtime: TestLaws (package child).
//   - The same Spec and Host give the same bytes: TestGolden, TestDeterministic (here).
//
// Capability names are a table in package idmap, compared with gocapability in its
// tests; that package itself reads /proc at every start.
package sandbox
