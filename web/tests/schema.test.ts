import assert from "node:assert/strict";
import { test } from "node:test";

import { compose, fieldsFor } from "../src/serial/schema.ts";

test("each platform has the fields that it needs", () => {
    const keys = (platform: string) => fieldsFor(platform).asked.map((field) => field.key);
    assert.ok(keys("mqtt").includes("mqtt.server"));
    assert.ok(keys("onenet").includes("mqtt.client_id"));
    assert.ok(keys("easyiot").includes("topics.command"));
    const all = Object.values(fieldsFor("mqtt")).flat();
    assert.ok(keys("mqtt").includes("wifi.ssid"));
    assert.ok(all.length > 15 && new Set(all.map((field) => field.key)).size === all.length);
    assert.ok(all.every((field) => field.hint !== "" && !field.hint.includes("`")), "hints");
});

test("what is left empty stays out, and a password stays", () => {
    const fields = Object.values(fieldsFor("mqtt")).flat();
    const before = { wifi: { ssid: "a", password: null }, mqtt: { password: null } };
    const typed = new Map([
        ["wifi.ssid", "a"],
        ["mqtt.server", "b"],
        ["mqtt.port", "1884"],
        ["mqtt.tls", "true"],
        ["brightness", "40"],
    ]);
    assert.deepEqual(compose(fields, typed, before), {
        wifi: { ssid: "a", password: null },
        mqtt: { server: "b", port: 1884, tls: true, password: null },
        brightness: 40,
    });
    const list = { ...before, wifi: [before.wifi, { ssid: "home", password: null }] };
    assert.deepEqual(compose(fields, typed, list)["wifi"], [
        { ssid: "a", password: null },
        { ssid: "home", password: null },
    ]);
    typed.set("mqtt.server", "a.local, b.local");
    assert.deepEqual(compose(fields, typed, before)["mqtt"].server, ["a.local", "b.local"]);
    typed.set("wifi.ssid", "another");
    assert.deepEqual(compose(fields, typed, before)["wifi"], { ssid: "another" });
});
