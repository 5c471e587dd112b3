const LONGEST_WAIT = 8000; // ms

/** The wait before attempt number `attempt`, which begins with 0, in ms. */
export function backoff(attempt: number, random = Math.random()): number {
    return Math.min(LONGEST_WAIT, 1000 * 2 ** attempt) * (0.75 + random / 2);
}
