// autofs mounts an automount on a directory and becomes another program:
//
//	autofs DIR ID ok|fail LOG PROGRAM ARGS...
//
// A request for what is mounted there is answered with a tmpfs open to all, or with "No such
// file or directory"; each request is a byte more in the file LOG. The daemon lives as long as
// the program, which runs as user ID in the end. What is spoken is in linux/auto_fs.h.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/auto_fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

static void check(int failed, const char *what) {
	if (failed) {
		perror(what);
		_exit(99);
	}
}

static void serve(int requests, int top, const char *dir, int succeed, int log) {
	union autofs_v5_packet_union packet;
	while (read(requests, &packet, sizeof packet) > 0) {
		unsigned token = packet.v5_packet.wait_queue_token;
		check(write(log, ".", 1) != 1, "autofs: log");
		if (succeed)
			check(mount("e2e", dir, "tmpfs", 0, "mode=1777"), "autofs: answer");
		ioctl(top, succeed ? AUTOFS_IOC_READY : AUTOFS_IOC_FAIL, token);
	}
	_exit(0);
}

int main(int argc, char **argv) {
	int requests[2], ready[2];
	char options[200], byte;
	if (argc < 6)
		return 99;
	int log = open(argv[4], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	check(log < 0, argv[4]);
	check(pipe2(requests, O_CLOEXEC) || pipe2(ready, O_CLOEXEC), "autofs: pipe");
	pid_t parent = getpid(), daemon = fork();
	check(daemon < 0, "autofs: fork");
	if (daemon) {
		close(ready[1]), close(requests[0]), close(requests[1]);
		check(read(ready[0], &byte, 1) != 1, "autofs: the daemon did not start");
		execvp(argv[5], argv + 5);
		check(1, argv[5]);
	}
	// A death signal is one of the parent's, who must be allowed to send it (kill(2)).
	check(setresuid(strtoul(argv[2], NULL, 10), 0, 0), "autofs: ids");
	// The kernel never asks the daemon's own process group.
	check(setpgid(0, 0) || prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent, "autofs: process group");
	snprintf(options, sizeof options, "fd=%d,pgrp=%d,minproto=5,maxproto=5,direct", requests[1], getpid());
	check(mount("e2e", argv[1], "autofs", 0, options), "autofs: mount");
	int top = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(top < 0 || write(ready[1], "", 1) != 1, argv[1]);
	close(ready[0]), close(ready[1]), close(requests[1]);
	close(0), close(1), close(2);
	serve(requests[0], top, argv[1], !strcmp(argv[3], "ok"), log);
}
