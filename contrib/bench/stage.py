"""What the benchmark starts and stops: the stack, the peers, one nginx in front
of them, the databases."""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PEERS = HERE / 'peers'
ROOT = HERE.parents[1]
FOLDERS = '/tmp'
PEER_OPTIONS = '-c jit=off -c plan_cache_mode=force_generic_plan'

UWSGI = 'flask'  # speaks uwsgi with nginx


class Fault(Exception):
    """What the user is told, without a traceback."""


class BadSetting(Exception):
    """The same, before anything has begun."""


def number(name, default, low, high):
    """A setting from the environment."""
    value = os.environ.get(name) or str(default)
    if not re.fullmatch(r'[1-9]\d{0,8}', value) \
            or not low <= int(value) <= high:
        raise BadSetting(f'{name}={value}: it must be a number from {low} to '
                         f'{high}')
    return int(value)


def postgres_settings():
    """What one gives a database that needs more than PostgreSQL has by default:
    a quarter of the memory, and a checkpoint now and then."""
    memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')
    return os.environ.get('POSTGRES') or (f'shared_buffers={memory >> 22}MB '
                                          'max_wal_size=16GB')


@dataclass
class System:
    """What is measured. kind: newsfeed, limit, nginx or bare, the last two a
    peer behind nginx or without. nginx and app name the processes that belong
    to it, for CPU and memory."""
    name: str
    kind: str
    port: int = 0
    database: str = ''
    nginx: str = ''
    app: str = ''


def run(command, **options):
    """The command's output; a Fault with what it said if it fails."""
    options = {'stdin': subprocess.DEVNULL, 'text': True,
               'stderr': subprocess.STDOUT} | options
    done = subprocess.run(command, stdout=subprocess.PIPE, **options)
    if done.returncode:
        raise Fault(f'{Path(str(command[0])).name} failed: '
                    f'{(done.stdout or "").strip()[-2000:]}')
    return done.stdout


