#!/usr/bin/env bash
# safetensors 0.8.0: save_file puts a new regular file in place of a symbolic link or a pipe of that name.
#
# Behaviour: the file is written aside and renamed over the name that was given, and no link is followed. So a link to a
# model on another disk becomes a file of its own, and what it led to stays as it was, without a word. A named pipe
# is replaced as well, and its reader gets nothing. The mode is always 0600, whatever the mask says and whatever the
# mode of the file before was.
#
# Seen:
#     through a link: the link is a file now, the model behind it still has 1 number
#     through a pipe: the pipe is a file now
#     mode with a mask of 022: 0600; of a file of mode 0644 that is written again: 0600
#
# Expected: what open(path, "wb") does, as numpy.save and torch.save: the model behind the link is replaced, the pipe is
# written into, the mode is 0644.
#
# Touches: whoever keeps one path to "the current model" as a link, and lets others (a group, a web server) read it.
# Here links are followed, pipes are written into, and an existing file's mode and owner stay.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check safetensors==0.8.0 numpy==2.4.6

cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import os
import stat

import numpy
from safetensors.numpy import load_file, save_file

os.umask(0o022)


def mode(path):
    return oct(stat.S_IMODE(os.lstat(path).st_mode))


save_file({"a": numpy.zeros(1)}, "behind.safetensors")
new = mode("behind.safetensors")
os.chmod("behind.safetensors", 0o644)
os.symlink("behind.safetensors", "link.safetensors")
save_file({"a": numpy.zeros(2)}, "link.safetensors")
link = os.path.islink("link.safetensors")
behind = load_file("behind.safetensors")["a"].size
print(f"through a link: is it one still? {link}; numbers in the model behind it: {behind}")
assert (link, behind) == (False, 1), "behaviour changed"

os.mkfifo("pipe.safetensors")
save_file({"a": numpy.zeros(2)}, "pipe.safetensors")
regular = stat.S_ISREG(os.lstat("pipe.safetensors").st_mode)
print(f"through a pipe: is it a regular file now? {regular}")
assert regular, "behaviour changed"

save_file({"a": numpy.zeros(2)}, "behind.safetensors")
again = mode("behind.safetensors")
print(f"mode with a mask of 022: {new}; of a file of mode 0644 that is written again: {again}")
assert (new, again) == ("0o600", "0o600"), "behaviour changed"
PYTHON
