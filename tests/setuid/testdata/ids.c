// ids prints the ids that it has. Installed set-user-id root it is bait: whoever gets
// euid 0 out of it has found a place where set-id bits count.
#include <stdio.h>
#include <unistd.h>

int main(void) {
	printf("bait: %d %d\n", getuid(), geteuid());
	return 0;
}
