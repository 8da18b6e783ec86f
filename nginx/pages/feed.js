// The feed of a participant as it is now: read once, then kept by the stream.

import { call, get, pathOf, sleep } from './api.js';
import { Stream } from './stream.js';

const QUIET = 200; // milliseconds in which posts are counted together
const AGAIN = 2000; // milliseconds until what failed is counted again

// So many are kept, however long the page stays open: when there are more than
// MOST, the oldest go, down to KEPT, and are read again by who asks for them.
// Where somebody reads in the midst of them, none goes.
const KEPT = 200;
const MOST = 250;
const ANEW_MAX = 1000; // so many are read again, to keep somebody's place

// Acts that are done one after another.
function queue() {
    let last = Promise.resolve();
    return act => {
        const done = last.then(act);
        last = done.catch(() => {});
        return done;
    };
}

// Its events: 'read' (anew), 'item', 'changed', 'removed', 'dropped' (the
// oldest), 'older', 'marker', 'state', 'failed'; detail is the item, the items,
// or the problem.
export class Feed extends EventTarget {
    constructor(id) {
        super();
        this.id = id;
        this.path = `${pathOf(id)}/inbound`;
        this.items = new Map();
        this.isWhole = true; // nothing is behind these
        this.isBehind = false; // nor is what has come of late before them
        this.isHeld = () => false; // somebody reads in the midst of them
        this.marker = { last_read: Infinity, unread: null, more: false }; // unknown
        this.isRead = false;
        this.state = 'connecting';
        this.turns = queue();
        this.markings = queue();
        this.isCounted = true;
        this.stream = new Stream(`${this.path}/stream`, {
            take: (name, data) => this.inTurn(() => this.take(name, data)),
            tell: (state, problem) => this.setState(state, problem),
        });
    }

    close() {
        this.isClosed = true;
        this.stream.close();
    }

    say(name, detail) {
        if (!this.isClosed)
            this.dispatchEvent(new CustomEvent(name, { detail }));
    }

    // One after another: what the stream tells of comes behind what was read
    // when it was told, and nothing that was removed comes back.
    inTurn(act) {
        const done = this.turns(() => this.isClosed ? null : act());
        done.catch(problem => this.say('failed', problem));
        return done;
    }

    setState(state, problem = null) {
        this.state = state;
        this.problem = problem;
        this.say('state', problem);
        if (!this.isRead && (state === 'off' || state === 'waiting'))
            this.refresh().catch(() => {}); // said already
        if (problem?.status === 404)
            this.checkWho();
        if (state === 'live' && !this.isCounted)
            this.countUnread();
    }

    // There are no streams, or nobody to listen.
    async checkWho() {
        try {
            await get(pathOf(this.id));
        } catch (problem) {
            if (problem.status === 404)
                this.setState('gone');
        }
    }

    async take(name, data) {
        if (name === 'ready' || name === 'reset')
            await this.read().catch(problem => {
                this.stream.restart();
                throw problem;
            });
        else if (name === 'item')
            await this.add(data);
        else if (name === 'changed')
            this.change(data);
        else if (name === 'removed')
            await this.remove(data);
    }

    // The first page, by the very path that the service's cache has it under,
    // and those behind it down to where somebody reads.
    async read() {
        const floor = this.isHeld() ? this.oldest() : Infinity;
        let { data, next } = await get(this.path);
        const items = new Map(data.map(item => [item.id, item]));
        while (next && data.at(-1).id > floor && items.size < ANEW_MAX) {
            ({ data, next } = await get(this.behind(data.at(-1).id, KEPT)));
            for (const item of data)
                items.set(item.id, item);
        }
        this.items = items;
        this.isWhole = !next;
        this.isBehind = false;
        this.isRead = true;
        await this.readMarker().catch(() => { this.countUnread(); });
        this.say('read');
    }

    behind(id, limit) {
        return `${this.path}?before=${id}${limit ? `&limit=${limit}` : ''}`;
    }

    refresh() {
        return this.inTurn(() => this.read());
    }

    // Newest first.
    list() {
        return [...this.items.values()].sort((a, b) => b.id - a.id);
    }

    oldest() {
        return Math.min(...this.items.keys());
    }

    add(item) {
        if (this.items.has(item.id) || (!this.isWhole && item.id < this.oldest()))
            return null; // it comes with its page
        this.countUnread();
        if (this.isBehind)
            return this.isHeld() ? null : this.read();
        this.items.set(item.id, item);
        this.say('item', item);
        this.trim();
        return null;
    }

    trim() {
        if (this.items.size > MOST && !this.isHeld())
            this.drop(this.list().slice(KEPT));
    }

    drop(items) {
        for (const { id } of items)
            this.items.delete(id);
        this.isWhole = false;
        this.say('dropped', items);
    }

    // More has come than is kept for somebody who reads further down: these go,
    // and what comes is not kept until all of it is read anew.
    fallBehind(items) {
        for (const { id } of items)
            this.items.delete(id);
        this.isBehind = true;
    }

    change(item) {
        if (!this.items.has(item.id))
            return;
        this.items.set(item.id, item);
        this.say('changed', item);
    }

    async remove({ reason, id, from }) {
        if (from === pathOf(this.id)) {
            this.stream.close();
            this.setState('gone');
            return;
        }
        const gone = [...this.items.values()].filter(item =>
            reason === 'removed' && id ? item.id === id : item.from === from);
        for (const item of gone)
            this.items.delete(item.id);
        this.say('removed', gone);
        this.countUnread();
        if (this.items.size === 0 && !this.isWhole)
            await this.read();
    }

    older() {
        return this.inTurn(async () => {
            const { data, next } = await get(this.behind(this.oldest()));
            const items = data.filter(({ id }) => !this.items.has(id));
            for (const item of items)
                this.items.set(item.id, item);
            this.isWhole = !next;
            this.say('older', items);
        });
    }

    // --- how far it is read --------------------------------------------------

    isUnread(item) {
        return item.id > this.marker.last_read;
    }

    // One after another, so that no answer from before takes the place of a
    // later one.
    askMarker(method, options) {
        return this.markings(async () => {
            const { data } = await call(method, `${this.path}/marker`, options);
            this.marker = data;
            this.say('marker');
        });
    }

    readMarker() {
        return this.askMarker('GET');
    }

    // Only the service knows how many there are behind this page. However many
    // posts come in a second, it is asked once, and once more for those that
    // came while it was asked.
    async countUnread() {
        this.isCounted = false;
        if (this.isCounting)
            return;
        this.isCounting = true;
        while (!this.isCounted && this.state === 'live' && !this.isClosed) {
            await sleep(QUIET);
            this.isCounted = true;
            await this.readMarker().catch(() => {
                this.isCounted = false;
                return sleep(AGAIN);
            });
        }
        this.isCounting = false;
    }

    markRead() {
        const last = Math.max(0, ...this.items.keys());
        return this.askMarker('PUT', { body: { last_read: last } });
    }
}
