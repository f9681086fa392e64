// defy is a command in a sandbox that tries to get past --mask and --protect:
//
//	defy mask TREE ABOVE NAME      read or change TREE/ABOVE/NAME, a file or a directory with a
//	                               file f in it
//	defy protect TREE ABOVE NAME   change it, or what is above it
//	defy missing TREE ABOVE NAME   make it
//	defy replace TREE PATH...      rename or remove each of these
//
// It prints the name of each attack that succeeds, a line each. What it has changed it changes
// back, so that each attack finds the same.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char tree[1024], above[2048], path[4096], moved[4096], other[4096], inner[9000];
static int masked, missing, directory;

static void did(const char *what, int ok) {
	if (ok)
		printf("%s\n", what);
	fflush(stdout);
}

// reads opens a file, or a file in a directory, for reading.
static int reads(const char *at) {
	char name[8300], c;
	int fd, ok;
	snprintf(name, sizeof name, directory ? "%s/f" : "%s", at);
	fd = open(name, O_RDONLY);
	ok = fd >= 0 && read(fd, &c, 1) == 1;
	close(fd);
	return ok;
}

// writes changes a file, or makes one in a directory, and undoes it.
static int writes(const char *at) {
	char name[8300];
	int fd, ok;
	if (directory) {
		snprintf(name, sizeof name, "%s/new", at);
		fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
		if (fd >= 0)
			unlink(name);
		close(fd);
		return fd >= 0;
	}
	fd = open(at, O_WRONLY | O_APPEND);
	ok = fd >= 0 && write(fd, "x", 1) == 1 && ftruncate(fd, 7) == 0;
	close(fd);
	return ok;
}

static int reaches(const char *at) {
	return masked ? reads(at) || writes(at) : writes(at);
}

static int make(const char *at, int dir) {
	int fd;
	if (dir)
		return mkdir(at, 0755) == 0;
	fd = open(at, O_WRONLY | O_CREAT | O_EXCL, 0600);
	close(fd);
	return fd >= 0;
}

static void drop(const char *at) {
	if (unlink(at) != 0)
		rmdir(at);
}

static int exchange(const char *a, const char *b) {
	return syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) == 0;
}

// by_link reaches PATH by a link of proc to a descriptor.
static int by_link(int flags) {
	char name[64];
	int ok, fd = open(path, flags);
	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	ok = fd >= 0 && reaches(name);
	close(fd);
	return ok;
}

static void files(void) {
	int fd;
	char name[4200];
	snprintf(name, sizeof name, "/proc/self/root%s", path);
	did("open", reaches(path));
	did("root", reaches(name));
	snprintf(name, sizeof name, "/proc/1/root%s", path);
	reaches(name); // init may be out of reach without it
	did("path-fd", by_link(O_PATH));
	did("path-fd-nofollow", by_link(O_PATH | O_NOFOLLOW));
	if (masked)
		did("list", (fd = open(path, O_RDONLY)) >= 0);
	did("truncate", !directory && truncate(path, 7) == 0);
	did("chmod", chmod(path, 0755) == 0);
	did("utime", utimensat(AT_FDCWD, path, NULL, 0) == 0);
	did("remove", directory ? rmdir(path) != 0 && errno == ENOTEMPTY && reaches(path) : unlink(path) == 0 && ((fd = open(path, O_WRONLY | O_CREAT, 0644)) >= 0 && write(fd, "secret\n", 7) == 7));
	if (rename(path, moved) == 0) {
		did("rename", 1);
		rename(moved, path);
	}
	make(other, directory);
	if (exchange(path, other)) {
		did("exchange", 1);
		exchange(path, other);
	}
	if (!directory) {
		fd = open(other, O_WRONLY);
		if (write(fd, "secret\n", 7) != 7)
			perror("write");
		close(fd);
		did("replace", rename(other, path) == 0);
	}
	drop(other);
	if (link(path, other) == 0) {
		did("link", reaches(other));
		unlink(other);
	}
	fd = open(path, O_PATH);
	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, name, AT_FDCWD, other, AT_SYMLINK_FOLLOW) == 0) {
		did("link-fd", reaches(other));
		unlink(other);
	}
	close(fd);
	if (symlink(path, other) == 0) {
		did("symlink", reaches(other));
		unlink(other);
	}
}

// parents puts other directories in the place of those above PATH.
static void parents(void) {
	if (rename(above, moved) == 0) {
		did("rename-above", mkdir(above, 0755) == 0);
		rmdir(above);
		rename(moved, above);
	}
	mkdir(moved, 0755);
	if (exchange(above, moved)) {
		did("exchange-above", 1);
		exchange(above, moved);
	}
	did("replace-above", rename(moved, above) == 0);
	rmdir(moved);
	snprintf(other, sizeof other, "%s/../o", above);
	snprintf(inner, sizeof inner, "%s/../o2", above);
	did("work", make(other, 0) && rename(other, inner) == 0 && unlink(inner) == 0);
	snprintf(other, sizeof other, "%s/o", above);
	snprintf(inner, sizeof inner, "%s/o2", above);
	did("work-above", make(other, 0) && rename(other, inner) == 0 && link(inner, other) == 0 && unlink(inner) == 0 && unlink(other) == 0);
	snprintf(other, sizeof other, "%s/other", tree);
}

