import assert from "node:assert/strict";
import { test } from "node:test";

import { backoff } from "../src/backoff.ts";

test("waits grow to 8 s, with a quarter of jitter", () => {
    assert.deepEqual(
        [0, 1, 2, 3, 4, 50].map((attempt) => backoff(attempt, 0.5)),
        [1000, 2000, 4000, 8000, 8000, 8000],
    );
    assert.equal(backoff(0, 0), 750);
    assert.equal(backoff(0, 1), 1250);
});
