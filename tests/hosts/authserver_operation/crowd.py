"""Connects to a port from many addresses: so many that say nothing, and so many that say a
byte of a request each second, until it is killed."""

import resource
import socket
import sys
import time

port, idle, slow = (int(word) for word in sys.argv[1:])
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def connect(number):
    connection = socket.socket()
    connection.bind((f"127.0.{1 + number // 200}.{1 + number % 200}", 0))
    connection.connect(("127.0.0.1", port))
    return connection


quiet = [connect(number) for number in range(idle)]
talking = [connect(idle + number) for number in range(slow)]
print("connected", flush=True)
request = b"POST /token HTTP/1.1\r\nHost: a\r\nX-Long: " + b"x" * 1000
for byte in request:
    left = []
    for connection in talking:
        try:
            connection.send(bytes([byte]))
            left.append(connection)
        except OSError:
            connection.close()
    talking = left
    time.sleep(1)
