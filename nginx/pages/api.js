// Requests to the service: credentials, problems, links, trying again.

import { tab } from './keep.js';

const TOKEN = 'newsfeed.token';
const TRIES = 4;

export class Problem extends Error {
    // problem: the service's problem document (RFC 9457), or what stands for it.
    constructor(status, problem) {
        super(problem.detail.replace(/^./u, first => first.toUpperCase())
            .replace(/[^.!?]$/u, '$&.'));
        this.status = status;
        this.title = problem.title;
        this.errors = problem.errors ?? [];
    }
}

// The token is this tab's alone, and gone with it: two tabs may be two people.
export const credentials = {
    get token() {
        return tab.get(TOKEN);
    },
    set token(text) {
        tab.set(TOKEN, text);
    },

    // Asks the user for another; false: there is none. Set by main.js.
    ask: async () => false,
};

let asking = null;
let kept = null; // a token that the user sticks to, whatever it may not do

// All requests that are turned away meanwhile wait for the same answer.
export function askForToken(why) {
    asking ??= credentials.ask(why).finally(() => { asking = null; });
    return asking;
}

export const sleep = milliseconds =>
    new Promise(done => setTimeout(done, milliseconds));

// What fetch() gives, with the token sent along. The token of when it was sent
// may be another by the time that it is refused: then that one is tried first.
export async function send(path, options = {}) {
    for (;;) {
        const { token } = credentials;
        const headers = { ...options.headers };
        if (token)
            headers.Authorization = `Bearer ${token}`;
        let response;
        try {
            response = await fetch(path, { ...options, headers });
        } catch (error) {
            if (error.name === 'AbortError')
                throw error;
            throw new Problem(0, { detail: 'The service cannot be reached.' });
        }
        if (response.ok)
            return response;
        const problem = await readProblem(response);
        const isOfToken = response.status === 401
            || (response.status === 403 && token !== kept);
        if (!isOfToken)
            throw problem;
        if (token === credentials.token && !await askForToken(problem.message)) {
            kept = token;
            throw problem;
        }
    }
}

async function readProblem(response) {
    let problem;
    try {
        problem = await response.json();
    } catch {
        problem = { detail: `The service answered ${response.status}.` };
    }
    const error = new Problem(response.status, problem);
    error.wait = Number(response.headers.get('Retry-After')) || 1;
    return error;
}

// {data, etag, next}; next is the path of the next page, or null.
export async function call(method, path, { body, headers = {}, signal } = {}) {
    const options = {
        method, headers: { ...headers }, signal, cache: 'no-cache',
    };
    if (body !== undefined) {
        options.headers['Content-Type'] = 'application/json';
        options.body = JSON.stringify(body);
    }
    for (let tries = 1; ; tries++) {
        try {
            const response = await send(path, options);
            return {
                data: response.status === 204 ? null : await response.json(),
                etag: response.headers.get('ETag'),
                next: nextOf(response.headers.get('Link')),
            };
        } catch (problem) {
            const isBusy = problem.status === 429 || problem.status === 503;
            if (method !== 'GET' || !isBusy || tries === TRIES)
                throw problem;
            await sleep(problem.wait * 1000 * (1 + Math.random()));
        }
    }
}

export const get = (path, options) => call('GET', path, options);

function nextOf(link) {
    return link?.match(/<([^>]*)>;\s*rel="next"/)?.[1] ?? null;
}

// A POST that may be sent again: where no answer came, the same body goes with
// the same key, and takes effect once.
export class Poster {
    async post(path, body) {
        const text = `${path} ${JSON.stringify(body)}`;
        if (text !== this.text) {
            this.text = text;
            this.key = makeKey();
        }
        const answer = await call('POST', path,
            { body, headers: { 'Idempotency-Key': this.key } });
        this.text = null;
        return answer.data;
    }
}

// crypto.randomUUID() is for secure contexts alone, and HTTP may be none.
function makeKey() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, b => b.toString(16).padStart(2, '0')).join('');
}

export const pathOf = id => `/participant/${id}`;

// The id in a participant's link, or in whatever somebody typed in its place.
export function idOf(text) {
    const found = String(text).trim()
        .match(/^(?:.*\/participant\/)?([1-9][0-9]{0,15})$/);
    return found ? Number(found[1]) : null;
}
