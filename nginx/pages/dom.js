// Elements, times, words to the user. Text only ever becomes text.

export const find = (selector, root = document) => root.querySelector(selector);
export const findAll = (selector, root = document) =>
    [...root.querySelectorAll(selector)];

// A copy of the first element of a <template>.
export function copy(template) {
    const { content } = document.getElementById(template);
    return content.firstElementChild.cloneNode(true);
}

export function make(tag, properties = {}, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
}

// --- times ------------------------------------------------------------------

const RELATIVE = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const ABSOLUTE = new Intl.DateTimeFormat('en', {
    dateStyle: 'long', timeStyle: 'short',
});
const UNITS = [
    ['day', 86400], ['hour', 3600], ['minute', 60],
];
const DAYS_MAX = 7; // what is older is told by its date

export function setTime(element, text) {
    const date = new Date(text);
    element.dateTime = text;
    element.title = ABSOLUTE.format(date);
    element.textContent = tell(date);
}

function tell(date) {
    const age = (Date.now() - date) / 1000;
    if (age > DAYS_MAX * 86400)
        return date.toLocaleDateString('en', {
            day: 'numeric', month: 'short', year: 'numeric',
        });
    const [unit, seconds] = UNITS.find(([, size]) => age >= size) ?? [];
    return unit ? RELATIVE.format(-Math.floor(age / seconds), unit) : 'just now';
}

// --- words to the user ------------------------------------------------------

// For those who listen to the page: said when they pause.
export function announce(text) {
    find('#news').textContent = text;
}

const NOTICE = 20000; // milliseconds: who reads slowly, reads it too
let clearing = null;

// For everybody, for a while.
export function notify(text) {
    const notice = find('#notice');
    clearTimeout(clearing);
    notice.textContent = text;
    clearing = setTimeout(() => { notice.textContent = ''; }, NOTICE);
}

// What went wrong with a form, and where: the service names the fields.
export function blame(form, problem) {
    const fault = find('.fault', form);
    const fields = findAll('[name]', form);
    for (const field of fields)
        field.removeAttribute('aria-invalid');
    fault.textContent = problem ? sentence(problem, fields) : '';
    if (!problem)
        return;
    const blamed = fields.filter(field => problem.errors?.some(
        error => error.pointer === `#/${field.name}`));
    for (const field of blamed)
        field.setAttribute('aria-invalid', 'true');
    (blamed[0] ?? fields.find(field => !field.hidden))?.focus();
}

function sentence(problem, fields) {
    if (!problem.errors?.length)
        return problem.message;
    return problem.errors.map(({ pointer, detail }) => {
        const field = fields.find(({ name }) => pointer === `#/${name}`);
        const label = field?.labels[0]?.textContent ?? pointer;
        return `${label}: ${detail}.`;
    }).join(' ');
}

// A form that does something: its button is busy meanwhile, so that it is not
// done twice, and what goes wrong is told in it.
export function onSubmit(form, act) {
    form.addEventListener('submit', async event => {
        event.preventDefault();
        if (form.getAttribute('aria-busy') === 'true')
            return;
        form.setAttribute('aria-busy', 'true');
        blame(form, null);
        try {
            await act(Object.fromEntries(new FormData(form)));
        } catch (problem) {
            blame(form, problem);
            if (!form.isConnected) // the view was left
                notify(problem.message);
        } finally {
            form.removeAttribute('aria-busy');
        }
    });
    form.addEventListener('keydown', event => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey))
            form.requestSubmit();
    });
}

// A button that does something, and says what went wrong.
export function onClick(button, act) {
    button.addEventListener('click', async () => {
        if (button.getAttribute('aria-busy') === 'true')
            return;
        button.setAttribute('aria-busy', 'true');
        try {
            await act();
        } catch (problem) {
            notify(problem.message);
        } finally {
            button.removeAttribute('aria-busy');
        }
    });
}

// Whether the user means it. The dialog has the focus, and gives it back.
export function confirm(question, yes) {
    const dialog = find('#confirm');
    find('p', dialog).textContent = question;
    find('[value=yes]', dialog).textContent = yes;
    dialog.returnValue = '';
    dialog.showModal();
    return new Promise(done => dialog.addEventListener('close',
        () => done(dialog.returnValue === 'yes'), { once: true }));
}

export const count = (number, one, many = `${one}s`) =>
    `${number.toLocaleString('en')} ${number === 1 ? one : many}`;
