import assert from "node:assert/strict";
import { test } from "node:test";

import { Boards } from "../src/boards.ts";
import { commandTopics } from "../src/orders.ts";

const BASE = "mpython/a4cf12345678";

function receive(boards: Boards, topic: string, payload: unknown, retained = false): void {
    const text = typeof payload === "string" ? payload : JSON.stringify(payload);
    boards.receive({ topic, payload: new TextEncoder().encode(text), qos: 1, retained, time: 1, filter: null });
}

test("a board is what it says", () => {
    const boards = new Boards();
    receive(boards, `${BASE}/status`, "online");
    receive(boards, `${BASE}/state`, { state: "ON", color: { r: 1, g: 2, b: 3 }, brightness: 9 });
    const board = boards.all.get(BASE)!;
    assert.equal(board.online, true);
    assert.deepEqual(board.light, { on: true, colour: [1, 2, 3], brightness: 9 });
    assert.equal(board.name, "labplus mPython 5678");
    assert.deepEqual(board.leds, { count: 3, columns: 3 });
    receive(boards, `${BASE}/info`, { title: "Ada", board: "bpi-bit", groups: ["class/7b"] });
    assert.equal(board.name, "Ada");
    assert.deepEqual(board.leds, { count: 25, columns: 5 });
    assert.deepEqual(board.groups, ["7b"]);
});

test("what no board says makes no board", () => {
    const boards = new Boards();
    receive(boards, "home/kitchen/state", { state: "ON", color: { r: 1, g: 2, b: 3 }, brightness: 9 });
    receive(boards, `${BASE}/state`, "on");
    receive(boards, `${BASE}/status`, "perhaps");
    receive(boards, `${BASE}/else`, {});
    assert.equal(boards.all.size, 0);
});

test("random JSON changes nothing for the worse", () => {
    const boards = new Boards();
    receive(boards, `${BASE}/status`, "online");
    const board = boards.all.get(BASE)!;
    const values = [null, 1, -1e999, "x", [], {}, true, ["ON"], { state: "ON" }, { color: 5 }];
    const keys = ["state", "color", "brightness", "leds", "has", "groups", "title", "name", "r", "n"];
    const pick = <T>(list: T[]): T => list[Math.floor(Math.random() * list.length)]!;
    for (let round = 0; round < 20_000; round += 1) {
        const topic = pick(["info", "state", "label", "status/stats", "sensors", "touch", "update/state"]);
        const payload = Object.fromEntries(keys.map((key) => [key, pick(values)]));
        receive(boards, `${BASE}/${topic}`, pick<unknown>([payload, ...values]));
        assert.ok(typeof board.name === "string" && board.groups.every((each) => each !== ""));
        assert.ok(board.leds.count >= 1 && board.leds.count <= 256);
        assert.ok(board.light === null || board.light.colour.every((each) => each >= 0 && each <= 255));
    }
});

test("a group's topic is used for exactly its boards", () => {
    const boards = new Boards();
    for (const id of ["000000000001", "000000000002", "000000000003"]) {
        receive(boards, `a/${id}/info`, { groups: id.endsWith("3") ? ["class/all"] : ["class/all", "class/7b"] });
    }
    const [one, two, three] = [...boards.all.values()];
    const all = [one!, two!, three!];
    assert.deepEqual(commandTopics([one!, two!], all), ["class/7b/command"]);
    assert.deepEqual(commandTopics(all, all), ["class/all/command"]);
    assert.deepEqual(commandTopics([one!], all), ["a/000000000001/command"]);
    assert.deepEqual(commandTopics([one!, three!], all), [
        "a/000000000001/command",
        "a/000000000003/command",
    ]);
});
