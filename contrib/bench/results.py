"""The machine that was measured on, and the table of what was measured."""
import datetime
import os
import platform
import re
import shutil
import subprocess
from statistics import median

OPERATIONS = {
    'hit 8': 'Feed of 8 items, cached',
    'hit 48': 'Feed of 48 items, cached',
    'miss 8': 'Feed of 8 items, not cached',
    'miss 48': 'Feed of 48 items, not cached',
    'search': 'Search for one word',
    'mixed': '90 % feeds, 10 % posts',
    'post': 'Post to 4 friends',
    'habits': 'Large feeds by habit, 97 % feeds, 3 % posts',
    'habits tenth': 'Large feeds by habit, cache for a tenth',
}
GROUPS = 'nginx', 'app', 'postgres', 'memcached'
KINDS = 'newsfeed', 'limit', 'nginx', 'bare'


# --- facts -------------------------------------------------------------------

VERSIONS = {'nginx': '-v', 'memcached': '-V', 'wrk': '-v', 'node': '--version',
            'go': 'version', 'uwsgi': '--version'}
DURABILITY = ('fsync', 'synchronous_commit', 'full_page_writes', 'wal_level',
              'wal_sync_method', 'wal_compression', 'max_wal_size',
              'shared_buffers')


def said(command, **options):
    """What a command says, or None."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, **options)
    except OSError:
        return None
    return done.stdout.strip()


def version(tool, flag):
    text = said([shutil.which(tool, path=os.environ['PATH'] + ':/usr/sbin')
                 or tool, flag])
    found = re.search(r'\d+(\.\d+)+', text or '')
    return found and found[0]


def line_of(file, pattern):
    with open(file) as lines:
        found = re.search(rf'(?m)^{pattern}\s*:\s*(.*)$', lines.read())
    return found and found[1]


def facts(stage, settings):
    from stage import ROOT
    git = ['git', '-c', 'safe.directory=*', '-C', ROOT]
    versions = {tool: version(tool, flag) for tool, flag in VERSIONS.items()}
    show = {name: stage.query('postgres', f'SHOW {name}')
            for name in ('server_version', *DURABILITY)}
    versions |= {'postgres': show.pop('server_version').split()[0],
                 'python': platform.python_version()}
    return {
        'date': datetime.date.today().isoformat(),
        'uname': ' '.join(platform.uname()[i] for i in (0, 2, 4)),
        'cpu': line_of('/proc/cpuinfo', 'model name') or platform.machine(),
        'cores': os.cpu_count(),
        'memory_kb': int(line_of('/proc/meminfo', 'MemTotal').split()[0]),
        'versions': versions,
        'postgres': show,
        'commit': said([*git, 'rev-parse', '--short=12', 'HEAD']),
        'clean': said([*git, 'status', '--porcelain']) == '',
        'seconds': settings.seconds,
        'rounds': settings.rounds,
    }


# --- medians -----------------------------------------------------------------

def summed(records):
    """One system's records of one operation as one row."""
    def middle(value):
        return median(map(value, records))

    rates = [record['rate'] for record in records]
    row = {name: records[0][name] for name in ('system', 'kind')}
    row |= {name: middle(lambda record: record[name])
            for name in ('p50', 'p95', 'p99')}
    row |= {
        'rate': median(rates), 'low': min(rates), 'high': max(rates),
        'cpu': {group: middle(lambda record: record['cpu'].get(group, 0))
                for group in GROUPS},
        'errors': sum(sum(record['errors'].values()) for record in records),
        'cached': sum(record['cached'] for record in records)
        / max(sum(record['bytes'] for record in records), 1),
    }
    for name in 'memory', 'caught_up', 'hits':
        if name in records[0]:
            row[name] = middle(lambda record: record[name])
    return row


def measured(data):
    """The operations that there is something of, and their titles."""
    found = {record['operation'] for record in data['records']}
    return {operation: title for operation, title in OPERATIONS.items()
            if operation in found}


def rows(data, operation):
    """Of all systems: newsfeed, its limits, peers behind nginx, bare; the
    fastest first."""
    by_system = {}
    for record in data['records']:
        if record['operation'] == operation:
            by_system.setdefault(record['system'], []).append(record)
    return sorted(map(summed, by_system.values()),
                  key=lambda row: (KINDS.index(row['kind']), -row['rate']))


def best(found, kind):
    return next((row for row in found if row['kind'] == kind), None)


# --- table -------------------------------------------------------------------

