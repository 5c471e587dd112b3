/** The fields of config.json, from its JSON Schema (docs/config.schema.json). */

import facts from "../../facts.json" with { type: "json" };

export type Values = Record<string, any>;

interface Rule {
    $ref?: string;
    type?: string;
    enum?: unknown[];
    oneOf?: Rule[];
    properties?: Record<string, Rule>;
    required?: string[];
    description?: string;
    default?: unknown;
    minimum?: number;
    maximum?: number;
    minLength?: number;
    maxLength?: number;
    pattern?: string;
    allOf?: { if: Rule; then: Rule }[];
    const?: unknown;
}

export interface Field {
    key: string; // such as wifi.ssid
    kind: "text" | "secret" | "number" | "choice" | "switch";
    choices: string[];
    isRequired: boolean;
    hint: string;
    usual: string; // what the board takes if nothing is said
    minimum: number | undefined;
    maximum: number | undefined;
}

// What the form asks of everybody; the rest is folded, unless the platform requires it.
const ASKED = [
    "wifi.ssid",
    "wifi.password",
    "mqtt.platform",
    "mqtt.server",
    "mqtt.user",
    "mqtt.password",
];

const SCHEMA = facts.config as Rule & { $defs: Record<string, Rule> };

/** Follow a reference, and of several forms take the one with keys: of networks, the form asks one. */
function resolve(rule: Rule): Rule {
    const named = rule.$ref ? { ...SCHEMA.$defs[rule.$ref.replace("#/$defs/", "")], ...rule } : rule;
    const forms = (named.oneOf ?? []).map((each) => (each.$ref ? resolve(each) : each));
    const section = forms.find((each) => each.properties);
    return section && !named.type && forms.some((each) => each.type === "array")
        ? { ...named, properties: section.properties!, required: section.required ?? [] }
        : named;
}

/** Return the fields for a platform, those that everybody is asked first. */
export function fieldsFor(platform: string): { asked: Field[]; more: Field[] } {
    const own = (SCHEMA.allOf ?? []).find((each) => appliesTo(each.if, platform))?.then ?? {};
    const all = [...collect(SCHEMA, own, "")];
    // One choice is none: what a platform fixes is not asked.
    const fields = all.filter(({ kind, choices }) => kind !== "choice" || choices.length > 1);
    const isAsked = (field: Field) => ASKED.includes(field.key) || field.isRequired;
    return { asked: fields.filter(isAsked), more: fields.filter((field) => !isAsked(field)) };
}

function appliesTo(condition: Rule, platform: string): boolean {
    return condition.properties?.["mqtt"]?.properties?.["platform"]?.const === platform;
}

function* collect(rule: Rule, own: Rule, path: string): Generator<Field> {
    for (const [name, unresolved] of Object.entries(rule.properties ?? {})) {
        const each = resolve(unresolved);
        const key = path + name;
        const more = own.properties?.[name] ?? {};
        if (each.properties) {
            yield* collect(each, more, `${key}.`);
            continue;
        }
        const required = [...(rule.required ?? []), ...(own.required ?? [])];
        yield asField(key, { ...each, ...more }, required.includes(name));
    }
}

function asField(key: string, rule: Rule, isRequired: boolean): Field {
    const choices = (rule.enum ?? []).map(String);
    const types = [rule.type, ...(rule.oneOf ?? []).map((each) => each.type)];
    const kind = key.endsWith("password")
        ? "secret"
        : choices.length
          ? "choice"
          : types.includes("boolean")
            ? "switch"
            : types.includes("integer")
              ? "number"
              : "text";
    const { description = "", minimum, maximum } = rule;
    const usual = rule.default === undefined ? "" : String(rule.default);
    const hint = description.replaceAll("`", "").replace(/\[(.+?)\]\(.+?\)/g, "$1");
    return { key, kind, choices, isRequired, hint, usual, minimum, maximum };
}

/** Return the value at `wifi.ssid`, or undefined; of a list of networks that of the first. */
export function valueAt(values: Values, key: string): unknown {
    const [section = "", name] = key.split(".");
    const found = values[section];
    return name === undefined ? found : (Array.isArray(found) ? found[0] : found)?.[name];
}

/** Return how a field shows a board's value; "" for a password, and for an object, which no field says. */
export function shownAs(value: unknown): string {
    if (Array.isArray(value)) {
        return value.join(", ");
    }
    return value === undefined || typeof value === "object" ? "" : String(value);
}

/**
 * Return a configuration from what was typed. What was left empty stays out, so that the board's own
 * default holds; an empty password is the one that the board has, if it has one. Lists and objects, such
 * as `mqtt.tls` with its authority, stay as they are unless something else was typed.
 */
export function compose(fields: Field[], typed: Map<string, string>, before: Values): Values {
    const values: Values = { wifi: {}, mqtt: {} };
    for (const { key, kind } of fields) {
        const text = typed.get(key) ?? "";
        const [section = "", name] = key.split(".");
        const known = valueAt(before, key);
        const isKept = known !== null && typeof known === "object" && text === shownAs(known);
        const value = isKept ? known : isList(key, text) ? split(text) : parse(text, kind, known);
        if (value === undefined) {
            continue;
        }
        if (name === undefined) {
            values[section] = value;
        } else {
            values[section] = { ...values[section], [name]: value };
        }
    }
    // Another network has another password.
    if (values["wifi"].password === null && values["wifi"].ssid !== valueAt(before, "wifi.ssid")) {
        delete values["wifi"].password;
    }
    // Without a user, the board takes no password.
    if (values["mqtt"].password === null && !values["mqtt"].user) {
        delete values["mqtt"].password;
    }
    if (Array.isArray(before["wifi"])) {
        values["wifi"] = [values["wifi"], ...before["wifi"].slice(1)];
    }
    return values;
}

/** Groups always are; several brokers have a comma between them, which no name has. */
function isList(key: string, text: string): boolean {
    return (key === "topics.groups" && text !== "") || (key === "mqtt.server" && text.includes(","));
}

/** Split `a, b`, or `["a", "b"]` as it stands in config.json. */
function split(text: string): string[] {
    return text
        .split(/[,"[\]]/)
        .map((each) => each.trim())
        .filter((each) => each !== "");
}

function parse(text: string, kind: Field["kind"], before: unknown): unknown {
    if (text === "") {
        return kind === "secret" && before === null ? null : undefined;
    }
    if (kind === "number") {
        return Number(text);
    }
    return kind === "switch" ? text === "true" : text;
}
