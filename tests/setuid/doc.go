// Package setuid attacks setuid mode. Package suid has the threat model.
//
// # The attacker
//
// The attacker is an ordinary user without an entry in passwd. They may do anything to their own
// processes, which include the launcher and the front end. In the tests it is a thread (userThread)
// with the user's ids and no privilege, so the kernel checks its calls as the user's. It
//
//   - takes the launcher's end of the keeper's socket and sends plans of its own
//     (stolen_sockets_test.go), or takes the first process's end of the broker's socket and sends
//     requests (requests_test.go, hostile_requests_test.go);
//   - tries every kind of access to a process: ptrace, /proc/PID, pidfd_getfd, process_vm_*
//     (proc_access_test.go, trace_access_test.go);
//   - kills and stops processes at any moment (kill_test.go, linger_test.go);
//   - starts the launcher in unusual surroundings (surroundings_test.go, install_test.go).
//
// # What is tested
//
// Whatever the attacker does: no file of the host is made or changed except with the user's rights; no
// mount of the host appears or changes; the keeper ends and no process stays; a payload that runs has
// the user's ids, no capabilities, and no_new_privs. A process with capabilities never has the
// user's ids, and the user can neither access nor signal it.
//
// Each attack has a control in the same test, which shows that the attack would be noticed: the same
// access to the launcher is permitted, the same plan without the hostile change is carried out, the
// same set-user-id file gives privilege outside.
//
// # Needs
//
// Root, gcc with a static C library, util-linux, mount, setcap, strace, a kernel with user
// namespaces and /proc/PID/task/TID/children, Linux 5.9 or later. bin/gobwrap must be
// built; GOBWRAP_TEST_PROGRAM names another launcher. Copies of it become set-user-id root
// only in a directory that is removed with the tests. TestDumpableSetting changes
// fs.suid_dumpable for a moment, and TestNoDumps changes kernel.core_pattern if dumps would go
// elsewhere. They are skipped if this root may not write these settings.
//
// A kernel that refuses user namespaces is modelled by a user namespace with all ids mapped, in
// which /proc/sys/user/max_user_namespaces is 0. tests/vm tests what needs a real kernel.
package setuid