class Stage:
    def __init__(self, folder, peers, ports):
        self.folder = folder
        self.peers = peers
        self.logs = folder / 'log'
        self.stack_folder = folder / 'stack'
        self.processes = {}
        self.newsfeed_port, self.hello_port, self.chain_port, \
            self.cached_port, *rest = ports
        self.peer_ports = dict(zip(peers, zip(rest[::2], rest[1::2])))
        self.account, *self.drop = self.become_account()
        self.environment = {
            name: value for name, value in os.environ.items()
            if not name.startswith(('PG', 'LC_')) and name != 'WORKERS'}
        self.environment |= {
            'LANG': 'C.UTF-8',
            'RUN': str(self.stack_folder), 'PORT': str(self.newsfeed_port),
            'CACHE_MB': '2048',  # all feeds of posts.sql fit
            'PATH': ':'.join([self.postgres_tools(), os.environ['PATH'],
                              '/usr/sbin', '/sbin'])}
        self.make_folder(self.logs)

    @staticmethod
    def port_count(peers):
        return 4 + 2 * len(peers)

    @staticmethod
    def postgres_tools():
        found = sorted(Path('/usr/lib/postgresql').glob('*/bin/postgres'),
                       key=lambda path: float(path.parts[-3]))
        if not found:
            raise Fault('PostgreSQL is not installed (Debian package '
                        "postgresql-15): run 'make packages'")
        return str(found[-1].parent)

    # --- processes ----------------------------------------------------------

    @staticmethod
    def become_account():
        """What root becomes, and what goes before a command so that it does."""
        return run([ROOT / 'contrib/stack', 'account', 'head', '-c1',
                    PEERS / 'schema.sql']).split() or [None]

    def make_folder(self, path):
        path.mkdir(parents=True, exist_ok=True)
        if self.account:
            shutil.chown(path, self.account, self.account)
        return path

    def launch(self, name, command, **environment):
        folder = self.make_folder(self.folder / name)
        with open(self.logs / f'{name}.log', 'ab') as log:
            self.processes[name] = subprocess.Popen(
                [*self.drop, *map(str, command)], cwd=folder,
                env=self.environment | {'HOME': str(folder)} | environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)

    def check_alive(self, *names):
        for name in names or list(self.processes):
            if self.processes[name].poll() is not None:
                raise Fault(f'{name} has ended: see {self.logs}/{name}.log')

    def await_ready(self, name, is_ready):
        end = time.monotonic() + 60
        while not is_ready():
            self.check_alive(name)
            if time.monotonic() > end:
                raise Fault(f'{name} is not ready after a minute: see '
                            f'{self.logs}/{name}.log')
            time.sleep(0.02)

    def end(self, name):
        process = self.processes.pop(name, None)
        if not process:
            return
        try:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=15)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            pass
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()

    def pid(self, name):
        if name in self.processes:
            return self.processes[name].pid
        return int((self.stack_folder / f'{name}.pid').read_text())

    def roots(self, system):
        """Of each group of processes the first ones, for CPU."""
        groups = {'postgres': ['postgres'],
                  'memcached': ['memcached']}
        if system.nginx:
            groups['nginx'] = [system.nginx]
        if system.app:
            groups['app'] = [system.app]
        return {group: [self.pid(name) for name in names]
                for group, names in groups.items()}

    def stack(self, *arguments):
        run([ROOT / 'contrib/stack', *arguments], env=self.environment)

    # --- all of it ----------------------------------------------------------

    def build(self):
        libpq = run(['pkg-config', '--cflags', '--libs', 'libpq']).split()
        for name in 'hello', 'chain':
            run(['cc', '-O2', '-D_GNU_SOURCE', '-iquote', ROOT / 'app',
                 '-o', self.make_folder(self.folder / name) / name,
                 HERE / f'{name}.c', '-lfcgi', *libpq])
        for peer in self.peers:
            with open(self.logs / f'{peer}.build.log', 'wb') as log:
                done = subprocess.run(
                    [PEERS / peer / 'build', self.folder / 'build' / peer],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    env=self.environment)
            if done.returncode:
                raise Fault(f'{peer} could not be built: see {log.name}')

    def start(self):
        self.stack('up', 'postgres')
        self.stack('up', 'memcached')
        self.stack('up', 'nginx')
        self.spawn('hello')
        self.write_nginx_conf()
        self.launch('nginx-peers', [
            'nginx', '-p', self.folder, '-c', self.folder / 'nginx.conf',
            '-e', self.logs / 'nginx.log'])
        self.await_ready('nginx-peers', lambda: is_open(self.hello_port))

    def spawn(self, name, *arguments, **environment):
        """A limit that speaks FastCGI, with the setting of app/fcgi.c."""
        folder = self.folder / name
        self.launch(name, ['spawn-fcgi', '-n', '-s', folder / 'socket',
                           '-b', '1024', '--', folder / name, *arguments],
                    LIBFCGI_OS_CLOSE_POLL_TIMEOUT='0', **environment)

    def start_chain(self, sql, options):
        """Its items are as long as the service's are."""
        page = get(self.newsfeed_port, '/participant/10010/inbound')[1]
        self.spawn('chain', self.memcached_socket, len(page) // 48, sql,
                   PGHOST=str(self.stack_folder), PGPORT='5432',
                   PGUSER='newsfeed', PGDATABASE='statement',
                   PGOPTIONS=options)
        self.await_ready('chain', lambda: is_answering(self.chain_port))

    def start_systems(self, names):
        peers = [name for name in names if name in self.peers]
        if 'newsfeed' in names:
            self.stack('up', 'newsfeed')
        for peer in peers:
            socket_path = self.folder / peer / 'socket'
            socket_path.unlink(missing_ok=True)
            self.launch(
                peer, [PEERS / peer / 'run', self.folder / 'build' / peer],
                PORT=str(self.peer_ports[peer][1]), SOCKET=str(socket_path),
                PGHOST=str(self.stack_folder), PGPORT='5432',
                PGUSER='postgres', PGDATABASE=peer, PGOPTIONS=PEER_OPTIONS,
                MEMCACHED_SOCKET=str(self.memcached_socket))
        for peer in peers:
            for port in self.peer_ports[peer]:
                self.await_ready(peer, lambda: is_answering(port))

    def stop_systems(self):
        self.stack('down', 'newsfeed')
        for name in ['chain', *self.peers]:
            self.end(name)

    def renew_memcached(self, megabytes):
        """With nobody connected but nginx."""
        self.stack('down', 'memcached')
        self.environment['CACHE_MB'] = str(megabytes)
        self.stack('up', 'memcached')

    def stop(self):
        """Stops everything and removes the data, but not the logs."""
        for name in reversed(list(self.processes)):
            self.end(name)
        if self.stack_folder.exists():
            self.stack('stop')
            shutil.rmtree(self.stack_folder / 'postgres', ignore_errors=True)

    @property
    def memcached_socket(self):
        return self.stack_folder / 'memcached.sock'

    def systems(self):
        """All that can take any operation."""
        found = [System('newsfeed', 'newsfeed', self.newsfeed_port, 'newsfeed',
                        'nginx', 'newsfeed')]
        for peer, (nginx, bare) in self.peer_ports.items():
            found += [System(peer, 'nginx', nginx, peer, 'nginx-peers', peer),
                      System(f'{peer}, bare', 'bare', bare, peer, '', peer)]
        return found

    def limits(self):
        """What bounds the service, and the operations that it bounds."""
        cached = System('nginx from memcached', 'limit', self.cached_port,
                        nginx='nginx-peers')
        hello = System('FastCGI hello', 'limit', self.hello_port,
                       nginx='nginx-peers', app='hello')
        chain = System('the bare chain', 'limit', self.chain_port,
                       'statement', 'nginx-peers', 'chain')
        statement = System('pgbench, the statement', 'limit', 0, 'statement')
        return {'hit 8': [cached], 'hit 48': [cached],
                'miss 8': [hello, chain], 'miss 48': [hello, chain],
                'search': [hello], 'post': [statement]}

    # --- nginx --------------------------------------------------------------

    def write_nginx_conf(self):
        """The stack's own nginx.conf with other servers in it, so that all
        have the same settings."""
        text = (self.stack_folder / 'nginx.conf').read_text()
        text = text[:text.index('    server {\n')]
        for name, here in ('tmp/nginx', 'nginx-peers'), ('log', 'log'):
            text = text.replace(str(self.stack_folder / name),
                                str(self.folder / here))
        text = text.replace('include cache_map.conf;', '')
        (self.folder / 'newsfeed').symlink_to(ROOT / 'nginx')

        pieces = [upstream('cache', self.memcached_socket),
                  upstream('hello', self.folder / 'hello/socket', 0),
                  upstream('chain', self.folder / 'chain/socket', 0),
                  server(self.cached_port, pass_memcached('limit')),
                  server(self.hello_port, pass_fastcgi('hello')),
                  server(self.chain_port, pass_memcached('chain')
                         + '\nerror_page 404 = @chain;',
                         f'location @chain {{\n{pass_fastcgi("chain")}\n}}')]
        for peer, (port, _) in self.peer_ports.items():
            uwsgi = peer == UWSGI
            pieces += [upstream(peer, self.folder / peer / 'socket',
                                0 if uwsgi else 32),
                       server(port, pass_uwsgi(peer) if uwsgi
                              else pass_http(peer))]
        (self.folder / 'nginx.conf').write_text(
            text + '\n'.join(pieces) + '}\n')

    # --- databases ----------------------------------------------------------

    def psql(self, database):
        return ['psql', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1',
                '-h', self.stack_folder, '-U', 'postgres', '-d', database]

    def query(self, database, text):
        return run([*self.psql(database), '-c', text],
                   env=self.environment).strip()

    def load_templates(self, data):
        """What each round's databases are copies of, side by side: of the data
        in contrib/bench/DATA.sql."""
        file = HERE / f'{data}.sql'
        loads = {f'newsfeed_{data}': [file, HERE / 'newsfeed.sql']}
        self.create(f'newsfeed_{data}', 'newsfeed', 'newsfeed_owner')
        if self.peers:
            self.create(f'peers_{data}', 'template1', 'postgres')
            loads[f'peers_{data}'] = [PEERS / 'schema.sql', file,
                                      PEERS / 'peers.sql']
        for name, files in loads.items():
            self.launch(f'load-{name}', self.psql(name) + [
                f'--file={file}' for file in files])
        for name in loads:
            if self.processes[f'load-{name}'].wait():
                self.check_alive(f'load-{name}')
            del self.processes[f'load-{name}']

    def create(self, name, template, owner):
        self.query('postgres', f'CREATE DATABASE {name} OWNER {owner} '
                               f'TEMPLATE {template} STRATEGY file_copy')

    def make_databases(self, data):
        for name in ['newsfeed', 'statement', *self.peers]:
            self.query('postgres', f'DROP DATABASE IF EXISTS {name}')
        for name in self.peers:
            self.create(name, f'peers_{data}', 'postgres')
        for name in ['newsfeed'] + ['statement'] * (data == 'posts'):
            self.create(name, f'newsfeed_{data}', 'newsfeed_owner')
        self.query('postgres', 'CHECKPOINT')
        os.sync()

    def settle(self, system):
        """Until what was written has reached the search index and all feeds:
        the seconds that it took. The peers do it as they write."""
        began = time.monotonic()
        if system.kind != 'newsfeed':
            return 0
        while self.query('newsfeed', 'SELECT (SELECT count(*) FROM outbox)'
                         ' + (SELECT posts FROM search_backlog)') != '0':
            self.pid('newsfeed')
            time.sleep(0.02)
        seconds = time.monotonic() - began
        self.query('newsfeed', 'SELECT flush_search()')  # part of the price
        return seconds

    def tidy(self, system):
        """So that nobody pays for what others wrote."""
        self.query(system.database, 'VACUUM ANALYZE')
        self.query(system.database, 'CHECKPOINT')


