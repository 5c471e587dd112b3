/**
 * Tells copies of a message from messages. MQTT 3.1.1 lets a broker send a message once for each topic
 * filter that it matches, and does not say for which; MQTT 5 does. A broker sends all copies, or none.
 */

import type { Message } from "./connection.ts";

const MAX_MISSES = 3; // copies in a row that did not come: then the broker sends none
const MAX_TOPICS = 1000;

interface Original {
    payload: Uint8Array;
    left: number; // copies that may still come
}

export class Copies {
    private originals = new Map<string, Original>(); // by topic
    private misses = 0;

    /** Tell whether this is one more copy of what came last; `matching` is how many filters it matches. */
    isCopy({ topic, payload, retained }: Message, matching: number): boolean {
        // What the broker kept comes once for each filter that is subscribed.
        if (retained || this.misses >= MAX_MISSES) {
            return false;
        }
        const original = this.originals.get(topic);
        if (original && original.left > 0) {
            if (isSame(original.payload, payload)) {
                original.left -= 1;
                this.misses = 0;
                return true;
            }
            this.misses += 1;
        }
        if (this.originals.size >= MAX_TOPICS) {
            this.originals.clear();
        }
        this.originals.set(topic, { payload, left: matching - 1 });
        return false;
    }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
    return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
