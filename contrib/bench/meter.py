"""How the systems are loaded and measured."""
import json
import math
import os
import re
import signal
import socket
import threading
import time
from contextlib import contextmanager
from pathlib import Path

from stage import HERE, ROOT, Fault, run

TICKS = os.sysconf('SC_CLK_TCK')
CLIENTS = 16


# --- load --------------------------------------------------------------------

def wrk(port, operation, seconds, seed, *more):
    output = run(['wrk', '-t1', f'-c{CLIENTS}', f'-d{seconds}s',
                  '--timeout', '10s', '-s', HERE / 'requests.lua',
                  f'http://127.0.0.1:{port}', '--', operation, str(seed),
                  *map(str, more)])
    line = re.search(r'(?m)^result (.*)$', output)
    if not line:
        raise Fault(f'wrk gave no result: {output.strip()}')
    result = json.loads(line[1])
    good = result['requests'] - result['errors']['status']
    return result | {'rate': good / result['duration'] * 1e6}


def statement(name, params):
    """The SQL text of sql/statements/NAME.sql."""
    text = (ROOT / f'sql/statements/{name}.sql').read_text()
    sql = re.sub(r'(?m)^ *--.*\n', '', text).rstrip().removesuffix(';')
    if {int(n) for n in re.findall(r'\$(\d+)', sql)} \
            != set(range(1, len(params) + 1)):
        raise Fault(f'sql/statements/{name}.sql has other parameters than '
                    f'{", ".join(params)}')
    return sql


def statement_of_a_post():
    """As a script for pgbench."""
    params = 'author', 'subject', 'story', 'inline'
    sql = re.sub(r'\$(\d+)', lambda found: f':{params[int(found[1]) - 1]}',
                 statement('outbound_add', params))
    return f'\\set author random(1, 20000)\n{sql};\n'


def statement_of_a_feed():
    return statement('inbound_swept',
                     ('participant', 'before', 'after', 'limit', 'arrived'))


def session_options():
    """What app/database.c sets in its sessions and does not depend on
    settings."""
    found = re.findall(r'%1\$s (\w+) = (\w+);',
                       (ROOT / 'app/database.c').read_text())
    if not found:
        raise Fault('app/database.c sets nothing in its sessions')
    return ' '.join(f'-c {name}={value}' for name, value in found)


def pgbench(stage, database, seconds):
    folder = stage.folder / 'pgbench'
    folder.mkdir(exist_ok=True)
    script = folder / 'post.sql'
    script.write_text(statement_of_a_post())
    words = [str(n * 7919 % 40000) for n in range(155)]
    output = run(['pgbench', '-n', '-M', 'prepared', '-c', str(CLIENTS),
                  '-j', '1', '-T', str(seconds), '-f', script,
                  '-D', 'subject=' + ' '.join(words[:5]),
                  '-D', 'story=' + ' '.join(words[5:]), '-D', 'inline=1000',
                  '--log', f'--log-prefix={folder}/log',
                  '-h', stage.stack_folder, '-U', 'newsfeed', database],
                 env=stage.environment | {'PGOPTIONS': session_options()})
    times = []
    for log in folder.glob('log.*'):
        times += [int(line.split()[2]) for line in open(log)]
        log.unlink()
    times.sort()
    rate = float(re.search(r'tps = ([\d.]+)', output)[1])
    return {'requests': len(times), 'rate': rate, 'errors': {}, 'bytes': 0,
            'duration': len(times) / rate * 1e6, 'max': times[-1],
            **{f'p{p}': times[math.ceil(len(times) * p / 100) - 1]
               for p in (50, 95, 99)}}


# --- processes ---------------------------------------------------------------

def processes():
    """pid -> its parent, and its ticks with those of the children that ended;
    so the sum over a tree counts everything once."""
    found = {}
    for path in Path('/proc').glob('[0-9]*/stat'):
        try:
            fields = path.read_text().rpartition(')')[2].split()
        except OSError:
            continue
        found[int(path.parts[2])] = (int(fields[1]),
                                     sum(map(int, fields[11:15])))
    return found


def tree(roots, found):
    children = {}
    for pid, (parent, _) in found.items():
        children.setdefault(parent, []).append(pid)
    pids = list(roots)
    for pid in pids:
        pids += children.get(pid, [])
    return pids


def cpu(groups):
    """Microseconds of each group so far. Looks until it finds the same
    processes twice: one that ends between its parent's line and its own would
    be counted nowhere."""
    trees = before = None
    while trees is None or trees != before:
        before, found = trees, processes()
        trees = {group: [pid for pid in tree(roots, found) if pid in found]
                 for group, roots in groups.items()}
    return {group: sum(found[pid][1] for pid in pids) * 1_000_000 / TICKS
            for group, pids in trees.items()}


def memory(root):
    """The proportional set size of a process and all below it, in bytes."""
    total = 0
    for pid in tree([root], processes()):
        try:
            text = Path(f'/proc/{pid}/smaps_rollup').read_text()
        except OSError:
            continue
        total += int(re.search(r'(?m)^Pss:\s+(\d+)', text)[1]) * 1024
    return total


# --- memcached ---------------------------------------------------------------

class Memcached:
    def __init__(self, path):
        self.path = path

    def ask(self, command, end):
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(self.path)
            peer.sendall(command)
            answer = b''
            while not answer.endswith(end):
                more = peer.recv(65536)
                if not more:
                    raise Fault('memcached has closed a connection')
                answer += more
        return answer

    def flush(self):
        self.ask(b'flush_all\r\n', b'OK\r\n')

    def sent(self):
        """Bytes so far: what is in no cache costs next to none."""
        text = self.ask(b'stats\r\n', b'END\r\n')
        return int(re.search(rb'bytes_written (\d+)', text)[1])

    def looks(self):
        """Values asked for so far, and how many were there."""
        text = self.ask(b'stats\r\n', b'END\r\n')
        hits, misses = (int(re.search(rb'get_%s (\d+)' % name, text)[1])
                        for name in (b'hits', b'misses'))
        return hits + misses, hits

    def store(self, key, value):
        self.ask(b'set %s 0 0 %d\r\n%s\r\n' % (key.encode(), len(value),
                                              value), b'STORED\r\n')

    @contextmanager
    def kept_empty(self, pause=0.25):
        done = threading.Event()

        def keep():
            while not done.wait(pause):
                self.flush()

        thread = threading.Thread(target=keep)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


# --- nginx -------------------------------------------------------------------

class AccessLog:
    """What the service's nginx says of each feed that is read."""

    def __init__(self, stage):
        self.stage = stage
        self.place = self.reads = self.hits = 0

    def looks(self):
        """Feeds so far, and how many of them came from the cache. To have all
        of nginx's lines, its log is opened anew."""
        os.kill(self.stage.pid('nginx'), signal.SIGUSR1)
        time.sleep(0.1)
        with open(self.stage.stack_folder / 'log/access.log', 'rb') as log:
            log.seek(self.place)
            text = log.read()
        self.place += len(text)
        self.hits += text.count(b' cache=HIT ')
        self.reads += text.count(b' cache=') - text.count(b' cache=- ')
        return self.reads, self.hits


def with_hits(looks, load):
    """The record of this load, and in it the share of hits of the looks."""
    before, hits_before = looks()
    record = load()
    after, hits = looks()
    if after > before:
        record['hits'] = (hits - hits_before) / (after - before)
    return record
