// Package describe says in lines what a sandbox will contain, and which risks remain: what --explain
// prints. It knows what is wanted and what was read about the host, and looks at nothing itself, so the
// lines for a Spec are the same on every machine that has the same facts.
//
// The risks are those that the caller chose without perhaps seeing them: a socket in a directory that is
// bound, a key in a home, the terminal. Each line ends with the option that removes it.
package describe
