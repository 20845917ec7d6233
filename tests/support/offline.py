"""No test uses the network: what tries to reach another host is an error, also if the code at fault catches it."""

import sys

LOCAL = ("", "localhost", "127.0.0.1", "::1", "0.0.0.0", "::")
attempts: list[str] = []


def _host(event, arguments):
    """Return the host that something wants to reach; None if it is none of another machine."""
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None  # others are names of local sockets
    else:
        return None
    host = host.decode("latin-1") if isinstance(host, bytes) else host
    return host if isinstance(host, str) and host not in LOCAL else None


def refuse(event, arguments):
    """Raise an error for a connection to another host; a hook for `sys.addaudithook`."""
    if (host := _host(event, arguments)) is not None:
        attempts.append(f"{event} {host}")
        raise OSError(f"tests run without the network: {event} {host}")


def install():
    """Refuse connections from now on, in this process."""
    sys.addaudithook(refuse)
