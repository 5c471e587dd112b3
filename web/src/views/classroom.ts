/** All boards at once, and what is done to many of them. */

import type { App } from "../app.ts";
import { type Board, MAX_BOARDS } from "../boards.ts";
import { field, make, setText, type View } from "../dom.ts";
import { type Command, countGroups } from "../orders.ts";
import { describeRollout } from "../rollout.ts";
import { text } from "../texts.ts";
import { Card } from "./card.ts";
import { lightControls } from "./light_controls.ts";

const byName = new Intl.Collator(undefined, { numeric: true });

const ORDERS: Record<string, (one: Board, other: Board) => number> = {
    byName: (one, other) => byName.compare(one.name, other.name) || byName.compare(one.id, other.id),
    byPresence: (one, other) =>
        Number(one.online ?? false) - Number(other.online ?? false) || ORDERS["byName"]!(one, other),
    byNumber: (one, other) => byName.compare(one.id, other.id),
};

export function classroomView(app: App, open: (board: Board) => void): View {
    const cards = new Map<Board, Card>();
    const search = make("input", { type: "search", oninput: () => app.changed() });
    const group = make("select", { onchange: () => app.changed() });
    const kind = make("select", { onchange: () => app.changed() });
    const order = make(
        "select",
        { onchange: () => app.changed() },
        make("option", { value: "byName" }, text("byName")),
        make("option", { value: "byPresence" }, text("byPresence")),
        make("option", { value: "byNumber" }, text("byNumber")),
    );
    const target = make("strong", { role: "status" });
    const answer = make("p", { role: "status", class: "answer" });
    const actions = make("fieldset", { class: "actions" });
    const groupOptions = make("datalist", { id: "groups" });
    const empty = make("p", { class: "empty" });
    const crowd = make("p", { class: "wrong" });
    const grid = make("div", { class: "grid" });
    const attention = make("button", { onclick: () => app.callAttention() });
    const release = make("button", { onclick: () => app.endAttention() }, text("endAttention"));
    const update = make("button", { onclick: () => app.updateAll(targets().filter(canUpdate)) });
    const updates = make("p", { role: "status", class: "answer" });
    const stopUpdates = make("button", { onclick: () => app.stopUpdates() }, text("stopUpdates"));

    const shown = (): Board[] =>
        [...app.boards.all.values()]
            .filter(
                (board) =>
                    (!group.value || board.groups.includes(group.value)) &&
                    (!kind.value || board.kind === kind.value) &&
                    `${board.name} ${board.id}`.toLowerCase().includes(search.value.toLowerCase()),
            )
            .sort(ORDERS[order.value]);
    const targets = (): Board[] => {
        const boards = shown();
        const chosen = boards.filter((board) => app.selected.has(board));
        return chosen.length ? chosen : boards;
    };

    actions.append(
        make("legend", {}, text("to"), " ", target),
        lightControls((command: Command) => app.tell(command, targets())).element,
        make("div", { class: "row" }, attention, release, update),
        namesAndGroups(app, targets),
        groupOptions,
    );

    const selectAll = make(
        "button",
        { onclick: () => (shown().forEach((board) => app.selected.add(board)), app.changed()) },
        text("selectAll"),
    );
    const selectNone = make(
        "button",
        { onclick: () => (app.selected.clear(), app.changed()) },
        text("selectNone"),
    );

    return {
        element: make(
            "section",
            { "aria-label": text("class") },
            make(
                "div",
                { class: "row" },
                field(text("search"), search),
                field(text("group"), group),
                field(text("kind"), kind),
                field(text("sort"), order),
                selectAll,
                selectNone,
            ),
            actions,
            answer,
            make("div", { class: "row" }, updates, stopUpdates),
            crowd,
            empty,
            grid,
        ),
        refresh() {
            const everyone = [...app.boards.all.values()];
            const groups = [...countGroups(everyone)].map(([name, count]) => [name, `${name} (${count})`]);
            setOptions(group, [["", text("allGroups")], ...groups]);
            setOptions(groupOptions, groups);
            const products = new Map(everyone.map((board) => [board.kind, board.product]));
            setOptions(kind, [["", text("allKinds")], ...products]);
            const boards = shown();
            arrange(grid, boards.map((board) => cardOf(board).element));
            for (const board of boards) {
                cardOf(board).refresh();
            }
            for (const board of cards.keys()) {
                if (app.boards.all.get(board.base) !== board) {
                    cards.delete(board);
                    app.selected.delete(board);
                }
            }
            const chosen = targets();
            const hidden = everyone.length - boards.length;
            setText(target, text(chosen.length === 1 ? "toBoard" : "toBoards", { count: chosen.length }));
            setText(answer, describeAnswer(app));
            setText(empty, boards.length ? "" : text(hidden ? "noneShown" : "noneYet"));
            setText(crowd, app.boards.hasTooMany ? text("tooMany", { most: MAX_BOARDS }) : "");
            actions.disabled = !app.connection.isOpen() || chosen.length === 0;
            const left = Math.ceil((app.attentionUntil - Date.now()) / 1000);
            setText(attention, left > 0 ? text("moreAttention", { time: minutes(left) }) : text("attention"));
            release.hidden = left <= 0;
            const { rollout } = app;
            const isUpdating = rollout !== null && !rollout.isOver();
            const offered = chosen.filter(canUpdate);
            update.hidden = isUpdating || offered.length === 0;
            setText(update, text("updateBoards", { count: offered.length }));
            setText(updates, rollout ? describeRollout(rollout) : "");
            stopUpdates.hidden = !isUpdating;
            stopUpdates.disabled = !app.connection.isOpen();
        },
    };

    function cardOf(board: Board): Card {
        const card = cards.get(board) ?? new Card(app, board, open);
        cards.set(board, card);
        return card;
    }
}

