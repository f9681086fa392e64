// Package monitor is the process that waits for a sandbox: it asks policy.conf about the plan,
// starts the first process, receives its messages where there is no front end, watches the
// payload's time, passes signals on, and ends as the payload has ended.
//
// It has no privilege: what a set-id file brought has been dropped. It may write to descriptors of
// options that ask for reports, to the terminal's foreground process group, to files of a cgroup that
// an option names, and it removes placeholders on the host.
//
// Of the sandbox's processes it reads, on the feed, words of four bytes, with --protect names of
// placeholders and the descriptors of their directories, and with --usage a struct rusage; and, on the
// inbox where there is no front end, plan.Messages. Each has a known size. By a name it removes only
// an empty file or directory that is marked as a placeholder and that no sandbox has locked (package
// placeholder). Nothing else that it reads can harm a process other than itself: the worst is that the
// launch ends.
//
// A launch with a front end comes in by Run, an embedding program by RunEmbedded, and one without
// either calls Start, ReachedGo, ReleaseFirst, AwaitSetUp and EndWithPayload in this order.
//
// sandbox/child/doc.go draws the processes, and has the laws of code without a runtime.
package monitor
