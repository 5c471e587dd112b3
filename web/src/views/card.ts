/** One board in the class. */

import type { App } from "../app.ts";
import type { Board } from "../boards.ts";
import { make, newId, setAttribute, setText } from "../dom.ts";
import { IDENTIFY, OFF, ON } from "../orders.ts";
import { clock, text } from "../texts.ts";
import { Drawing, describe } from "./drawing.ts";

export class Card {
    readonly element: HTMLElement;
    private app: App;
    private board: Board;
    private drawing: Drawing;
    private drawn: string;
    private name = make("h3", { id: newId() });
    private presence = make("p", { class: "presence" });
    private light = make("p", { class: "light" });
    private facts = make("p", { class: "facts" });
    private progress = make("progress", { max: 100, hidden: true, "aria-label": text("updating") });
    private select: HTMLInputElement;
    private power: HTMLButtonElement;
    private buttons: HTMLButtonElement[];
    private version = -1;
    private wasOpen = false;

    constructor(app: App, board: Board, open: (board: Board) => void) {
        this.app = app;
        this.board = board;
        this.drawing = new Drawing(board);
        this.drawn = JSON.stringify(board.leds);
        this.select = make("input", { type: "checkbox", onchange: () => this.choose() });
        this.power = make("button", { onclick: () => this.toggle() });
        const identify = make(
            "button",
            { onclick: () => app.tell(IDENTIFY, [board]), title: text("identifyHint") },
            text("identify"),
        );
        this.buttons = [this.power, identify];
        this.element = make(
            "article",
            { class: "card", "aria-labelledby": this.name.id },
            make("label", { class: "head" }, this.select, this.name),
            this.drawing.element,
            this.presence,
            this.light,
            this.facts,
            this.progress,
            make(
                "div",
                { class: "row" },
                this.power,
                identify,
                make("button", { onclick: () => open(board) }, text("open")),
            ),
        );
    }

    private choose(): void {
        if (this.select.checked) {
            this.app.selected.add(this.board);
        } else {
            this.app.selected.delete(this.board);
        }
        this.app.changed();
    }

    private toggle(): void {
        void this.app.tell(this.board.light?.on ? OFF : ON, [this.board]);
    }

    /** Draw what has changed; thirty cards of which one has cost no more than that one. */
    refresh(): void {
        const { app, board } = this;
        const isOpen = app.connection.isOpen();
        this.select.checked = app.selected.has(board);
        if (board.version === this.version && isOpen === this.wasOpen) {
            return;
        }
        this.version = board.version;
        this.wasOpen = isOpen;
        if (JSON.stringify(board.leds) !== this.drawn) {
            this.drawn = JSON.stringify(board.leds);
            const drawing = new Drawing(board);
            this.drawing.element.replaceWith(drawing.element);
            this.drawing = drawing;
        }
        this.drawing.refresh(board);
        setText(this.name, board.name);
        setText(this.presence, describePresence(board));
        setText(this.light, describe(board.light));
        setText(this.facts, describeFacts(board));
        setAttribute(this.element, "class", board.online ? "card" : "card away");
        setText(this.power, board.light?.on ? text("off") : text("on"));
        for (const button of this.buttons) {
            button.disabled = !isOpen || !board.online;
        }
        const percent = board.update?.percent ?? null;
        this.progress.hidden = percent === null;
        this.progress.value = percent ?? 0;
    }
}

export function describePresence(board: Board): string {
    if (board.online === null) {
        return text("unknownPresence");
    }
    if (board.online) {
        return text("online");
    }
    return board.onlineSince ? text("offlineSince", { time: clock(board.onlineSince) }) : text("offline");
}

function describeFacts(board: Board): string {
    const facts = [
        board.id.slice(-4),
        board.firmware,
        bars(board.rssi),
        board.touched && text("touched", { pads: board.touched }),
        board.event && `${board.event} ${clock(board.eventTime)}`,
        board.groups.join(", "),
        board.hasUpdate() ? text("updateOffered", { version: board.update!.latest }) : "",
        board.problem,
    ];
    return facts.filter(Boolean).join(" · ");
}

/** Signal as people know it from telephones: -50 dBm is four bars, -80 dBm one. */
export function bars(rssi: number | null): string {
    if (rssi === null) {
        return "";
    }
    const count = Math.min(4, Math.max(1, Math.floor((rssi + 90) / 10)));
    return `${"▂▄▆█".slice(0, count)} ${rssi} dBm`;
}
