// Who is who: names, and the participants that this browser has been.

import { get, pathOf, sleep } from './api.js';
import { make } from './dom.js';
import { browser } from './keep.js';

const USED = 'newsfeed.used';
const USED_MAX = 8;
const AT_A_TIME = 4;
const AGAIN = 3000; // milliseconds until a service that is away is asked again

const known = new Map(); // id -> promise of {id, name}
const waiting = [];
let running = 0;

// A page of a feed may name fifty: asked for once each, and few at a time.
export function person(id) {
    if (!known.has(id))
        known.set(id, ask(id));
    return known.get(id);
}

async function ask(id) {
    for (;;) {
        try {
            return (await inTurn(() => get(pathOf(id)))).data;
        } catch ({ status }) {
            if (status >= 400 && status < 500 && status !== 429) {
                known.delete(id);
                return { id, name: `Participant ${id}` };
            }
        }
        await sleep(AGAIN);
    }
}

export function learn(participant) {
    known.set(participant.id, Promise.resolve(participant));
}

async function inTurn(act) {
    if (running === AT_A_TIME)
        await new Promise(go => waiting.push(go));
    running++;
    try {
        return await act();
    } finally {
        running--;
        waiting.shift()?.();
    }
}

// A link to somebody's page, with the name as soon as it is known.
export function personLink(me, id) {
    const anchor = make('a', { href: `#/${me}/people/${id}`, className: 'person' });
    anchor.textContent = `Participant ${id}`;
    person(id).then(({ name }) => { anchor.textContent = name; });
    return anchor;
}

// The first letter of the name, for the eye alone.
export function setAvatar(element, id) {
    person(id).then(({ name }) => {
        element.textContent = [...name.trim()][0].toLocaleUpperCase();
    });
}

// --- those that this browser has been, the last one first --------------------

export function used() {
    try {
        return JSON.parse(browser.get(USED)) ?? [];
    } catch {
        return [];
    }
}

export function use({ id, name }) {
    const others = used().filter(one => one.id !== id);
    save([{ id, name }, ...others].slice(0, USED_MAX));
}

export function forget(id) {
    save(used().filter(one => one.id !== id));
}

function save(list) {
    browser.set(USED, JSON.stringify(list));
}
