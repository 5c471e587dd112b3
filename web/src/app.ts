/** What the views share: the connection, the boards, and what the person has chosen. */

import { type Board, Boards, FILTERS } from "./boards.ts";
import { Connection, type Message } from "./connection.ts";
import { Monitor } from "./monitor.ts";
import { type Command, OFF, Order, send } from "./orders.ts";
import { Rollout } from "./rollout.ts";

export type Tab = "class" | "board" | "monitor" | "install";

const ATTENTION_TIME = 5 * 60_000; // ms
const AGAIN_AFTER = 1000; // ms between two orders to a board that does not stay dark

export class App {
    readonly boards = new Boards();
    readonly monitor = new Monitor();
    readonly connection: Connection;
    readonly selected = new Set<Board>();
    tab: Tab = "class";
    board: Board | null = null; // that the person talks to
    order: Order | null = null; // the last one that went to many
    rollout: Rollout | null = null; // the last update of many
    notice = ""; // what the person should know of what they did last
    attentionUntil = 0; // as Date.now()

    /** Called with each message, for a view that shows them as they come. */
    listener: ((message: Message) => void) | null = null;

    private darkened = new Map<Board, number>(); // when each was last told
    private wasOpen = false;
    private source = ""; // of the boards that are known: broker and user
    private shown: () => void;

    /** `shown` has the page drawn once in the next frame. */
    constructor(shown: () => void) {
        this.shown = shown;
        this.connection = new Connection(
            () => this.followLink(),
            (message) => {
                if (message.filter === null || FILTERS.includes(message.filter)) {
                    this.boards.receive(message);
                }
                this.monitor.receive(message);
                this.listener?.(message);
                this.step();
                this.changed();
            },
        );
        for (const filter of FILTERS) {
            this.connection.subscribe(filter);
        }
    }

    changed(): void {
        this.shown();
    }

    /** What boards said holds as long as there is a link, and on the broker where they said it. */
    private followLink(): void {
        const { login } = this.connection;
        const source = `${login?.user} ${login?.address}`;
        if (source !== this.source) {
            this.source = source;
            this.boards.clear();
            this.selected.clear();
            this.order = null;
            this.rollout = null;
        }
        if (this.wasOpen && !this.connection.isOpen()) {
            this.boards.forgetPresence();
        }
        this.wasOpen = this.connection.isOpen();
        this.changed();
    }

    say(notice: string): void {
        this.notice = notice;
        this.changed();
    }

    /** Do something that may be refused; the refusal is shown. */
    async attempt(action: () => Promise<unknown>): Promise<void> {
        this.notice = "";
        try {
            await action();
        } catch (error) {
            this.notice = (error as Error).message;
        }
        this.changed();
    }

    tell(command: Command, boards: Board[]): Promise<void> {
        return this.attempt(async () => {
            this.order = null;
            await send(this.connection, command, boards, this.boards.all.values());
            this.order = new Order(command, boards);
        });
    }

    /** Called with each message and each second, in a hidden tab too: go on with what takes time. */
    step(): void {
        this.keepDark();
        this.rollout?.step(Date.now(), this.connection.isOpen());
    }

    /** Have these boards take the versions that they are offered, one first. */
    updateAll(boards: Board[]): void {
        this.rollout = new Rollout(boards, (board, payload) =>
            this.connection.publish(`${board.base}/update/set`, payload),
        );
        this.step();
        this.changed();
    }

    stopUpdates(): void {
        this.rollout?.stop();
        this.changed();
    }

    /** Keep all lights off for some minutes, whatever pupils send: for the class's attention. */
    callAttention(): void {
        this.attentionUntil = Math.max(Date.now(), this.attentionUntil) + ATTENTION_TIME;
        this.darkened.clear();
        this.keepDark();
    }

    endAttention(): void {
        this.attentionUntil = 0;
        this.changed();
    }

    hasAttention(): boolean {
        return Date.now() < this.attentionUntil;
    }

    /** A light that has come on is switched off again, once a second. */
    private keepDark(): void {
        if (!this.hasAttention() || !this.connection.isOpen()) {
            return;
        }
        const now = Date.now();
        for (const board of this.boards.all.values()) {
            const told = this.darkened.get(board) ?? 0;
            if (board.online && board.light?.on && now - told > AGAIN_AFTER) {
                this.darkened.set(board, now);
                this.connection.publish(`${board.base}/command`, OFF.payload).catch((error: Error) => {
                    this.say(error.message);
                });
            }
        }
    }

    label(board: Board, name: string, groups: string[]): Promise<void> {
        const payload = name || groups.length ? JSON.stringify({ name, groups }) : "";
        return this.connection.publish(`${board.base}/label`, payload, { retain: true });
    }
}
