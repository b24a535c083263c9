// It sends each datagram back as it came. What is 100 in Fahrenheit?
// 它把每个数据报原样发回。100 换成华氏度是多少?
//
//   mkdir -p bin && cc -o bin/example examples/udp-temp.c && bin/example
//   make referee S=udp-temp URL=udp://127.0.0.1:9000 ARGS="-only plain-number"

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
	int server = socket(AF_INET, SOCK_DGRAM, 0);
	if (bind(server, (struct sockaddr *)&address, sizeof address) < 0) {
		perror("bind");
		return 1;
	}
	for (;;) {
		struct sockaddr_in client;
		socklen_t size = sizeof client;
		ssize_t n = recvfrom(server, buf, sizeof buf, 0, (struct sockaddr *)&client, &size);
		if (n >= 0)
			sendto(server, buf, n, 0, (struct sockaddr *)&client, size);
	}
}
