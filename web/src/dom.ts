/** Elements of the page. All text goes in as text: what a message says never becomes HTML. */

export type Child = Node | string | null | Child[];
type Listener = (event: Event) => void;
type Properties = Record<string, string | number | boolean | null | Listener>;

const SVG = "http://www.w3.org/2000/svg";

/** Make an element. A function is a listener (`onclick`), true an attribute without a value. */
export function make<K extends keyof HTMLElementTagNameMap>(
    tag: K,
    properties: Properties = {},
    ...children: Child[]
): HTMLElementTagNameMap[K] {
    return fill(document.createElement(tag), properties, children);
}

/** Make an element of a drawing. */
export function draw<K extends keyof SVGElementTagNameMap>(
    tag: K,
    properties: Properties = {},
    ...children: Child[]
): SVGElementTagNameMap[K] {
    return fill(document.createElementNS(SVG, tag) as SVGElementTagNameMap[K], properties, children);
}

function fill<T extends Element>(element: T, properties: Properties, children: Child[]): T {
    for (const [name, value] of Object.entries(properties)) {
        if (typeof value === "function") {
            element.addEventListener(name.slice(2), value);
        } else if (value !== false && value !== null) {
            element.setAttribute(name, value === true ? "" : String(value));
        }
    }
    append(element, children);
    return element;
}

function append(element: Element, children: Child[]): void {
    for (const child of children) {
        if (Array.isArray(child)) {
            append(element, child);
        } else if (child !== null) {
            element.append(child);
        }
    }
}

/** Change an element's text only where it differs: a screen reader reads what changes. */
export function setText(element: Element, text: string): void {
    if (element.textContent !== text) {
        element.textContent = text;
    }
}

export function setAttribute(element: Element, name: string, value: string | boolean): void {
    const wanted = typeof value === "boolean" ? (value ? "" : null) : value;
    if (wanted === null) {
        element.removeAttribute(name);
    } else if (element.getAttribute(name) !== wanted) {
        element.setAttribute(name, wanted);
    }
}

let lastId = 0;

/** Return an id for an element that another one names. */
export function newId(): string {
    lastId += 1;
    return `element-${lastId}`;
}

/** A form's field with its label; `control` is the label's. */
export function field(label: string, control: HTMLElement, hint = ""): HTMLElement {
    control.id ||= newId();
    const described = hint ? make("small", { id: `${control.id}-hint` }, hint) : null;
    if (described) {
        control.setAttribute("aria-describedby", described.id);
    }
    return make("div", { class: "field" }, make("label", { for: control.id }, label), control, described);
}

/** What a view is to the page: an element, and what to do once a frame in which something changed. */
export interface View {
    element: HTMLElement;
    refresh(): void;
    leave?(): void; // when another takes its place
}

/** Offer a text as a file to keep. */
export function download(name: string, type: string, text: string): void {
    const url = URL.createObjectURL(new Blob([text], { type }));
    make("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
