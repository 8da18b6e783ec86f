// A client of newsfeed, for browsers and Node.js 18. Each operation of
// etc/openapi.yaml is a method of Newsfeed, which that file describes; what it
// answers is what the method gives, and whatever is no success is a Problem.

const TRIES = 3;
const TIMEOUT = 30000; // ms
const AGAIN = [409, 429, 503]; // where the same request may succeed later
const SILENCE = 60000; // ms without a sign of life, of which a stream has one in 15 s

/** An answer that is no success. `members` has those of RFC 9457, such as
 *  detail, errors and request_id. */
export class Problem extends Error {
  constructor(answer, members) {
    super(`${answer.status}: ${members.detail ?? answer.statusText}`);
    this.name = 'Problem';
    this.status = answer.status;
    this.members = members;
    this.retryAfter = Number(answer.headers.get('Retry-After')) || 1; // seconds
  }
}

// Whether what failed so may succeed later.
const isPassing = (fault) =>
  fault instanceof Problem ? AGAIN.includes(fault.status) : !(fault instanceof SyntaxError);

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// A key has to be another one than all before, and no secret.
const newKey = () => [1, 2, 3].map(() => Math.random().toString(36).slice(2)).join('-');

const withQuery = (path, query) => {
  const text = String(new URLSearchParams(query));
  return text ? `${path}?${text}` : path;
};

export class Newsfeed {
  #url;
  #token;

  /** token: a text, or a function that gives one that still holds. */
  constructor(url, token) {
    this.#url = String(url).replace(/\/$/, '');
    this.#token = token;
  }