static void nothing(void) {
	int fd;
	char name[64];
	did("make", make(path, 0));
	drop(path);
	did("mkdir", make(path, 1));
	drop(path);
	make(other, 0);
	did("rename-onto", rename(other, path) == 0);
	drop(path);
	drop(other);
	make(other, 1);
	did("rename-dir-onto", rename(other, path) == 0);
	drop(path);
	drop(other);
	make(other, 0);
	did("exchange-onto", exchange(other, path));
	drop(other);
	did("symlink-onto", symlink("/tmp", path) == 0);
	drop(path);
	fd = open(tree, O_TMPFILE | O_RDWR, 0600);
	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	did("link-onto", linkat(AT_FDCWD, name, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0);
	drop(path);
	fd = open(path, O_RDWR);
	did("write", fd >= 0 && write(fd, "x", 1) == 1);
	close(fd);
	snprintf(inner, sizeof inner, "%s/x", path);
	did("inside", make(inner, 0));
	drop(inner);
	snprintf(inner, sizeof inner, "%s/.gobwrap-%s", above, strrchr(path, '/') + 1);
	if (make(inner, 0)) { // it gains nothing
		did("aside", rename(inner, path) == 0);
		drop(path);
		drop(inner);
	}
}

static void map(const char *file, int id) {
	char text[64];
	int fd = open(file, O_WRONLY), n = snprintf(text, sizeof text, "0 %d 1", id);
	if (write(fd, text, n) != n)
		perror(file);
	close(fd);
}

// gone reports whether the directory above PATH can be renamed by the name at.
static int gone(const char *at) {
	char a[9000], b[9000];
	snprintf(a, sizeof a, "%s%s", at, above + strlen(tree));
	snprintf(b, sizeof b, "%s/gone", at);
	if (rename(a, b) != 0)
		return 0;
	rename(b, a);
	return 1;
}

// falls reports whether PATH is reached in the copy of TREE at at.
static int falls(const char *at) {
	char name[9000];
	snprintf(name, sizeof name, "%s%s", at, path + strlen(tree));
	if (missing)
		return make(name, 0) && (drop(name), 1);
	return reaches(name) || (!masked && gone(at));
}

// mounts tries what root of a mount namespace can do. It says so in its status.
static void mounts(const char *name, int own) {
	int status, pid, uid = getuid(), gid = getgid();
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		int fd;
		if (own && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
			_exit(0);
		if (own) {
			fd = open("/proc/self/setgroups", O_WRONLY);
			if (write(fd, "deny", 4) != 4)
				perror("setgroups");
			close(fd);
			map("/proc/self/uid_map", uid);
			map("/proc/self/gid_map", gid);
		}
#define try(what, attempt)                     \
	do {                                   \
		if ((attempt) && falls(at)) {  \
			printf("%s %s\n", name, what); \
			fflush(stdout);        \
		}                              \
	} while (0)
		const char *at = tree;
		umount2(path, 0);
		umount2(path, MNT_DETACH);
		umount2(above, MNT_DETACH);
		mount(NULL, path, NULL, MS_REMOUNT | MS_BIND, NULL);
		mount(NULL, above, NULL, MS_REMOUNT | MS_BIND, NULL);
		try("unmount", 1);
		if (mount("t", "/tmp", "tmpfs", 0, NULL) != 0)
			_exit(0);
		mkdir("/tmp/a", 0755), mkdir("/tmp/b", 0755), mkdir("/tmp/c", 0755), mkdir("/tmp/d", 0755), mkdir("/tmp/old", 0755);
		at = "/tmp/a";
		try("bind", mount(tree, at, NULL, MS_BIND, NULL) == 0);
		try("move", mount(tree, at, NULL, MS_MOVE, NULL) == 0);
		at = "/tmp/b";
		fd = syscall(SYS_open_tree, AT_FDCWD, tree, 1);
		try("open-tree", fd >= 0 && syscall(SYS_move_mount, fd, "", AT_FDCWD, at, 4) == 0);
		at = "/tmp/c";
		char options[9000];
		snprintf(options, sizeof options, "lowerdir=%s:/tmp/d,userxattr", tree);
		if (masked)
			try("overlay", mount("o", at, "overlay", 0, options) == 0);
		at = "/tmp/d";
		snprintf(inner, sizeof inner, "%s%s", at, path + strlen(tree));
		try("rbind", mount(tree, at, NULL, MS_BIND | MS_REC, NULL) == 0 && (umount2(inner, MNT_DETACH), mount(NULL, inner, NULL, MS_REMOUNT | MS_BIND, NULL), 1));
		at = "/d";
		try("pivot", chdir("/tmp") == 0 && syscall(SYS_pivot_root, ".", "old") == 0 && umount2("/old", MNT_DETACH) == 0 && chdir("/") == 0 && (umount2(inner + 4, MNT_DETACH), 1));
		_exit(0);
	}
	waitpid(pid, &status, 0);
}

int main(int argc, char **argv) {
	struct stat st;
	if (argc > 3 && !strcmp(argv[1], "replace")) {
		snprintf(other, sizeof other, "%s/gone", argv[2]);
		for (int i = 3; i < argc; i++)
			did(argv[i], rename(argv[i], other) == 0 || unlink(argv[i]) == 0 || rmdir(argv[i]) == 0);
		return 0;
	}
	if (argc != 5)
		return 99;
	masked = !strcmp(argv[1], "mask");
	missing = !strcmp(argv[1], "missing");
	snprintf(tree, sizeof tree, "%s", argv[2]);
	snprintf(above, sizeof above, "%s/%s", tree, argv[3]);
	snprintf(path, sizeof path, "%s/%s/%s", tree, argv[3], argv[4]);
	snprintf(moved, sizeof moved, "%s/moved", tree);
	snprintf(other, sizeof other, "%s/other", tree);
	directory = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
	if (missing)
		nothing();
	else
		files();
	if (!masked)
		for (char *end = above + strlen(above); end > above + strlen(tree);) {
			parents();
			while (*--end != '/')
				;
			*end = 0;
		}
	snprintf(above, sizeof above, "%s/%s", tree, argv[3]);
	mounts("own", 1);
	mounts("given", 0);
	return 0;
}