def ms(microseconds):
    value = microseconds / 1000
    return f'{value:.2f}' if value < 10 else f'{value:.1f}'


def times(ratio):
    return f'{ratio:.2f}' if ratio < 10 else f'{ratio:.1f}'


def cpu(row):
    split = ' + '.join(f'{row["cpu"][group]:.0f}' for group in GROUPS)
    return f'{sum(row["cpu"].values()):.0f} = {split}'


def lines_of(header, body):
    yield '| ' + ' | '.join(header) + ' |'
    yield '|---' + '|--:' * (len(header) - 1) + '|'
    for cells in body:
        yield '| ' + ' | '.join(cells) + ' |'


def block(found):
    ours = found[0]['rate']
    names = {'newsfeed': '**{}**', 'limit': '*limit: {}*'}
    header = ['', 'requests/s', 'range', 'newsfeed is … × this', 'p50 ms',
              'p95 ms', 'p99 ms',
              'CPU µs/request = nginx + app + PostgreSQL + memcached',
              'memory MB', 'reads that are hits', 'errors']
    return lines_of(header, [[
        names.get(row['kind'], '{}').format(row['system']),
        f'{row["rate"]:,.0f}', f'{row["low"]:,.0f}–{row["high"]:,.0f}',
        times(ours / row['rate']) if row['rate'] else '–',
        ms(row['p50']), ms(row['p95']), ms(row['p99']), cpu(row),
        f'{row["memory"] / 1e6:.1f}' if 'memory' in row else '–',
        f'{row["hits"]:.1%}' if 'hits' in row else '–',
        str(row['errors'])] for row in found])


def notes(operation, found):
    if operation.startswith('miss'):
        worst = max(found, key=lambda row: row['cached'])
        yield ('The caches were kept empty: at most '
               f'{worst["cached"]:.1%} of the bytes that wrk received came '
               f'from memcached ({worst["system"]}).')
    if 'caught_up' in found[0]:
        yield ('What newsfeed does behind its answers (the search index, posts '
               'to more than 1,000 friends) was done '
               f'{found[0]["caught_up"]:.2f} s after the last one, and its CPU '
               'includes it.')


def compared(ours, row):
    if not row:
        return '–'
    return (f'{row["system"]} {row["rate"]:,.0f} '
            f'(× {times(ours["rate"] / row["rate"])})')


def share(found):
    """Of the limit that says most."""
    limits = [row['rate'] for row in found if row['kind'] == 'limit']
    return f'{min(limits):,.0f} ({found[0]["rate"] / min(limits):.0%})' \
        if limits else '–'


def lowest(found):
    peers = [row for row in found[1:] if row['kind'] != 'limit']
    if not peers:
        return '–'
    other = min(peers, key=lambda row: row['p99'])
    if found[0]['p99'] < other['p99']:
        return f'yes, {ms(found[0]["p99"])} ms'
    return (f'no, {ms(found[0]["p99"])} ms; {other["system"]} has '
            f'{ms(other["p99"])}')


def summary(data):
    for operation, title in measured(data).items():
        found = rows(data, operation)
        ours = found[0]
        yield [title, f'{ours["rate"]:,.0f}',
               compared(ours, best(found, 'nginx')),
               compared(ours, best(found, 'bare')),
               share(found), lowest(found)]


def machine(facts):
    return (f'{facts["cpu"]}, {facts["cores"]} cores, '
            f'{facts["memory_kb"] / 2**20:.0f} GB, {facts["uname"]}')


def table(data):
    facts = data['facts']
    tree = 'clean' if facts['clean'] else 'with changes'
    lines = ['# newsfeed and others, side by side', '',
             f'{facts["date"]}, commit {facts["commit"]} ({tree}). '
             f'{machine(facts)}. wrk -t1 -c16 on the same machine, '
             f'{facts["seconds"]} s a measurement; medians of '
             f'{facts["rounds"]} rounds.', '',
             ', '.join(f'{name} {value}' for name, value
                       in sorted(facts['versions'].items()) if value) + '; '
             + ', '.join(f'{name} = {value}' for name, value
                         in facts['postgres'].items()) + '.', '']
    lines += lines_of(['requests/s', 'newsfeed', 'best peer behind nginx',
                       'best peer bare', 'limit (newsfeed\'s share)',
                       'newsfeed\'s p99 is the lowest'], summary(data))
    for operation, title in measured(data).items():
        found = rows(data, operation)
        lines += ['', f'## {title}', '', *block(found)]
        for note in notes(operation, found):
            lines += ['', note]
    return '\n'.join(lines) + '\n'