  async #open(method, path, {body, headers, signal} = {}) {
    const token = typeof this.#token === 'function' ? await this.#token() : this.#token;
    const answer = await fetch(this.#url + path, {
      method,
      signal,
      body: body && JSON.stringify(body),
      headers: {
        ...(body && {'Content-Type': 'application/json'}),
        ...(token && {Authorization: `Bearer ${token}`}),
        ...headers,
      },
    });
    if (!answer.ok) throw new Problem(answer, await answer.json().catch(() => ({})));
    return answer;
  }

  async #call(method, path, {tries = 1, ...options} = {}) {
    for (;;) {
      tries -= 1;
      try {
        const signal = AbortSignal.timeout(TIMEOUT);
        return await this.#read(await this.#open(method, path, {...options, signal}));
      } catch (fault) {
        if (tries <= 0 || !isPassing(fault)) throw fault;
        await pause(1000 * (fault.retryAfter ?? 1));
      }
    }
  }

  // An object or array, with `etag`. An array is a page, newest first, from
  // which Link leads on: `next()` to the older one or null, `prev()` to the newer
  // one, empty when there is none yet, and `all()` to these entries and all older.
  async #read(answer) {
    const text = await answer.text();
    if (!text) return undefined;
    const value = JSON.parse(text);
    const found = (answer.headers.get('Link') ?? '').matchAll(/<([^>]*)>; *rel="(\w+)"/g);
    const links = Object.fromEntries([...found].map(([, path, rel]) => [rel, path]));
    const follow = async (path) => (path ? this.#get(path) : null);
    async function* all() {
      for (let page = value; page; page = await page.next()) yield* page;
    }
    return Object.defineProperties(value, {
      etag: {value: answer.headers.get('ETag')},
      ...(Array.isArray(value) && {
        next: {value: () => follow(links.next)},
        prev: {value: () => follow(links.prev)},
        all: {value: all},
      }),
    });
  }

  #get(path, query) {
    return this.#call('GET', withQuery(path, query), {tries: TRIES});
  }

  // Takes effect once, however often it is tried: by its key.
  #post(path, body, key = newKey()) {
    return this.#call('POST', path, {body, headers: {'Idempotency-Key': key}, tries: TRIES});
  }

  // Participants and friends.

  addParticipant(name, {key} = {}) {
    return this.#post('/participant', {name}, key);
  }

  addParticipants(names, {key} = {}) {
    return this.#post('/participants', names.map((name) => ({name})), key);
  }

  getParticipant(id) {
    return this.#get(`/participant/${id}`);
  }

  renameParticipant(id, name) {
    return this.#call('PATCH', `/participant/${id}`, {body: {name}});
  }

  removeParticipant(id) {
    return this.#call('DELETE', `/participant/${id}`);
  }

  addFriend(id, to, {key} = {}) {
    return this.#post(`/participant/${id}/friends`, {to}, key);
  }

  /** to: several of them. */
  addFriends(id, to, {key} = {}) {
    return this.#post(`/participant/${id}/friendships`, to.map((each) => ({to: each})), key);
  }

  getFriend(id, query) {
    return this.#get(`/participant/${id}/friends`, query);
  }

  removeFriend(id, friend) {
    return this.#call('DELETE', `/participant/${id}/friends/${friend}`);
  }

  // Posts.

  addOutbound(id, subject, story, {key} = {}) {
    return this.#post(`/participant/${id}/outbound`, {subject, story}, key);
  }

  getOutbound(id, query) {
    return this.#get(`/participant/${id}/outbound`, query);
  }

  getOutboundItem(id, item) {
    return this.#get(`/participant/${id}/outbound/${item}`);
  }

  /** changes: {subject, story} or one of them. */
  editOutbound(id, item, changes, {ifMatch} = {}) {
    const headers = ifMatch && {'If-Match': ifMatch};
    return this.#call('PATCH', `/participant/${id}/outbound/${item}`, {body: changes, headers});
  }

  removeOutbound(id, item) {
    return this.#call('DELETE', `/participant/${id}/outbound/${item}`);
  }

  searchOutbound(keywords, query) {
    return this.#get('/outbound', {keywords, ...query});
  }

  searchItems(keywords, query) {
    return this.#get('/outbound/items', {keywords, ...query});
  }

  // Feeds.

  getInbound(id, query) {
    return this.#get(`/participant/${id}/inbound`, query);
  }

  getMarker(id) {
    return this.#get(`/participant/${id}/inbound/marker`);
  }

  setMarker(id, lastRead) {
    const body = {last_read: lastRead};
    return this.#call('PUT', `/participant/${id}/inbound/marker`, {body, tries: TRIES});
  }

  /** Each {event, id, data} as it comes, behind the one with the id `after`, until
   *  `signal` ends it. Goes on where it was when it is cut, for as long as the
   *  service lets it. */
  async *getInboundStream(id, {after, signal} = {}) {
    let wait = 1000;
    for (let hasBegun = false; !signal?.aborted; await pause(wait)) {
      const life = new AbortController();
      const end = () => life.abort();
      let timer = setTimeout(end, SILENCE);
      signal?.addEventListener('abort', end);
      try {
        const headers = after !== undefined && {'Last-Event-ID': String(after)};
        const options = {headers, signal: life.signal};
        const answer = await this.#open('GET', `/participant/${id}/inbound/stream`, options);
        hasBegun = true;
        for await (const fields of readFields(answer.body)) {
          clearTimeout(timer);
          timer = setTimeout(end, SILENCE);
          wait = Number(fields.retry ?? wait);
          if (fields.data === undefined) continue;
          after = fields.id;
          yield {event: fields.event, id: after, data: JSON.parse(fields.data)};
        }
      } catch (fault) {
        if (signal?.aborted) return;
        if (!hasBegun || !isPassing(fault)) throw fault;
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener('abort', end);
        end();
      }
    }
  }
}

const readField = (line) => {
  const colon = line.indexOf(':');
  return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')];
};

// The fields of each server-sent event; a sign of life has none that is known.
async function* readFields(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (let {done, value} = await reader.read(); !done; {done, value} = await reader.read()) {
    const blocks = (text + value).split('\n\n');
    text = blocks.pop();
    for (const block of blocks) yield Object.fromEntries(block.split('\n').map(readField));
  }
}
