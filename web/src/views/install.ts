/** Puts the firmware on a board, and gives boards their Wi-Fi and broker, by cable. */

import facts from "../../facts.json" with { type: "json" };

import { download, field, make, setText, type View } from "../dom.ts";
import { cell } from "../monitor.ts";
import { PromptError } from "../serial/raw_prompt.ts";
import { compose, type Field, fieldsFor, shownAs, type Values, valueAt } from "../serial/schema.ts";
import { inLanguage } from "../serial/sentences.ts";
import { SetUp } from "../serial/set_up.ts";
import { HINTS, LABELS, SERVICES, text } from "../texts.ts";

/** What `make installer` puts beside the page, together with the images that it names. */
interface Release {
    version: string;
    boards: { name: string; product: string; driver: string; stem: string }[];
}

export function installView(): View {
    const images = make("div");
    void findRelease().then((release) => images.replaceChildren(...imagesOf(release)));
    const form = "serial" in navigator ? setUpForm() : null;
    return {
        element: make(
            "section",
            { "aria-label": text("installTab") },
            form ? null : make("p", { class: "wrong" }, text("noSerial")),
            make("h2", {}, text("firmware")),
            images,
            make("h2", {}, text("setUp")),
            form ? form.element : make("p", {}, text("setUpOtherwise")),
        ),
        refresh: () => form?.refresh(),
        leave: () => form?.leave?.(),
    };
}

// Firmware ---------------------------------------------------------------------------------

async function findRelease(): Promise<Release | null> {
    if (!window.location.protocol.startsWith("http")) {
        return null; // browsers let no page read files beside it
    }
    try {
        const answer = await fetch("firmware.json");
        return answer.ok ? await answer.json() : null;
    } catch {
        return null;
    }
}

function imagesOf(release: Release | null): Node[] {
    if (!release) {
        return [make("p", {}, text("noRelease"))];
    }
    const installer = new URL("esp-web-tools/install-button.js", window.location.href).href;
    void import(/* @vite-ignore */ installer);
    return release.boards.map(({ product, driver, stem }) =>
        make(
            "article",
            { class: "card" },
            make("h3", {}, `${product} ${release.version}`),
            make("p", {}, text("driver", { driver })),
            installButton(`${stem}-update.json`, text("installOn", { product })),
            make("p", {}, text("keepsFiles")),
            make(
                "details",
                {},
                make("summary", {}, text("otherFirmware")),
                make("p", { class: "wrong" }, text("erasesAll")),
                installButton(`${stem}-factory.json`, text("startAfresh", { product })),
            ),
            make(
                "p",
                {},
                ["update.bin", "factory.bin", "app.bin", "flash.txt"].flatMap((kind) => [
                    make("a", { href: `${stem}-${kind}` }, `${stem}-${kind}`),
                    " ",
                ]),
            ),
        ),
    );
}

function installButton(manifest: string, label: string): HTMLElement {
    const element = document.createElement("esp-web-install-button");
    element.setAttribute("manifest", manifest);
    element.append(
        make("button", { slot: "activate", class: "primary" }, label),
        make("span", { slot: "unsupported" }, text("noSerial")),
        make("span", { slot: "not-allowed" }, text("needsHttps")),
    );
    return element;
}

// Set-up -----------------------------------------------------------------------------------

// Two boards with one of these would be taken for each other.
const ONE_BOARDS_OWN = ["label", "wifi.hostname", "mqtt.client_id"];

interface Done {
    id: string;
    result: string;
}

// Kept while the page is open: a class's boards are looked at in the tab Class between two of them.
const done: Done[] = [];
const typed = new Map<string, string>(); // by the person, who means it for the next board, too
let typedFor = ""; // the id of the board whose own was typed
let closing: Promise<void> = Promise.resolve(); // of the port, when the tab was left

