// The page: who it is for, which view it shows, how the stream is. The address
// behind # says what is shown: #/7 is the feed of participant 7, #/7/friends.

import { credentials, get, pathOf } from './api.js';
import { announce, copy, find, findAll, notify, setTime } from './dom.js';
import { Feed } from './feed.js';
import { forget, learn, setAvatar, use, used } from './people.js';
import * as views from './views.js';

const TITLES = {
    feed: 'Feed', posts: 'Your posts', friends: 'Friends', search: 'Search',
    people: 'Somebody', start: 'Welcome',
};

let me = null;
let feed = null;
let leave = null;
let routes = 0;
let isOutOfReach = false; // a view, for want of the service

// --- which view --------------------------------------------------------------

function parse(hash) {
    const [path, query] = hash.replace(/^#\/?/, '').split('?');
    const [id, view, other] = path.split('/');
    if (!/^[1-9]\d{0,15}$/.test(id))
        return { view: 'start' };
    return {
        view: view in TITLES && view !== 'start' ? view : 'feed',
        me: Number(id),
        id: Number(other),
        query: new URLSearchParams(query),
    };
}

async function show() {
    const route = parse(location.hash);
    const mine = ++routes; // another may be asked for before this one is there
    leave?.();
    leave = null;
    isOutOfReach = false;
    try {
        await become(route.me);
        if (mine !== routes)
            return;
        const root = copy(`view-${route.view}`);
        find('#view').replaceChildren(root);
        markNavigation(route.view);
        const done = views[route.view](root, { ...route, me, feed });
        takeFocus(root);
        const result = await done;
        if (mine === routes)
            leave = result;
        else
            result?.();
        setTitle();
    } catch (problem) {
        if (mine === routes)
            showFault(problem);
    }
}

// Where the view begins; not on the first one, which the browser is to read.
let isFirst = true;

function takeFocus(root) {
    scrollTo({ top: 0, behavior: 'instant' });
    if (!isFirst)
        find('h1', root).focus({ preventScroll: true });
    isFirst = false;
}

function showFault(problem) {
    isOutOfReach = problem.status === 0;
    const root = copy('view-fault');
    find('p', root).textContent = problem.message;
    find('button', root).addEventListener('click', show);
    find('#view').replaceChildren(root);
    takeFocus(root);
}

function markNavigation(view) {
    for (const link of findAll('nav a')) {
        if (me)
            link.href = `#/${me.id}${link.dataset.view === 'feed' ? ''
                : `/${link.dataset.view}`}`;
        if (link.dataset.view === view)
            link.setAttribute('aria-current', 'page');
        else
            link.removeAttribute('aria-current');
    }
}

function setTitle() {
    const { view } = parse(location.hash);
    const unread = feed?.marker.unread;
    const what = view === 'people' ? find('h1').textContent : TITLES[view];
    document.title = (unread ? `(${unread}) ` : '') + `${what} – newsfeed`;
}

// --- who ---------------------------------------------------------------------

async function become(id) {
    if (id === me?.id)
        return;
    feed?.close();
    feed = me = null;
    showWho();
    if (!id)
        return;
    const { data } = await get(pathOf(id)).catch(problem => {
        if (problem.status === 404)
            forget(id);
        throw problem;
    });
    if (id !== parse(location.hash).me || me)
        return; // somebody else by now, or already this one
    me = data;
    learn(me);
    use(me);
    feed = new Feed(id);
    feed.addEventListener('state', () => showState());
    feed.addEventListener('marker', showUnread);
    feed.addEventListener('failed', ({ detail }) => notify(detail.message));
    showWho();
    showState();
}

function showWho() {
    document.body.classList.toggle('nobody', !me);
    if (!me)
        return;
    const link = find('#me');
    find('.name', link).textContent = me.name;
    setAvatar(find('.avatar', link), me.id);
    link.setAttribute('aria-label', `${me.name}, no. ${me.id}: change`);
}

addEventListener('renamed', showWho);

function showUnread() {
    const { unread, more } = feed.marker;
    const badge = find('#unread');
    badge.textContent = !unread ? '' : more ? '999+' : unread;
    find('#unread-words').textContent = !unread ? '' : 'unread';
    setTitle();
}

// --- how the stream is -------------------------------------------------------

const STATES = {
    connecting: 'Connecting…',
    live: 'Live',
    waiting: 'Reconnecting…',
    off: 'Not live',
    gone: 'Removed',
};

function showState() {
    const { state, problem } = feed;
    const element = find('#state');
    // Between two tries it is the same to the user.
    const isAgain = state === 'connecting' && element.dataset.state === 'waiting';
    if (isAgain)
        return;
    element.dataset.state = state;
    find('.word', element).textContent = STATES[state];
    element.title = problem?.message ?? '';
    const button = find('#again');
    button.hidden = state !== 'waiting' && state !== 'off';
    button.textContent = state === 'off' ? 'Refresh' : 'Try now';
    if (state === 'gone')
        notify(`${me.name} has been removed.`);
    if (state === 'live' && isOutOfReach)
        show();
}

find('#again').addEventListener('click', () => {
    if (feed.state === 'off')
        feed.refresh().catch(() => {}); // said already
    else
        feed.stream.now();
});

// --- the token ---------------------------------------------------------------

credentials.ask = why => {
    const dialog = find('#token');
    find('.why', dialog).textContent = why;
    dialog.returnValue = '';
    find('input', dialog).value = '';
    dialog.showModal();
    return new Promise(done => dialog.addEventListener('close', () => {
        // What no header may hold, no token does.
        const text = find('input', dialog).value.replace(/[^!-~]/g, '');
        if (dialog.returnValue !== 'use' || !text)
            return done(false);
        credentials.token = text;
        announce('The token is used from now on.');
        done(true);
    }, { once: true }));
};

// --- all of it ---------------------------------------------------------------

find('.skip').addEventListener('click', event => {
    event.preventDefault();
    find('#main').focus();
});
addEventListener('hashchange', show);
addEventListener('online', () => {
    if (isOutOfReach)
        show();
});
setInterval(() => {
    for (const element of findAll('time[datetime]'))
        setTime(element, element.dateTime);
}, 30000);

// Who comes again goes on as the one of before.
if (!location.hash && used().length > 0)
    history.replaceState(null, '', `#/${used()[0].id}`);
show();
