// Package setuid holds attacks on setuid mode: see package suid for what it is, and
// for who is trusted with what.
//
// # Who attacks
//
// An ordinary user without an entry in passwd, who may do to his own processes what he
// likes: the launcher and, where there is one, its front end among them. He is a thread of the tests (soul) that
// has his ids and nothing else, so that the kernel judges its calls as his.
//
//	thief      he steals the launcher's end of the keeper's socket and sends plans of his own,
//	           or the first process's end of the broker's, and sends requests of his own
//	burglar    he tries every door of a process: ptrace, /proc/PID, pidfd_getfd, process_vm_*
//	killer     he ends and stops whom he may, at any moment
//	caller     he starts the launcher in surroundings of his choice
//
// # What is claimed
//
// Whatever he does: no file of the host is made or changed but as he could do it, no mount
// of the host appears or changes, the keeper ends, no process stays, and a command that runs has
// his ids, no capability, and no_new_privs. What holds a capability has not his ids, opens no door
// to him, and takes no signal of his.
//
// Each attack has a control in the same test, which shows that it is one: the same doors
// open at the launcher, the same plan is carried out without the one hostile thing, the same
// file lures whoever runs outside.
//
// # Needs
//
// Root, gcc with a static C library, util-linux, mount, setcap, strace, a kernel with user
// namespaces and /proc/PID/task/TID/children, Linux 5.9 or later. bin/gobwrap must be
// built; GOBWRAP_TEST_PROGRAM names another launcher. Copies of it become set-user-id root
// in a directory of the tests only, which goes with them. TestDumpableSetting changes
// fs.suid_dumpable for a moment, and TestNoDumps kernel.core_pattern where dumps would go
// elsewhere; they are skipped where these are not this root's to write.
//
// A kernel that refuses user namespaces is modelled by one: a "host" is a user namespace
// with all ids mapped, in which /proc/sys/user/max_user_namespaces is 0. What only a whole
// kernel can show is left to tests/vm.
package setuid