# --- a stage for a while -----------------------------------------------------

def interrupt(*_):
    raise KeyboardInterrupt


def on_stage(name, measure):
    """The measurement gets what builds a stage, each in a folder of its own
    within one that is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix=f'newsfeed-{name}.', dir=FOLDERS))
    folder.chmod(0o755)  # for the account that root becomes
    signals = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
    for each in signals:
        signal.signal(each, interrupt)
    keep, stages, ports = False, [], free_ports()

    def build(stage):
        stages.append(Stage(folder / stage, [], [next(ports), 0, 0, 0]))
        return stages[-1]

    try:
        measure(build)
    except (Fault, OSError, ValueError):
        keep = True
        raise
    finally:
        for each in signals:
            signal.signal(each, signal.SIG_IGN)
        for stage in stages:
            stage.stop()
        if keep:
            print(f'{name}: the logs are in {folder}', file=sys.stderr,
                  flush=True)
        else:
            shutil.rmtree(folder)


# --- ports -------------------------------------------------------------------

def free_ports():
    """Below those that the machine gives to connections, of which one might
    have it by the time that nginx wants it."""
    for port in range(20_000, 32_000):
        with socket.socket() as probe:
            try:
                probe.bind(('127.0.0.1', port))
            except OSError:
                continue
        yield port
    raise Fault('no port from 20000 to 31999 is free')


def is_open(port):
    with socket.socket() as probe:
        return probe.connect_ex(('127.0.0.1', port)) == 0


def request(port, *what):
    """Status and body of the answer."""
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=30)
    try:
        connection.request(*what)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def get(port, path):
    return request(port, 'GET', path)


def post(port, path, value):
    return request(port, 'POST', path, json.dumps(value),
                   {'Content-Type': 'application/json'})


def is_answering(port):
    try:
        return get(port, '/participant/1/inbound')[0] == 200
    except (OSError, http.client.HTTPException):
        return False


# --- pieces of nginx.conf ----------------------------------------------------

def directives(file, pattern):
    """The simple directives at the file's top level whose name fits."""
    text = (ROOT / 'nginx' / file).read_text()
    return re.findall(rf'(?m)^(?:{pattern})\s[^{{}};]*;', text)


