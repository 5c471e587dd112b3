/**
 * What the boards say of themselves, kept from their messages (docs/topics.md, docs/update.md).
 *
 * Anybody may publish anything: what is not of the form that a board sends is passed over.
 */

import facts from "../facts.json" with { type: "json" };

import type { Message } from "./connection.ts";
import { isTopicName } from "./topics.ts";
import { makeVisible } from "./visible.ts";

/** What the page listens to. A person who may not read all boards gets those that they may. */
export const FILTERS = [
    "+/+/info",
    "+/+/status",
    "+/+/status/stats",
    "+/+/status/problem",
    "+/+/state",
    "+/+/label",
    "+/+/button/+",
    "+/+/touch",
    "+/+/motion",
    "+/+/sensors",
    "+/+/update/state",
    "+/+/update/result",
];

const OF_A_BOARD = /^([^/]{1,64}\/([0-9a-f]{12}))\/(.+)$/;
const MAX_BYTES = 16_384; // of a message; no board sends so much
export const MAX_BOARDS = 500;
const MAX_POINTS = 600; // of a series
const MAX_SERIES = 40; // of a board
const MAX_TEXT = 200;

export type Colour = [number, number, number];

export interface Light {
    on: boolean;
    colour: Colour;
    brightness: number; // 0 to 255
}

export interface Point {
    time: number;
    value: number;
}

export interface Update {
    installed: string;
    latest: string;
    percent: number | null; // null: none is under way
}

/** What a board said last of an update, under way or over. */
export interface Result {
    state: string;
    code: string; // for programs
    reason: string; // a sentence
}

type Values = Record<string, unknown>;

export class Board {
    version = 0; // goes up with each change
    info: Values = {};
    label: { name: string; groups: string[] } = { name: "", groups: [] };
    online: boolean | null = null; // null: it has not said
    onlineSince = 0; // when it went or came, as Date.now(); 0: before the page looked
    light: Light | null = null;
    stats: Values = {};
    problem = "";
    event = ""; // the last button or motion
    eventTime = 0;
    series = new Map<string, Point[]>();
    touched = ""; // the pads that are held
    update: Update | null = null;
    result: Result | null = null; // of an update; another object with each message

    readonly base: string; // its topics begin with it
    readonly id: string;

    constructor(base: string, id: string) {
        this.base = base;
        this.id = id;
    }

    /** Its kind, a folder in boards/; a name that its owner has given is of no known kind. */
    get kind(): string {
        const kind = asText(this.info["board"]);
        return kind || makeVisible(this.base.slice(0, this.base.indexOf("/")));
    }

    get product(): string {
        const boards: Record<string, { product: string }> = facts.boards;
        return boards[this.kind]?.product ?? this.kind;
    }

    get name(): string {
        return this.label.name || asText(this.info["title"]) || `${this.product} ${this.id.slice(-4)}`;
    }

    get groups(): string[] {
        return [...new Set([...this.label.groups, ...this.groupTopics.map(groupName)])];
    }

    /** The topics, without /command, on which it obeys together with others. */
    get groupTopics(): string[] {
        return asTexts(this.info["groups"]).filter(isTopicName);
    }

    get leds(): { count: number; columns: number } {
        const boards: Record<string, { leds: number; columns: number }> = facts.boards;
        const known = boards[this.kind];
        const told = asValues(this.info["leds"]);
        const count = asNumber(told["n"]) ?? known?.leds ?? 1;
        const columns = asNumber(told["columns"]) ?? known?.columns ?? 1;
        return count >= 1 && count <= 256 && columns >= 1 ? { count, columns } : { count: 1, columns: 1 };
    }

    has(part: string): boolean {
        return asTexts(this.info["has"]).includes(part);
    }

    get firmware(): string {
        return asText(this.info["version"]) || asText(this.stats["version"]) || (this.update?.installed ?? "");
    }

    get rssi(): number | null {
        return asNumber(this.stats["rssi"]);
    }

    hasUpdate(): boolean {
        return this.update !== null && this.update.latest !== this.update.installed;
    }
}

/** Where the broker keeps something of a board: all that is left of one that is gone. */
export function retainedTopics(board: Board): string[] {
    const own = ["info", "status", "state", "label", "update/state", "update/result"];
    return [...own.map((topic) => `${board.base}/${topic}`), `homeassistant/device/${board.id}/config`];
}

/** The last part of a group's topic: 7b of class/7b. */
export function groupName(topic: string): string {
    return topic.slice(topic.lastIndexOf("/") + 1);
}

