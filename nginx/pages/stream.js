// A stream of server-sent events that goes on. The browser's EventSource cannot
// send a token, and gives up for ever where it is refused once.

import { send } from './api.js';

const PAUSE = 1000; // until the service names another
const PAUSE_MAX = 30000;
const SILENCE_MAX = 160000; // twice the longest heartbeat, and more
const SILENCE_WAKING = 40000;
const HIDDEN_MAX = 60000;

// Takes text in any pieces, and gives the events that are whole.
export class Parser {
    constructor() {
        this.rest = '';
        this.retry = null;
        this.clear();
    }

    clear() {
        this.name = '';
        this.data = [];
        this.id = null;
    }

    push(text) {
        const events = [];
        const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
        this.rest = lines.pop(); // a \r at the end may be half of a \r\n
        for (const line of lines) {
            if (line)
                this.take(line);
            else
                this.finish(events);
        }
        return events;
    }

    take(line) {
        const [, name, value] = line.match(/^([^:]*)(?:: ?(.*))?$/s);
        if (name === 'event')
            this.name = value ?? '';
        else if (name === 'data')
            this.data.push(value ?? '');
        else if (name === 'id')
            this.id = value ?? '';
        else if (name === 'retry' && /^\d+$/.test(value))
            this.retry = Number(value);
    }

    finish(events) {
        if (this.data.length > 0)
            events.push({
                name: this.name || 'message',
                id: this.id,
                data: this.data.join('\n'),
            });
        this.clear();
    }
}

// Listens until close(). take(name, data) is called for each event, and told
// is 'connecting', 'live', 'waiting' or, with the problem, 'off': there will be
// no more.
//
// A browser has six connections to a host, and each page that listens has one
// of them: one that is not looked at for a minute lets go, and one that is left
// does at once, for a browser keeps it to go back to.
export class Stream {
    constructor(path, { take, tell }) {
        Object.assign(this, { path, take, tell });
        this.last = null;
        this.pause = PAUSE;
        this.failures = 0;
        this.watching = new AbortController();
        const { signal } = this.watching;
        document.addEventListener('visibilitychange', () => this.look(), { signal });
        addEventListener('pagehide', () => this.cut(), { signal });
        addEventListener('offline', () => this.cut(), { signal });
        addEventListener('online', () => this.now(), { signal });
        this.look();
        this.run();
    }

    get isClosed() {
        return this.watching.signal.aborted;
    }

    close() {
        this.watching.abort();
        clearTimeout(this.leaving);
        this.now();
    }

    cut() {
        this.abort?.abort();
    }

    // From where it is then, with a 'ready' first.
    restart() {
        this.last = null;
        this.cut();
    }

    // Ends a wait, or a connection that may be dead, and connects at once.
    now() {
        this.isHurried = true;
        this.cut();
        this.wake?.();
    }

    look() {
        clearTimeout(this.leaving);
        if (document.hidden)
            this.leaving = setTimeout(() => this.cut(), HIDDEN_MAX);
        else if (this.wake || Date.now() - this.heard > SILENCE_WAKING)
            this.now();
    }

    async run() {
        while (!this.isClosed) {
            this.tell('connecting');
            const problem = await this.connect();
            if (this.isClosed)
                return;
            if (problem && isFinal(problem)) {
                this.tell('off', problem);
                this.close();
                return;
            }
            this.tell('waiting');
            await this.wait();
        }
    }

    // What ended it: a problem, or null where it had been live.
    async connect() {
        this.abort = new AbortController();
        const headers = { Accept: 'text/event-stream' };
        if (this.last)
            headers['Last-Event-ID'] = this.last;
        let watch;
        try {
            const { body } = await send(this.path, {
                headers, signal: this.abort.signal, cache: 'no-store',
            });
            this.failures = 0;
            this.heard = Date.now();
            watch = setInterval(() => this.checkSilence(), PAUSE);
            this.tell('live');
            await this.read(body.getReader());
            return null;
        } catch (problem) {
            this.failures++;
            if (problem.status === 400)
                this.last = null; // not an event of this stream any more
            return problem;
        } finally {
            clearInterval(watch);
        }
    }

    checkSilence() {
        if (Date.now() - this.heard > SILENCE_MAX)
            this.now();
    }

    async read(reader) {
        const decoder = new TextDecoder();
        const parser = new Parser();
        for (;;) {
            const { value, done } = await reader.read();
            if (done || this.isClosed)
                return;
            this.heard = Date.now();
            for (const event of parser.push(decoder.decode(value, { stream: true }))) {
                if (event.id)
                    this.last = event.id;
                this.take(event.name, JSON.parse(event.data));
            }
            this.pause = parser.retry ?? this.pause;
        }
    }

    // Longer each time that nobody answers, and not at the same time as others.
    async wait() {
        const longest = Math.min(this.pause * 2 ** this.failures, PAUSE_MAX);
        await new Promise(done => {
            this.wake = done;
            if (this.isHurried && !document.hidden)
                done();
            else if (!document.hidden)
                setTimeout(done, longest * (0.5 + Math.random() / 2));
        });
        this.wake = null;
        this.isHurried = false;
    }
}

// Neither a service that restarts, nor one that has too much to do, nor a cursor
// that it does not know.
function isFinal(problem) {
    return problem.status > 400 && problem.status < 500 && problem.status !== 429;
}
