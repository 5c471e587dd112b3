/**
 * One board: what a pupil works with, a topic, something to send and what the board answers, and all
 * that there is to know of it.
 */

import type { App } from "../app.ts";
import type { Board } from "../boards.ts";
import { retainedTopics } from "../boards.ts";
import type { Message } from "../connection.ts";
import { field, make, setText, type View } from "../dom.ts";
import { asText } from "../monitor.ts";
import { clock, text } from "../texts.ts";
import { makeVisible } from "../visible.ts";
import { describePresence } from "./card.ts";
import { Drawing, describe } from "./drawing.ts";
import { lightControls } from "./light_controls.ts";
import { Sparkline } from "./sparkline.ts";

const MAX_LINES = 50;
const MAX_LETTERS = 128; // that a board shows of a text (docs/topics.md)

export function boardView(app: App, board: Board, leave: () => void): View {
    const drawing = new Drawing(board);
    const title = make("h2");
    const presence = make("p", { class: "presence" });
    const light = make("p", { role: "status" });
    const buttons = lightControls((command) => app.tell(command, [board]));
    const controls = make("fieldset", {}, make("legend", {}, text("light")), buttons.element);
    const sparklines = make("div", { class: "sparklines" });
    const shownLines = new Map<string, Sparkline>();
    const stats = make("dl");
    const update = updateBox(app, board);
    const everything = `${board.base}/#`; // what its program publishes, too
    let version = -1;
    app.connection.subscribe(everything);

    return {
        element: make(
            "section",
            { class: "board", "aria-label": text("oneBoard") },
            make("button", { onclick: leave }, text("back")),
            title,
            presence,
            make("div", { class: "columns" }, [
                make("div", {}, drawing.element, light, controls),
                make("div", {}, talk(app, board), displayBox(app, board)),
            ]),
            update.element,
            make("h3", {}, text("readings")),
            sparklines,
            make(
                "details",
                {},
                make("summary", {}, text("more")),
                make("button", { onclick: () => ask("stats") }, text("askStats")),
                stats,
                nameBox(app, board),
                make("div", { class: "row" }, restartButton(), forgetButton()),
            ),
        ),
        refresh() {
            const open = app.connection.isOpen() && board.online === true;
            controls.disabled = !open;
            update.refresh();
            if (board.version === version) {
                return;
            }
            version = board.version;
            drawing.refresh(board);
            buttons.follow(board.light);
            setText(title, board.name);
            setText(presence, `${board.product} · ${board.id} · ${describePresence(board)}`);
            setText(light, describe(board.light));
            for (const [name, points] of board.series) {
                const line = shownLines.get(name) ?? new Sparkline(name);
                if (!shownLines.has(name)) {
                    shownLines.set(name, line);
                    sparklines.append(line.element);
                }
                line.refresh(points);
            }
            const values = Object.entries({ ...board.info, ...board.stats }).slice(0, 60);
            stats.replaceChildren(
                ...values.flatMap(([name, value]) => [
                    make("dt", {}, makeVisible(name.slice(0, 40))),
                    make("dd", {}, makeVisible(JSON.stringify(value).slice(0, 200))),
                ]),
            );
        },
        leave() {
            app.listener = null;
            app.connection.unsubscribe(everything);
        },
    };

    function ask(payload: string): void {
        void app.attempt(() => app.connection.publish(`${board.base}/command`, payload));
    }

    function restartButton(): HTMLElement {
        return asking(text("restart"), text("restartSure", { name: board.name }), () => ask("restart"));
    }

    function forgetButton(): HTMLElement {
        return asking(text("forget"), text("forgetSure", { name: board.name }), () =>
            app.attempt(async () => {
                for (const topic of retainedTopics(board)) {
                    await app.connection.publish(topic, "", { retain: true });
                }
                app.boards.forget(board);
                leave();
            }),
        );
    }
}

/** A button that asks before it does something that cannot be undone. */
function asking(label: string, question: string, action: () => void): HTMLElement {
    const dialog = make(
        "dialog",
        { "aria-label": label },
        make("p", {}, question),
        make(
            "form",
            { method: "dialog", class: "row" },
            make("button", { onclick: action }, label),
            make("button", { autofocus: true }, text("cancel")),
        ),
    );
    return make("span", {}, make("button", { onclick: () => dialog.showModal() }, label), dialog);
}

