/** The messages that the monitor shows: the last ones, and never more than a bounded memory. */

import type { Message } from "./connection.ts";
import { matches } from "./topics.ts";

export const MAX_ROWS = 2000;
const MAX_BYTES = 8 << 20; // of all payloads that are kept
export const MAX_PAYLOAD = 64 << 10; // of one message; the rest is only counted

export interface Row {
    number: number;
    time: number;
    topic: string;
    payload: Uint8Array; // its beginning
    size: number;
    qos: number;
    retained: boolean;
    filter: number; // which of the filters it came by
    searched?: { word: string; found: boolean }; // the last search, as it ended here
}

export type Form = "text" | "hex" | "json";

export class Monitor {
    filters: string[] = [];
    rows: Row[] = [];
    paused = false;
    missed = 0; // while it was paused
    version = 0;

    private bytes = 0;
    private number = 0;

    receive(message: Message): void {
        const filter = message.filter
            ? this.filters.indexOf(message.filter)
            : this.filters.findIndex((each) => matches(each, message.topic));
        if (filter < 0) {
            return;
        }
        this.version += 1;
        if (this.paused) {
            this.missed += 1;
            return;
        }
        const size = message.payload.length;
        // A copy: the array that came may be a view of a larger piece of what was received.
        const payload = message.payload.slice(0, MAX_PAYLOAD);
        const { time, topic, qos, retained } = message;
        this.number += 1;
        this.rows.push({ number: this.number, time, topic, payload, size, qos, retained, filter });
        this.bytes += payload.length;
        if (this.rows.length > MAX_ROWS + 500 || this.bytes > MAX_BYTES) {
            this.forgetOldest();
        }
    }

    /** In one go for many rows: to shift an array at each message would cost more than the message. */
    private forgetOldest(): void {
        let from = Math.max(0, this.rows.length - MAX_ROWS);
        let bytes = this.rows.slice(from).reduce((sum, row) => sum + row.payload.length, 0);
        while (bytes > MAX_BYTES / 2 && from < this.rows.length - 1) {
            bytes -= this.rows[from]!.payload.length;
            from += 1;
        }
        this.rows = this.rows.slice(from);
        this.bytes = bytes;
    }

    clear(): void {
        this.rows = [];
        this.bytes = 0;
        this.missed = 0;
        this.version += 1;
    }

    pause(paused: boolean): void {
        this.paused = paused;
        this.missed = 0;
        this.version += 1;
    }
}

const decoder = new TextDecoder("utf-8", { fatal: true });

/** Return bytes as text; as hexadecimal digits where they are none. */
export function asText(payload: Uint8Array): string {
    try {
        return decoder.decode(payload);
    } catch {
        return asHex(payload);
    }
}

export function asHex(payload: Uint8Array): string {
    return Array.from(payload, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

/** Return a payload in one of the forms; for one line, control characters become visible ones. */
export function show(payload: Uint8Array, form: Form): string {
    if (form === "hex") {
        return asHex(payload);
    }
    const text = asText(payload);
    if (form === "json") {
        try {
            return JSON.stringify(JSON.parse(text), null, 2);
        } catch {
            return text;
        }
    }
    return text;
}

/** Tell whether a row has a word, in lower case. Each row is looked through once a word. */
export function contains(row: Row, word: string): boolean {
    if (row.searched?.word !== word) {
        const found = `${row.topic} ${asText(row.payload)}`.toLowerCase().includes(word);
        row.searched = { word, found };
    }
    return row.searched.found;
}

export function exportLines(rows: Row[]): string {
    const lines = rows.map(({ time, topic, payload, size, qos, retained }) =>
        JSON.stringify({
            time: new Date(time).toISOString(),
            topic,
            qos,
            retained,
            size,
            payload: asText(payload),
        }),
    );
    return lines.join("\n") + "\n";
}

export function exportTable(rows: Row[]): string {
    const head = "time,topic,qos,retained,size,payload";
    const lines = rows.map(({ time, topic, payload, size, qos, retained }) =>
        [new Date(time).toISOString(), topic, qos, retained, size, asText(payload)].map(cell).join(","),
    );
    return [head, ...lines].join("\r\n") + "\r\n";
}

/** A cell of CSV. A spreadsheet would compute what begins with = + - or @; a number is one. */
export function cell(value: unknown): string {
    const text = String(value);
    const isNumber = /^[+-]?\d+(\.\d+)?$/.test(text);
    const safe = !isNumber && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return `"${safe.replaceAll('"', '""')}"`;
}
