// A post on the page: of somebody, or one's own, to be edited and taken back.

import { call, get, idOf } from './api.js';
import {
    announce, blame, confirm, copy, find, make, notify, onClick, onSubmit, setTime,
} from './dom.js';
import { tab } from './keep.js';
import { personLink, setAvatar } from './people.js';

const LONG = 900; // characters, or this many lines: more is folded
const LONG_LINES = 14;

// marks: where the words of a search stand in it. The element has `item`.
export function showPost(me, item, marks = {}) {
    const element = copy('post');
    const author = idOf(item.from);
    element.id = `post-${item.id}`;
    setAvatar(find('.avatar', element), author);
    find('.author', element).append(personLink(me, author));
    if (author === me)
        addActions(element);
    else
        find('.actions', element).remove();
    fill(element, item, marks);
    return element;
}

function fill(element, item, marks = {}) {
    element.item = item;
    setTime(find('.when time', element), item.occurred);
    find('.edited', element).hidden = !item.edited;
    if (item.edited)
        setTime(find('.edited time', element), item.edited);
    find('.subject', element).replaceChildren(
        ...withMarks(item.subject, marks.subject));
    const story = find('.story', element);
    story.replaceChildren(...withMarks(item.story, marks.story));
    fold(element, story, item.story);
    const subject = find('.subject', element);
    subject.id = `subject-${item.id}`;
    element.setAttribute('aria-labelledby', subject.id);
}

// The same post, as it is now.
export function refill(element, item) {
    if (item.edited !== element.item.edited)
        fill(element, item);
}

function fold(element, story, text) {
    const button = find('.unfold', element);
    const isLong = !element.isUnfolded
        && (text.length > LONG || text.split('\n').length > LONG_LINES);
    story.classList.toggle('folded', isLong);
    button.hidden = !isLong;
    button.onclick = () => {
        element.isUnfolded = true;
        story.classList.remove('folded');
        button.hidden = true;
        story.focus();
    };
}

// --- text --------------------------------------------------------------------

// places: [[from, to], ...] in Unicode's characters, which are not JavaScript's.
function withMarks(text, places = []) {
    if (places.length === 0)
        return withLinks(text);
    const characters = [...text];
    const nodes = [];
    let done = 0;
    for (const [from, to] of places) {
        nodes.push(characters.slice(done, from).join(''));
        nodes.push(make('mark', {
            textContent: characters.slice(from, to).join(''),
        }));
        done = to;
    }
    nodes.push(characters.slice(done).join(''));
    return nodes;
}

function withLinks(text) {
    const parts = text.split(/(https?:\/\/[^\s<>"]*[^\s<>".,;:!?'()])/);
    return parts.map((part, i) => i % 2 === 0 ? part : make('a', {
        href: part, textContent: part, rel: 'noopener noreferrer nofollow',
    }));
}

// --- what one may do with one's own -------------------------------------------

function addActions(element) {
    onClick(find('.edit', element), () => startEdit(element));
    onClick(find('.remove', element), () => remove(element));
}

// With the entity tag of what is edited: no other edit is lost. What is written
// is kept until it is saved or cancelled.
async function startEdit(element) {
    let { data, etag } = await get(element.item.link);
    fill(element, data);
    const form = copy('edit');
    const { subject, story, cancel } = form.elements;
    for (const field of [subject, story])
        labelAs(form, field, `edit-${field.name}-${data.id}`);
    const key = `newsfeed.edit.${data.id}`;
    const draft = JSON.parse(tab.get(key)) ?? { ...data, etag };
    subject.value = draft.subject;
    story.value = draft.story;
    etag = draft.etag;
    form.addEventListener('input', () => tab.set(key,
        JSON.stringify({ subject: subject.value, story: story.value, etag })));
    element.classList.add('editing');
    element.append(form);
    subject.focus();

    const end = () => {
        tab.set(key, '');
        form.remove();
        element.classList.remove('editing');
        find('.edit', element).focus();
    };
    onClick(cancel, end);
    form.addEventListener('keydown', event => {
        if (event.key === 'Escape' && !tab.get(key))
            end();
    });
    onSubmit(form, async fields => {
        try {
            ({ data } = await call('PATCH', data.link, {
                body: fields, headers: { 'If-Match': etag },
            }));
        } catch (problem) {
            if (problem.status === 412)
                etag = await explainOther(form, data.link);
            else
                throw problem;
            return;
        }
        fill(element, data);
        end();
        notify('Saved. Your friends see it as it is now.');
    });
}

function labelAs(form, field, id) {
    const label = find(`label[for=${field.name}]`, form);
    field.id = label.htmlFor = id;
}

// What is there now, to be compared; saving once more replaces it.
async function explainOther(form, link) {
    const { data, etag } = await get(link);
    blame(form, {
        message: 'It was edited elsewhere meanwhile, and says now: '
            + `“${data.subject}” – “${data.story}”. Save again to replace that.`,
    });
    return etag;
}

async function remove(element) {
    const { item } = element;
    const isMeant = await confirm(
        `Take “${item.subject}” back? It leaves the feeds of all your friends.`,
        'Take it back');
    if (!isMeant)
        return;
    await call('DELETE', item.link);
    const entry = element.parentElement;
    const near = entry.nextElementSibling ?? entry.previousElementSibling;
    entry.remove();
    (near?.firstElementChild ?? find('h1')).focus();
    announce('Taken back.');
    notify('Taken back.');
}