/** Whether a board is there, is offered a version, and is not taking it already. */
function canUpdate(board: Board): boolean {
    return board.online === true && board.hasUpdate() && board.update!.percent === null;
}

/** Names and groups that the page gives; the broker keeps them, so that every page shows them. */
function namesAndGroups(app: App, targets: () => Board[]): HTMLElement {
    const prefix = make("input", { size: 10, maxlength: 24, value: text("boardWord") });
    const group = make("input", { size: 10, maxlength: 24, list: "groups" });
    const number = () =>
        app.attempt(() =>
            Promise.all(
                targets().map((board, index) => {
                    const name = `${prefix.value.trim()} ${String(index + 1).padStart(2, "0")}`.trim();
                    return app.label(board, name, board.label.groups);
                }),
            ),
        );
    const regroup = (change: (groups: string[], name: string) => string[]) => {
        const name = group.value.trim();
        if (name) {
            void app.attempt(() =>
                Promise.all(
                    targets().map((board) =>
                        app.label(board, board.label.name, change(board.label.groups, name)),
                    ),
                ),
            );
        }
    };
    const without = (groups: string[], name: string) => groups.filter((each) => each !== name);
    return make(
        "details",
        {},
        make("summary", {}, text("namesAndGroups")),
        make(
            "div",
            { class: "row" },
            field(text("numberAs"), prefix),
            make("button", { onclick: number }, text("number")),
            field(text("groupName"), group),
            make(
                "button",
                { onclick: () => regroup((groups, name) => [...without(groups, name), name]) },
                text("putIn"),
            ),
            make("button", { onclick: () => regroup(without) }, text("takeOut")),
        ),
    );
}

function describeAnswer(app: App): string {
    const { order } = app;
    if (!order || order.command.done === null) {
        return "";
    }
    const missing = order.missing();
    const all = order.boards.length;
    if (missing.length === 0) {
        return text(all === 1 ? "answered" : "allAnswered", { all });
    }
    if (!order.isOver()) {
        return text("waiting", { answered: all - missing.length, all });
    }
    const names = missing.slice(0, 10).map((board) => board.name);
    const more = missing.length > names.length ? ", …" : "";
    return text("someAnswered", { answered: all - missing.length, all, names: names.join(", ") + more });
}

function minutes(seconds: number): string {
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function setOptions(list: HTMLSelectElement | HTMLDataListElement, wanted: string[][]): void {
    const before = [...list.children].map((option) => `${option.getAttribute("value")} ${option.textContent}`);
    if (before.join() !== wanted.map(([value, label]) => `${value} ${label}`).join()) {
        const chosen = list instanceof HTMLSelectElement ? list.value : "";
        list.replaceChildren(
            ...wanted.map(([value, label]) =>
                make("option", { value: value ?? "", selected: value === chosen }, label ?? ""),
            ),
        );
    }
}

/** Put the elements in this order, moving only those that stand elsewhere: focus is lost by moving. */
function arrange(parent: HTMLElement, elements: HTMLElement[]): void {
    elements.forEach((element, position) => {
        if (parent.children[position] !== element) {
            parent.insertBefore(element, parent.children[position] ?? null);
        }
    });
    while (parent.childElementCount > elements.length) {
        parent.lastElementChild!.remove();
    }
}
