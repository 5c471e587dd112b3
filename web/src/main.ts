/** The page: what is always there, the tabs, and when to draw. */

import facts from "../facts.json" with { type: "json" };

import { App, type Tab } from "./app.ts";
import type { Board } from "./boards.ts";
import { make, setText, type View } from "./dom.ts";
import { completeAddress, readFragment, recall, writeFragment } from "./settings.ts";
import "./styles.css";
import { browserLanguage, currentLanguage, type Language, setLanguage, type Text, text } from "./texts.ts";
import { boardView } from "./views/board.ts";
import { classroomView } from "./views/classroom.ts";
import { connectView } from "./views/connect.ts";
import { installView } from "./views/install.ts";
import { monitorView } from "./views/monitor.ts";

const SECOND = 1000;
const TABS: [Tab, Text][] = [
    ["class", "class"],
    ["monitor", "monitor"],
    ["install", "installTab"],
];

let views: View[] = [];
let isAsked = false;

/** Draw once in the next frame, however much arrives until then. */
function askToDraw(): void {
    if (!isAsked) {
        isAsked = true;
        requestAnimationFrame(() => {
            isAsked = false;
            openWantedBoard();
            leaveBoardThatIsGone();
            for (const view of views) {
                view.refresh();
            }
        });
    }
}

const app = new App(askToDraw);

/** A link may name a board, which is known only when it has said something. */
let wantedBoard = readFragment()["board"] ?? "";

function openWantedBoard(): void {
    if (wantedBoard) {
        const board = [...app.boards.all.values()].find((each) => each.id === wantedBoard);
        if (board) {
            wantedBoard = "";
            open("board", board);
        }
    }
}

/** Another broker has other boards. */
function leaveBoardThatIsGone(): void {
    if (app.tab === "board" && app.board && app.boards.all.get(app.board.base) !== app.board) {
        open("class");
    }
}

function open(tab: Tab, board: Board | null = null): void {
    app.tab = tab;
    app.board = board;
    writeFragment({ tab: tab === "class" || tab === "board" ? "" : tab, board: board?.id ?? "" });
    build();
}

/** Make the page: at the start, for another tab, and in another language. */
function build(): void {
    for (const view of views) {
        view.leave?.();
    }
    document.documentElement.lang = currentLanguage() === "zh" ? "zh-Hans" : "en";
    document.title = text("title");
    const content = contentOf(app.tab);
    const notice = noticeView();
    const connect = connectView(app);
    views = [connect, notice, content];
    document.body.replaceChildren(
        make(
            "header",
            {},
            make("h1", {}, text("title")),
            make(
                "nav",
                { "aria-label": text("title") },
                TABS.map(([tab, label]) =>
                    make(
                        "button",
                        {
                            "aria-current": isCurrent(tab) ? "page" : null,
                            onclick: () => open(tab),
                        },
                        text(label),
                    ),
                ),
            ),
            languageChoice(),
        ),
        make("main", {}, connect.element, notice.element, content.element),
        make("footer", {}, text("version", { version: facts.version })),
    );
    askToDraw();
}

function isCurrent(tab: Tab): boolean {
    return tab === app.tab || (tab === "class" && app.tab === "board");
}

function contentOf(tab: Tab): View {
    if (tab === "board" && app.board) {
        return boardView(app, app.board, () => open("class"));
    }
    if (tab === "monitor") {
        return monitorView(app);
    }
    if (tab === "install") {
        return installView();
    }
    return classroomView(app, (board) => open("board", board));
}

function noticeView(): View {
    const element = make("p", { role: "alert", class: "wrong" });
    return { element, refresh: () => setText(element, app.notice) };
}

function languageChoice(): HTMLElement {
    const choice = make(
        "select",
        {
            "aria-label": text("language"),
            onchange: () => {
                setLanguage(choice.value as Language);
                build();
            },
        },
        make("option", { value: "en", lang: "en", selected: currentLanguage() === "en" }, "English"),
        make("option", { value: "zh", lang: "zh-Hans", selected: currentLanguage() === "zh" }, "中文"),
    );
    return choice;
}

function start(): void {
    setLanguage(browserLanguage());
    const { tab, broker, user } = readFragment();
    if (tab === "monitor" || tab === "install") {
        app.tab = tab;
    }
    build();
    const remembered = recall();
    // A link that names a broker is meant to be followed; a user's password it cannot name.
    if (broker && !user) {
        app.connection.open({ address: completeAddress(broker), user: "", password: "" });
    } else if (remembered && (!broker || remembered.address === broker)) {
        app.connection.open(remembered);
    }
    // What counts down is drawn each second.
    setInterval(() => {
        app.step();
        askToDraw();
    }, SECOND);
}

start();
