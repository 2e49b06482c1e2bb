# Stops a file system as a power failure does: what was not synced to its device is gone. Usage: cut-power.py MOUNT-POINT
# EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH (fs/ext4/ext4.h of Linux; the same as `godown` of xfstests).
import fcntl
import os
import struct
import sys

SHUTDOWN = 0x8004587D
NO_FLUSH = 2

descriptor = os.open(sys.argv[1], os.O_RDONLY)
fcntl.ioctl(descriptor, SHUTDOWN, struct.pack("I", NO_FLUSH))
