// rootfs runs a program with the kernel's first file system (rootfs, where an initramfs
// is unpacked) as its root, as on a machine that has no other:
//
//	rootfs DIR PROGRAM ARGS...
//
// What is mounted on it is taken away in a mount namespace of its own; what the program
// needs is then mounted on directories that are made for it: proc, dev, and the directory
// DIR, an absolute path, of what was the root. They are removed in the end. All who run this
// share one rootfs, and wait for each other. Status 77: it cannot be had here.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char made[64][4096];
static int count;

static void end(int failed, const char *what, int status) {
	if (failed) {
		perror(what);
		_exit(status);
	}
}

static void check(int failed, const char *what) { end(failed, what, 98); }

// directories makes a path, and remembers what was missing.
static void directories(const char *path) {
	char part[4096];
	for (size_t n = 1; n <= strlen(path) && n < sizeof part; n++)
		if (path[n] == '/' || path[n] == 0) {
			snprintf(part, n + 1, "%s", path);
			if (!mkdir(part, 0755))
				strcpy(made[count++ % 64], part);
			else
				check(errno != EEXIST, part);
		}
}

static int tree(const char *path) {
	int fd = syscall(SYS_open_tree, AT_FDCWD, path, 1 /* OPEN_TREE_CLONE */ | O_CLOEXEC);
	check(fd < 0, path);
	return fd;
}

static void place(int fd, const char *path) {
	directories(path);
	check(syscall(SYS_move_mount, fd, "", AT_FDCWD, path, 4 /* MOVE_MOUNT_F_EMPTY_PATH */), path);
}

int main(int argc, char **argv) {
	struct statfs s;
	int status = 77;
	if (argc < 3)
		return 99;
	check(unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "rootfs: unshare");
	int ns = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	int dir = tree(argv[1]), dev = tree("/dev"), proc = tree("/proc");
	end(umount2("/", MNT_DETACH) < 0, "rootfs: taking the root away", 77);
	check(setns(ns, CLONE_NEWNS), "rootfs: setns");
	end(statfs("/", &s) || (s.f_type != 0x858458f6 && s.f_type != 0x01021994), "rootfs: there is another root below", 77);
	int top = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(top < 0 || flock(top, LOCK_EX), "rootfs: lock");
	place(proc, "/proc"), place(dev, "/dev"), place(dir, argv[1]);
	pid_t child = fork();
	if (child == 0) {
		execv(argv[2], argv + 2);
		perror(argv[2]);
		_exit(99);
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	umount2(argv[1], MNT_DETACH), umount2("/dev", MNT_DETACH), umount2("/proc", MNT_DETACH);
	while (count > 0)
		rmdir(made[--count]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
