/** Topic names and topic filters, by the rules of MQTT 3.1.1, section 4.7. */

const MAX_BYTES = 65535;

function isText(text: string): boolean {
    return text !== "" && !text.includes("\0") && byteLength(text) <= MAX_BYTES;
}

export function byteLength(text: string): number {
    return new TextEncoder().encode(text).length;
}

export function isTopicName(text: string): boolean {
    return isText(text) && !/[+#]/.test(text);
}

export function isTopicFilter(text: string): boolean {
    const levels = text.split("/");
    return (
        isText(text) &&
        levels.every(
            (level, position) =>
                !/[+#]/.test(level) ||
                level === "+" ||
                (level === "#" && position === levels.length - 1),
        )
    );
}

/** Tell whether a topic name matches a topic filter; both are valid. */
export function matches(filter: string, name: string): boolean {
    const wanted = filter.split("/");
    const levels = name.split("/");
    // A wildcard at the beginning does not match what brokers say of themselves [MQTT-4.7.2-1].
    if (name.startsWith("$") && /^[+#]/.test(filter)) {
        return false;
    }
    for (const [position, level] of wanted.entries()) {
        if (level === "#") {
            return true;
        }
        if (position >= levels.length || (level !== "+" && level !== levels[position])) {
            return false;
        }
    }
    return wanted.length === levels.length;
}
