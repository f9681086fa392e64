// Package mounts knows what a sandbox's file tree is made of: what each file-system
// operation means, and which steps of a plan carry it out.
//
// It is a leaf: it turns an [Op] into steps and touches nothing. The steps are
// executed by package child.
//
// Sources are host paths, opened before the first operation runs. Destinations are
// paths in the new root, resolved there while it is built and never outside of it.
package mounts
