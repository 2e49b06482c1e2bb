"""Usage: locked.py LOCKFILE COMMAND [ARGUMENT...]

Becomes COMMAND while holding an exclusive lock on LOCKFILE. The lock belongs to an open file whose number COMMAND gets
in MESSAGING_LOCK_FD, and lasts until the last process that has this file open has ended, even when COMMAND was killed.
"""

import fcntl
import os
import sys


def acquire(path):
    """Returns a descriptor that holds the lock on the file that `path` names now."""
    said = False
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not said:
                owner = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
                print(f"another setup is running (pid {owner}), waiting", file=sys.stderr, flush=True)
                said = True
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        # `clean` deletes the file that others may be waiting on: a lock on a deleted file guards nothing.
        try:
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                return descriptor
        except FileNotFoundError:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        os.close(descriptor)


def main():
    path, command = sys.argv[1], sys.argv[2:]
    os.makedirs(os.path.dirname(path), exist_ok=True)
    descriptor = acquire(path)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode("ascii"))
    os.set_inheritable(descriptor, True)
    os.environ["MESSAGING_LOCK_FD"] = str(descriptor)
    os.execvp(command[0], command)


main()
