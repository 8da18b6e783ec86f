// What the page shows: one function for each view, which fills it and returns
// how to leave it, or nothing.

import { credentials, get, call, idOf, pathOf, Poster } from './api.js';
import {
    announce, blame, confirm, copy, count, find, findAll, make, notify, onClick,
    onSubmit,
} from './dom.js';
import { tab } from './keep.js';
import { forget, learn, person, personLink, setAvatar, use, used } from './people.js';
import { refill, showPost } from './post.js';

const NEAR_TOP = 240; // pixels: further down, nothing moves by itself
const HELD_MAX = 200; // posts
const MANY = 'Many new posts';

const entryOf = (...children) => make('li', {}, ...children);

// A list that is read page by page. show(entry) makes an <li>.
function paged(root, path, show, emptyText) {
    const list = find('.list', root);
    const button = find('.older', root);
    const empty = find('.empty', root);
    let next = path;
    const more = async () => {
        const { data, next: behind } = await get(next);
        next = behind;
        const entries = data.map(show);
        list.append(...entries);
        button.hidden = !next;
        empty.textContent = emptyText;
        settle();
        return entries;
    };
    const settle = () => { empty.hidden = list.children.length > 0; };
    new MutationObserver(settle).observe(list, { childList: true });
    onClick(button, async () => focusOn((await more())[0]));
    return { more, list };
}

function focusOn(entry) {
    if (entry)
        find('[tabindex], a', entry).focus();
}

function readId(text) {
    const id = idOf(text);
    if (!id)
        throw new Error('Write a number such as 7, or a link such as /participant/7.');
    return id;
}

// --- who is it? --------------------------------------------------------------

export function start(root) {
    const go = participant => {
        learn(participant);
        location.hash = `#/${participant.id}`;
    };
    const poster = new Poster();
    onSubmit(find('#make', root), async ({ name }) =>
        go(await poster.post('/participant', { name })));
    onSubmit(find('#pick', root), async ({ id }) =>
        go((await get(pathOf(readId(id)))).data));
    showUsed(root);
    const away = find('#away', root);
    away.hidden = !credentials.token;
    onClick(find('button', away), () => {
        credentials.token = null;
        away.hidden = true;
        find('#name', root).focus();
        notify('The token is forgotten.');
    });
}

function showUsed(root) {
    const section = find('#used', root);
    section.hidden = used().length === 0;
    find('ul', section).replaceChildren(...used().map(one => {
        const avatar = make('span', { className: 'avatar', ariaHidden: 'true' });
        setAvatar(avatar, one.id);
        const drop = make('button', {
            type: 'button', className: 'quiet', textContent: 'Forget',
            ariaLabel: `Forget ${one.name}`,
        });
        onClick(drop, () => {
            forget(one.id);
            showUsed(root);
            find('h1', root).focus();
        });
        return entryOf(avatar, make('a', {
            href: `#/${one.id}`, className: 'person', textContent: one.name,
        }), make('span', { className: 'soft', textContent: `no. ${one.id}` }), drop);
    }));
}

// --- posting -----------------------------------------------------------------

// A participant's form is the same in every view: what is written goes along,
// and is kept in the tab.
const forms = new Map();

function setUpCompose(root, me, done) {
    if (!forms.has(me.id))
        forms.set(me.id, makeCompose(me));
    const form = forms.get(me.id);
    form.done = done;
    find('h1', root).after(form);
}

function makeCompose(me) {
    const form = copy('compose');
    const { subject, story } = form.elements;
    const key = `newsfeed.draft.${me.id}`;
    const isEmpty = () => !subject.value && !story.value;
    const save = () => tab.set(key,
        isEmpty() ? '' : JSON.stringify([subject.value, story.value]));
    const open = () => form.classList.add('open');

    [subject.value, story.value] = JSON.parse(tab.get(key)) ?? ['', ''];
    if (!isEmpty())
        open();
    form.addEventListener('focusin', open);
    form.addEventListener('input', save);
    const poster = new Poster();
    onSubmit(form, async fields => {
        const sent = new Map([subject, story].map(field => [field, field.value]));
        const item = await poster.post(`${pathOf(me.id)}/outbound`, fields);
        for (const [field, text] of sent)
            if (field.value === text)
                field.value = ''; // else it is the next one's already
        save();
        if (isEmpty() && form.contains(document.activeElement))
            subject.focus();
        notify('Posted. Your friends have it.');
        form.done?.(item);
    });
    return form;
}

// --- the feed ----------------------------------------------------------------

