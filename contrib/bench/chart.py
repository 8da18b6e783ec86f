"""The chart: a panel for each operation, with a bar for each system."""
from html import escape

import results

WIDTH, MARGIN, GAP = 960, 24, 32
PANEL = (WIDTH - 2 * MARGIN - GAP) // 2
NAMES, LATENCY = 72, 76  # left and right of the bars
VALUE = 64  # room behind the longest bar
BAR, ROW = 13, 34
HEAD, TITLE = 112, 34
COLOURS = {'newsfeed': '#0b6e4f', 'nginx': '#4a6fa5', 'bare': '#b4c5de'}

STYLE = '''
text { font-family: system-ui, "Segoe UI", Helvetica, Arial, sans-serif;
    font-size: 12px; fill: #24292f }
.title { font-size: 20px; font-weight: 600 }
.panel { font-size: 14px; font-weight: 600 }
.small { font-size: 11px; fill: #57606a }
.ours { font-weight: 600 }
.end { text-anchor: end }
'''


def text(x, y, value, style=''):
    return (f'<text x="{x:.0f}" y="{y:.0f}" class="{style}">'
            f'{escape(str(value))}</text>')


def rectangle(x, y, width, height, colour):
    return (f'<rect x="{x:.0f}" y="{y:.0f}" width="{max(width, 1):.1f}" '
            f'height="{height}" rx="1.5" fill="{colour}"/>')


def bar(x, y, row, scale):
    """The bar with its value behind it, and p99 at the panel's right."""
    style = 'ours' if row['kind'] == 'newsfeed' else \
        'small' if row['kind'] == 'bare' else ''
    left, width = x + NAMES, row['rate'] * scale
    errors = ' !' if row['errors'] else ''
    return [rectangle(left, y, width, BAR, COLOURS[row['kind']]),
            text(left + width + 5, y + BAR - 2, f'{row["rate"]:,.0f}{errors}',
                 style),
            text(x + PANEL, y + BAR - 2, f'{results.ms(row["p99"])} ms',
                 f'{style} end')]


def panel(x, y, title, found):
    """newsfeed, then each peer: behind nginx, and bare under it."""
    scale = (PANEL - NAMES - VALUE - LATENCY) / max(r['rate'] for r in found)
    bare = {row['system'].split(',')[0]: row for row in found
            if row['kind'] == 'bare'}
    shapes = [text(x, y + 14, title, 'panel'),
              text(x + PANEL, y + 14, 'p99', 'small end')]
    y += TITLE - 8
    for row in found:
        if row['kind'] not in ('newsfeed', 'nginx'):
            continue
        ours = row['kind'] == 'newsfeed'
        shapes.append(text(x, y + BAR - 2, row['system'],
                           'ours' if ours else ''))
        shapes += bar(x, y, row, scale)
        if row['system'] in bare:
            shapes += bar(x, y + BAR + 1, bare[row['system']], scale)
        y += BAR + 8 if ours else ROW
    return shapes


def legend(x, y):
    shapes = []
    for kind, name in (('newsfeed', 'newsfeed, behind nginx'),
                       ('nginx', 'peer behind nginx'),
                       ('bare', 'the same peer without nginx')):
        shapes += [rectangle(x, y, BAR, BAR, COLOURS[kind]),
                   text(x + BAR + 6, y + BAR - 2, name)]
        x += 44 + 7 * len(name)
    shapes.append(text(WIDTH - MARGIN, y + BAR - 2,
                       '! some requests failed', 'small end'))
    return shapes


def draw(data):
    facts = data['facts']
    found = {operation: [row for row in results.rows(data, operation)
                         if row['kind'] != 'limit']
             for operation in results.measured(data)}
    peers = sum(row['kind'] == 'nginx' for row in [*found.values()][-1])
    height = TITLE + BAR + 8 + ROW * peers + 14
    total = HEAD + (len(found) + 1) // 2 * height + MARGIN
    shapes = [rectangle(0, 0, WIDTH, total, '#ffffff'),
              text(MARGIN, 36, 'Requests a second, 16 clients', 'title'),
              text(MARGIN, 56, results.machine(facts), 'small'),
              text(MARGIN, 72, f'{facts["date"]}, commit {facts["commit"]}, '
                   f'rounds: {facts["rounds"]}, seconds of a measurement: '
                   f'{facts["seconds"]}', 'small'), *legend(MARGIN, 84)]
    for i, (operation, rows) in enumerate(found.items()):
        shapes += panel(MARGIN + i % 2 * (PANEL + GAP),
                        HEAD + 8 + i // 2 * height,
                        results.OPERATIONS[operation], rows)
    body = '\n'.join(shapes)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
            f'height="{total}" viewBox="0 0 {WIDTH} {total}">\n'
            f'<style>{STYLE}</style>\n{body}\n</svg>\n')
