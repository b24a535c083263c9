// It talks to one person at a time, and only repeats what that person said. Who else should hear it?
// 它一次只和一个人说话, 而且只重复那个人的话。还有谁应该听到?
//
//   mkdir -p bin && cc -o bin/example examples/chat-server.c && bin/example
//   make referee S=chat-server URL=tcp://127.0.0.1:9000 ARGS="-only say-and-hear"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char buf[1024];

	address.sin_port = htons(argc > 1 ? atoi(argv[1]) : 9000);
	int yes = 1, server = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	if (bind(server, (struct sockaddr *)&address, sizeof address) < 0 || listen(server, 5) < 0) {
		perror("bind");
		return 1;
	}
	for (;;) {
		int conn = accept(server, NULL, NULL);
		ssize_t n;
		while ((n = read(conn, buf, sizeof buf)) > 0)
			write(conn, buf, n);
		close(conn);
	}
}