export function feed(root, { me, feed }) {
    const list = find('.list', root);
    const older = find('.older', root);
    const arrivals = find('.arrivals', root);
    let held = []; // posts that have come and are not shown yet
    const wiring = new AbortController();
    const on = (name, act) => feed.addEventListener(name,
        event => act(event.detail), { signal: wiring.signal });

    const entry = item => entryOf(showPost(me.id, item));
    const entryFor = item => find(`#post-${item.id}`, list)?.parentElement;

    const insert = item => {
        const behind = [...list.children].find(
            ({ firstElementChild }) => firstElementChild.item.id < item.id);
        const element = entry(item);
        element.classList.add('arrived');
        list.insertBefore(element, behind ?? null);
    };
    const reveal = () => {
        held.sort((a, b) => a.id - b.id).forEach(insert);
        held = [];
    };
    const hold = items => {
        held = items;
        if (held.length > HELD_MAX) {
            feed.fallBehind(held);
            held = [];
        }
    };
    const settle = () => {
        const { unread, more } = feed.marker;
        find('.unread-count', root).textContent = unread === null ? ''
            : unread === 0 ? 'All read'
            : `${unread.toLocaleString('en')}${more ? ' or more' : ''} unread`;
        find('.mark-read', root).hidden = !unread;
        older.hidden = feed.isWhole;
        find('.loading', root).hidden = feed.isRead;
        find('.empty', root).hidden = !feed.isRead || feed.items.size > 0;
        find('.bar', root).hidden = !feed.isRead || feed.items.size === 0;
        arrivals.hidden = held.length === 0 && !feed.isBehind;
        arrivals.textContent = feed.isBehind ? MANY
            : count(held.length, 'new post');
        for (const { firstElementChild: post } of list.children)
            post.classList.toggle('unread', feed.isUnread(post.item));
    };
    const isReading = () => list.children.length > 0
        && (scrollY > NEAR_TOP || list.contains(document.activeElement));

    // What is there already stays as it is, and whoever reads it where they are.
    const readAnew = () => {
        const items = feed.list();
        const top = isReading() ? list.firstElementChild.firstElementChild.item.id
            : Infinity;
        const newer = items.filter(({ id }) => id > top);
        const shown = newer.length < items.length ? items.slice(newer.length) : items;
        hold(items.slice(0, items.length - shown.length));
        const entries = new Map([...list.children].map(
            element => [element.firstElementChild.item.id, element]));
        for (const [id, element] of entries)
            if (!feed.items.has(id))
                removeEntry(element, root);
        let place = list.firstElementChild;
        for (const item of shown) {
            const element = entries.get(item.id);
            if (element) {
                place = element.nextElementSibling;
                refill(element.firstElementChild, item);
            } else {
                list.insertBefore(entry(item), place);
            }
        }
        settle();
    };

    on('read', readAnew);
    on('marker', settle);
    on('failed', problem => {
        find('.loading', root).textContent = problem.message;
        settle();
    });
    on('item', item => {
        if (isReading()) {
            hold([...held, item]);
            announce(feed.isBehind ? MANY : count(held.length, 'new post'));
        } else {
            held.push(item);
            reveal();
            person(idOf(item.from)).then(({ name }) =>
                announce(`${name} posted: ${item.subject}`));
        }
        settle();
    });
    on('changed', item => {
        held = held.map(one => one.id === item.id ? item : one);
        const post = entryFor(item)?.firstElementChild;
        if (post)
            refill(post, item);
    });
    const remove = items => {
        const ids = new Set(items.map(({ id }) => id));
        held = held.filter(({ id }) => !ids.has(id));
        for (const item of items)
            removeEntry(entryFor(item), root);
        settle();
    };
    on('removed', remove);
    on('dropped', remove);
    on('older', items => {
        const entries = items.map(entry);
        list.append(...entries);
        settle();
        focusOn(entries[0] ?? list.lastElementChild);
    });
    onClick(older, () => feed.older());
    onClick(find('.mark-read', root), async () => {
        await feed.markRead();
        announce('All read');
        find('h1', root).focus();
    });
    onClick(arrivals, async () => {
        if (feed.isBehind) {
            find('h1', root).focus();
            scrollTo({ top: 0 });
            await feed.refresh();
        } else {
            reveal();
            settle();
        }
        scrollTo({ top: 0 });
        list.firstElementChild?.firstElementChild.focus({ preventScroll: true });
    });
    feed.isHeld = isReading;
    setUpCompose(root, me);
    if (feed.isRead)
        readAnew();
    else
        settle();
    return () => {
        wiring.abort();
        feed.isHeld = () => false;
        feed.inTurn(() => feed.trim());
    };
}

// The focus does not fall off the page with it.
function removeEntry(entry, root) {
    if (entry?.contains(document.activeElement))
        find('h1', root).focus();
    entry?.remove();
}

// --- one's own posts ---------------------------------------------------------

export async function posts(root, { me }) {
    const show = item => entryOf(showPost(me.id, item));
    const { more, list } = paged(root, `${pathOf(me.id)}/outbound`, show,
        'You have not posted yet.');
    setUpCompose(root, me, item => {
        if (!find(`#post-${item.id}`, list))
            list.prepend(show(item));
    });
    setUpRename(root, me);
    await more();
}

function setUpRename(root, me) {
    const form = find('#rename', root);
    form.elements.name.value = me.name;
    onSubmit(form, async ({ name }) => {
        const { data } = await call('PATCH', pathOf(me.id), { body: { name } });
        learn(data);
        use(data);
        me.name = data.name;
        dispatchEvent(new CustomEvent('renamed'));
        notify(`You are ${data.name} now.`);
    });
}

