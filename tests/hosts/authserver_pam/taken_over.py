#!/usr/bin/python3
"""Whoever has taken the network process over: has its socket to the monitor, by pidfd_getfd(2),
and sends what he likes. Prints what came of it."""

import array
import ctypes
import json
import os
import socket
import struct
import subprocess
import sys

PIDFD_GETFD = 438

libc = ctypes.CDLL(None, use_errno=True)


def pid_of(pattern):
    found = subprocess.run(["pgrep", "-f", pattern], capture_output=True, text=True)
    return int(found.stdout.split()[0])


def channel():
    """The stream socket of the network process whose other end the monitor has made."""
    network = pid_of("^pam-jwt-authserver network-process")
    with open(f"/proc/{network}/stat") as stat:
        monitor = int(stat.read().rsplit(") ", 1)[1].split()[1])
    pidfd = os.pidfd_open(network)
    for number in map(int, os.listdir(f"/proc/{network}/fd")):
        copy = libc.syscall(PIDFD_GETFD, pidfd, number, 0)
        if copy < 0:
            continue
        try:
            candidate = socket.socket(fileno=copy)
            credentials = candidate.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        except OSError:
            continue
        if candidate.family == socket.AF_UNIX and struct.unpack("3i", credentials)[0] == monitor:
            candidate.setblocking(True)
            return candidate
    sys.exit("the network process has no socket to the monitor")


CHANNEL = channel()


def send(kind, descriptors):
    rights = array.array("i", descriptors)
    control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)] if descriptors else []
    CHANNEL.sendmsg([kind], control)


def ask(kind):
    ours, theirs = socket.socketpair()
    send(kind, [theirs.fileno()])
    theirs.close()
    ours.settimeout(100)
    return ours


def read_all(stream):
    text = b""
    while part := stream.recv(65536):
        text += part
    return text


def exactly(stream, count):
    text = b""
    while len(text) < count:
        part = stream.recv(count - len(text))
        if not part:
            return None
        text += part
    return text


def hear(stream):
    head = exactly(stream, 4)
    return head and json.loads(exactly(stream, struct.unpack(">I", head)[0]))


def start(stream, account):
    text = json.dumps({"account": account, "rhost": "192.0.2.7", "purpose": "page"}).encode()
    stream.sendall(struct.pack(">I", len(text)) + text)


def converse(account):
    stream = ask(b"C")
    try:
        start(stream, account)
        return stream, hear(stream)
    except (BrokenPipeError, ConnectionResetError):
        return stream, None


def settings():
    bundle = json.loads(read_all(ask(b"S")))["Ok"]
    print(bundle["config"]["name"], len(bundle["keys"]))


def nonsense():
    """Bytes of all kinds, without a descriptor, with several, and with those of files."""
    null = os.open("/dev/null", os.O_RDWR)
    pipe = os.pipe()
    for _ in range(3):
        for byte in range(256):
            send(bytes([byte]), [])
            send(bytes([byte]), [null])
            send(bytes([byte]), [null] * 20)
            send(bytes([byte]), [pipe[1]])
    send(b"SC" * 50000, [])
    datagram = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    send(b"C", [datagram[0].fileno()])
    send(b"S", [datagram[0].fileno()])
    send(b"S", [CHANNEL.fileno()] * 2)
    settings()


def flood():
    """Conversations by the thousand, of which each is given up at once, and answers that nobody
    reads."""
    kept = [ask(b"S") for _ in range(20)]
    for number in range(3000):
        ask(b"C" if number % 2 else b"S").close()
    del kept
    settings()


def unread():
    """Settings that are asked for and not read: what there is besides goes on."""
    kept = [ask(b"S") for _ in range(4)]
    stream, report = converse("alice")
    print(report["messages"][0]["text"], len(kept))


def many():
    """More conversations than there may be; then one is given up, and there is room for one."""
    held = [converse("alice") for _ in range(7)]
    asked = [report is not None for _, report in held]
    print(asked)
    held[0][0].close()
    while True:
        stream, report = converse("alice")
        if report:
            break
    print(report["messages"][0]["style"])


def peek():
    """The descriptors of a conversation's process."""
    stream, report = converse("alice")
    print(sorted(os.listdir(f"/proc/{pid_of('^pam-jwt-authserver conversation')}/fd")))


def hang():
    """A conversation that never says anything."""
    stream = ask(b"C")
    start(stream, "alice")
    print(read_all(stream))


def hold():
    """A conversation that stays, whatever becomes of the others."""
    stream, report = converse("alice")
    print(report["messages"][0]["style"], flush=True)
    os.kill(pid_of("^pam-jwt-authserver network-process"), 9)
    # Until the process is gone: it was not told that it is over.
    print(read_all(stream))


globals()[sys.argv[1]]()
