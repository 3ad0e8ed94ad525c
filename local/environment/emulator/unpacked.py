"""The files of functions, unpacked once: what Node.js has compiled, it knows again by its path."""

import hashlib
import os
import tempfile
import threading
import zipfile

_lock = threading.Lock()


def unpacked(code_zip: bytes) -> str:
    """The folder of a zip file's contents, the same for every environment of the function. Nobody writes to it."""
    folder = os.path.join(tempfile.gettempdir(), f"code-{hashlib.sha256(code_zip).hexdigest()[:32]}")
    with _lock:
        if not os.path.isdir(folder):
            half = tempfile.mkdtemp()
            file = f"{half}.zip"
            with open(file, "wb") as zipped:
                zipped.write(code_zip)
            with zipfile.ZipFile(file) as archive:
                archive.extractall(half)
            os.remove(file)
            os.rename(half, folder)
    return folder


def worker_file(script: str, extension: str) -> str:
    """The program that runs a function, the same file for all of them."""
    digest = hashlib.sha256(script.encode()).hexdigest()[:32]
    file = os.path.join(tempfile.gettempdir(), f"worker-{digest}{extension}")
    with _lock:
        if not os.path.exists(file):
            with open(f"{file}.half", "w", encoding="utf8") as half:
                half.write(script)
            os.rename(f"{file}.half", file)
    return file
