/**
 * What a board says, in the page's language. A board speaks English; each sentence is found by that.
 *
 * The Chinese is the board's own, of its set-up page (modules/device/setup/chinese.py), and that of lines
 * which only the serial port has: lines.json. What is in neither stays English.
 */

import facts from "../../facts.json" with { type: "json" };
import { currentLanguage } from "../texts.ts";
import lines from "./lines.json" with { type: "json" };

type Table = string[][]; // of [English, Chinese]

const KEY = "%s: "; // at the beginning of what is said of a key of config.json

/** Return a sentence or a line of a board in the page's language. */
export function inLanguage(said: string): string {
    if (currentLanguage() === "en") {
        return said;
    }
    const [, part, sentence] = /^((?:config|wifi|time|mqtt): )?(.*)$/s.exec(said)!;
    return translate(said) ?? (part ?? "") + (translate(sentence!) ?? translateLine(sentence!));
}

/** Do what `translate` in chinese.py does; null for what it does not know. */
function translate(sentence: string): string | null {
    const { sentences, problems } = facts.chinese;
    const keep = (value: string) => value;
    return (
        fill(sentences, sentence, keep) ??
        fill(problems, sentence, (value, isLast) => (isLast ? translatePart(value) : value))
    );
}

function translatePart(part: string): string {
    return fill(facts.chinese.parts, part, translatePart) ?? part;
}

function translateLine(line: string): string {
    return fill(lines, line, translateLine) ?? line;
}

function fill(table: Table, text: string, say: (value: string, isLast: boolean) => string): string | null {
    for (const [english, chinese] of table) {
        const values = match(english!, text);
        if (values) {
            let count = 0;
            return chinese!.replace(/%s/g, () => say(values[count]!, ++count === values.length));
        }
    }
    return null;
}

/** Return what stands in a text in the place of each %s, %d ...; null if it is another text. */
function match(english: string, text: string): string[] | null {
    if (english.startsWith(KEY)) {
        // It ends at the first of its colons: what is wrong with it may quote anything.
        const colon = text.indexOf(": ");
        const values = colon < 0 ? null : match(english.slice(KEY.length), text.slice(colon + 2));
        return values && [text.slice(0, colon), ...values];
    }
    const [first, ...pieces] = english.split(/%[.\d]*[a-z]/) as [string, ...string[]];
    if (!pieces.length) {
        return text === first ? [] : null;
    }
    const last = pieces.pop()!;
    let end = text.length - last.length;
    if (!text.startsWith(first) || !text.endsWith(last)) {
        return null;
    }
    const values: string[] = [];
    for (const piece of pieces.reverse()) {
        const at = text.slice(0, end).lastIndexOf(piece);
        if (at < 0) {
            return null;
        }
        values.unshift(text.slice(at + piece.length, end));
        end = at;
    }
    return end < first.length ? null : [text.slice(first.length, end), ...values];
}
