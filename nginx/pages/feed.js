// The feed of a participant as it is now: read once, then kept by the stream.

import { call, get, pathOf, sleep } from './api.js';
import { Stream } from './stream.js';

const QUIET = 200; // milliseconds in which posts are counted together

// Its events: 'read' (anew), 'item', 'changed', 'removed', 'older', 'marker',
// 'state', 'failed'; detail is the item, the items, or the problem.
export class Feed extends EventTarget {
    constructor(id) {
        super();
        this.id = id;
        this.path = `${pathOf(id)}/inbound`;
        this.items = new Map();
        this.next = null; // the path of the page behind these
        this.marker = { last_read: 0, unread: 0, more: false };
        this.isRead = false;
        this.state = 'connecting';
        this.turn = Promise.resolve();
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
        const done = this.turn.then(() => this.isClosed ? null : act());
        this.turn = done.catch(problem => this.say('failed', problem));
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
            this.add(data);
        else if (name === 'changed')
            this.change(data);
        else if (name === 'removed')
            this.remove(data);
    }

    // The first page, by the very path that the service's cache has it under.
    async read() {
        const { data, next } = await get(this.path);
        this.items = new Map(data.map(item => [item.id, item]));
        this.next = next;
        this.isRead = true;
        await this.readMarker();
        this.say('read');
    }

    refresh() {
        return this.inTurn(() => this.read());
    }

    // Newest first.
    list() {
        return [...this.items.values()].sort((a, b) => b.id - a.id);
    }

    add(item) {
        const oldest = Math.min(...this.items.keys());
        if (this.items.has(item.id) || (this.next && item.id < oldest))
            return; // it comes with its page
        this.items.set(item.id, item);
        this.say('item', item);
        this.countUnread();
    }

    change(item) {
        if (!this.items.has(item.id))
            return;
        this.items.set(item.id, item);
        this.say('changed', item);
    }

    remove({ reason, id, from }) {
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
    }

    older() {
        return this.inTurn(async () => {
            const { data, next } = await get(this.next);
            const items = data.filter(({ id }) => !this.items.has(id));
            for (const item of items)
                this.items.set(item.id, item);
            this.next = next;
            this.say('older', items);
        });
    }

    // --- how far it is read --------------------------------------------------

    isUnread(item) {
        return item.id > this.marker.last_read;
    }

    async readMarker() {
        const { data } = await get(`${this.path}/marker`);
        this.marker = data;
        this.say('marker');
    }

    // Only the service knows how many there are behind this page. However many
    // posts come in a second, it is asked once.
    async countUnread() {
        if (this.isCounting)
            return;
        this.isCounting = true;
        await sleep(QUIET);
        try {
            await this.readMarker();
        } catch {
            // the next one that comes asks again
        }
        this.isCounting = false;
    }

    async markRead() {
        const last = Math.max(0, ...this.items.keys());
        const { data } = await call('PUT', `${this.path}/marker`,
            { body: { last_read: last } });
        this.marker = data;
        this.say('marker');
    }
}
