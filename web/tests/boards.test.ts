import assert from "node:assert/strict";
import { test } from "node:test";

import { Boards, MAX_BOARDS } from "../src/boards.ts";
import { commandTopics, ON, Order } from "../src/orders.ts";

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

test("when a board left is known only of what came live", () => {
    const boards = new Boards();
    receive(boards, `${BASE}/status`, "offline", true);
    const board = boards.all.get(BASE)!;
    assert.deepEqual([board.online, board.onlineSince], [false, 0]);
    receive(boards, `${BASE}/status`, "offline");
    assert.deepEqual([board.online, board.onlineSince], [false, 1]);
    boards.forgetPresence();
    assert.equal(board.online, null);
});

test("more boards than a school has are said to be too many", () => {
    const boards = new Boards();
    for (let number = 0; number < 10_000; number += 1) {
        receive(boards, `x/${number.toString(16).padStart(12, "0")}/status`, "online", true);
    }
    assert.equal(boards.all.size, MAX_BOARDS);
    assert.ok(boards.hasTooMany);
});

test("a name cannot change the text around it", () => {
    const boards = new Boards();
    receive(boards, `${BASE}/info`, { title: "a\u202eb\nc\u2066", groups: ["g\u202e", "a/#", "ok"] });
    const board = boards.all.get(BASE)!;
    assert.equal(board.name, "a\ufffdb␊c\ufffd");
    assert.deepEqual(board.groupTopics, ["g\ufffd", "ok"]);
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

test("a board that has obeyed and starts again is not missed", () => {
    const boards = new Boards();
    const light = (state: string) => ({ state, color: { r: 1, g: 2, b: 3 }, brightness: 9 });
    receive(boards, `${BASE}/status`, "online");
    receive(boards, `${BASE}/state`, light("OFF"));
    const order = new Order(ON, [boards.all.get(BASE)!]);
    assert.equal(order.missing().length, 1);
    receive(boards, `${BASE}/state`, light("ON"));
    assert.equal(order.missing().length, 0);
    receive(boards, `${BASE}/status`, "offline");
    assert.equal(order.missing().length, 0);
});
