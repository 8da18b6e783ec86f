// What the browser keeps: for this tab, or for all of them. Where it may keep
// nothing (cookies are blocked) or no more, the page does, as long as it is open.

class Keep {
    constructor(name) {
        this.name = name;
        this.own = new Map();
    }

    get(key) {
        try {
            return this.own.get(key) ?? window[this.name].getItem(key);
        } catch {
            return null;
        }
    }

    // No text: nothing is kept.
    set(key, text) {
        this.own.delete(key);
        try {
            if (text)
                window[this.name].setItem(key, text);
            else
                window[this.name].removeItem(key);
        } catch {
            if (text)
                this.own.set(key, text);
        }
    }
}

export const tab = new Keep('sessionStorage');
export const browser = new Keep('localStorage');
