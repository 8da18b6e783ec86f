"""Posts and reads through nginx, each on a connection of its own, until
standard input ends; then prints how many answers were good, and the others."""

import http.client
import json
import sys
import threading

author, reader = sys.argv[1:]
done = threading.Event()
good, bad = [], []


def ask(method, path, body=None):
    try:
        connection = http.client.HTTPConnection("127.0.0.1", 80, timeout=60)
        connection.request(method, path, body, {"Connection": "close",
                                                "Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        if answer.status == 200:
            good.append(method)
        else:
            bad.append(f"{answer.status} {text}")
    except Exception as error:  # whatever it is, a client met it
        bad.append(repr(error))


def client(method, path, body):
    while not done.is_set():
        ask(method, path, body)


story = json.dumps({"subject": "s", "story": "t"})
threads = [threading.Thread(target=client, args=arguments) for arguments in (
    ("POST", f"/participant/{author}/outbound", story),
    ("POST", f"/participant/{author}/outbound", story),
    ("GET", f"/participant/{reader}/inbound", None),
    ("GET", f"/participant/{reader}/inbound?limit=5", None))]
for thread in threads:
    thread.start()
sys.stdin.read()
done.set()
for thread in threads:
    thread.join()
print(json.dumps({"posts": good.count("POST"), "reads": good.count("GET"), "bad": bad}))
