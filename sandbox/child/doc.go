// Package child is the room without a runtime: every process of a sandbox that
// lives before, beside or below the payload runs in it.
//
// # Who runs here
//
// The program's ELF entry point is [entry], not the runtime's. In a process that
// has one thread, no heap and no signal handler it forks once. The Go runtime
// starts only in the fork, the front end; the process that the caller started
// never becomes a Go program:
//
//	exec ─▶ entry ──fork──▶ front end: Go runtime, parse, compile ─▶ exits at the payload's exec
//	          │                 │ plan                  ▲ faults, in numbers
//	          ▼                 ▼                       │
//	        monitor ◀───────── socket ──────────────────┤
//	          │ clone(namespaces)                       │
//	          ├──▶ first process: walks the plan ───────┤
//	          │      └──▶ payload (with an init) ───────┘
//	          └── waits, passes the status on
//
// So what the payload inherits (limits, dispositions, masks, descriptors, memory)
// never was the runtime's; the monitor has the default action for every signal; and
// no Go code that a package's init could run stands between exec and the drop of
// privilege. A binary that was linked without the entry point (-ldflags=-E=…) says
// so and stops.
//
// # The laws of the room
//
//   - No call into the runtime: no allocation, no growing stack, no map, string
//     building, interface, closure, defer, panic. Only this package, package plan's
//     Verify and raw system calls. (TestLaws walks the compiled call graph.)
//   - No bounds check that could panic: loads go through checked offsets, indexes
//     are masked. (TestLaws: runtime.panicIndex and its kin are runtime calls.)
//   - No pointer is stored to memory: integers and bytes only, so there is no write
//     barrier. (TestLaws: runtime.gcWriteBarrier.)
//   - Every loop is bounded by the plan, by the kernel's answer, or by a constant.
//   - The stack is the process's own, of RLIMIT_STACK; the g that compiled code
//     expects is a zeroed dummy whose stack guard is 0, so the check in front of a
//     function always passes and runtime.morestack is never reached.
//   - Failures leave as a plan.Message and the process ends; the front end has the words.
//
// Every file below the line opens with "Room: no runtime."
package child