function setUpForm(): View {
    const said = make("ol", { class: "talk", tabindex: 0 });
    const log = make("div", { role: "log", "aria-label": text("answers") }, said);
    const problems = make("ul", { class: "warnings", role: "alert" });
    const status = make("p", { role: "status" });
    const connect = make("button", { class: "primary", onclick: () => run(open) }, text("connectBoard"));
    const save = make("button", { class: "primary", type: "submit" }, text("write"));
    const next = make("button", { type: "button", onclick: () => run(leave) }, text("nextBoard"));
    const list = make("button", { type: "button", onclick: () => keepList() }, text("keepList"));
    const fields = make("div");
    const form = make("form", { onsubmit: (event) => (event.preventDefault(), run(write)) });
    const controls = new Map<string, HTMLInputElement | HTMLSelectElement>();
    let shown: Field[] = [];
    let setUp: SetUp | null = null;
    let before: Values = {};
    let id = "";
    let running: Promise<void> = Promise.resolve();

    form.append(fields, make("div", { class: "row" }, save, next, list));
    showFields("mqtt");
    showStage("apart");
    return {
        element: make("div", {}, make("p", {}, text("setUpHint")), connect, status, problems, log, form),
        refresh: showList,
        leave: () => {
            // The port is wanted again when the person comes back; what goes on now ends first.
            closing = closing.then(() => running).then(() => setUp?.close());
        },
    };

    function run(action: () => Promise<void>): void {
        running = attempt(action);
    }

    /** One thing at a time, and every failure becomes a sentence. */
    async function attempt(action: () => Promise<void>): Promise<void> {
        for (const button of [connect, save, next]) {
            button.disabled = true;
        }
        try {
            await action();
        } catch (error) {
            setText(status, describe(error));
            await leave();
        }
        for (const button of [connect, save, next]) {
            button.disabled = false;
        }
    }

    async function open(): Promise<void> {
        const port = await navigator.serial.requestPort({ filters: usbFilters() });
        setText(status, text("stopping"));
        problems.replaceChildren();
        said.replaceChildren();
        await closing;
        setUp = new SetUp(port);
        const found = await setUp.open();
        id = found.id;
        before = found.values;
        // A class's boards get what was typed for the first; what the board has fills the gaps.
        const platform = String(typed.get("mqtt.platform") ?? valueAt(before, "mqtt.platform") ?? "mqtt");
        if (id !== typedFor) {
            typedFor = id;
            forgetOneBoardsOwn(platform);
        }
        showFields(platform);
        setText(status, text("boardFound", { id }));
        showStage("here");
    }

    async function write(): Promise<void> {
        setText(status, text("checking"));
        const filled = new Map([...controls].map(([key, control]) => [key, control.value]));
        const wrong = await setUp!.save(compose(shown, filled, before));
        showProblems(wrong);
        if (wrong.length) {
            setText(status, text("notWritten"));
            return;
        }
        setText(status, text("restarting"));
        const why = await setUp!.restart((line) => said.append(make("li", {}, line)));
        setText(status, why ? text("notOnline", { why: inLanguage(why) }) : text("isOnline", { id }));
        const result = why || "online";
        done.splice(0, done.length, ...done.filter((each) => each.id !== id), { id, result });
        await setUp!.close();
        setUp = null;
        showStage("done");
    }

    async function leave(): Promise<void> {
        await setUp?.close();
        setUp = null;
        showStage("apart");
    }

    function keepList(): void {
        const rows = done.map((each, index) => [index + 1, each.id, each.result].map(cell).join(","));
        // The mark in front tells Excel that this is UTF-8: networks have Chinese names, too.
        download("boards.csv", "text/csv", "\ufeff" + ["number,id,result", ...rows, ""].join("\r\n"));
    }

    function showStage(stage: "apart" | "here" | "done"): void {
        connect.hidden = stage !== "apart";
        fields.hidden = save.hidden = stage !== "here";
        next.hidden = stage !== "done";
        showList();
    }

    function showList(): void {
        list.hidden = done.length === 0;
        setText(list, text("keepList", { count: done.length }));
    }

    function showFields(platform: string): void {
        const { asked, more } = fieldsFor(platform);
        shown = [...asked, ...more];
        controls.clear();
        fields.replaceChildren(
            ...asked.map(makeField),
            make("details", {}, make("summary", {}, text("more")), more.map(makeField)),
        );
        const choice = controls.get("mqtt.platform");
        choice?.addEventListener("change", () => {
            showFields(choice.value);
            controls.get("mqtt.platform")?.focus(); // for the arrow keys: it is another element now
        });
    }

    function makeField(rule: Field): HTMLElement {
        const known = valueAt(before, rule.key);
        const value = typed.get(rule.key) ?? shownAs(known);
        const keeps = typeof known === "object" && shownAs(known) === "";
        const control = makeControl(rule, value, keeps ? text("staysAsItIs") : rule.usual);
        controls.set(rule.key, control);
        control.addEventListener("input", () => typed.set(rule.key, control.value));
        const label = LABELS[rule.key] ? text(LABELS[rule.key]!) : rule.key;
        return field(label, control, HINTS[rule.key] ? text(HINTS[rule.key]!) : rule.hint);
    }

    function showProblems(wrong: string[]): void {
        problems.replaceChildren(...wrong.map((line) => make("li", {}, inLanguage(line))));
        for (const [key, control] of controls) {
            const isWrong = wrong.some((line) => line.startsWith(`${key}: `));
            control.setAttribute("aria-invalid", String(isWrong));
        }
        const first = [...controls].find(([, control]) => control.getAttribute("aria-invalid") === "true");
        first?.[1].closest("details")?.setAttribute("open", "");
        first?.[1].focus();
    }
}

