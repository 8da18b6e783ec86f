// What is wrong with the page for those who do not see it, or not well: a list
// of sentences. Not all that there is to say, but what a program can.
const faults = [];
const isShown = e => e.checkVisibility({ visibilityProperty: true })
    && e.getClientRects().length > 0 && !e.closest('.unseen, .skip');
const all = selector => [...document.querySelectorAll(selector)].filter(isShown);
const say = (what, e) => faults.push(`${what}: ${e.outerHTML.slice(0, 120)}`);

// Names and structure.
if (all('h1').length !== 1)
    faults.push(`${all('h1').length} h1`);
if (!document.documentElement.lang || !document.title)
    faults.push('no language or no title');
const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
for (const id of ids.filter((id, i) => ids.indexOf(id) !== i))
    faults.push(`the id ${id} twice`);
for (const e of all('input, textarea, select'))
    if (!e.labels?.[0]?.textContent.trim() && !e.ariaLabel)
        say('no label', e);
for (const e of all('a, button')) {
    if (!(e.ariaLabel || e.textContent.trim()))
        say('no name', e);
    const { width, height } = e.getBoundingClientRect();
    if (height < 24 && getComputedStyle(e).display !== 'inline')
        say(`only ${width} x ${height}`, e);
}
for (const e of document.querySelectorAll('[aria-labelledby], [aria-describedby]'))
    for (const name of ['aria-labelledby', 'aria-describedby'])
        for (const id of e.getAttribute(name)?.split(' ') ?? [])
            if (!document.getElementById(id))
                say(`${name} names nothing`, e);

// Contrast of text with what is behind it (WCAG 2.2: 4.5, large 3).
const rgba = text => text.match(/[\d.]+/g).map(Number);
const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(c => c / 255).map(
        c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
};
const behind = e => {
    for (; e; e = e.parentElement) {
        const color = rgba(getComputedStyle(e).backgroundColor);
        if (color[3] !== 0)
            return color;
    }
    return [255, 255, 255];
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !isShown(e))
        continue;
    const style = getComputedStyle(e);
    const [a, b] = [light(rgba(style.color)), light(behind(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5))
        say(`contrast ${ratio.toFixed(2)}`, e);
}
return faults;
