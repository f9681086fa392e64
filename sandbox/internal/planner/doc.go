// Package planner has a plan made by the compiler, which needs no runtime (internal/compile) and takes
// memory and flat descriptions where a Go program has strings and slices. It holds both ends of that:
// strings become offsets into one text, and buffers grow until the plan fits.
package planner
