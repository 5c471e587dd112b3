import assert from "node:assert/strict";
import { test } from "node:test";

import type { Message } from "../src/connection.ts";
import { Copies } from "../src/copies.ts";

function message(text: string, topic = "a/b", retained = false): Message {
    return { topic, payload: new TextEncoder().encode(text), qos: 1, retained, time: 0, filter: null };
}

test("as many copies are dropped as filters match, and no more", () => {
    const copies = new Copies();
    const said = ["on", "on", "on", "on", "off", "off"].map((each) => message(each));
    const dropped = said.map((each) => copies.isCopy(each, 2));
    assert.deepEqual(dropped, [false, true, false, true, false, true]);
});

test("what matches one filter is never a copy, nor is what was retained", () => {
    const copies = new Copies();
    assert.deepEqual([1, 2, 3].map(() => copies.isCopy(message("on"), 1)), [false, false, false]);
    assert.deepEqual([1, 2].map(() => copies.isCopy(message("on", "a", true), 2)), [false, false]);
});

test("a broker that sends no copies is known soon", () => {
    const copies = new Copies();
    for (const text of ["1", "2", "3", "4"]) {
        assert.equal(copies.isCopy(message(text), 2), false);
    }
    assert.equal(copies.isCopy(message("4"), 2), false);
});

test("many topics do not fill the memory", () => {
    const copies = new Copies();
    for (let number = 0; number < 3000; number += 1) {
        assert.equal(copies.isCopy(message("on", `a/${number}`), 2), false);
    }
    assert.equal(copies.isCopy(message("on", "a/2999"), 2), true);
});