export class Boards {
    all = new Map<string, Board>(); // by their base
    hasTooMany = false; // more have said something than are kept

    receive(message: Message): void {
        const [, base, id, subtopic] = OF_A_BOARD.exec(message.topic) ?? [];
        if (!base || !id || !subtopic || message.payload.length > MAX_BYTES) {
            return;
        }
        const known = this.all.get(base);
        const board = known ?? new Board(base, id);
        const text = new TextDecoder().decode(message.payload);
        if (!take(board, subtopic, text, message)) {
            return;
        }
        board.version += 1;
        if (known) {
            return;
        }
        if (this.all.size < MAX_BOARDS) {
            this.all.set(base, board);
        } else {
            this.hasTooMany = true;
        }
    }

    /** Without a link nobody knows who is there. A broker that comes back says it again, if it still knows. */
    forgetPresence(): void {
        for (const board of this.all.values()) {
            board.online = null;
            board.version += 1;
        }
    }

    clear(): void {
        this.all.clear();
        this.hasTooMany = false;
    }

    forget(board: Board): void {
        this.all.delete(board.base);
    }
}

/** Keep what a message tells of a board; return whether it is one of a board's messages. */
function take(board: Board, subtopic: string, text: string, message: Message): boolean {
    const [topic, detail] = subtopic.split("/");
    const values = asValues(parse(text));
    switch (subtopic) {
        case "info":
            board.info = values;
            return true;
        case "label":
            board.label = { name: asText(values["name"]), groups: asTexts(values["groups"]) };
            return true;
        case "status":
            if (text === "online" || text === "offline") {
                board.online = text === "online";
                board.onlineSince = message.retained ? 0 : message.time;
                return true;
            }
            return text === "" && message.payload.length === 0;
        case "status/stats":
            board.stats = values;
            keep(board, "rssi", values["rssi"], message.time);
            return "version" in values;
        case "status/problem":
            board.problem = asText(text);
            return true;
        case "state":
            board.light = asLight(values) ?? board.light;
            return asLight(values) !== null || message.payload.length === 0;
        case "sensors":
            for (const [name, value] of Object.entries(values)) {
                keep(board, name, value, message.time);
            }
            return true;
        case "touch":
            board.touched = asText(
                Object.keys(values)
                    .filter((pad) => values[pad] === true || values[pad] === 1 || values[pad] === "ON")
                    .join(" "),
            );
            return true;
        case "update/state":
            board.update = {
                installed: asText(values["installed_version"]),
                latest: asText(values["latest_version"]),
                percent: asNumber(values["update_percentage"]),
            };
            return true;
        case "update/result":
            board.result = {
                state: asText(values["state"]),
                code: asText(values["code"]),
                reason: asText(values["reason"]),
            };
            return true;
    }
    const event = asText(values["event_type"]);
    if ((topic === "button" || topic === "motion") && event) {
        board.event = asText([detail?.toUpperCase(), event].filter(Boolean).join(" "));
        board.eventTime = message.time;
        return true;
    }
    return false;
}

function keep(board: Board, name: string, value: unknown, time: number): void {
    const number = asNumber(value);
    if (number === null) {
        return;
    }
    const points = board.series.get(name) ?? [];
    points.push({ time, value: number });
    if (points.length > MAX_POINTS) {
        points.shift();
    }
    if (board.series.size < MAX_SERIES || board.series.has(name)) {
        board.series.set(name, points);
    }
}

function parse(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return null;
    }
}

function asValues(value: unknown): Values {
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Values) : {};
}

/** A text without what would change the text around it. */
function asText(value: unknown): string {
    return typeof value === "string" ? makeVisible(value.slice(0, MAX_TEXT)) : "";
}

function asTexts(value: unknown): string[] {
    return Array.isArray(value) ? value.slice(0, 8).map(asText).filter(Boolean) : [];
}

function asNumber(value: unknown): number | null {
    return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** Read a state; null if it is none. */
export function asLight(values: Values): Light | null {
    const colour = asValues(values["color"]);
    const channels = ["r", "g", "b"].map((channel) => asNumber(colour[channel]));
    const brightness = asNumber(values["brightness"]);
    const state = values["state"];
    if ((state !== "ON" && state !== "OFF") || brightness === null) {
        return null;
    }
    const inRange = [...channels, brightness].every((v) => v !== null && v >= 0 && v <= 255);
    return inRange ? { on: state === "ON", colour: channels as Colour, brightness } : null;
}