/** Forget what was typed for one board alone. A service of devices gives each a key of its own, too. */
function forgetOneBoardsOwn(platform: string): void {
    ONE_BOARDS_OWN.forEach((key) => typed.delete(key));
    if (fieldsFor(platform).asked.some(({ key }) => key === "mqtt.client_id")) {
        typed.delete("mqtt.password");
    }
}

function makeControl(rule: Field, value: string, usual: string): HTMLInputElement | HTMLSelectElement {
    if (rule.kind === "choice" || rule.kind === "switch") {
        const choices = rule.kind === "switch" ? ["true", "false"] : rule.choices;
        return make(
            "select",
            {},
            rule.key === "mqtt.platform" ? null : make("option", { value: "" }, usual),
            choices.map((each) => make("option", { value: each, selected: each === value }, choiceName(rule, each))),
        );
    }
    const type = { secret: "password", number: "number", text: "text" }[rule.kind];
    return make("input", {
        type,
        value,
        placeholder: usual,
        required: rule.isRequired && rule.kind !== "secret",
        min: rule.minimum ?? null,
        max: rule.maximum ?? null,
        autocomplete: "off",
        autocapitalize: "none",
        spellcheck: "false",
    });
}

function choiceName(rule: Field, choice: string): string {
    return rule.key === "mqtt.platform" ? (SERVICES[choice] ?? text("ownBroker")) : choice;
}

/** The adapters that our boards have, so that the browser's list is short. */
function usbFilters(): SerialPortFilter[] {
    const boards: Record<string, { usb: number[][] }> = facts.boards;
    return Object.values(boards).flatMap(({ usb }) =>
        usb.map(([vendor, product]) => ({ usbVendorId: vendor!, usbProductId: product! })),
    );
}

function describe(error: unknown): string {
    if (error instanceof PromptError) {
        return error.message ? text("boardAnswered", { line: error.message }) : text("noPrompt");
    }
    const { name, message } = error as DOMException;
    if (name === "NotFoundError") {
        return text("noPortChosen");
    }
    return name === "InvalidStateError" || name === "NetworkError" ? text("portBusy") : message;
}
