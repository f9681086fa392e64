// intruder tries what can be done to another process and prints what succeeds, a word a line:
//
//	intruder PID
//
// None of it harms: signal 0 is sent, limits are read, what is opened is not written.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t pid;

static char *file(const char *name) {
	static char path[200];
	snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
	return path;
}

static void can(const char *what, int yes) {
	if (yes)
		printf("%s\n", what);
}

// readable opens a file of the process and reads a byte: some ask only then.
static int readable(const char *name) {
	char byte;
	int fd = open(file(name), O_RDONLY | O_CLOEXEC);
	int yes = fd >= 0 && pread(fd, &byte, 1, 0) == 1;
	if (fd >= 0)
		close(fd);
	return yes;
}

// memory reads where the process has something mapped, if that can be known.
static int memory(void) {
	unsigned long at = 0x400000;
	char byte;
	FILE *maps = fopen(file("maps"), "r");
	if (maps && fscanf(maps, "%lx", &at) != 1)
		at = 0x400000;
	int fd = open(file("mem"), O_RDONLY | O_CLOEXEC);
	struct iovec here = {&byte, 1}, there = {(void *)at, 1};
	return (fd >= 0 && pread(fd, &byte, 1, at) == 1) || process_vm_readv(pid, &here, 1, &there, 1, 0) == 1;
}

// descriptors reports whether one can be had. Their numbers can be listed by the owner of the
// directory, whichever process may use them.
static int descriptors(void) {
	char name[20], link[PATH_MAX];
	int handle = syscall(SYS_pidfd_open, pid, 0);
	for (int fd = 0; fd < 1100; fd++) {
		snprintf(name, sizeof name, "fd/%d", fd);
		if ((handle >= 0 && syscall(SYS_pidfd_getfd, handle, fd, 0) >= 0) || readlink(file(name), link, sizeof link) > 0)
			return 1;
	}
	return 0;
}

// enters tries in a child, since it cannot be undone.
static int enters(const char *name, int kind) {
	int status = 0;
	if (fork() == 0) {
		int fd = open(file(name), O_RDONLY | O_CLOEXEC);
		int handle = syscall(SYS_pidfd_open, pid, 0);
		_exit(!((fd >= 0 && setns(fd, kind) == 0) || (handle >= 0 && setns(handle, kind) == 0)));
	}
	wait(&status);
	return status == 0;
}

int main(int argc, char **argv) {
	char link[PATH_MAX];
	struct rlimit limit;
	pid = argc > 1 ? atoi(argv[1]) : 0;
	can("seen", pid > 0 && access(file("."), F_OK) == 0);
	can("signal", kill(pid, 0) == 0);
	can("limits", syscall(SYS_prlimit64, pid, RLIMIT_CORE, NULL, &limit) == 0);
	can("memory", memory());
	can("environ", readable("environ"));
	can("maps", readable("maps"));
	can("stack", readable("syscall"));
	can("descriptors", descriptors());
	can("root", access(file("root/."), F_OK) == 0);
	can("cwd", readlink(file("cwd"), link, sizeof link) > 0);
	can("exe", open(file("exe"), O_RDONLY) >= 0);
	can("userns", enters("ns/user", CLONE_NEWUSER));
	can("mountns", enters("ns/mnt", CLONE_NEWNS));
	can("trace", ptrace(PTRACE_SEIZE, pid, 0, 0) == 0);
	return 0;
}
