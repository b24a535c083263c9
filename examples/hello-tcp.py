# It reads once and answers something. Is that a request, and is that the answer?
# 它读一次, 然后回答点什么。这算一个请求吗, 这是应有的回答吗?
#
#   python3 examples/hello-tcp.py
#   make referee S=hello-tcp URL=tcp://127.0.0.1:9000 ARGS="-only plain-request"

import socket
import sys

server = socket.create_server(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 9000))
while True:
    conn, client = server.accept()
    conn.recv(1024)
    conn.sendall(b"Hello World")
    conn.close()
