// It reads once and answers something. Is that a request, and is that the answer?
// 它读一次, 然后回答点什么。这算一个请求吗, 这是应有的回答吗?
//
//   mkdir -p bin && cc -o bin/example examples/hello-tcp.c && bin/example
//   make referee S=hello-tcp URL=tcp://127.0.0.1:9000 ARGS="-only plain-request"

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
		read(conn, buf, sizeof buf);
		write(conn, "Hello World", 11);
		close(conn);
	}
}
