import assert from "node:assert/strict";
import { test } from "node:test";

import { findError } from "../src/connection.ts";

test("an address is checked before a browser is asked", () => {
    for (const address of ["", "192.168.1.5", "http://192.168.1.5", "ws://", "ws://a:99999", "mqtt://a"]) {
        assert.equal(findError(address, "http:"), "badAddress", address);
    }
    assert.equal(findError("ws://192.168.1.5:9001", "http:"), null);
    assert.equal(findError("ws://192.168.1.5:9001", "file:"), null);
});

test("a page that came by https reaches a broker by wss, or one on this computer", () => {
    assert.equal(findError("ws://192.168.1.5:9001", "https:"), "httpsNeedsWss");
    for (const address of ["wss://192.168.1.5:9001", "ws://127.0.0.1:9001", "ws://localhost:9001", "ws://[::1]:9001"]) {
        assert.equal(findError(address, "https:"), null, address);
    }
});
