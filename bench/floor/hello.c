// hello.c: the floor for hello-tcp: accept, read, write, close, and nothing else.
// No check, no limit, no deadline: nobody should run it, and nothing can be much faster.
//
//   hello PORT WORKERS DEFER    WORKERS processes share the port by SO_REUSEPORT; DEFER 1: TCP_DEFER_ACCEPT
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const char answer[] = "HTTP/1.1 200 OK\r\n\r\nHello World, Michael!";

int main(int argc, char **argv) {
	if (argc != 4) return 2;
	for (int i = 1; i < atoi(argv[2]); i++)
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			break;
		}
	int ln = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	setsockopt(ln, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
	setsockopt(ln, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (atoi(argv[3])) setsockopt(ln, IPPROTO_TCP, TCP_DEFER_ACCEPT, &one, sizeof one);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (bind(ln, (void *)&a, sizeof a) || listen(ln, 4096)) {
		perror("listen");
		return 1;
	}
	char buf[1024];
	for (;;) {
		int c = accept(ln, 0, 0);
		if (c < 0) continue;
		if (read(c, buf, sizeof buf) > 0 && write(c, answer, sizeof answer - 1) < 0) perror("write");
		close(c);
	}
}
