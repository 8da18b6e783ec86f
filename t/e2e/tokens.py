"""Keys and bearer tokens: the program's own, and any by hand."""

import base64
import hashlib
import hmac
import json
import subprocess
import time

from stack import PROGRAM, give_away

KEY = "a secret that only the service and its token maker know, 32+"


def print_token(file, *arguments):
    command = [PROGRAM, "--set", f"auth.key_file={file}", "--token", *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=10)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def encode(part):
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sign(claims, key=KEY, header=None):
    """A token by the book (RFC 7519), for cases that the program refuses."""
    header = header or {"alg": "HS256", "typ": "JWT"}
    signed = f"{encode(header)}.{encode(claims)}"
    mac = hmac.new(key.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{encode(mac)}"


def claims(sub, **more):
    now = int(time.time())
    return {"sub": str(sub), "iat": now, "exp": now + 600, **more}


def write_key(folder, name, key=KEY):
    """For the stack's account alone."""
    file = folder / name
    file.write_text(key + "\n")
    file.chmod(0o600)
    give_away(file)
    return file
