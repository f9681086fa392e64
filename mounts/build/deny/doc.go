// Package deny keeps the payload from opening paths (--mask), from writing to them, and from putting
// other files in their place (--protect), also where a pattern says which (--mask-glob,
// --protect-glob). It covers what is there by mounts, and has what is missing kept missing by
// placeholders.
//
// It works on the tree of the sandbox as it is at that moment, so a step that comes later in the plan
// may show something else at the same path: order is the caller's.
//
// The laws of this code are in the documentation of package child.
package deny
