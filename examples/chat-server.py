# It talks to one person at a time, and only repeats what that person said. Who else should hear it?
# 它一次只和一个人说话, 而且只重复那个人的话。还有谁应该听到?
#
#   python3 examples/chat-server.py
#   make referee S=chat-server URL=tcp://127.0.0.1:9000 ARGS="-only say-and-hear"

import socket
import sys

server = socket.create_server(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 9000))
while True:
    conn, client = server.accept()
    while text := conn.recv(1024):
        conn.sendall(text)
    conn.close()