/** Topic, send box, and what the board says. */
function talk(app: App, board: Board): HTMLElement {
    const command = `${board.base}/command`;
    const payload = make("input", { value: "on", required: true, autocapitalize: "none", spellcheck: "false" });
    const lines = make("ol", { class: "talk", tabindex: 0 });
    const add = (topic: string, said: string, own: boolean) => {
        lines.prepend(
            make(
                "li",
                { class: own ? "sent" : "" },
                make("time", {}, clock(Date.now())),
                make("code", {}, makeVisible(topic)),
                make("span", {}, makeVisible(said.slice(0, 300))),
            ),
        );
        while (lines.childElementCount > MAX_LINES) {
            lines.lastElementChild!.remove();
        }
    };
    app.listener = (message: Message) => {
        const { topic, retained, filter } = message;
        const isOurs = filter === null ? topic.startsWith(`${board.base}/`) : filter === `${board.base}/#`;
        if (isOurs && topic !== command) {
            const said = asText(message.payload.slice(0, 1024));
            add(topic, retained ? `${said} (${text("keptByBroker")})` : said, false);
        }
    };
    const send = (said: string) =>
        app.attempt(async () => {
            await app.connection.publish(command, said);
            add(command, said, true);
        });
    const examples = ["on", "off", "red", "#ff8000", "40%", "stats"].map((example) =>
        make("button", { type: "button", onclick: () => send(example) }, make("code", {}, example)),
    );
    return make(
        "form",
        {
            onsubmit: (event) => {
                event.preventDefault();
                void send(payload.value);
            },
        },
        make("h3", {}, text("talk")),
        make("p", {}, text("topic"), " ", make("code", { class: "topic" }, command)),
        make("div", { class: "row" }, field(text("message"), payload), make("button", { class: "primary" }, text("send"))),
        make("div", { class: "row", role: "group", "aria-label": text("examples") }, examples),
        make("h4", {}, text("answers")),
        make("div", { role: "log", "aria-label": text("answers") }, lines),
    );
}

function displayBox(app: App, board: Board): HTMLElement | null {
    if (!board.has("oled") && !board.has("display")) {
        return null;
    }
    const size = make("output");
    const said = make("textarea", { rows: 4, oninput: () => count() });
    const count = () => setText(size, text("letters", { count: [...said.value].length, most: MAX_LETTERS }));
    count();
    const show = () => app.attempt(() => app.connection.publish(`${board.base}/display`, said.value));
    return make(
        "div",
        {},
        field(text("display"), said),
        make("div", { class: "row" }, make("button", { onclick: show }, text("show")), size),
    );
}

function nameBox(app: App, board: Board): HTMLElement {
    const name = make("input", { value: board.label.name, maxlength: 32 });
    const groups = make("input", { value: board.label.groups.join(", "), maxlength: 100 });
    const save = (event: Event) => {
        event.preventDefault();
        const wanted = groups.value.split(/[,，]/).map((group) => group.trim());
        void app.attempt(() => app.label(board, name.value.trim(), wanted.filter(Boolean)));
    };
    return make(
        "form",
        { class: "row", onsubmit: save },
        field(text("name"), name, text("nameHint")),
        field(text("groups"), groups),
        make("button", {}, text("save")),
    );
}

function updateBox(app: App, board: Board): View {
    const said = make("p", { role: "status" });
    const bar = make("progress", { max: 100, "aria-label": text("updating") });
    const set = (payload: string) =>
        app.attempt(() => app.connection.publish(`${board.base}/update/set`, payload));
    const install = make("button", { onclick: () => set("install") });
    const cancel = make("button", { onclick: () => set("cancel") }, text("cancel"));
    const element = make("section", { class: "row", "aria-label": text("update") }, said, bar, install, cancel);
    return {
        element,
        refresh() {
            const { update } = board;
            element.hidden = update === null;
            if (!update) {
                return;
            }
            const { installed, latest, percent } = update;
            const open = app.connection.isOpen() && board.online === true;
            setText(install, text("install", { version: latest }));
            install.hidden = !board.hasUpdate() || percent !== null;
            cancel.hidden = bar.hidden = percent === null;
            install.disabled = cancel.disabled = !open;
            bar.value = percent ?? 0;
            const state = percent === null ? "" : text("updatePercent", { percent });
            const parts = [text("runs", { version: installed }), state, board.result?.reason];
            setText(said, parts.filter(Boolean).join(" · "));
        },
    };
}
