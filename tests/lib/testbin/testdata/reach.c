// reach is what tries to get out of a sandbox without a file: by signals and by sockets. Its words
// are carried out one after another:
//
//	listen NAME        make a listening socket; @NAME is an abstract one
//	receive NAME       the same for datagrams
//	behind             a child goes on with the words that follow, without these sockets, and
//	                   what it ends with is what this process ends with
//	connect NAME, send NAME    try to reach one, and print what comes of it
//	in DIR, at FD      go there
//	signal WAY PID SIG send a signal, and print what comes of it. PID is 0 for the own
//	                   process group where the way has that
//	rename OLD NEW     print what comes of it
//	nice               lower the priority of the own process group
//	exec WORD...       become another program
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char **rest;

static char *word(void) {
	if (!*rest) {
		fprintf(stderr, "reach: operand missing\n");
		exit(99);
	}
	return *rest++;
}

static int said(const char *what, const char *name, long result) {
	printf("%s %s: %s\n", what, name, result < 0 ? strerrorname_np(errno) : "ok");
	return 0;
}

static socklen_t address(struct sockaddr_un *a, const char *name) {
	size_t n = strlen(name);
	memset(a, 0, sizeof *a);
	a->sun_family = AF_UNIX;
	if (n >= sizeof a->sun_path) {
		fprintf(stderr, "reach: %s is too long\n", name);
		exit(99);
	}
	memcpy(a->sun_path, name, n);
	if (*name == '@')
		a->sun_path[0] = 0;
	return offsetof(struct sockaddr_un, sun_path) + n;
}

static void listens(int type) {
	char *name = word();
	struct sockaddr_un a;
	socklen_t n = address(&a, name);
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, n) || (type == SOCK_STREAM && listen(fd, 1000))) {
		fprintf(stderr, "reach: listening at %s: %m\n", name);
		exit(98);
	}
	if (*name != '@')
		chmod(name, 0777); // for every user
}

static void behind(void) {
	fflush(stdout);
	pid_t pid = fork();
	int status;
	if (!pid)
		return;
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		_exit(98);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static void connects(const char *what, int type) {
	char *name = word();
	struct sockaddr_un a;
	socklen_t n = address(&a, name);
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	long r = fd;
	if (fd >= 0 && type == SOCK_STREAM)
		r = connect(fd, (struct sockaddr *)&a, n);
	else if (fd >= 0)
		r = sendto(fd, "x", 1, 0, (struct sockaddr *)&a, n);
	said(what, name, r);
	close(fd);
}

// owner has the kernel send a signal when there is input at a socket.
static long owner(int pid, int sig) {
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) || fcntl(ends[0], F_SETSIG, sig) || fcntl(ends[0], F_SETOWN, pid) ||
	    fcntl(ends[0], F_SETFL, O_ASYNC))
		return -1;
	return write(ends[1], "x", 1);
}

static void signals(void) {
	char *way = word();
	int pid = atoi(word()), sig = atoi(word());
	long r = -1;
	siginfo_t info;
	memset(&info, 0, sizeof info);
	info.si_code = SI_QUEUE;
	info.si_pid = getpid();
	info.si_uid = getuid();
	fflush(stdout);
	if (!strcmp(way, "kill"))
		r = kill(pid, sig);
	else if (!strcmp(way, "tkill"))
		r = syscall(SYS_tkill, pid, sig);
	else if (!strcmp(way, "tgkill"))
		r = syscall(SYS_tgkill, pid, pid, sig);
	else if (!strcmp(way, "queue"))
		r = syscall(SYS_rt_sigqueueinfo, pid, sig, &info);
	else if (!strcmp(way, "pidfd"))
		r = syscall(SYS_pidfd_send_signal, syscall(SYS_pidfd_open, pid, 0), sig, NULL, 0);
	else if (!strcmp(way, "pidfd-group")) // PIDFD_SIGNAL_PROCESS_GROUP, since Linux 6.9
		r = syscall(SYS_pidfd_send_signal, syscall(SYS_pidfd_open, pid, 0), sig, NULL, 4);
	else if (!strcmp(way, "owner"))
		r = owner(pid, sig);
	else if (!strcmp(way, "owner-group"))
		r = owner(-pid, sig);
	else {
		fprintf(stderr, "reach: what is the way %s?\n", way);
		exit(99);
	}
	said("signal", way, r);
}

int main(int argc, char **argv) {
	rest = argv + (argc > 0);
	while (*rest) {
		char *what = *rest++;
		if (!strcmp(what, "listen"))
			listens(SOCK_STREAM);
		else if (!strcmp(what, "receive"))
			listens(SOCK_DGRAM);
		else if (!strcmp(what, "behind"))
			behind();
		else if (!strcmp(what, "connect"))
			connects(what, SOCK_STREAM);
		else if (!strcmp(what, "send"))
			connects(what, SOCK_DGRAM);
		else if (!strcmp(what, "in")) {
			if (chdir(word()))
				perror("reach: in");
		} else if (!strcmp(what, "at")) {
			if (fchdir(atoi(word())))
				perror("reach: at");
		} else if (!strcmp(what, "signal"))
			signals();
		else if (!strcmp(what, "rename")) {
			char *old = word(), *new = word();
			said(what, new, rename(old, new));
		} else if (!strcmp(what, "nice"))
			said(what, "group", setpriority(PRIO_PGRP, 0, 10));
		else if (!strcmp(what, "exec")) {
			fflush(stdout);
			execvp(*rest, rest);
			perror(*rest);
			return 127;
		} else {
			fprintf(stderr, "reach: what is %s?\n", what);
			return 99;
		}
	}
	return 0;
}
