// Package setting is what the payload's process sets for itself, of those things that take no
// privilege: --rlimit, --nice. A setting is a kind and five numbers; the options' table, the
// compiler, the plan and the policy of setuid mode pass it on and know no more of it.
//
// A new one is a Kind, its place in [Parse] and [Text], and in [Values.Set], which does it.
// Besides that there is the option's row in package cmdline, and a field of sandbox.Limits.
package setting
