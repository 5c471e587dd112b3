import assert from "node:assert/strict";
import { test } from "node:test";

import { isTopicFilter, isTopicName, matches } from "../src/topics.ts";

test("filters match as MQTT 4.7 says", () => {
    const cases: [string, string, boolean][] = [
        ["a/b", "a/b", true],
        ["a/b", "a/B", false],
        ["a/+", "a/b", true],
        ["a/+", "a/", true],
        ["a/+", "a", false],
        ["a/+", "a/b/c", false],
        ["+/+", "/finance", true],
        ["/+", "/finance", true],
        ["+", "/finance", false],
        ["a/#", "a", true],
        ["a/#", "a/b/c", true],
        ["a/#", "ab", false],
        ["#", "a//b", true],
        ["#", "$SYS/x", false],
        ["+/x", "$SYS/x", false],
        ["$SYS/#", "$SYS/x", true],
    ];
    for (const [filter, name, expected] of cases) {
        assert.equal(matches(filter, name), expected, `${filter} ${name}`);
    }
});

test("filters and names are checked", () => {
    for (const good of ["a", "/", "+", "#", "a/+/b", "a/#", "灯/+"]) {
        assert.ok(isTopicFilter(good), good);
    }
    for (const bad of ["", "a#", "a+/b", "#/a", "a/#/b", "a\0", "x".repeat(65536)]) {
        assert.ok(!isTopicFilter(bad), bad.slice(0, 20));
    }
    assert.ok(isTopicName("a/b") && !isTopicName("a/+") && !isTopicName("") && !isTopicName("#"));
});