def upstream(name, path, keepalive=32):
    keep = f'keepalive {keepalive};' if keepalive else ''
    return f'upstream {name} {{ server unix:{path} max_fails=0; {keep} }}'


def server(port, location, more=''):
    own = '\n'.join(directives('server.conf', r'(?!include\b)\w+'))
    return (f'server {{\nlisten 127.0.0.1:{port};\n{own}\n'
            f'location / {{\n{location}\n}}\n{more}\n}}\n')


def buffers(protocol):
    """Of the answers, as large as those that the service has."""
    found = directives('fastcgi.conf', r'fastcgi_(?:buffer|max_temp|next_|'
                       r'connect_|send_|read_|request_buffering)\w*')
    return '\n'.join(found).replace('fastcgi_', f'{protocol}_')


def pass_memcached(prefix):
    return (f'set $memcached_key "{prefix}:$uri";\nmemcached_pass cache;\n'
            'memcached_buffer_size 64k;\ndefault_type application/json;')


def pass_fastcgi(name):
    return f'include newsfeed/fastcgi.conf;\nfastcgi_pass {name};'


def pass_http(name):
    return (f'proxy_pass http://{name};\nproxy_http_version 1.1;\n'
            f'proxy_set_header Connection "";\n{buffers("proxy")}')


def pass_uwsgi(name):
    return (f'include /etc/nginx/uwsgi_params;\nuwsgi_pass {name};\n'
            f'{buffers("uwsgi")}')
