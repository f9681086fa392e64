// Package host reads what a plan may depend on besides its Spec, and is not known without looking: the
// caller's capabilities, what exists here, and the ids that the system grants to the caller. What
// cannot be read counts as not there.
package host
