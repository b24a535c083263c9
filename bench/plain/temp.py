"""What a Python programmer writes first: one loop."""
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", int(sys.argv[1])))
while True:
    data, sender = s.recvfrom(1024)
    s.sendto("转换后的温度(华氏温度):{:g}".format(round(float(data) * 9 / 5 + 32, 2)).encode(), sender)
