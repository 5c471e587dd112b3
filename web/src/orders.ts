/** What a person asks of lights, and which boards have done it. */

import { type Board, type Colour, groupName } from "./boards.ts";
import type { Connection } from "./connection.ts";

export const ANSWER_TIME = 2000; // ms in which a board's state should follow a command

export interface Command {
    payload: string;
    done: ((board: Board) => boolean) | null; // null: it has no answer
}

export const IDENTIFY: Command = { payload: "identify", done: null };
export const ON: Command = { payload: "on", done: (board) => board.light?.on === true };
export const OFF: Command = { payload: "off", done: (board) => board.light?.on === false };

export function toColour(colour: Colour): Command {
    const [r, g, b] = colour;
    return {
        payload: JSON.stringify({ state: "ON", color: { r, g, b } }),
        done: ({ light }) => !!light?.on && String(light.colour) === String(colour),
    };
}

export function toBrightness(brightness: number): Command {
    return {
        payload: JSON.stringify({ state: "ON", brightness }),
        done: ({ light }) => !!light?.on && light.brightness === brightness,
    };
}

/** A command that was sent, until it is seen who has obeyed. */
export class Order {
    readonly time = Date.now();
    readonly command: Command;
    readonly boards: Board[];
    readonly #obeyed = new Set<Board>();

    constructor(command: Command, boards: Board[]) {
        this.command = command;
        this.boards = boards;
    }

    /** The boards that were not seen obeying; what becomes of the others later changes nothing. */
    missing(): Board[] {
        for (const board of this.boards) {
            if (board.online && this.command.done?.(board)) this.#obeyed.add(board);
        }
        return this.boards.filter((board) => !this.#obeyed.has(board));
    }

    isOver(now = Date.now()): boolean {
        return this.command.done === null || this.missing().length === 0 || now - this.time > ANSWER_TIME;
    }
}

/**
 * Return the topics on which a command reaches these boards and no other: one, if a group has
 * exactly them, else one a board.
 */
export function commandTopics(boards: Board[], all: Iterable<Board>): string[] {
    const everyone = [...all];
    const [first] = boards;
    const wanted = new Set(boards);
    for (const group of first && boards.length > 1 ? first.groupTopics : []) {
        const members = everyone.filter((board) => board.groupTopics.includes(group));
        if (members.length === wanted.size && members.every((board) => wanted.has(board))) {
            return [`${group}/command`];
        }
    }
    return boards.map((board) => `${board.base}/command`);
}

export async function send(
    connection: Connection,
    command: Command,
    boards: Board[],
    all: Iterable<Board>,
): Promise<void> {
    const topics = commandTopics(boards, all);
    await Promise.all(topics.map((topic) => connection.publish(topic, command.payload)));
}

/** The groups that there are, with how many boards each has. */
export function countGroups(all: Iterable<Board>): Map<string, number> {
    const counts = new Map<string, number>();
    for (const board of all) {
        for (const group of board.groups) {
            counts.set(groupName(group), (counts.get(groupName(group)) ?? 0) + 1);
        }
    }
    return counts;
}
