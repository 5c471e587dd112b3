/** All that goes over the broker, as far as the person asks for it and may read it. */

import type { App } from "../app.ts";
import { download, field, make, setText, type View } from "../dom.ts";
import { contains, exportLines, exportTable, type Form, type Row, show } from "../monitor.ts";
import { text } from "../texts.ts";
import { isTopicFilter } from "../topics.ts";
import { makeVisible } from "../visible.ts";
import { sendBox } from "./send.ts";

const ROW_HEIGHT = 26; // px, also in the styles
const HEIGHT = 416; // px of the list
const SHOWN = Math.ceil(HEIGHT / ROW_HEIGHT) + 1;
const PREVIEW = 300; // bytes of a payload that a row shows
const FORMS: Form[] = ["text", "hex", "json"];

export function monitorView(app: App): View {
    const { monitor } = app;
    const filter = make("input", { value: "+/+/#", required: true, spellcheck: "false", autocapitalize: "none" });
    const wrong = make("p", { role: "alert", class: "wrong" });
    const filters = make("ul", { class: "filters", "aria-label": text("filters") });
    const search = make("input", { type: "search", oninput: () => redraw() });
    const form = make(
        "select",
        { onchange: () => redraw() },
        FORMS.map((each) => make("option", { value: each }, text(each))),
    );
    const pause = make("button", { onclick: () => (monitor.pause(!monitor.paused), app.changed()) });
    const count = make("p", { role: "status" });
    const space = make("div", { class: "space" });
    const lines = Array.from({ length: SHOWN }, () => new Line((row) => choose(row)));
    const list = make(
        "div",
        { class: "messages", tabindex: 0, role: "region", "aria-label": text("messages"), onscroll: () => redraw() },
        space,
    );
    space.append(...lines.map((line) => line.element));
    const whole = make("pre", { tabindex: 0, "aria-label": text("wholeMessage") });
    let version = -1;
    let searched = "";
    let chosen: Row | null = null;

    const redraw = () => {
        version = -1;
        app.changed();
    };
    const choose = (row: Row | null) => {
        chosen = row;
        redraw();
    };
    const add = (event: Event) => {
        event.preventDefault();
        const wanted = filter.value;
        setText(wrong, isTopicFilter(wanted) ? "" : text("wrongFilter", { filter: wanted }));
        if (isTopicFilter(wanted) && !monitor.filters.includes(wanted)) {
            monitor.filters.push(wanted);
            app.connection.subscribe(wanted);
            listFilters();
        }
    };
    const remove = (wanted: string) => {
        // Rows keep the number of the filter that they came by.
        monitor.filters[monitor.filters.indexOf(wanted)] = "";
        app.connection.unsubscribe(wanted);
        listFilters();
    };
    const listFilters = () => {
        filters.replaceChildren(
            ...monitor.filters
                .map((each, index) =>
                    make(
                        "li",
                        { class: `by-${index % 6}` },
                        make("code", {}, makeVisible(each)),
                        make(
                            "button",
                            { "aria-label": text("remove", { filter: each }), onclick: () => remove(each) },
                            "×",
                        ),
                    ),
                )
                .filter((_, index) => monitor.filters[index] !== ""),
        );
        redraw();
    };
    listFilters();

    const wanted = (): Row[] => {
        const word = search.value.toLowerCase();
        return word
            ? monitor.rows.filter((row) => contains(row, word))
            : monitor.rows;
    };
    const keep = (kind: "json" | "csv") => {
        const rows = wanted();
        if (kind === "json") {
            download("messages.jsonl", "application/x-ndjson", exportLines(rows));
        } else {
            download("messages.csv", "text/csv", exportTable(rows));
        }
    };

    return {
        element: make(
            "section",
            { "aria-label": text("monitor") },
            make(
                "form",
                { class: "row", onsubmit: add },
                field(text("topicFilter"), filter, text("filterHint")),
                make("button", { class: "primary" }, text("watch")),
            ),
            wrong,
            filters,
            make(
                "div",
                { class: "row" },
                field(text("search"), search),
                field(text("showAs"), form),
                pause,
                make("button", { onclick: () => (monitor.clear(), choose(null)) }, text("clear")),
                make("button", { onclick: () => keep("json") }, text("exportJson")),
                make("button", { onclick: () => keep("csv") }, text("exportCsv")),
            ),
            count,
            list,
            whole,
            sendBox(app),
        ),
        refresh() {
            setText(pause, monitor.paused ? text("goOn", { count: monitor.missed }) : text("pause"));
            if (monitor.version === version) {
                return;
            }
            // A person who reads further up is not to be carried along.
            const atEnd = version < 0 || list.scrollTop + list.clientHeight > list.scrollHeight - ROW_HEIGHT;
            const moved = searched !== search.value;
            version = monitor.version;
            searched = search.value;
            const rows = wanted();
            space.style.height = `${rows.length * ROW_HEIGHT}px`;
            if (moved || (atEnd && !monitor.paused && document.activeElement !== list)) {
                list.scrollTop = rows.length * ROW_HEIGHT;
            }
            const first = Math.max(0, Math.floor(list.scrollTop / ROW_HEIGHT));
            lines.forEach((line, index) =>
                line.show(rows[first + index] ?? null, first + index, form.value as Form),
            );
            setText(count, text("messageCount", { count: rows.length }));
            setText(whole, chosen ? describe(chosen, form.value as Form) : "");
            whole.hidden = chosen === null;
        },
    };
}

function describe(row: Row, form: Form): string {
    const cut = row.size > row.payload.length ? `\n${text("cut", { size: row.size })}` : "";
    const shown = show(row.payload, form).split("\n").map(makeVisible).join("\n");
    return `${makeVisible(row.topic)}\n${shown}${cut}`;
}

/** One of the few lines that there are: each shows another message as the list moves. */
class Line {
    readonly element: HTMLButtonElement;
    private cells = ["time", "topic", "flags", "size", "payload"].map((name) =>
        make("span", { class: name }),
    );
    private row: Row | null = null;
    private form: Form | null = null;

    constructor(choose: (row: Row | null) => void) {
        this.element = make("button", { class: "message", onclick: () => choose(this.row) }, this.cells);
    }

    show(row: Row | null, position: number, form: Form): void {
        this.element.hidden = row === null;
        this.element.style.top = `${position * ROW_HEIGHT}px`;
        if (row === null || (row === this.row && form === this.form)) {
            return;
        }
        this.row = row;
        this.form = form;
        this.element.className = `message by-${row.filter % 6}`;
        const flags = `${row.qos}${row.retained ? ` ${text("retained")}` : ""}`;
        const preview = show(row.payload.subarray(0, PREVIEW), form === "json" ? "text" : form);
        const time = new Date(row.time).toISOString().slice(11, 23);
        const topic = row.topic.slice(0, PREVIEW);
        [time, topic, flags, String(row.size), preview].forEach((value, index) => {
            setText(this.cells[index]!, makeVisible(value));
        });
    }
}