// --- friends -----------------------------------------------------------------

export async function friends(root, { me }) {
    const show = ({ to }) => friendEntry(me, idOf(to), root);
    const { more, list } = paged(root, `${pathOf(me.id)}/friends`, show,
        'No friends yet. Befriend somebody by the number on their page, or find'
        + ' people by what they wrote.');
    find('.mine', root).textContent = me.id;
    const form = find('#befriend', root);
    onSubmit(form, async ({ to }) => {
        const id = readId(to);
        await befriend(me, id);
        form.reset();
        const known = findAll('li', list).find(({ friend }) => friend === id);
        list.prepend(known ?? friendEntry(me, id, root));
    });
    await more();
}

const poster = new Poster();

async function befriend(me, id) {
    await poster.post(`${pathOf(me.id)}/friends`, { to: pathOf(id) });
    const { name } = await person(id);
    notify(`You and ${name} are friends. Each has the other’s newest posts.`);
}

// true: it is done.
async function unfriend(me, id) {
    const { name } = await person(id);
    const isMeant = await confirm(
        `End the friendship with ${name}? The posts of each leave the feed of the`
        + ' other.', 'End it');
    if (isMeant) {
        await call('DELETE', `${pathOf(me.id)}/friends/${id}`);
        notify(`You and ${name} are no longer friends.`);
    }
    return isMeant;
}

function friendEntry(me, id, root) {
    const avatar = make('span', { className: 'avatar', ariaHidden: 'true' });
    setAvatar(avatar, id);
    const button = make('button', {
        type: 'button', className: 'quiet', textContent: 'Unfriend',
    });
    person(id).then(({ name }) => { button.ariaLabel = `Unfriend ${name}`; });
    const entry = entryOf(avatar, personLink(me.id, id),
        make('span', { className: 'soft', textContent: `no. ${id}` }), button);
    entry.friend = id;
    onClick(button, async () => {
        if (await unfriend(me, id))
            removeEntry(entry, root);
    });
    return entry;
}

// --- somebody ----------------------------------------------------------------

const FRIENDS_PAGES = 10; // of 200: so many are looked through for one

async function findFriend(me, id) {
    let next = `${pathOf(me.id)}/friends?limit=200`;
    for (let page = 0; next && page < FRIENDS_PAGES; page++) {
        const answer = await get(next);
        if (answer.data.some(({ to }) => idOf(to) === id))
            return true;
        next = answer.next;
    }
    return false;
}

export async function people(root, { me, id }) {
    const { data: somebody } = await get(pathOf(id));
    learn(somebody);
    setAvatar(find('.avatar', root), id);
    find('h1', root).textContent = somebody.name;
    find('.number', root).textContent = `no. ${id}`;
    find('.be', root).href = `#/${id}`;
    const join = find('.befriend', root);
    const part = find('.unfriend', root);
    const showAs = isFriend => {
        join.hidden = isFriend || id === me.id;
        part.hidden = !isFriend;
    };
    onClick(join, async () => {
        await befriend(me, id);
        showAs(true);
        part.focus();
    });
    onClick(part, async () => {
        if (await unfriend(me, id)) {
            showAs(false);
            join.focus();
        }
    });
    find('.be', root).hidden = id === me.id;
    showAs(await findFriend(me, id));
    const { more } = paged(root, `${pathOf(id)}/outbound`,
        item => entryOf(showPost(me.id, item)), `${somebody.name} has not posted yet.`);
    await more();
    return null;
}

// --- search ------------------------------------------------------------------

export async function search(root, { me, query }) {
    const form = find('#find', root);
    const keywords = query.get('keywords') ?? '';
    const isOfFriends = query.has('friends');
    form.elements.keywords.value = keywords;
    form.elements.friends.checked = isOfFriends;
    onSubmit(form, fields => {
        const words = new URLSearchParams({ keywords: fields.keywords });
        if (fields.friends)
            words.set('friends', '1');
        const hash = `#/${me.id}/search?${words}`;
        if (location.hash === hash)
            dispatchEvent(new HashChangeEvent('hashchange'));
        else
            location.hash = hash;
    });
    if (!keywords)
        return;
    const words = new URLSearchParams({ keywords, highlight: 'true' });
    if (isOfFriends)
        words.set('friends_of', me.id);
    const { more } = paged(root, `/outbound/items?${words}`,
        item => entryOf(showPost(me.id, item, item.highlights)),
        'No post has these words.');
    try {
        const [found] = await Promise.all([
            more(), isOfFriends ? null : showAuthors(root, me, keywords),
        ]);
        announce(count(found.length, 'post'));
    } catch (problem) {
        blame(form, problem);
    }
}

async function showAuthors(root, me, keywords) {
    const { data } = await get(
        `/outbound?${new URLSearchParams({ keywords, limit: 8 })}`);
    find('.authors', root).hidden = data.length === 0;
    find('.authors ul', root).append(
        ...data.map(link => entryOf(personLink(me.id, idOf(link)))));
}
