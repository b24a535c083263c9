// temp.c: the floor for udp-temp: recvmmsg, the arithmetic, sendmmsg, and nothing else.
// No limit, no check of who asks, only numbers of the bench's kind: nobody should run it.
//
//   temp PORT WORKERS    WORKERS processes share the port by SO_REUSEPORT
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 64, ROOM = 128 };
static const char prefix[] = "转换后的温度(华氏温度):";

// hundredths reads 36.6 as 3660.
static long hundredths(const char *s, size_t n) {
	long v = 0, places = -1;
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '.') {
			places = 0;
		} else if (s[i] >= '0' && s[i] <= '9' && places < 2) {
			v = v * 10 + s[i] - '0';
			if (places >= 0) places++;
		}
	}
	for (places = places < 0 ? 0 : places; places < 2; places++) v *= 10;
	return v;
}

// print writes thousandths without needless zeros: 97880 as 97.88.
static size_t print(char *to, long v) {
	char digits[24];
	int n = 0, zeros = 1;
	for (int i = 0; i < 3; i++, v /= 10) {
		if (v % 10 || !zeros) digits[n++] = '0' + v % 10, zeros = 0;
	}
	if (n) digits[n++] = '.';
	do digits[n++] = '0' + v % 10; while (v /= 10);
	for (int i = 0; i < n; i++) to[i] = digits[n - 1 - i];
	return n;
}

int main(int argc, char **argv) {
	if (argc != 3) return 2;
	for (int i = 1; i < atoi(argv[2]); i++)
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			break;
		}
	int s = socket(AF_INET, SOCK_DGRAM, 0), one = 1;
	setsockopt(s, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (bind(s, (void *)&a, sizeof a)) {
		perror("bind");
		return 1;
	}
	static struct mmsghdr in[BATCH], out[BATCH];
	static struct iovec invec[BATCH], outvec[BATCH];
	static struct sockaddr_in from[BATCH];
	static char question[BATCH][ROOM], answer[BATCH][ROOM];
	for (int i = 0; i < BATCH; i++) {
		memcpy(answer[i], prefix, sizeof prefix - 1);
		invec[i] = (struct iovec){question[i], ROOM};
		outvec[i].iov_base = answer[i];
		in[i].msg_hdr = (struct msghdr){.msg_name = &from[i], .msg_iov = &invec[i], .msg_iovlen = 1};
		out[i].msg_hdr = (struct msghdr){.msg_name = &from[i], .msg_namelen = sizeof from[i], .msg_iov = &outvec[i], .msg_iovlen = 1};
	}
	for (;;) {
		for (int i = 0; i < BATCH; i++) in[i].msg_hdr.msg_namelen = sizeof from[i];
		int n = recvmmsg(s, in, BATCH, MSG_WAITFORONE, 0);
		for (int i = 0; i < n; i++)
			outvec[i].iov_len = sizeof prefix - 1 + print(answer[i] + sizeof prefix - 1, hundredths(question[i], in[i].msg_len) * 18 + 32000);
		for (int i = 0; i < n;) {
			int sent = sendmmsg(s, out + i, n - i, 0);
			i += sent > 0 ? sent : 1;
		}
	}
}
