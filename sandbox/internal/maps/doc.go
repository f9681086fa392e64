// Package maps writes the id maps of a process in a new user namespace, where they have several
// ranges. Such a process may map only its own id by itself. Ranges must be written from outside, with
// the privilege to set ids (user_namespaces(7)): root does that here; for others, newuidmap(1) and
// newgidmap(1) do, which are set-user-id root and check what the system grants.
package maps
