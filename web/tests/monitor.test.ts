import assert from "node:assert/strict";
import { test } from "node:test";

import { asText, cell, contains, MAX_PAYLOAD, MAX_ROWS, Monitor, show } from "../src/monitor.ts";
import { makeVisible } from "../src/visible.ts";

function message(payload: Uint8Array, topic = "a") {
    return { topic, payload, qos: 0, retained: false, time: 0, filter: null };
}

test("memory is bounded by rows and by bytes", () => {
    const monitor = new Monitor();
    monitor.filters = ["#"];
    for (let count = 0; count < 20_000; count += 1) {
        monitor.receive(message(new Uint8Array(10)));
        assert.ok(monitor.rows.length <= MAX_ROWS + 500);
    }
    for (let count = 0; count < 1000; count += 1) {
        monitor.receive(message(new Uint8Array(1 << 20)));
        const bytes = monitor.rows.reduce((sum, row) => sum + row.payload.length, 0);
        assert.ok(bytes <= (8 << 20) + MAX_PAYLOAD);
    }
    assert.equal(monitor.rows.at(-1)!.size, 1 << 20);
    assert.equal(monitor.rows.at(-1)!.payload.length, MAX_PAYLOAD);
});

test("what is no text is shown as bytes", () => {
    assert.equal(asText(new Uint8Array([0xff, 0])), "ff 00");
    assert.equal(show(new TextEncoder().encode('{"a":1}'), "json"), '{\n  "a": 1\n}');
    assert.equal(makeVisible("a\n\u202eb\u0085"), "a␊\ufffdb\ufffd");
});

test("a spreadsheet does not compute what came", () => {
    assert.equal(cell("=1+1"), "\"'=1+1\"");
    assert.equal(cell('say "x"'), '"say ""x"""');
    assert.equal(cell("-5.2"), '"-5.2"');
    assert.equal(cell("-5+A1"), "\"'-5+A1\"");
});

test("a search finds a word in topic and payload, in any case", () => {
    const monitor = new Monitor();
    monitor.filters = ["#"];
    monitor.receive(message(new TextEncoder().encode("Hello"), "Door/one"));
    const [row] = monitor.rows;
    for (const [word, found] of [["door", true], ["hello", true], ["two", false], ["door", true]] as const) {
        assert.equal(contains(row!, word), found);
    }
});

test("a row is searched once a word: the list is drawn with each frame", () => {
    const monitor = new Monitor();
    monitor.filters = ["#"];
    monitor.receive(message(new TextEncoder().encode("hello")));
    const row = monitor.rows[0]!;
    assert.ok(contains(row, "hello"));
    Object.defineProperty(row, "payload", { get: () => assert.fail("it is decoded again") });
    assert.ok(contains(row, "hello"));
});
