# It sends each datagram back as it came. What is 100 in Fahrenheit?
# 它把每个数据报原样发回。100 换成华氏度是多少?
#
#   python3 examples/udp-temp.py
#   make referee S=udp-temp URL=udp://127.0.0.1:9000 ARGS="-only plain-number"

import socket
import sys

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 9000))
while True:
    text, client = server.recvfrom(1024)
    server.sendto(text, client)
