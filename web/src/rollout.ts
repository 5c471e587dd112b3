/** An update of many boards to what each is offered: first one of a kind, then some at a time (docs/update.md). */

import type { Board, Result } from "./boards.ts";
import { text } from "./texts.ts";

const AT_ONCE = 4; // the air is what they share

// How long a board may say nothing, in ms: to "install"; while it loads, where it gives up by itself
// after 120 s; from its restart to the verdict, for which update.trial gives it 300 s.
const ANSWER_TIME = 60_000;
const LOADING_TIME = 180_000;
const VERDICT_TIME = 400_000;

const LOADS = ["asked", "checking", "loading", "testing"];
const RESTARTS = ["restarting", "trial"];

/** What has become of one board. */
export class Turn {
    state = "waiting"; // then "asked", and then what the board says; "same": it ran the version already
    reason = ""; // of a failure, a sentence
    heard = 0; // when it said something, in ms
    result: Result | null = null; // the last one that was looked at

    readonly board: Board;

    constructor(board: Board) {
        this.board = board;
    }

    get loads(): boolean {
        return LOADS.includes(this.state);
    }

    get isActive(): boolean {
        return this.loads || RESTARTS.includes(this.state);
    }

    get isGood(): boolean {
        return this.state === "kept" || this.state === "same";
    }

    get isBad(): boolean {
        return !(this.isActive || this.isGood || this.state === "waiting");
    }

    end(state: string, reason = ""): void {
        this.state = state;
        this.reason = reason;
    }
}

export class Rollout {
    readonly turns: Turn[];
    private isStopped = false;
    private tell: (board: Board, payload: string) => Promise<void>;

    /** `tell` publishes on a board's update/set, or throws an error that says why not. */
    constructor(boards: Board[], tell: (board: Board, payload: string) => Promise<void>) {
        this.turns = boards.map((board) => new Turn(board));
        this.tell = tell;
    }

    isOver(): boolean {
        return !this.turns.some((turn) => turn.isActive) && !this.next();
    }

    /** Look at what the boards have said, and begin with those whose turn it is: called often. */
    step(now: number, isLinked: boolean): void {
        for (const turn of this.turns.filter((each) => each.isActive)) {
            if (turn.board.result !== turn.result) {
                turn.result = turn.board.result;
                turn.heard = now;
                follow(turn);
            } else if (!isLinked) {
                turn.heard = now; // nobody can be heard: what it said meanwhile comes with the link
            } else {
                checkHeard(turn, now - turn.heard);
            }
        }
        for (let turn = this.next(); isLinked && turn; turn = this.next()) {
            this.begin(turn, now);
        }
    }

    /** Stop those that load, and begin with no other. Those that restart go on. */
    stop(): void {
        this.isStopped = true;
        for (const turn of this.turns.filter((each) => each.loads)) {
            turn.end("cancelled", text("rolloutCancelled"));
            this.tell(turn.board, "cancel").catch((error: Error) => turn.end("lost", error.message));
        }
    }

    /** The one to begin with now, if any: alone of its kind until one has kept the version. */
    private next(): Turn | undefined {
        const active = this.turns.filter((turn) => turn.isActive);
        if (this.isStopped || active.length >= AT_ONCE || this.turns.some((turn) => turn.isBad)) {
            return undefined;
        }
        return this.turns.find(({ state, board }) => {
            const isSameKind = (turn: Turn) => turn.board.kind === board.kind;
            const isProven = this.turns.some((turn) => turn.state === "kept" && isSameKind(turn));
            return state === "waiting" && (isProven || !active.some(isSameKind));
        });
    }

    private begin(turn: Turn, now: number): void {
        turn.state = "asked";
        turn.heard = now;
        turn.result = turn.board.result;
        this.tell(turn.board, "install").catch((error: Error) => turn.end("lost", error.message));
    }
}

/** Act on what a board has said of its update. */
function follow(turn: Turn): void {
    const { state, code, reason } = turn.board.result!;
    if (LOADS.includes(state) || RESTARTS.includes(state)) {
        turn.state = state;
    } else if (code === "same") {
        turn.end("same");
    } else if (state === "refused") {
        turn.end(state, reason);
    } else if (turn.state === "asked") {
        // What became of an earlier update, which a board says after each start.
    } else if (state !== "idle") {
        turn.end(state, reason);
    } else if (turn.loads) {
        turn.end("lost", text("rolloutRestarted"));
    }
}

function checkHeard(turn: Turn, silence: number): void {
    if (turn.state === "asked" && silence > ANSWER_TIME) {
        turn.end("lost", text("rolloutNoAnswer"));
    } else if (turn.loads && silence > LOADING_TIME) {
        turn.end("lost", text("rolloutSilent", { minutes: LOADING_TIME / 60_000 }));
    } else if (silence > VERDICT_TIME) {
        turn.end("lost", text("rolloutNotBack"));
    }
}

/** Say how far it is, and which board has stopped it. */
export function describeRollout(rollout: Rollout): string {
    const { turns } = rollout;
    const count = (is: (turn: Turn) => boolean) => turns.filter(is).length;
    const all = turns.length;
    const done = count((turn) => turn.isGood);
    const active = count((turn) => turn.isActive);
    const failures = turns
        .filter((turn) => turn.isBad)
        .map((turn) => `${turn.board.name}: ${turn.reason || turn.state}`)
        .join("; ");
    if (failures) {
        const waiting = count((turn) => turn.state === "waiting");
        return text("rolloutStopped", { failures, done, all, active, waiting });
    }
    return text(rollout.isOver() ? "rolloutOver" : "rolloutGoes", { done, all, active });
}
