// Package monitor is the process that waits for a sandbox: it asks policy.conf about the plan,
// starts the first process, receives its messages where there is no front end, watches the
// payload's time, passes signals on, and ends as the payload has ended.
//
// It has no privilege: what a set-id file brought has been dropped. It may write to descriptors of
// options that ask for reports, to the terminal's foreground process group, to files of a cgroup that
// an option names, and it removes placeholders on the host. It reads nothing that a process of the
// sandbox has written but words of four bytes on the feed and plan.Messages, of which it obeys none
// that could harm another process than itself: the worst that they do is to end the launch.
//
// A launch with a front end comes in by Run, an embedding program by RunEmbedded, and one without
// either calls Start, ReachedGo, ReleaseFirst, AwaitSetUp and EndWithPayload in this order.
//
// sandbox/child/doc.go draws the processes, and has the laws of code without a runtime.
package monitor
