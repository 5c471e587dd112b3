import assert from "node:assert/strict";
import { test } from "node:test";

import { Board } from "../src/boards.ts";
import { describeRollout, Rollout } from "../src/rollout.ts";

/** Boards with an update offered, and what they are told. */
class Class {
    now = 0;
    told: string[] = [];
    refusal = "";
    readonly boards: Board[];
    readonly rollout: Rollout;

    constructor(...kinds: string[]) {
        this.boards = kinds.map((kind, index) => {
            const board = new Board(`${kind}/a4cf1234567${index}`, `a4cf1234567${index}`);
            board.label.name = `Board ${index}`;
            return board;
        });
        this.rollout = new Rollout(this.boards, async (board, payload) => {
            if (this.refusal) {
                throw new Error(this.refusal);
            }
            this.told.push(`${board.name}: ${payload}`);
        });
        this.step();
    }

    say(index: number, state: string, reason = "", code = ""): void {
        this.boards[index]!.result = { state, code, reason };
        this.step();
    }

    keep(index: number): void {
        for (const state of ["checking", "loading", "testing", "restarting", "trial", "kept"]) {
            this.say(index, state);
        }
    }

    /** Let time go by. */
    step(seconds = 0, isLinked = true): void {
        this.now += seconds * 1000;
        this.rollout.step(this.now, isLinked);
    }

    begun(): number {
        return this.told.filter((line) => line.endsWith("install")).length;
    }
}

const mpythons = (count: number) => new Class(...Array<string>(count).fill("mpython"));

test("one board goes first, and then four at a time", () => {
    const pupils = mpythons(7);
    assert.deepEqual(pupils.told, ["Board 0: install"]);
    for (const state of ["checking", "loading", "testing", "restarting", "trial"]) {
        pupils.say(0, state);
        assert.equal(pupils.begun(), 1);
    }
    pupils.say(0, "kept");
    assert.equal(pupils.begun(), 5);
    pupils.keep(1);
    assert.equal(pupils.begun(), 6);
    for (const index of [2, 3, 4, 5, 6]) {
        assert.ok(!pupils.rollout.isOver());
        pupils.keep(index);
    }
    assert.ok(pupils.rollout.isOver());
    assert.equal(describeRollout(pupils.rollout), "Update: 7 of 7 run the new version.");
});

test("each kind has a first board of its own", () => {
    const pupils = new Class("mpython", "mpython", "bpi-bit", "bpi-bit");
    assert.deepEqual(pupils.told, ["Board 0: install", "Board 2: install"]);
    pupils.keep(0);
    assert.deepEqual(pupils.told.slice(2), ["Board 1: install"]);
});

test("after a failure no other board begins", () => {
    for (const state of ["refused", "failed", "fell_back"]) {
        const pupils = mpythons(3);
        pupils.say(0, "checking");
        pupils.say(0, state, "404");
        pupils.step(3600);
        assert.equal(pupils.begun(), 1);
        assert.ok(pupils.rollout.isOver());
        const said = "Update stopped. Board 0: 404. 0 of 3 run the new version, 0 go on, 2 were not begun.";
        assert.equal(describeRollout(pupils.rollout), said);
    }
});

test("boards that have begun go on after a failure", () => {
    const pupils = mpythons(7);
    pupils.keep(0);
    pupils.say(1, "checking");
    pupils.say(1, "failed", "404");
    assert.match(describeRollout(pupils.rollout), /Board 1: 404.* 3 go on, 2 were not begun/);
    for (const index of [2, 3, 4]) {
        pupils.keep(index);
    }
    assert.equal(pupils.begun(), 5);
    assert.ok(pupils.rollout.isOver());
});

test("the version that a board runs already is no failure and no proof", () => {
    const pupils = mpythons(4);
    pupils.say(0, "refused", "1.3.0 is what it runs", "same");
    assert.equal(pupils.begun(), 2);
});

test("what became of an earlier update is passed over", () => {
    const pupils = mpythons(2);
    for (const state of ["idle", "kept", "fell_back", "failed"]) {
        pupils.say(0, state);
    }
    assert.equal(pupils.begun(), 1);
    assert.ok(!pupils.rollout.isOver());
});

test("a board that says nothing is given up", () => {
    const silences: [string[], number, RegExp][] = [
        [[], 60, /does not answer/],
        [["checking", "loading"], 180, /for 3 min/],
        [["checking", "loading", "testing", "restarting"], 400, /not come back/],
    ];
    for (const [states, patience, reason] of silences) {
        const pupils = mpythons(2);
        states.forEach((state) => pupils.say(0, state));
        pupils.step(patience);
        assert.ok(!pupils.rollout.isOver());
        pupils.step(1);
        assert.match(describeRollout(pupils.rollout), reason);
        assert.ok(pupils.rollout.isOver());
    }
});

test("a board that was restarted while it loaded has failed", () => {
    const pupils = mpythons(2);
    pupils.say(0, "loading");
    pupils.say(0, "idle");
    assert.match(describeRollout(pupils.rollout), /restarted before the image was whole/);
});

test("without a link no board begins and none is given up", () => {
    const pupils = mpythons(3);
    pupils.say(0, "loading");
    pupils.step(1000, false);
    pupils.boards[0]!.result = { state: "kept", code: "", reason: "" };
    pupils.step(0, false);
    assert.equal(pupils.begun(), 1);
    pupils.step();
    assert.equal(pupils.begun(), 3);
});

test("what may not be sent stops it", async () => {
    const pupils = mpythons(3);
    pupils.refusal = "may not publish";
    pupils.keep(0);
    await Promise.resolve(); // the refusals come after the step
    await Promise.resolve();
    assert.match(describeRollout(pupils.rollout), /Board 1: may not publish; Board 2: may not publish/);
});

test("those that load can be stopped and those that restart go on", () => {
    const pupils = mpythons(7);
    pupils.keep(0);
    pupils.say(1, "restarting");
    pupils.rollout.stop();
    const stopped = ["Board 2: cancel", "Board 3: cancel", "Board 4: cancel"];
    assert.deepEqual(pupils.told.filter((line) => line.endsWith("cancel")), stopped);
    assert.ok(!pupils.rollout.isOver());
    pupils.say(1, "kept");
    assert.equal(pupils.begun(), 5);
    assert.ok(pupils.rollout.isOver());
});
